"""The results of a study as tables for papers and programs: LaTeX, CSV, JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from typing import Any

from evaluation.metrics.base import metrics
from evaluation.studies.results import GROUP, Measured, StudyResults

_LATEX = str.maketrans(
    {c: f"\\{c}" for c in "&%$#_{}"} | {"−": "$-$", "–": "--", "×": r"$\times$", "~": r"\textasciitilde{}"}
)


def latex(results: StudyResults) -> str:
    """A booktabs table: a row a system, a column a measure, the interval small, letters of tie groups raised."""
    shown = results.measured
    head = " & ".join(["System", *(_escape(measured.axis) for measured in shown)])
    lines = [r"\begin{tabular}{l" + "c" * len(shown) + "}", r"\toprule", head + r" \\", r"\midrule"]
    columns = {measured: {s.system: s for s in results.findings(measured).systems} for measured in shown}
    for name in results.systems:
        cells = [_escape(name)]
        for measured in shown:
            system = columns[measured].get(name)
            cells.append(_cell(measured, system) if system is not None and system.n else "--")
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _cell(measured: Measured, system: Any) -> str:
    number = measured.metric.number
    text = _escape(number(system.median))
    if not math.isnan(system.low):
        text += rf" {{\scriptsize [{_escape(number(system.low))}, {_escape(number(system.high))}]}}"
    return text + (rf"\textsuperscript{{{system.ties}}}" if system.ties else "")


def _escape(text: str) -> str:
    return text.translate(_LATEX)


def summary_csv(results: StudyResults) -> str:
    """One row a measure and system, with median, interval, units and tie letters."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["measure", "part", "system", "n", "missing", "median", "low", "high", "mean", "ties"])
    for measured in results.measured:
        for system in results.findings(measured).systems:
            values = [system.median, system.low, system.high, system.mean]
            numbers = ["" if math.isnan(value) else f"{value:.6g}" for value in values]
            start = [measured.metric.id, measured.part, system.system, system.n, system.missing]
            writer.writerow([*start, *numbers, system.ties])
    return file.getvalue()


def findings_json(results: StudyResults) -> str:
    """Everything that is said of the study, as strict JSON."""
    found = {measured.title: results.findings(measured).to_json() for measured in results.measured}
    return json.dumps({"about": results.about, "findings": found}, ensure_ascii=False, indent=1)


PUBLISHED_HEAD = ("System", "Measure", "Value", "Units", "Source")


def published(results: StudyResults) -> list[list[str]]:
    """A row each result from elsewhere that the study names."""
    rows = []
    for result in results.study.published:
        metric = metrics(results.study.task)[result.metric]
        name = f"{metric.name} · {result.part}" if result.part else metric.name
        source = f"{result.source} {result.note}".strip()
        rows.append([result.system, name, metric.format(result.value), str(result.units or "–"), source])
    return rows


def by_group(results: StudyResults, measured: Measured, grouping: str = GROUP) -> list[list[str]]:
    """A row each group of units with its size and the median of each system; empty where there are no groups."""
    found = results.by_group(measured, grouping)
    if found is None:
        return []
    sizes = Counter(results.groupings[grouping].values())
    number = measured.metric.number
    return [
        [str(group), str(sizes[str(group)]), *(number(value) for value in values)]
        for group, *values in found.itertuples()
    ]
