"""Draw how the training went: `python -m training.picture_curve CURVE.csv CHECKS.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

CHECKS = {
    "five_shot_new_classes": "new classes, five shots",
    "zero_shot_new_classes": "new classes, words only",
    "zero_shot_trained_classes": "trained classes, words only",
    "scenes": "drawn scenes, true or nearly true",
}


def columns(table: Path) -> dict[str, list[float]]:
    """A CSV of numbers by column; what was not measured is not a number."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}


def draw_curves(curve: Path, checks: Path, out: Path) -> None:
    """Losses on the left, measures on pictures kept apart on the right."""
    from matplotlib.figure import Figure

    losses, found = columns(curve), columns(checks)
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in (("words", "words and pictures"), ("classes", "classes"), ("early", "classes by convolutions")):
        left.plot(losses["step"], losses[name], label=label)
    left.set(title="Loss while training", xlabel="step")
    for name, label in CHECKS.items():
        right.plot(found["step"], [100 * value for value in found[name]], marker="o", ms=3, label=label)
    right.set(title="Right on what is kept apart, %", xlabel="step", ylim=(0, 130), yticks=range(0, 101, 20))
    for axes in (left, right):
        axes.legend(frameon=False)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=110)


if __name__ == "__main__":
    draw_curves(*(Path(name) for name in sys.argv[1:4]))
