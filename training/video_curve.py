"""Draw how the training of the videos starter went: `python -m training.video_curve LOG.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

LOSSES = {
    "semantic": "where the person is (cross entropy and overlap; then squared error × 10)",
    "detail": "edge × 10",
    "fusion": "matte",
}


def draw(log: Path, out: Path) -> None:
    """Losses on the left, the error on portraits kept apart on the right, both over processor minutes."""
    from matplotlib.figure import Figure

    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = max((float(row["cpu_seconds"]) for row in rows if row["stage"] == "semantic"), default=0.0)
    minutes = [(float(row["cpu_seconds"]) + (first if row["stage"] == "whole" else 0)) / 60 for row in rows]
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in LOSSES.items():
        points = [(at, float(row[name])) for at, row in zip(minutes, rows, strict=True) if row[name]]
        left.plot(*zip(*points, strict=True), label=label)
    left.set(title="Losses", xlabel="minutes of one processor core")
    for stage, label in (("semantic", "semantics at 1/16 of the size"), ("whole", "the matte")):
        points = [(at, float(row["mad"])) for at, row in zip(minutes, rows, strict=True) if row["stage"] == stage]
        right.plot(*zip(*points, strict=True), marker="o", ms=3, label=label)
    right.set(title="MAD on 60 portraits kept apart", xlabel="minutes of one processor core", ylim=(0, None))
    for axes in (left, right):
        axes.axvline(first / 60, color="grey", lw=0.8)
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw(*(Path(name) for name in sys.argv[1:3]))
