"""Draw how the training of the songs starter went: `python -m training.song_curve LOG.csv OUT.png`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

LOSSES = {"voice": "voice", "rest": "all but the voice", "stems": "drums, bass and other, where known"}
GAINS = {"voice_gain": "voice", "rest_gain": "all but the voice"}


def draw(log: Path, out: Path) -> None:
    """Losses on the left, the gain on clips kept apart on the right, both over processor minutes."""
    from matplotlib.figure import Figure

    with log.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    minutes = [float(row["cpu_seconds"]) / 60 for row in rows]
    figure = Figure(figsize=(11, 4), layout="constrained")
    titles = ("Losses", "SI-SDR over the mixture, 8 clips of singers kept apart, dB")
    for axes, lines, title in zip(figure.subplots(1, 2), (LOSSES, GAINS), titles, strict=True):
        for name, label in lines.items():
            axes.plot(minutes, [float(row[name]) for row in rows], marker="o", ms=3, label=label)
        axes.set(title=title, xlabel="minutes of one processor core")
        axes.legend(frameon=False, fontsize=8)
        axes.grid(alpha=0.3)
    figure.savefig(out, dpi=90)


if __name__ == "__main__":
    draw(*(Path(name) for name in sys.argv[1:3]))
