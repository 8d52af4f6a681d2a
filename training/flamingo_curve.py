"""Draw how the Flamingo starter was trained and what examples do for it.

    python -m training.flamingo_curve WORK/curve.csv WORK/checks.csv ROWS.jsonl training/curves/flamingo

ROWS.jsonl is what `python -m benchmarks.starters flamingo` prints. The tables are copied to `flamingo.csv`,
`flamingo_checks.csv` and `flamingo_shots.csv` beside the picture `flamingo.png`.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

LOSSES = {"aside": "what is in a picture", "naming": "names in context", "asking": "questions"}
CHECKS = {"shape_4": "new shapes", "fill_4": "new fills", "pair_4": "new pairs of colour and shape"}
COLUMNS = ("model", "set", "ways", "shots", "mean", "low", "high", "units")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def by_shots(rows: Path) -> list[dict[str, Any]]:
    """The rows of a benchmark that are about numbers of shots."""
    told = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [{name: row[name] for name in COLUMNS} for row in told if "shots" in row]


def draw(curve: list[dict[str, str]], checks: list[dict[str, str]], shots: list[dict[str, Any]], out: Path) -> None:
    """Losses, what was watched, and the share right over the number of examples a class."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 4), layout="constrained")
    left, middle, *right = figure.subplots(1, 4)
    for axes, table, columns, title in (
        (left, curve, LOSSES, "Losses"),
        (middle, checks, CHECKS, "One of two names, 4 examples in any order"),
    ):
        for name, label in columns.items():
            points = [(float(row["cpu_minutes"]), float(row[name])) for row in table if row[name]]
            axes.plot(*zip(*points, strict=True), label=label)
        axes.set(title=title, xlabel="minutes of one processor core")
    middle.axhline(0.5, color="grey", lw=0.8)
    for axes, ways in zip(right, (2, 5), strict=True):
        for name, style in (("flamingo-starter", "-"), ("clip-starter", ":")):
            for number, title in enumerate(CHECKS.values()):
                some = [row for row in shots if (row["model"], row["ways"], row["set"]) == (name, ways, title)]
                x, y = [row["shots"] for row in some], [row["mean"] for row in some]
                label = title if style == "-" else f"{title}, CLIP starter"
                axes.plot(x, y, style, color=f"C{number}", marker="o", ms=3, label=label)
                if style == "-":
                    low, high = [row["low"] for row in some], [row["high"] for row in some]
                    axes.fill_between(x, low, high, color=f"C{number}", alpha=0.15)
        axes.axhline(1 / ways, color="grey", lw=0.8)
        axes.set(title=f"One of {ways} new names", xlabel="examples a class", ylim=(0, 1.02))
    for axes in (left, middle, *right):
        axes.legend(frameon=False, fontsize=7)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=90)


def main() -> None:
    curve, checks, rows, out = (Path(name) for name in sys.argv[1:5])
    shots = by_shots(rows)
    draw(read(curve), read(checks), shots, out.with_suffix(".png"))
    out.with_suffix(".csv").write_bytes(curve.read_bytes())
    out.with_name(f"{out.name}_checks.csv").write_bytes(checks.read_bytes())
    with out.with_name(f"{out.name}_shots.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(shots)


if __name__ == "__main__":
    main()
