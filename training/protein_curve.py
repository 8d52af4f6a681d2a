"""Draw how the training of the proteins starter went: `python -m training.protein_curve LOG.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

LOSSES = {"states": "secondary structure", "residues": "hidden residues × 0.3", "shape": "shape of the trace × 0.3"}


def draw(log: Path, out: Path) -> None:
    """Losses on the left, Q3 of what is kept apart to look at on the right, both over processor minutes."""
    from matplotlib.figure import Figure

    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with log.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            points[row["name"]].append((float(row["cpu_seconds"]) / 60, float(row["value"])))
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in LOSSES.items():
        left.plot(*zip(*points[name], strict=True), label=label)
    left.set(title="Losses", xlabel="minutes of one processor core")
    left.legend(frameon=False, fontsize=8)
    right.plot(*zip(*points["q3"], strict=True), marker="o", ms=3)
    right.set(title="Q3 of single sequences kept apart", xlabel="minutes of one processor core")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw(*(Path(name) for name in sys.argv[1:3]))
