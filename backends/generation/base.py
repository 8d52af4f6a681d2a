"""What the engines of generation share: reading weights, a picture or a sound as a file, the step of a film."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from scipy.io import wavfile
from torch import Tensor, nn

from backends.core.engine import Artifact, Engine, Event, Metric, Partial, Progress, Result
from backends.core.errors import BadInput, WeightsBroken, WeightsMissing
from backends.generation import shipped, sound
from backends.generation.options import COLOURS, KINDS
from backends.shared import images

SIDE = 16
CHANNELS = {"pictures": 3, "sounds": sound.CHANNELS}
MOST_PIXELS = 40_000_000
SURELY = 0.8
"""A judge recognises what it is at least so sure of."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Film(Result):
    """What was made, and the steps that it went through."""

    steps: int = 0


class GenerationEngine(Engine):
    """A network that makes pictures or sounds, as its card's `capabilities` say."""

    task: ClassVar[str] = "generation"
    network: Any

    @property
    def world(self) -> str:
        """ "pictures" or "sounds"."""
        return str(self.card.capabilities.get("world", "pictures"))

    def load(self, device: str) -> None:
        if not self.weights:
            raise WeightsMissing(f"{self.card.title} needs its weights, which ship with Fourfold.")
        self.device = torch.device(device)
        self.network = self.build().eval().requires_grad_(False)
        try:
            weights = {name: value.float() for name, value in load_file(self.weights[0]).items()}
            self.network.load_state_dict(weights)
        except (SafetensorError, RuntimeError) as error:
            raise WeightsBroken(f"The weights of {self.card.title} do not fit its network.") from error
        self.network.to(self.device)

    @abstractmethod
    def build(self) -> nn.Module:
        """The network, without its weights."""

    def noise(self, seed: int, *shape: int) -> Tensor:
        """The same on every device for the same seed."""
        return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(self.device)

    def named(self, kind: str) -> int:
        """The label of a kind. Raises BadInput where this network's world has none by that name."""
        kinds = KINDS[self.world]
        if kind not in kinds:
            raise BadInput(f"{self.card.title} makes {', '.join(kinds)}; it knows no {kind}.")
        return kinds.index(kind)

    def picture_artifact(self, made: Tensor, kind: str, name: str, out: Path, **meta: Any) -> Artifact:
        """All of `(N, C, 16, 16)` as one PNG, side by side; a sound as its spectrogram."""
        path = out / f"{name}.png"
        Image.fromarray(sheet(made.cpu().numpy(), self.world)).save(path)
        return Artifact(kind, name, path, {"count": len(made), **meta})

    def artifacts(self, made: Tensor, out: Path) -> Iterator[Artifact]:
        """Each of `(N, C, 16, 16)` as a file of its own: a PNG, or a WAV with its spectrogram."""
        for number, one in enumerate(made.cpu().numpy(), 1):
            if self.world == "sounds":
                patch = sound.unpack(one[None])[0]
                path = out / f"sound-{number:02d}.wav"
                wavfile.write(path, sound.RATE, np.rint(32767 * sound.wave_of(patch)).astype(np.int16))
                yield Artifact("sound", f"sound-{number:02d}", path, {"samplerate": sound.RATE})
            yield self.picture_artifact(made[number - 1 : number], "picture", f"picture-{number:02d}", out)

    def results(self, stage: str, made: Tensor, out: Path, *first: Artifact) -> Iterator[Event]:
        """Each of `(N, C, 16, 16)` as it is written, what the judge makes of all, and the result.

        Args:
            stage: what is being done, in words.
            made: what the network made.
            out: the folder of the job.
            first: further artifacts of the result, before these.
        """
        artifacts, done = list(first), 0
        for artifact in self.artifacts(made, out):
            artifacts.append(artifact)
            yield Partial(artifact)
            if artifact.kind == "picture":
                done += 1
                yield Progress(stage, done, len(made), self.world)
        yield from self.recognition(made)
        yield Film(tuple(artifacts), 1)

    def recognition(self, made: Tensor, labels: Tensor | None = None) -> Iterator[Metric]:
        """What the judge of this world makes of `(N, C, 16, 16)`.

        Args:
            made: what it looks at.
            labels: `(N, L)` what was asked for, where something was.
        """
        judge = shipped.load(f"{self.world}-judge")
        told = [one.softmax(1) for one in judge(made.cpu())]
        sure = torch.stack([one.amax(1) for one in told], 1).amin(1) >= SURELY
        known = sure & (told[0].argmax(1) < told[0].shape[1] - 1)
        yield Metric("surely recognised", float(known.float().mean()))
        if labels is not None:
            read = torch.stack([one.argmax(1) for one in told], 1)
            asked = labels.cpu() < torch.tensor([len(KINDS[self.world]), len(COLOURS)][: labels.shape[1]])
            yield Metric("as asked", float(((read == labels.cpu()) | ~asked).all(1).float().mean()))

    def read_picture(self, path: Path) -> Tensor:
        """Any picture of the user's as `(1, 3, 16, 16)` in −1..1, its middle square made small."""
        if self.world != "pictures":
            raise BadInput(f"{self.card.title} takes no picture; choose a network that makes pictures.")
        rgb = images.read(path, most=MOST_PIXELS).rgb
        return torch.from_numpy(small(rgb)).to(self.device)


def small(rgb: np.ndarray, side: int = SIDE) -> Array:
    """`(H, W, 3)` uint8 as `(1, 3, 16, 16)` float32 in −1..1, cut to its middle square."""
    height, width = rgb.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    square = Image.fromarray(rgb[top : top + edge, left : left + edge])
    pixels = np.asarray(square.resize((side, side), Image.Resampling.BOX), np.float32)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None]) / 127.5 - 1


def sheet(made: Array, world: str) -> np.ndarray:
    """`(N, C, 16, 16)` side by side, uint8: RGB `(16, 16 N, 3)`, or grey spectrograms `(64, 32 N)`, low at the foot."""
    if world == "sounds":
        tiles = sound.unpack(made)[:, ::-1]  # (N, 64, 32)
        joined = np.concatenate(list(tiles), 1)
    else:
        joined = np.concatenate(list(made.transpose(0, 2, 3, 1)), 1)
    return np.rint(127.5 * (np.clip(joined, -1, 1) + 1)).astype(np.uint8)
