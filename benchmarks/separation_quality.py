"""How well singing is told from its accompaniment on MIR-1K (Hsu & Jang 2010), by the engines themselves.

    python -m benchmarks.separation_quality --data DIR [--engine dsp] [--split held-out]

DIR holds the clips, see `evaluation/datasets/mir1k.py`. The mixture is given to the engine exactly as a song is: read,
resampled to the engine's rate, split, written. The voice is the mean of the two channels that come back, resampled to
the clip's rate; the accompaniment is the mixture less the voice. Printed are mean SI-SDR improvements over the
untouched mixture, in dB, with intervals over singers.

Every third singer in the order of names is held out; parameters may be chosen on the others alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # it can be run as a file, too

from evaluation.datasets.mir1k import Mir1k
from evaluation.runner import Results, Suite, run
from evaluation.systems.separation import VOICE_METRICS, length, seconds, singing


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of clips")
    parser.add_argument("--engine", default="dsp", help="an engine with a “vocals” stem")
    parser.add_argument("--weights", default="", help="a card's name or a file of weights; the engine's best if empty")
    parser.add_argument("--split", choices=Mir1k.splits, default="held-out")
    parser.add_argument("--jobs", type=int, default=1, help="clips at once")
    arguments = parser.parse_args()
    units = list(Mir1k(arguments.data).units(arguments.split))
    system = {arguments.engine: singing(arguments.engine, arguments.weights)}
    results = Results(
        run(Suite(units, system, {**VOICE_METRICS, "seconds": seconds, "length": length}), arguments.jobs)
    )
    sys.stdout.write("\n".join(table(results, arguments.engine, arguments.split)) + "\n")


def table(results: Results, system: str, split: str) -> list[str]:
    """The lines that are printed: a row a singer, then each stem with its interval."""
    values = {metric: results.values(system, metric) for metric in (*VOICE_METRICS, "seconds", "length")}
    singers = results.groups(system, "vocals")
    parts = {name: singers == name for name in np.unique(singers)} | {split: np.ones(len(singers), bool)}
    lines = [f"{'singer':<14} {'clips':>5} {'vocals':>8} {'accompaniment':>14}"]
    for name, part in parts.items():
        vocals, rest = (values[metric][part].mean() for metric in VOICE_METRICS)
        lines.append(f"{name:<14} {part.sum():>5} {vocals:>8.2f} {rest:>14.2f}")
    for metric in VOICE_METRICS:
        interval, gains = results.interval(system, metric), values[metric]
        lines.append(
            f"{metric}: mean {gains.mean():.2f} dB, 95 % interval {interval.low:.2f} to {interval.high:.2f}, "
            f"median {np.median(gains):.2f}, better than the mixture in {(gains > 0).mean():.0%} of clips"
        )
        if interval.note:
            lines.append(interval.note)
    return [*lines, f"speed: {values['length'].sum() / values['seconds'].sum():.1f} x real time"]


if __name__ == "__main__":
    main()
