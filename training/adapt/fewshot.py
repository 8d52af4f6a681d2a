"""CLIP to one's own classes by low-rank changes (LoRA), as Zanella and Ben Ayed (CLIP-LoRA, 2024) have it.

The attention and projections of both towers change, so that a picture lies nearer to the sentence of its class than to
those of the others. What decides is the share of pictures kept apart that is right by words alone; the classifier that
the page makes of words and examples together must not get worse, since that is what people use.
"""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from backends.core.errors import BadInput
from backends.fewshot.cards import ARCHITECTURES
from backends.fewshot.classifier import Classifier
from backends.fewshot.clip.engine import ClipEngine
from backends.fewshot.clip.files import CONFIG, recipe_of
from backends.fewshot.data.class_list import prompts
from backends.fewshot.types import Support
from backends.shared import images
from training.adapt import low_rank
from training.adapt.base import Adaptation, Measure, Split, Unit, Values, halves
from training.loop import Recipe, optimizer, warm_then_linear

PHRASING = "photo"
"""How a class becomes a sentence: as the page does it unless told otherwise."""
MIN_CLASSES = 2
FEWEST_OF_CLASS = 4
SMALLEST_SIDE = 512
"""Pixels to which large photographs may be made smaller as they are decoded."""

RANK, BATCH, DECAY = 4, 32, 0.01
TEXT_RATE, PICTURE_RATE = 2e-3, 5e-4
"""Of learning; with as high a rate for pictures, those learned from lie apart as no others do, and the classifier that
is made of them gets worse."""
SHARPNESS = 0.3
"""Of the network's own scale of cosines: at the whole of it what is right already teaches nothing more."""
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt", "tokenizer.model")


class FewShotAdaptation(Adaptation):
    """Both towers by LoRA; the result is a folder as open_clip has it."""

    measures = (
        Measure("right by words alone", "%", 1, counted=True),
        Measure("right by words and examples", "%", 1, counted=True),
    )

    def units(self) -> list[Unit]:
        units = []
        for folder in self.folders():
            files = self.files_in(folder)
            if len(files) < FEWEST_OF_CLASS:
                self.notices.append(
                    f"The class “{folder.name}” was left out: it has {len(files)} pictures, and it takes at least "
                    f"{FEWEST_OF_CLASS}."
                )
                continue
            units += [Unit(f"{folder.name}/{path.name}", (path,), folder.name) for path in files]
        self.classes = sorted({unit.label for unit in units})
        if units and len(self.classes) < MIN_CLASSES:
            raise BadInput(f"There is one class here, and telling apart takes two. {self.material.layout}")
        return units

    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        engine = self._base_engine()
        if engine.tokenizer is None:
            raise BadInput(engine.missing_tokenizer)
        pictures = self._prepared(engine, learned)
        labels = np.array([self.classes.index(unit.label) for unit in learned])
        return Words(engine, pictures, labels, self.classes, self.seed)

    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        network = copy.deepcopy(recipe.network)
        network.load_state_dict(dict(averaged), strict=False)
        low_rank.merge(network)
        folder = out / "clip"
        folder.mkdir()
        known = recipe_of(self.path, ARCHITECTURES.get(self.card.id, ""))
        preprocess = {**known.preprocess} or asdict(self._base_engine().preprocessing)
        config = {"model_cfg": known.model, "preprocess_cfg": preprocess}
        (folder / CONFIG).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
        for name in TOKENIZER:
            if self.path.is_dir() and (self.path / name).is_file():
                shutil.copyfile(self.path / name, folder / name)
        save_file(halves(network.state_dict()), folder / "open_clip_model.safetensors")
        return folder

    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        text = np.stack([_mean(engine.encode_text(prompts(name, "", PHRASING))) for name in self.classes])
        shots = self._features(engine, split.learned)
        labels = np.array([self.classes.index(unit.label) for unit in split.learned])
        support = Support(shots, labels, tuple(self.classes), text.astype(np.float32), engine.logit_scale)
        classifier = Classifier.fit(support, reject=False)
        for unit in split.apart:
            feature = self._features(engine, [unit])
            truth = self.classes.index(unit.label)
            by_words = int((feature @ text.T).argmax())
            yield float(by_words == truth), float(classifier.predict(feature).best[0] == truth)

    def _base_engine(self) -> ClipEngine:
        engine = self.engine(self.weights, adapted=False)
        assert isinstance(engine, ClipEngine)
        return engine

    def _features(self, engine: Any, units: Sequence[Unit]) -> np.ndarray:
        pictures = self._prepared(engine, units)
        parts = np.split(pictures, range(BATCH, len(pictures), BATCH))
        return np.concatenate([engine.encode_images(part) for part in parts])

    def _prepared(self, engine: Any, units: Sequence[Unit]) -> np.ndarray:
        """`(N, side, side, 3)` uint8; decoded once in this process."""
        known: dict[str, np.ndarray] = self.__dict__.setdefault("_pictures", {})
        for unit in units:
            if unit.name not in known:
                try:
                    known[unit.name] = engine.prepare(images.read(unit.files[0], SMALLEST_SIDE).rgb)
                except BadInput as error:
                    raise BadInput(f"“{unit.name}” cannot be read: {error.sentence}") from error
        return np.stack([known[unit.name] for unit in units])


class Words(Recipe):
    """The cross entropy of the classes' sentences, from pictures of which some are mirrored."""

    ema_decay, log_every = 0.8, 10

    def __init__(
        self, engine: ClipEngine, pictures: np.ndarray, labels: np.ndarray, classes: Sequence[str], seed: int
    ) -> None:
        self.engine, self.pictures, self.labels, self.seed = engine, pictures, labels, seed
        self.network: Any = engine.network
        self.changed = low_rank.attach(self.network, RANK)
        self.tokens = engine.tokenizer([prompts(name, "", PHRASING)[0] for name in classes])
        self.scale = SHARPNESS * engine.logit_scale

    def set_mode(self) -> None:
        self.network.eval()  # the statistics of the normalisations are used and not changed

    def averaged(self) -> dict[str, Tensor]:
        return low_rank.learned(self.network)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        pictures = list(low_rank.learned(self.network.visual).values())
        seen = set(map(id, pictures))
        words = [value for value in low_rank.learned(self.network).values() if id(value) not in seen]
        parts = ((nn.ParameterList(pictures), PICTURE_RATE), (nn.ParameterList(words), TEXT_RATE))
        return [optimizer(torch.optim.AdamW, part, rate, DECAY) for part, rate in parts if len(part)]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=5, fall=0.8)

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Normalised pictures `(B, 3, side, side)` and their classes `(B,)`, each class as often as any other."""
        places = [np.flatnonzero(self.labels == number) for number in range(self.labels.max() + 1)]
        while True:
            rng = np.random.default_rng([self.seed, step])
            rows = np.array([rng.choice(places[number]) for number in rng.integers(len(places), size=BATCH)])
            pixels = self.engine.pixels(self.pictures[rows])
            mirrored = torch.from_numpy(rng.random(BATCH) < 0.5)[:, None, None, None]
            yield torch.where(mirrored, pixels.flip(-1), pixels), torch.from_numpy(self.labels[rows])
            step += 1

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        pictures, labels = batch
        words = self.network.encode_text(self.tokens, normalize=True)  # (C, D)
        logits = self.scale * self.network.encode_image(pictures, normalize=True) @ words.T
        loss = F.cross_entropy(logits, labels)
        return loss, {"words": loss, "right": (logits.argmax(1) == labels).float().mean()}


def _mean(rows: np.ndarray) -> np.ndarray:
    mean = rows.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
