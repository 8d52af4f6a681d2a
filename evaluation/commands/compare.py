"""Compare systems by anyone's scores: a table with a unit, a system and a score in each row."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from backends.core.errors import BadInput
from evaluation.statistics.comparison import Findings, compare, scores
from evaluation.statistics.verdicts import belief_text
from evaluation.tables import read_table

if TYPE_CHECKING:
    import pandas as pd


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rows", type=Path, help="a table: .csv, .tsv, .txt, .json, .jsonl or .parquet")
    parser.add_argument("--unit", required=True, metavar="COLUMN", help="what was measured: a song, a clip, a question")
    parser.add_argument("--system", required=True, metavar="COLUMN", help="which model or setting the score is of")
    parser.add_argument("--score", required=True, metavar="COLUMN", help="the number")
    parser.add_argument("--cluster", metavar="COLUMN", help="what units share that are not independent, as an artist")
    parser.add_argument("--lower-is-better", action="store_true", help="the score is an error or a time")
    parser.add_argument("--margin", type=float, help="a difference too small to matter: systems within it are alike")
    parser.add_argument("--level", type=float, default=0.95, help="of the intervals; 0.95 if not given")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(chosen: argparse.Namespace) -> int:
    if not 0.5 <= chosen.level < 1:
        raise BadInput("The level of the intervals lies between 0.5 and 1, such as 0.95.")
    if chosen.margin is not None and not chosen.margin > 0:
        raise BadInput("The margin is a difference too small to matter: give a number above zero, or leave it out.")
    frame = read_table(chosen.rows)
    wanted = [chosen.unit, chosen.system, chosen.score, *([chosen.cluster] if chosen.cluster else [])]
    for column in wanted:
        if column not in frame.columns:
            have = ", ".join(map(str, frame.columns))
            raise BadInput(f"{chosen.rows.name} has no column “{column}”; its columns are {have}.")
    nameless = frame[chosen.unit].isna() | frame[chosen.system].isna()
    frame = frame[~nameless]
    if frame.empty:
        raise BadInput(f"{chosen.rows.name} has no row with both a unit and a system.")
    table = scores(frame[chosen.unit].tolist(), frame[chosen.system].astype(str).tolist(), frame[chosen.score].tolist())
    clusters = _clusters(frame, chosen.unit, chosen.cluster) if chosen.cluster else None
    try:
        found = compare(
            table, clusters, higher_is_better=not chosen.lower_is_better, level=chosen.level, margin=chosen.margin
        )
    except ValueError as error:
        raise BadInput(" ".join([str(error), *_not_numbers(frame[chosen.score])])) from error
    notes = (*found.notes, *_not_numbers(frame[chosen.score]))
    if nameless.any():
        notes = (*notes, f"{int(nameless.sum())} rows name no unit or no system.")
    if chosen.json:
        sys.stdout.write(json.dumps({**found.to_json(), "notes": notes}, ensure_ascii=False, indent=1) + "\n")
    else:
        sys.stdout.write(text(found, notes))
    return 0


def _not_numbers(scores: pd.Series) -> list[str]:
    """A sentence where words stand in place of scores: they count as missing, and should not do so unseen."""
    import pandas as pd

    written = scores[scores.map(lambda value: isinstance(value, str) and bool(value.strip()))]
    words = written[pd.to_numeric(written, errors="coerce").isna()]
    if words.empty:
        return []
    are = "score is no number" if len(words) == 1 else "scores are no numbers"
    return [f"{len(words)} {are}, such as “{str(words.iloc[0])[:40]}”."]


def _clusters(frame: pd.DataFrame, unit: str, cluster: str) -> dict[object, object]:
    """The cluster of each unit. Raises BadInput where a unit has none, or two."""
    pairs = frame[[unit, cluster]].drop_duplicates()
    if pairs[cluster].isna().any():
        raise BadInput(f"A unit has no “{cluster}”: every unit must say which cluster it is of.")
    twice = pairs[unit][pairs[unit].duplicated()]
    if len(twice):
        raise BadInput(f"The unit “{twice.iloc[0]}” is in two clusters; a unit belongs to one.")
    return dict(zip(pairs[unit], pairs[cluster], strict=True))


def text(found: Findings, notes: tuple[str, ...] = ()) -> str:
    """The findings as people read them in a terminal."""
    width = max(len(system.system) for system in found.systems)
    lines = [f"{'system':{width}}  {'n':>5}  {'median':>9}  interval"]
    for system in found.systems:
        span = f"{system.low:.3f} to {system.high:.3f}" if system.low == system.low else "–"
        lines.append(f"{system.system:{width}}  {system.n:>5}  {system.median:>9.3f}  {span:22}  {system.ties}")
    lines += ["", *(pair.verdict for pair in found.pairs)]
    lines += [said for pair in found.pairs if (said := belief_text(pair, found.margin))]
    lines += ["", *notes] if notes else []
    return "\n".join(lines) + "\n"
