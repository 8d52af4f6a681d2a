"""Draw how the training of the proteins starter went: `python -m training.protein_curve LANGUAGE.csv FOLD.csv OUT.png`.

Of the log of folding every hundredth step is enough: `awk -F, 'NR == 1 || $1 % 100 == 0' fold.csv`.
"""

from __future__ import annotations

import csv
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

LANGUAGE = {"states": "secondary structure", "residues": "hidden residues × 0.3", "shape": "shape of the trace × 0.3"}
FOLDING = {"near": "errors near by", "far": "errors far off", "relatives": "how residues lie", "joints": "joints"}
CHECKED = {
    "lddt": "lDDT",
    "plddt": "pLDDT as said",
    "tm": "TM-score",
    "helix": "true helix kept",
    "strand": "true strand kept",
}

Points = dict[str, list[tuple[float, float]]]


def draw(language: Path, fold: Path, out: Path) -> None:
    """A row for each stage: losses on the left, what is reached on chains kept apart to look at on the right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    axes = figure.subplots(2, 2)
    told, folded = _points(language), _points(fold)
    _lines(axes[0, 0], told, LANGUAGE, "Language: losses")
    _lines(axes[0, 1], told, {"q3": "Q3 of single sequences"}, "Language: chains kept apart")
    _lines(axes[1, 0], folded, FOLDING, "Folding: losses")
    _lines(axes[1, 1], folded, CHECKED, "Folding: chains kept apart")
    axes[1, 0].set(yscale="log")
    figure.savefig(out, dpi=90)


def _points(log: Path) -> Points:
    points: Points = defaultdict(list)
    with log.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            points[row["name"]].append((float(row["cpu_seconds"]) / 60, float(row["value"])))
    return points


def _lines(axes: Any, points: Points, names: dict[str, str], title: str) -> None:
    for name, label in names.items():
        shown = [(minute, value) for minute, value in points[name] if value > 0]
        if shown:
            axes.plot(*zip(*shown, strict=True), label=label, marker="o" if len(shown) < 40 else "", ms=3)
    axes.set(title=title, xlabel="minutes of one processor core")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)


if __name__ == "__main__":
    draw(*(Path(name) for name in sys.argv[1:4]))
