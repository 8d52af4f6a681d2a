"""How much a model bears, and whether its confidence keeps its word."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from evaluation.report import tables, words
from evaluation.studies.results import Measured, StudyResults, span
from studio.ui import charts, formatting
from viz.evidence import figures

CONFIDENCE = ("calibration_error", "brier", "aurc", "log_loss", "plddt_gap")
"""Measures of whether a probability or confidence is to be believed."""


def robustness(results: StudyResults, measured: Measured, key: str) -> None:
    """One curve a system over the levels of each condition."""
    found = results.conditions()
    if not found:
        st.caption("This study measured nothing but the inputs as they are.")
        return
    for condition in found:
        lines = []
        for system in results.systems:
            points = results.curve(measured, system, condition.id)
            lines.append((system, [(condition.level(severity), interval) for severity, interval in points]))
        figure, alt = figures.curves(lines, measured.scale, condition.title, measured.axis)
        charts.show(figure, alt=alt, key=f"curve-{key}-{condition.id}")
    if measured == results.measured[0]:
        for sentence in words.robustness(results):
            st.markdown(f"- {formatting.escape(sentence)}")


def groups(results: StudyResults, measured: Measured) -> None:
    """How each system does in each group of units, such as a singer; nothing where there are no groups."""
    rows, found = tables.by_group(results, measured), results.by_group(measured)
    if rows and found is not None:
        st.subheader("Group by group")
        st.caption(words.GROUPS)
        head = ["Group", results.things.capitalize(), *map(str, found.columns)]
        frame = pd.DataFrame(rows, columns=head)
        st.dataframe(frame, hide_index=True)
        charts.pin_table(frame, f"Group by group. {words.GROUPS}", "groups")


def calibration(results: StudyResults) -> None:
    """Whether confidence keeps its word: the diagram of every answer, and the measures that the study took."""
    if results.trust:
        figure, alt = figures.reliability(results.trust)
        charts.show(figure, alt, "reliability")
        st.caption(words.RELIABILITY)
        for sentence in words.trust(results):
            st.markdown(f"- {formatting.escape(sentence)}")
    taken = [measured for measured in results.measured if measured.metric.id in CONFIDENCE]
    if taken:
        _measures(results, taken)
    elif not results.trust:
        st.caption("This study took no measure of confidence.")


def _measures(results: StudyResults, taken: Sequence[Measured]) -> None:
    """One row a system, one column a measure."""
    columns = {measured: {each.system: each for each in results.findings(measured).systems} for measured in taken}
    rows = []
    for name in results.systems:
        row = {"System": name}
        for measured, systems in columns.items():
            found = systems.get(name)
            row[measured.title] = span(measured, found.median, found.low, found.high) if found and found.n else "–"
        rows.append(row)
    helps = {each.title: st.column_config.TextColumn(help=each.metric.meaning) for each in taken}
    frame = pd.DataFrame(rows)
    st.dataframe(frame, hide_index=True, column_config=helps)
    charts.pin_table(frame, "How far confidence can be trusted.", "calibration")
