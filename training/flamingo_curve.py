"""Draw how the Flamingo's training went: `python -m training.flamingo_curve CURVE.csv CHECKS.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

LOSSES = {"aside": "what is in a picture", "naming": "names in context", "asking": "questions"}
CHECKS = {
    "colour?": "colour",
    "fill?": "fill",
    "number?": "number",
    "shape?": "shape",
    "place?": "place",
    "relation?": "relation",
    "pair_4": "one of two new names, 4 examples each",
}


def columns(table: Path) -> dict[str, list[float]]:
    """A CSV of numbers by column; what was not measured is not a number."""
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name] or "nan") for row in rows] for name in rows[0]}


def draw_curves(curve: Path, checks: Path, out: Path) -> None:
    """Losses on the left, measures on what was kept apart on the right."""
    from matplotlib.figure import Figure

    losses, found = columns(curve), columns(checks)
    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, label in LOSSES.items():
        left.plot(losses["step"], losses[name], label=label)
    left.set(title="Loss while training", xlabel="step", ylim=(0, 5))
    for name, label in CHECKS.items():
        right.plot(found["step"], [100 * value for value in found[name]], marker="o", ms=3, label=label)
    right.set(title="Right on what is kept apart, %", xlabel="step", ylim=(0, 100))
    for axes in (left, right):
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw_curves(*(Path(name) for name in sys.argv[1:4]))
