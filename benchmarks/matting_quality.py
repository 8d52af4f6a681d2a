"""How good the mattes are: `python -m benchmarks.matting_quality [--weights CARD=FILE ...] [--webcam FILE ...]`.

Every matting model that is here, or whose file is named, cuts the person out of the rendered clip, whose true alpha is
known; the scores are those of the videos page. On webcam clips, which have no truth, the mask of the selfie network
stands in for it: J says how far a model agrees with that network about where the person is, not which of them is right.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np

from backends.core.engine import Metric
from backends.core.errors import WeightsMissing
from backends.core.model_card import ModelCard
from backends.core.task import task_named
from backends.matting.base import MattingEngine
from backends.matting.cards import CARDS
from backends.serving.host import Host
from evaluation.metrics.matting.clips import Pair, matte_scores
from evaluation.metrics.matting.mattes import region_j
from evaluation.synthetic.clip import make_clip, write_clip

REFERENCE = "selfie"
SCORES = {"sad": 1, "mad": 1000, "mse": 1000, "gradient": 1, "connectivity": 1, "dtssd": 1}
"""The factor that each score is written with."""


def say(row: Mapping[str, Any]) -> None:
    print(json.dumps(row), flush=True)  # noqa: T201


def engines(named: Mapping[str, Path]) -> Iterator[tuple[ModelCard, MattingEngine]]:
    """The models that can run here, loaded; those whose weights are not here are told and left out."""
    host, task = Host(), task_named("matting")
    for card in CARDS:
        try:
            paths = (named[card.id],) if card.id in named else host.paths(card)
        except WeightsMissing:
            say({"model": card.id, "left out": "its weights are not here"})
            continue
        engine = task.engine_class(card.engine)(card, paths)
        assert isinstance(engine, MattingEngine)
        engine.load(host.device)
        yield card, engine


def cut(engine: MattingEngine, video: Path, seconds: float, out: Path) -> tuple[np.ndarray, dict[str, float]]:
    """The finished mattes `(N, H, W)` uint8 of the first `seconds`, and what the run measured of itself."""
    options = {"export": "luma", "end": seconds}
    began = time.perf_counter()
    events = engine.run({"media": video}, options, out)
    told = {event.name: event.value for event in events if isinstance(event, Metric)}
    told["seconds"] = time.perf_counter() - began
    with av.open(str(out / "alpha.mkv")) as container:
        return np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]), told


def row(card: ModelCard, clip: str, mattes: np.ndarray, told: Mapping[str, float]) -> dict[str, Any]:
    return {
        "model": card.id,
        "clip": clip,
        "frames": len(mattes),
        "frames a second": round(len(mattes) / told["seconds"], 1),
        "flicker %, before and after": [round(told[name], 3) for name in ("flicker before smoothing", "flicker")],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", action="append", default=[], metavar="CARD=FILE")
    parser.add_argument("--webcam", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    named = {card: Path(file) for card, file in (item.split("=", 1) for item in given.weights)}
    found: dict[tuple[str, str], np.ndarray] = {}
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        clip = make_clip(given.seconds)
        write_clip(clip, Path(folder) / "rendered.mp4")
        for card, engine in engines(named):
            out = Path(folder) / card.id
            mattes, told = cut(engine, Path(folder) / "rendered.mp4", given.seconds, out / "rendered")
            pairs = (Pair(i, i / 30, alpha, clip[i].alpha) for i, alpha in enumerate(mattes))
            means = matte_scores(pairs)["means"]
            scores = {name: round(means[name] * factor, 2) for name, factor in SCORES.items()}
            say(row(card, "rendered", mattes, told) | scores)
            for video in given.webcam:
                mattes, told = cut(engine, video, given.seconds, out / video.stem)
                found[card.id, video.name] = mattes > 127
                say(row(card, video.name, mattes, told))
    for (card_id, video_name), masks in found.items():
        reference = found.get((REFERENCE, video_name))
        if reference is not None and card_id != REFERENCE:
            j = float(np.mean([region_j(*pair) for pair in zip(masks, reference, strict=True)]))
            say({"model": card_id, "clip": video_name, f"J with {REFERENCE}": round(j, 3)})


if __name__ == "__main__":
    main()
