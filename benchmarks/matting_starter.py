"""Who cuts people out best: the starter, the built-in cut-out and the networks of the set-up, with speeds.

Held-out portraits, the rendered clip and webcam clips. Of a portrait the truth is a hand-made mask with a hard edge, so
MAD counts soft hair as wrong for every engine alike. Of the rendered clip the true alpha is known. Webcam clips have
none: J says how far an engine agrees with the selfie network about where the person is, flicker how much the matte
changes where the picture does not.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from backends.core.errors import WeightsMissing
from backends.matting.base import MattingEngine
from backends.matting.cards import CARDS
from evaluation.datasets.portraits import Portraits
from evaluation.runner import Results, Suite, run
from evaluation.statistics.intervals import Interval
from evaluation.systems.matting import (
    PHOTO_METRICS,
    REFERENCE,
    CutOut,
    agreements,
    cut_out,
    live_rate,
    matting_engine,
    photo_system,
    sample_clip,
)

PEOPLE, SELFIE, WEBCAM = "train/people.zip", "matting/weights/selfie_segmentation.onnx", "matting/webcam"
SECONDS = 3.0
YARDSTICK = "classical"

Engines = dict[str, MattingEngine]


def measure(data: Path) -> Iterator[dict[str, Any]]:
    engines = _engines(data / SELFIE)
    yield from _portraits(engines, Portraits(data / PEOPLE))
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        yield from _rendered(engines, Path(folder))
        yield from _webcam(engines, sorted((data / WEBCAM).iterdir()), Path(folder))
    for name, engine in engines.items():
        yield {"model": name, "measure": "frames a second at 512 x 288", "mean": round(live_rate(engine), 1)}


def _engines(selfie: Path) -> Engines:
    """Starter, built-in cut-out, the networks fetched at set-up, and the selfie network.

    That one is read from the file `selfie` where it is not stored; those of the set-up are left out where they are not.
    """
    engines = {card.id: matting_engine(card.id) for card in CARDS if card.tier == "starter" or card.id == YARDSTICK}
    for card in CARDS:
        if card.archives:
            with suppress(WeightsMissing):
                engines[card.id] = matting_engine(card.id)
    try:
        return engines | {REFERENCE: matting_engine(REFERENCE)}
    except WeightsMissing:
        return engines | {REFERENCE: matting_engine(REFERENCE, (selfie,))}


def _portraits(engines: Engines, portraits: Portraits) -> Iterator[dict[str, Any]]:
    """MAD and J of each engine, and by how much its MAD differs from the built-in one's."""
    systems = {name: photo_system(engine) for name, engine in engines.items()}
    results = Results(run(Suite(portraits.units("held-out"), systems, PHOTO_METRICS, YARDSTICK)))
    for name in engines:
        for metric in PHOTO_METRICS:
            yield _row(name, f"portraits, {metric}", results.interval(name, metric))
    for name in engines:
        if name != YARDSTICK:
            difference = results.interval(name, "MAD", YARDSTICK)
            yield _row(name, f"portraits, MAD less that of {YARDSTICK}", difference)


def _row(model: str, what: str, interval: Interval) -> dict[str, Any]:
    mean, low, high = (round(value, 4) for value in (interval.estimate, interval.low, interval.high))
    return {"model": model, "measure": what, "mean": mean, "interval": [low, high], "n": interval.count}


def _rendered(engines: Engines, folder: Path) -> Iterator[dict[str, Any]]:
    clip, video = sample_clip(SECONDS, folder)
    for name, engine in engines.items():
        cut = cut_out(engine, video, SECONDS, folder / name / "rendered")
        for score, value in cut.scores(clip).items():
            if score in ("mad", "dtssd"):
                yield {"model": name, "measure": f"rendered clip, {score}", "mean": round(value, 4)}
        yield {"model": name, "measure": "rendered clip, frames a second", "mean": round(cut.rate, 1)}


def _webcam(engines: Engines, clips: list[Path], folder: Path) -> Iterator[dict[str, Any]]:
    cuts: dict[tuple[str, str], CutOut] = {}
    for clip in clips:
        for name, engine in engines.items():
            cut = cuts[name, clip.name] = cut_out(engine, clip, SECONDS, folder / name / clip.stem)
            flicker = round(cut.measured["flicker before smoothing"], 3)
            yield {"model": name, "measure": f"{clip.name}, flicker before smoothing", "mean": flicker}
    for name, clip_name, j in agreements(cuts):
        found = {"mean": round(float(j.mean()), 3), "worst frame": round(float(j.min()), 3), "n": len(j)}
        yield {"model": name, "measure": f"{clip_name}, J with {REFERENCE}"} | found
