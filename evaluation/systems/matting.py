"""Matting engines on photographs and clips, run as they are for a user."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from backends.core.engine import Metric
from backends.matting.base import MattingEngine
from evaluation.datasets.base import Unit
from evaluation.metrics.matting.clips import matte_scores
from evaluation.metrics.matting.frames import FramePair
from evaluation.metrics.matting.masks import region_j
from evaluation.metrics.matting.mattes import mad
from evaluation.runner import Measure, System
from evaluation.synthetic.clip import SampleClip, make_clip, write_clip
from evaluation.systems import load_engine

FPS = 30
REFERENCE = "selfie"
"""The card whose mask stands in for the truth of clips that have none."""


def matting_engine(card: str, files: Sequence[Path] = ()) -> MattingEngine:
    """The engine of a card, loaded on the best device that is there. Raises WeightsMissing."""
    engine = load_engine("matting", card, files, device="")
    assert isinstance(engine, MattingEngine)
    return engine


def photo_system(engine: MattingEngine) -> System:
    """A system that answers a photo with its matte `(H, W)` float32, at the photo's size."""
    return partial(_matte, engine)


def _matte(engine: MattingEngine, unit: Unit) -> np.ndarray:
    photo = unit.inputs["photo"]
    height, width = engine.picture_size(*photo.shape[:2])
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(engine.mattes(small[None])[0], photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def error(matte: np.ndarray, unit: Unit) -> float:
    """Mean absolute difference of alpha to the true one."""
    return mad(matte, unit.reference)


def overlap(matte: np.ndarray, unit: Unit) -> float:
    """Region similarity J of the person: what both say is person over what either does."""
    return region_j(matte > 0.5, unit.reference > 0.5)


PHOTO_METRICS: Mapping[str, Measure] = {"MAD": error, "J": overlap}


@dataclass(frozen=True)
class CutOut:
    """Finished mattes `(N, H, W)` uint8 of the start of a clip, and what the run measured of itself by name."""

    mattes: np.ndarray
    measured: Mapping[str, float]

    @property
    def rate(self) -> float:
        """Frames a second."""
        return len(self.mattes) / self.measured["seconds"]

    @cached_property
    def masks(self) -> np.ndarray:
        """(N, H, W) bool, where the person is."""
        return self.mattes > 127

    def scores(self, clip: SampleClip) -> dict[str, float]:
        """Mean SAD, MAD, MSE, gradient, connectivity and dtSSD against the true alpha of the sample clip."""
        pairs = (FramePair(i, i / FPS, alpha, clip[i].alpha) for i, alpha in enumerate(self.mattes))
        return matte_scores(pairs)["means"]

    def agreement(self, other: CutOut) -> np.ndarray:
        """(N,) region similarity J with another cut-out, frame by frame."""
        return np.array([region_j(*pair) for pair in zip(self.masks, other.masks, strict=True)])


def cut_out(engine: MattingEngine, video: Path, seconds: float, out: Path) -> CutOut:
    """Cut the person out of the first `seconds` of a video; files go to the folder `out`."""
    began = time.perf_counter()
    events = engine.run({"media": video}, {"export": "luma", "end": seconds}, out)
    measured = {event.name: event.value for event in events if isinstance(event, Metric)}
    measured["seconds"] = time.perf_counter() - began
    with av.open(str(out / "alpha.mkv")) as container:
        return CutOut(np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]), measured)


def sample_clip(seconds: float, folder: Path) -> tuple[SampleClip, Path]:
    """The rendered sample clip, whose true alpha is known, and its video in `folder`."""
    clip = make_clip(seconds)
    write_clip(clip, folder / "rendered.mp4")
    return clip, folder / "rendered.mp4"


def agreements(cuts: Mapping[tuple[str, str], CutOut]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Of cut-outs by card and clip: card, clip and J with REFERENCE frame by frame, where it cut that clip as well."""
    for (card, clip), found in cuts.items():
        reference = cuts.get((REFERENCE, clip))
        if reference is not None and card != REFERENCE:
            yield card, clip, found.agreement(reference)


def live_rate(engine: MattingEngine, size: tuple[int, int] = (288, 512), frames: int = 60, warm_up: int = 5) -> float:
    """Mattes a second at `size` (height, width), one frame a call as a camera sends them, after some to warm up."""
    clip = make_clip(2.0)
    pictures = [cv2.resize(clip[i].rgb, size[::-1], interpolation=cv2.INTER_AREA) for i in range(frames)]
    mattes: Any = engine.begin_live()
    for picture in pictures[:warm_up]:
        mattes(picture[None])
    began = time.perf_counter()
    for picture in pictures[warm_up:]:
        mattes(picture[None])
    return (frames - warm_up) / (time.perf_counter() - began)
