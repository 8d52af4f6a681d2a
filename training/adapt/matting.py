"""MODNet to one's own clips by its paper's self-supervised objectives consistency (SOC), which needs no mattes.

On clips kept apart the error of the matte is measured against true mattes, where the user has some, and else against
those of a better model that is on this machine: that the branches agree more, which is what is learned, says nothing of
whether they are right.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from backends.core.errors import BadInput, UserError
from backends.matting.engines.modnet import working_size
from backends.matting.engines.modnet_weights import load_modnet, reference_side
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source import is_picture
from backends.matting.video.still_image import read_picture
from backends.serving.host import Host
from backends.weights.store import WeightStore
from training.adapt.base import Adaptation, Measure, Split, Unit, Values, halves
from training.loop import Recipe, optimizer
from training.modnet.adaptation import agreement_losses
from training.modnet.recipe import without_second_encoder

MATTES = "mattes"
"""The folder of true mattes."""
JUDGE = "lite_edge"
"""The engine whose mattes stand for true ones where there are none."""

FRAMES = 16
"""Of each clip, spread over its first SECONDS."""
SECONDS = 20.0
LONGEST = 1280
"""Pixels of the longer side of what is kept of a frame for the judge: it works on less."""
BATCH, RATE = 4, 1e-5
"""Frames of one clip a step; the learning rate of the paper."""


class MattingAdaptation(Adaptation):
    """The branches learn; the encoder and what the normalisations count stay as they are."""

    measures = (Measure("error of the matte (MAD)", "", 4, higher_is_better=False),)

    def units(self) -> list[Unit]:
        mattes = self.folder / MATTES
        true = {path.stem: path for path in self.files_in(mattes)} if mattes.is_dir() else {}
        units = []
        for path in self.files_in(self.folder):
            if true and path.stem not in true:
                self.notices.append(f"“{path.name}” has no matte in the folder {MATTES}, so it was left out.")
                continue
            units.append(Unit(path.stem, (path, true[path.stem]) if true else (path,)))
        names = [unit.name for unit in units]
        if double := next((name for name in names if names.count(name) > 1), ""):
            raise BadInput(f"Two files here are called “{double}”: give them names of their own.")
        if not true:
            self._judge = _judge(self.material.noun)
            self.notices.append(
                f"There are no true mattes, so those of “{self._judge.card.title}” stand for them in what is measured."
            )
        return units

    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        size = reference_side(self.weights[0])
        return Agreement(
            self.weights[0], [at_working_size(sampled(unit.files[0]), size) for unit in learned], self.seed
        )

    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        """In half precision, and for pictures of the size that the base was trained for."""
        path = out / "modnet.safetensors"
        save_file(halves(averaged), path, {"reference": str(reference_side(self.weights[0]))})
        return path

    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        for unit in split.apart:
            frames = sampled(unit.files[0])
            yield (self._error(engine, frames, self._truth(unit, frames)),)

    def _truth(self, unit: Unit, frames: np.ndarray) -> np.ndarray:
        """`(F, H, W)` in 0..1: the true mattes of the same moments, or those of the judge."""
        if len(unit.files) == 1:
            return _mattes(self._judge, frames)
        mattes = sampled(unit.files[1]).mean(axis=-1) / 255
        if len(mattes) != len(frames) or mattes.shape[1:] != frames.shape[1:3]:
            raise BadInput(
                f"The matte “{unit.files[1].name}” has another length or size than its clip: export it frame by frame "
                "at the size of the clip."
            )
        return mattes

    @staticmethod
    def _error(engine: Any, frames: np.ndarray, truth: np.ndarray) -> float:
        return float(np.abs(_mattes(engine, frames) - truth).mean())


class Agreement(Recipe):
    """SOC on frames of the user's clips, `(F, H, W, 3)` uint8 each."""

    ema_decay, log_every = 0.9, 10

    def __init__(self, weights: Path, clips: Sequence[np.ndarray], seed: int) -> None:
        self.clips, self.seed = clips, seed
        self.network = load_modnet(weights)
        self.network.backbone.requires_grad_(False)  # it has seen far more than these clips
        self.before = copy.deepcopy(self.network).requires_grad_(False)

    def set_mode(self) -> None:
        self.network.eval()  # the statistics of the normalisations are used and not changed

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.Adam, self.network, RATE, betas=(0.9, 0.99))]

    def schedule(self, step: int, steps: int) -> float:
        return 1.0

    def batches(self, step: int, steps: int) -> Iterator[Tensor]:
        """Pictures `(B, 3, H, W)` in −1..1 of one clip, some of them mirrored."""
        while True:
            rng = np.random.default_rng([self.seed, step])
            clip = self.clips[int(rng.integers(len(self.clips)))]
            frames = clip[rng.choice(len(clip), min(BATCH, len(clip)), replace=False)]
            pictures = torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1
            yield pictures.flip(-1) if rng.random() < 0.5 else pictures
            step += 1

    def loss(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        terms = agreement_losses(self.network, self.before, batch)  # type: ignore[arg-type]
        return torch.stack(list(terms.values())).sum(), terms

    def averaged(self) -> dict[str, Tensor]:
        return without_second_encoder(self.network)  # type: ignore[arg-type]


def sampled(path: Path) -> np.ndarray:
    """`(F, H, W, 3)` uint8: at most FRAMES of the beginning of a video, evenly spread, or one picture."""
    if is_picture(path):
        return _smaller(read_picture(path).rgb)[None]
    reader = IsolatedReader(path, end=SECONDS)
    kept: list[np.ndarray] = []
    index, stride = 0, 1
    try:
        while (frame := reader.read()) is not None:
            if index % stride == 0:
                kept.append(_smaller(frame.rgb))
            if len(kept) == 2 * FRAMES:
                kept, stride = kept[::2], 2 * stride
            index += 1
    finally:
        reader.close()
    if not kept:
        raise BadInput(f"“{path.name}” holds no picture that can be read.")
    return np.stack([kept[place] for place in np.unique(np.linspace(0, len(kept) - 1, FRAMES).astype(int))])


def at_working_size(frames: np.ndarray, reference: int) -> np.ndarray:
    """Frames `(F, H, W, 3)` at the size at which the network looks at them."""
    height, width = working_size(frames.shape[1], frames.shape[2], reference)
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames])


def _smaller(frame: np.ndarray) -> np.ndarray:
    scale = LONGEST / max(frame.shape[:2])
    if scale >= 1:
        return frame
    return cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _mattes(engine: Any, frames: np.ndarray) -> np.ndarray:
    """`(F, H, W)` at the size of the frames, each at the engine's own working size."""
    height, width = frames.shape[1:3]
    size = engine.working_size(height, width)
    found = []
    for frame in frames:
        small = cv2.resize(frame, size[::-1], interpolation=cv2.INTER_AREA)
        found.append(cv2.resize(engine.mattes(small[None])[0], (width, height), interpolation=cv2.INTER_LINEAR))
    return np.stack(found)


def _judge(noun: str) -> Any:
    """The better model, ready. Raises BadInput where it is not on this machine."""
    from backends.matting import TASK

    try:
        card, paths = Host(WeightStore(), "cpu").choose(TASK, engine=JUDGE)
    except UserError as error:
        raise BadInput(
            f"Nothing here can tell whether it became better: put true mattes of your {noun}s into a folder called "
            f"{MATTES} beside them, under the same names. Or: {error.sentence}"
        ) from error
    engine = TASK.engine_class(card.engine)(card, paths)
    engine.load("cpu")
    return engine
