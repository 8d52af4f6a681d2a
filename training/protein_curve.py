"""Draw how the training of the proteins starter went: `python -m training.protein_curve LOG.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path

from matplotlib.figure import Figure

LOSSES = {
    "states": "secondary structure",
    "atoms": "atoms (FAPE)",
    "distances": "distances",
    "confidence": "confidence",
    "joints": "joints",
}
CHECKS = {"q3": "Q3", "lddt": "lDDT of folds", "tm": "TM-score of folds", "too_sure": "pLDDT less lDDT"}


def draw(log: Path, out: Path) -> None:
    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first = max(float(row["cpu_seconds"]) for row in rows if row["stage"] == "language")
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        seconds = float(row["cpu_seconds"]) + (first if row["stage"] == "fold" else 0)
        points[row["name"]].append((seconds / 60, float(row["value"])))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, names in ((left, LOSSES), (right, CHECKS)):
        for name, label in names.items():
            if points[name]:
                axes.plot(*zip(*points[name], strict=True), label=label, marker="o" if axes is right else "", ms=3)
        axes.axvline(first / 60, color="grey", lw=0.8)
        axes.set(xlabel="minutes of one processor core")
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    left.set(title="Losses, as they are weighed")
    right.set(title="Clusters kept apart")
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw(*(Path(name) for name in sys.argv[1:3]))
