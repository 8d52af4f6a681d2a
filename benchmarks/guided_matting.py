"""How much one correction repairs: `python -m benchmarks.guided_matting [--card CARD]`.

A film is rendered whose every true alpha is known: one person, two who cross arms, two apart, somebody who comes late,
an empty garden. The model cuts everybody out; the first rows say how well, scene by scene. Then one of two people is
wanted: each following row is a correction on a single frame, and the mean IoU with that person's true mask over the
scene before and after it. Frames a second are those of carrying, without the model and without coding.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from backends.matting.guidance.correction import Correction
from backends.matting.guidance.footage import Footage
from backends.matting.guidance.hints import parse_hints
from evaluation.metrics.matting.masks import region_j
from evaluation.synthetic.film import BLUE, RED, SCENES, Actor, Film, Scene, make_film, write_frames
from evaluation.systems.matting import matting_engine

APART = Scene("apart", 24, (Actor("left", BLUE, 0.24, 0.62, mirrored=True), Actor("right", RED, 0.78, 0.62, later=0.8)))
MAX_PIXELS = 35_600_000

CORRECTIONS: Sequence[tuple[str, str, str, int, Sequence[Mapping[str, Any]]]] = (
    ("one click on the other", "apart", "left", 12, [{"kind": "drop", "points": [[0.78, 0.9]]}]),
    ("the same on the last frame", "apart", "left", 23, [{"kind": "drop", "points": [[0.78, 0.9]]}]),
    ("one click on the other", "two", "left", 20, [{"kind": "drop", "points": [[0.76, 0.85]]}]),
    ("the same on the first frame", "two", "left", 0, [{"kind": "drop", "points": [[0.76, 0.85]]}]),
    ("one click on the other", "two", "right", 20, [{"kind": "drop", "points": [[0.25, 0.85]]}]),
    ("one box around the person", "two", "left", 20, [{"kind": "keep", "shape": "box", "points": [[0, 0], [0.52, 1]]}]),
)
"""What is done, the scene, who is wanted, the frame of the scene, and the hints."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--card", default="selfie-edge")
    given = parser.parse_args()
    film = make_film((*SCENES[:2], APART, *SCENES[2:]))
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        for row in measure(film, given.card, Path(folder)):
            print(json.dumps(row), flush=True)  # noqa: T201


def measure(film: Film, card: str, folder: Path) -> Iterator[dict[str, Any]]:
    """The rows: each scene as the model has it, then each correction."""
    video, out = folder / "film.mp4", folder / "out"
    frames = list(film)
    write_frames((frame.rgb for frame in frames), film, video)
    for _ in matting_engine(card).run({"media": video}, {"export": "luma"}, out):
        pass
    raw = _gray(out / "matte.mkv")
    for scene in film.scenes:
        ious = [_iou(raw[index], frames[index].alpha) for index in film.span(scene.name)]
        yield {"scene": scene.name, "model": card, "mean IoU": _round(ious), "worst frame": round(min(ious), 3)}
    for what, name, person, frame, hints in CORRECTIONS:
        span = film.span(name)
        truth = [frames[index].alone[person] for index in span]
        before = [_iou(raw[index], alpha) for index, alpha in zip(span, truth, strict=True)]
        mattes, seconds = corrected(video, out / "matte.mkv", [{**hint, "frame": span[frame]} for hint in hints], span)
        after = [_iou(matte, alpha) for matte, alpha in zip(mattes, truth, strict=True)]
        yield {
            "correction": what,
            "scene": name,
            "wanted": person,
            "mean IoU before": _round(before),
            "after": _round(after),
            "worst frame": round(min(after), 3),
            "frames a second": round(len(span) / seconds, 1),
        }


def corrected(
    video: Path, matte: Path, hints: Sequence[Mapping[str, Any]], span: range
) -> tuple[list[np.ndarray], float]:
    """The raw mattes `(h, w)` uint8 of a scene with these hints, and how long that took in seconds."""
    began = time.perf_counter()
    footage = Footage(video, matte, 0.0, None, MAX_PIXELS)
    with closing(Correction(footage, parse_hints(hints), matte.parent)) as correction:
        for _ in correction.events():
            pass
        seconds = time.perf_counter() - began
        mattes = [correction.alpha(index) for index in span]
    return [np.rint(255 * alpha).astype(np.uint8) for alpha in mattes if alpha is not None], seconds


def _gray(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def _iou(matte: np.ndarray, truth: np.ndarray) -> float:
    full = cv2.resize(matte, truth.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return float(region_j(full > 127, truth > 0.5))


def _round(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 3)


if __name__ == "__main__":
    main()
