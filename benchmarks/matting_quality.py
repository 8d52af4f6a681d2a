"""How good the mattes are: `python -m benchmarks.matting_quality [--weights CARD=FILE ...] [--webcam FILE ...]`.

Every matting model that is here, or whose file is named, cuts the person out of the rendered clip, whose true alpha is
known; the scores are those of the videos page. On webcam clips, which have no truth, the mask of the selfie network
stands in for it: J says how far a model agrees with that network about where the person is, not which of them is right.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from backends.core.errors import BadInput, WeightsMissing
from backends.matting.base import MattingEngine
from backends.matting.cards import CARDS
from evaluation.metrics.matting.mattes import METRICS
from evaluation.systems.matting import REFERENCE, CutOut, agreements, cut_out, matting_engine, sample_clip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", action="append", default=[], metavar="CARD=FILE")
    parser.add_argument("--webcam", action="append", default=[], type=Path, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    files = {card: Path(file) for card, file in (item.split("=", 1) for item in given.weights)}
    cuts: dict[tuple[str, str], CutOut] = {}
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        clip, video = sample_clip(given.seconds, Path(folder))
        for card, engine in engines(files):
            try:
                cut = cut_out(engine, video, given.seconds, Path(folder) / card / "rendered")
            except BadInput as error:  # a keyer, before a garden
                say({"model": card, "left out": error.sentence})
                continue
            means = cut.scores(clip)
            scores = {metric.id: round(means[metric.id] * metric.scale, metric.digits) for metric in METRICS}
            say(row(card, "rendered", cut) | scores)
            for webcam in given.webcam:
                cuts[card, webcam.name] = cut_out(engine, webcam, given.seconds, Path(folder) / card / webcam.stem)
                say(row(card, webcam.name, cuts[card, webcam.name]))
    for card, name, j in agreements(cuts):
        say({"model": card, "clip": name, f"J with {REFERENCE}": round(float(j.mean()), 3)})


def engines(files: Mapping[str, Path]) -> Iterator[tuple[str, MattingEngine]]:
    """The models that can run here, loaded, by card; those whose weights are not here are named and left out."""
    for card in CARDS:
        try:
            yield card.id, matting_engine(card.id, (files[card.id],) if card.id in files else ())
        except WeightsMissing:
            say({"model": card.id, "left out": "its weights are not here"})


def row(card: str, clip: str, cut: CutOut) -> dict[str, Any]:
    """What a run measured of itself."""
    return {
        "model": card,
        "clip": clip,
        "frames": len(cut.mattes),
        "frames a second": round(cut.rate, 1),
        "flicker %, before and after": [
            round(cut.measured[name], 3) for name in ("flicker before smoothing", "flicker")
        ],
    }


def say(row: Mapping[str, Any]) -> None:
    print(json.dumps(row), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
