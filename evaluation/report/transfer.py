"""Across data sets: what each system reaches where several studies of a task took the same measure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from evaluation.report import svg
from evaluation.report.html_parts import bullets, figure, table
from evaluation.studies import across as side_by_side
from evaluation.studies.results import Measured, StudyResults, span

TITLES = {"separation": "Songs", "matting": "Videos", "folding": "Proteins", "fewshot": "Pictures"}
FROM_DATA = (
    "One row a data set. The units differ from row to row, so that no test compares rows; what may be compared is how "
    "far a system is ahead of the one that needs no model, in each row by itself."
)

LEADS = (
    "How far each system is ahead of the answer that needs no model: the mean over units, paired by unit, with its "
    "95 % interval. Data made by rule stands first, then recordings, photographs and experiments, then what was drawn "
    "by hand."
)


def across(studies: Sequence[StudyResults]) -> Iterator[str]:
    """A table a task and measure that at least two studies share; nothing where there is none."""
    blocks = [block for task in TITLES for block in _task([each for each in studies if each.study.task == task])]
    if blocks:
        yield f"<div id='transfer'><h2>Across data sets</h2><p>{escape(FROM_DATA)}</p>"
        yield from blocks
        yield "</div>"


def _task(studies: Sequence[StudyResults]) -> Iterator[str]:
    shared: dict[str, list[tuple[StudyResults, Measured]]] = {}
    for results in studies:
        for measured in results.measured:
            shared.setdefault(measured.title, []).append((results, measured))
    for title, found in shared.items():
        systems = [name for name in _systems(found) if sum(name in results.systems for results, _ in found) > 1]
        if len(found) > 1 and systems and found[0][1].metric.higher_is_better is not None:
            yield f"<h4>{escape(TITLES[found[0][0].study.task])}: {escape(title)}</h4>"
            yield table(["Data", *systems], [_row(results, measured, systems) for results, measured in found])
            yield bullets(list(_gains(found, systems)), "")
            yield from _leads([results for results, _ in found], found[0][1])


def _leads(studies: Sequence[StudyResults], measured: Measured) -> Iterator[str]:
    """How far each system is ahead of its yardstick from domain to domain, and what it gains or loses on the way."""
    found = side_by_side.leads(side_by_side.ordered(studies), measured)
    if found:
        lines = [(name, [(each.data, each.interval) for each in those]) for name, those in found.items()]
        yield figure(svg.curves(lines, measured.scale, f"Mean lead, {measured.axis}"), LEADS)
        yield bullets(list(side_by_side.sentences(found, measured)), "")


def _systems(found: Sequence[tuple[StudyResults, Measured]]) -> list[str]:
    return list(dict.fromkeys(name for results, _ in found for name in results.systems))


def _row(results: StudyResults, measured: Measured, systems: Sequence[str]) -> list[str]:
    values = {each.system: each for each in results.findings(measured).systems if each.n}
    cells = [
        span(measured, value.median, value.low, value.high) if (value := values.get(name)) else "–" for name in systems
    ]
    return [f"{results.about['dataset']['title']} ({results.findings(measured).units})", *cells]


def _gains(found: Sequence[tuple[StudyResults, Measured]], systems: Sequence[str]) -> Iterator[str]:
    """How many data sets a model surely beats its yardstick on, paired by unit within each."""
    for name in systems:
        wins, tries = 0, 0
        for results, measured in found:
            yardsticks = [system for system, about in results.about["systems"].items() if about.get("yardstick")]
            there = {each.system for each in results.findings(measured).systems if each.n}
            for yardstick in yardsticks:
                if name not in yardsticks and {name, yardstick} <= there:
                    pair = results.findings(measured).pair(name, yardstick)
                    tries += 1
                    wins += pair.outcome == "a" and pair.a == name
        if tries > 1:
            yield f"{name} surely beats an answer that needs no model on {wins} of {tries} data sets."
