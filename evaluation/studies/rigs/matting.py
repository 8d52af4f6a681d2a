"""Photos and clips in a study: the raw matte of every frame, against alpha or a mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import cv2
import numpy as np

from backends.matting.base import MattingEngine
from evaluation.datasets.base import Sample
from evaluation.metrics.base import metrics as metrics_of
from evaluation.metrics.matting import masks
from evaluation.metrics.matting.clips import score_clip
from evaluation.metrics.matting.frames import FramePair
from evaluation.studies.rig import Answer, Score
from evaluation.systems.matting import matting_engine


def system(card: str, options: Mapping[str, Any]) -> Answer:
    return _ellipse if card == "ellipse" else partial(_mattes, _engine(card))


@cache
def _engine(card: str) -> MattingEngine:
    return matting_engine(card)


def frames_of(sample: Sample) -> np.ndarray:
    """`(N, H, W, 3)` of a clip, or the one picture of a photo."""
    return sample.inputs["frames"] if "frames" in sample.inputs else sample.inputs["photo"][None]


def _ellipse(sample: Sample, seed: int) -> np.ndarray:
    frames = frames_of(sample)
    height, width = frames.shape[1:3]
    picture = np.zeros((height, width), np.float32)
    cv2.ellipse(picture, (width // 2, round(0.6 * height)), (width // 6, round(0.4 * height)), 0, 0, 360, 1.0, -1)
    return np.broadcast_to(picture, frames.shape[:3])


def _mattes(engine: MattingEngine, sample: Sample, seed: int) -> np.ndarray:
    """`(N, H, W)` float32, frame by frame as the engine tracks them."""
    frames, step = frames_of(sample), engine.begin()
    height, width = engine.working_size(*frames.shape[1:3])
    mattes = []
    for frame in frames:
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        mattes.append(cv2.resize(step(small[None])[0], frame.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    return np.stack(mattes)


def scores(output: np.ndarray, sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    truth = sample.reference if np.ndim(sample.reference) == 3 else np.asarray(sample.reference)[None]
    fps = float(sample.inputs.get("fps", 1))
    unscored, void = set(sample.inputs.get("unscored", ())), sample.inputs.get("void")
    if void is not None:  # what the annotators left open counts as background in both
        output, truth = np.where(void, 0, output), np.where(void, 0, truth)
    of_masks = {metric.id for metric in masks.METRICS}
    for kind in (True, False):
        chosen = [metrics_of("matting")[name] for name in metrics if (name in of_masks) == kind]
        if not chosen:
            continue
        pairs = (
            FramePair(number, number / fps, matte, true > 0.5 if kind else true)
            for number, (matte, true) in enumerate(zip(output, truth, strict=True))
            if true is not None and number not in unscored
        )
        found = score_clip(pairs, chosen)
        for metric in chosen:
            values = np.full(len(output), np.nan)
            values[
                [number for number in range(len(output)) if truth[number] is not None and number not in unscored]
            ] = [np.nan if value is None else value for value in found["frames"][metric.id]]
            yield Score(metric.id, _mean(values), "", _worst(values, bool(metric.higher_is_better)))


def trust(output: object, sample: Sample) -> None:
    """A cut-out does not say how sure it is."""


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _worst(values: np.ndarray, higher_is_better: bool) -> float | None:
    if not np.isfinite(values).any():
        return None
    return float(np.nanargmin(values) if higher_is_better else np.nanargmax(values))
