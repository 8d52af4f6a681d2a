"""The starter of videos beside the built-in cut-out: portraits kept apart, the rendered clip, webcam clips, and speed.

Of a portrait the truth is a hand-made mask with a hard edge, so MAD counts soft hair as wrong for every engine alike.
Of the rendered clip the true alpha is known. The webcam clips have none: J says how far an engine agrees with the
selfie network about where the person is, flicker how much the matte changes where the picture does not.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from backends.core.model_card import ModelCard
from backends.core.task import task_named
from backends.matting.base import MattingEngine
from backends.matting.cards import CARDS
from backends.serving.host import HERE, Host
from benchmarks.matting_quality import cut
from benchmarks.starters import mean_and_interval
from evaluation.datasets.portraits import held_out
from evaluation.metrics.matting.clips import Pair, matte_scores
from evaluation.metrics.matting.mattes import mad, region_j
from evaluation.synthetic.clip import make_clip, write_clip

PEOPLE, SELFIE, WEBCAM = "train/people.zip", "matting/weights/selfie_segmentation.onnx", "matting/webcam"
SECONDS = 3.0
YARDSTICK, REFERENCE = "classical", "selfie"
LIVE_SIZE, LIVE_FRAMES = (288, 512), 60


def measure(data: Path) -> Iterator[dict[str, Any]]:
    engines = {card.id: engine for card, engine in _engines(data / SELFIE)}
    yield from _portraits(engines, data / PEOPLE)
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        yield from _rendered(engines, Path(folder))
        yield from _webcam(engines, sorted((data / WEBCAM).iterdir()), Path(folder))
    for name, engine in engines.items():
        yield {"model": name, "measure": "frames a second at 512 x 288", "mean": round(_rate(engine), 1)}


def _engines(selfie: Path) -> Iterator[tuple[ModelCard, MattingEngine]]:
    """Starter, built-in cut-out, and the selfie network from `selfie`, loaded."""
    host, task = Host(), task_named("matting")
    for card in CARDS:
        if card.tier in ("starter", "builtin") or card.id == REFERENCE:
            paths = (selfie,) if card.id == REFERENCE and host.stored(card) not in HERE else host.paths(card)
            engine = task.engine_class(card.engine)(card, paths)
            assert isinstance(engine, MattingEngine)
            engine.load(host.device)
            yield card, engine


def _portraits(engines: dict[str, MattingEngine], archive: Path) -> Iterator[dict[str, Any]]:
    """MAD and J of each engine on the portraits kept apart, and by how much it differs from the built-in one's."""
    mads: dict[str, np.ndarray] = {}
    with zipfile.ZipFile(archive) as source:
        stems = [
            Path(name).stem for name in source.namelist() if name.startswith("portraits/photos/") and name[-1] != "/"
        ]
        pairs = [(_photo(source, name), _mask(source, name)) for name in held_out(stems)]
    for name, engine in engines.items():
        found = [_matte(engine, photo) for photo, _ in pairs]
        mads[name] = np.array([mad(alpha, mask) for alpha, (_, mask) in zip(found, pairs, strict=True)])
        overlaps = [region_j(alpha > 0.5, mask > 0.5) for alpha, (_, mask) in zip(found, pairs, strict=True)]
        yield _told(name, "portraits, MAD", mads[name])
        yield _told(name, "portraits, J", np.array(overlaps))
    for name, values in mads.items():
        if name != YARDSTICK:
            yield _told(name, f"portraits, MAD less that of {YARDSTICK}", values - mads[YARDSTICK])


def _told(model: str, what: str, values: np.ndarray) -> dict[str, Any]:
    mean, low, high = (round(value, 4) for value in mean_and_interval(values))
    return {"model": model, "measure": what, "mean": mean, "interval": [low, high], "n": len(values)}


def _photo(source: zipfile.ZipFile, name: str) -> np.ndarray:
    coded = np.frombuffer(source.read(f"portraits/photos/{name}.jpg"), np.uint8)
    return cv2.cvtColor(cv2.imdecode(coded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def _mask(source: zipfile.ZipFile, name: str) -> np.ndarray:
    coded = np.frombuffer(source.read(f"portraits/masks/{name}.png"), np.uint8)
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def _matte(engine: MattingEngine, photo: np.ndarray) -> np.ndarray:
    """The matte `(H, W)` float32 at the photo's size, as the engine takes a single picture."""
    height, width = engine.working_size(*photo.shape[:2])
    small = cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)
    return cv2.resize(engine.begin()(small[None])[0], photo.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _rendered(engines: dict[str, MattingEngine], folder: Path) -> Iterator[dict[str, Any]]:
    clip = make_clip(SECONDS)
    write_clip(clip, folder / "rendered.mp4")
    for name, engine in engines.items():
        mattes, told = cut(engine, folder / "rendered.mp4", SECONDS, folder / name / "rendered")
        scores = matte_scores(Pair(i, i / 30, alpha, clip[i].alpha) for i, alpha in enumerate(mattes))["means"]
        for score in ("mad", "dtssd"):
            yield {"model": name, "measure": f"rendered clip, {score}", "mean": round(scores[score], 4)}
        yield {
            "model": name,
            "measure": "rendered clip, frames a second",
            "mean": round(len(mattes) / told["seconds"], 1),
        }


def _webcam(engines: dict[str, MattingEngine], clips: list[Path], folder: Path) -> Iterator[dict[str, Any]]:
    masks: dict[tuple[str, str], np.ndarray] = {}
    for clip in clips:
        for name, engine in engines.items():
            mattes, told = cut(engine, clip, SECONDS, folder / name / clip.stem)
            masks[name, clip.name] = mattes > 127
            flicker = told["flicker before smoothing"]
            yield {"model": name, "measure": f"{clip.name}, flicker before smoothing", "mean": round(flicker, 3)}
    for (name, clip_name), found in masks.items():
        reference = masks.get((REFERENCE, clip_name))
        if reference is not None and name != REFERENCE:
            j = np.array([region_j(*pair) for pair in zip(found, reference, strict=True)])
            told_j = {"mean": round(float(j.mean()), 3), "worst frame": round(float(j.min()), 3), "n": len(j)}
            yield {"model": name, "measure": f"{clip_name}, J with {REFERENCE}"} | told_j


def _rate(engine: MattingEngine) -> float:
    """Mattes a second, one frame a call, as a camera sends them; the first ones do not count."""
    clip = make_clip(2.0)
    frames = [cv2.resize(clip[i].rgb, LIVE_SIZE[::-1], interpolation=cv2.INTER_AREA) for i in range(LIVE_FRAMES)]
    mattes = engine.begin_live()
    for frame in frames[:5]:
        mattes(frame[None])
    began = time.perf_counter()
    for frame in frames[5:]:
        mattes(frame[None])
    return (LIVE_FRAMES - 5) / (time.perf_counter() - began)
