"""Draw how a starter was trained: `python -m training.plots STARTER WORK/STAGE.csv … --out training/curves`.

The logs of all stages are joined into `STARTER.csv` beside the picture `STARTER.png`. With `--shots ROWS.jsonl`, which
is what `python -m benchmarks.starters flamingo` prints, the accuracy over the number of examples is drawn too.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.loop import COLUMNS

Curves = Mapping[str, list[tuple[float, float]]]
"""By "stage/name": points of minutes of one processor core since the beginning of the first stage, and values."""


@dataclass(frozen=True)
class Panel:
    """One part of a figure: `lines` names the logged values, as "stage/name", with their labels."""

    title: str
    lines: Mapping[str, str]
    log_scale: bool = False
    chance: float | None = None


PANELS: Mapping[str, tuple[Panel, ...]] = {
    "htdemucs": (
        Panel(
            "Losses",
            {
                "separation/voice": "voice",
                "separation/rest": "all but the voice",
                "separation/stems": "drums, bass and other, where known",
            },
        ),
        Panel(
            "SI-SDR over the mixture, 8 clips of held-out singers, dB",
            {"separation/voice_gain": "voice", "separation/rest_gain": "all but the voice"},
        ),
    ),
    "modnet": (
        Panel(
            "Losses",
            {
                "semantic/semantic": "where the person is (cross entropy and overlap)",
                "whole/semantic": "where the person is (squared error × 10)",
                "whole/detail": "edge × 10",
                "whole/fusion": "matte",
            },
        ),
        Panel(
            "MAD on 60 held-out portraits",
            {"semantic/mad": "semantics at 1/16 of the size", "whole/mad": "the matte"},
        ),
    ),
    "esmfold": (
        Panel(
            "Language: losses",
            {
                "language/states": "secondary structure",
                "language/residues": "hidden residues × 0.3",
                "language/shape": "shape of the trace × 0.3",
            },
        ),
        Panel("Language: held-out chains", {"language/q3": "Q3 of single sequences"}),
        Panel(
            "Folding: losses",
            {
                "fold/near": "errors near by",
                "fold/far": "errors far off",
                "fold/relatives": "relative frames",
                "fold/joints": "joints",
            },
            log_scale=True,
        ),
        Panel(
            "Folding: held-out chains",
            {
                "fold/lddt": "lDDT",
                "fold/plddt": "pLDDT",
                "fold/tm": "TM-score",
                "fold/helix": "true helix kept",
                "fold/strand": "true strand kept",
            },
        ),
    ),
    "clip": (
        Panel("Losses", {"words/pairs": "words and pictures", "words/words": "words alone: 1 − cosine"}),
        Panel(
            "Fraction right on held-out data",
            {
                "words/zero_shot_new_classes": "new classes, words only",
                "words/zero_shot_trained_classes": "trained classes, words only",
                "words/scenes": "drawn scenes, true or nearly true",
            },
        ),
    ),
    "flamingo": (
        Panel(
            "Losses",
            {
                "flamingo/aside": "what is in a picture",
                "flamingo/naming": "names in context",
                "flamingo/asking": "questions",
            },
        ),
        Panel(
            "One of two names, 4 examples in any order",
            {
                "flamingo/shape_4": "new shapes",
                "flamingo/fill_4": "new fills",
                "flamingo/pair_4": "new pairs of colour and shape",
            },
            chance=0.5,
        ),
    ),
    "generative": (
        Panel(
            "Judges: right on held-out examples",
            {"pictures-judge/right0": "kinds of things", "sounds-judge/right0": "kinds of sounds"},
        ),
        Panel("Attention: right on held-out texts", {"attention/right": "what followed the last time"}, chance=1 / 16),
        Panel(
            "VAE: squared error on held-out examples, β 1",
            {
                "pictures-vae-2/error, β 1": "pictures, 2 numbers",
                "pictures-vae-8/error, β 1": "pictures, 8 numbers",
                "sounds-vae-8/error, β 1": "sounds, 8 numbers",
            },
        ),
        Panel(
            "GAN: kinds surely recognised among 512",
            {
                "pictures-gan/modes": "healthy, of 20",
                "pictures-gan-collapsing/modes": "collapsing, of 20",
                "sounds-gan/modes": "sounds, of 6",
            },
        ),
        Panel(
            "Diffusion: error of v on held-out examples",
            {"pictures-diffusion/held-out error": "pictures", "sounds-diffusion/held-out error": "sounds"},
        ),
    ),
}
COMPARED = ("flamingo-starter", "clip-starter")
"""Models whose accuracy over the number of examples is drawn: the starter, and beside it what else ships."""
WAYS = ("2", "5")
SHOT_COLUMNS = ("model", "set", "ways", "shots", "mean", "low", "high", "units")


def read_log(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def curves(rows: Iterable[Mapping[str, str]]) -> Curves:
    """The curves of a log; a stage begins where the one before it ended.

    >>> row = {"stage": "a", "step": "1", "cpu_seconds": "60", "name": "loss", "value": "2"}
    >>> dict(curves([row, row | {"stage": "b"}]))
    {'a/loss': [(1.0, 2.0)], 'b/loss': [(2.0, 2.0)]}
    """
    points: dict[str, list[tuple[float, float]]] = defaultdict(list)
    ends: dict[str, float] = {}  # by stage, in the order of the log
    for row in rows:
        minutes = float(row["cpu_seconds"]) / 60
        before = sum(end for stage, end in ends.items() if stage != row["stage"])
        ends[row["stage"]] = max(minutes, ends.get(row["stage"], 0.0))
        points[f"{row['stage']}/{row['name']}"].append((before + minutes, float(row["value"])))
    return points


def draw(starter: str, log: Iterable[Mapping[str, str]], shots: list[dict[str, Any]], out: Path) -> None:
    """A PNG with the panels of `starter`, two in a row, and with `shots` a panel for each number of classes.

    Args:
        starter: one of PANELS.
        log: rows with the columns of `training.loop`.
        shots: rows with SHOT_COLUMNS; none for starters that are not asked by examples.
        out: the PNG file.
    """
    from matplotlib.figure import Figure

    points, panels = curves(log), PANELS[starter]
    ways = [count for count in WAYS if any(str(row["ways"]) == count for row in shots)]
    lines = -(-(len(panels) + len(ways)) // 2)
    figure = Figure(figsize=(11, 4 * lines), layout="constrained")
    axes = figure.subplots(lines, 2, squeeze=False).flatten()
    for place, panel in zip(axes, panels, strict=False):
        _draw_panel(place, panel, points)
    for place, count in zip(axes[len(panels) :], ways, strict=False):
        _draw_shots(place, count, shots)
    for place in axes:
        place.grid(alpha=0.3)
        place.set_visible(place.has_data())
        if place.has_data():
            place.legend(frameon=False, fontsize=8)
    figure.savefig(out, dpi=90)


def _draw_panel(axes: Any, panel: Panel, points: Curves) -> None:
    for key, label in panel.lines.items():
        shown = points.get(key, [])
        if shown:
            axes.plot(*zip(*shown, strict=True), label=label, marker="o" if len(shown) < 40 else "", ms=3)
    if panel.chance is not None:
        axes.axhline(panel.chance, color="grey", lw=0.8)
    axes.set(title=panel.title, xlabel="minutes of one processor core", yscale="log" if panel.log_scale else "linear")


def _draw_shots(axes: Any, ways: str, rows: list[dict[str, Any]]) -> None:
    """The fraction right over the number of examples a class: the starter's with its interval, the other's dotted."""
    shown = [row for row in rows if str(row["ways"]) == ways and row["model"] in COMPARED]
    for number, title in enumerate(dict.fromkeys(row["set"] for row in shown)):
        for model, style, label in zip(COMPARED, "-:", (title, f"{title}, CLIP starter"), strict=True):
            some = [row for row in shown if (row["model"], row["set"]) == (model, title)]
            x = [float(row["shots"]) for row in some]
            low, mean, high = ([float(row[name]) for row in some] for name in ("low", "mean", "high"))
            axes.plot(x, mean, style, color=f"C{number}", marker="o", ms=3, label=label)
            if style == "-":
                axes.fill_between(x, low, high, color=f"C{number}", alpha=0.15)
    axes.axhline(1 / int(ways), color="grey", lw=0.8)
    axes.set(title=f"One of {ways} new names", xlabel="examples a class", ylim=(0, 1.02))


def read_shots(path: Path) -> list[dict[str, Any]]:
    """The rows about numbers of shots, from a benchmark's JSON lines or from a table written before."""
    if path.suffix == ".csv":
        return [dict(row) for row in read_log(path)]
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [{name: row[name] for name in SHOT_COLUMNS} for row in rows if "shots" in row]


def write_table(path: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("starter", choices=PANELS)
    parser.add_argument("logs", type=Path, nargs="+", help="the logs of its stages, in their order")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the table and the picture")
    parser.add_argument("--every", type=int, default=1, help="keep the rows of every so many steps alone")
    parser.add_argument("--shots", type=Path, help="what the benchmark of the Flamingo starter printed")
    given = parser.parse_args()
    rows = [row for log in given.logs for row in read_log(log) if int(row["step"]) % given.every == 0]
    shots = read_shots(given.shots) if given.shots else []
    write_table(given.out / f"{given.starter}.csv", COLUMNS, rows)
    if shots:
        write_table(given.out / f"{given.starter}_shots.csv", SHOT_COLUMNS, shots)
    draw(given.starter, rows, shots, given.out / f"{given.starter}.png")


if __name__ == "__main__":
    main()
