"""How much a model bears, and whether its confidence keeps its word."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from evaluation.report import tables, transfer, words
from evaluation.studies import across as side_by_side
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


def groups(results: StudyResults, measured: Measured, key: str) -> None:
    """How each system does in each group of units, such as a singer or a genre; nothing where there are no groups."""
    if not results.groupings:
        return
    names = {grouping: words.grouping_title(grouping) for grouping in results.groupings}
    st.subheader("From group to group")
    chosen = next(iter(names))
    if len(names) > 1:
        chosen = st.selectbox("Sorted", list(names), format_func=lambda name: names[name], key=f"grouping-{key}")
    rows, found = tables.by_group(results, measured, chosen), results.by_group(measured, chosen)
    if not rows or found is None:
        return
    st.caption(words.GROUPS)
    head = ["Group", results.things.capitalize(), *map(str, found.columns)]
    frame = pd.DataFrame(rows, columns=head)
    st.dataframe(frame, hide_index=True)
    charts.pin_table(frame, f"{names[chosen]}. {words.GROUPS}", "groups")
    if len(rows) > 1:
        lines = [(system, results.group_curve(measured, system, chosen)) for system in results.systems]
        figure, alt = figures.curves([line for line in lines if line[1]], measured.scale, chosen, measured.axis)
        charts.show(figure, alt=alt, key=f"groups-{key}-{chosen}")
        st.caption("A group of fewer than six units has a median and no interval.")


def across(results: StudyResults, others: Sequence[StudyResults], key: str) -> None:
    """How far each system is ahead of its yardstick on each data set of the task, and what it gains or loses."""
    shared = side_by_side.shared([results, *others])
    taken = {measured: those for measured, those in shared.items() if measured in results.measured}
    if not taken:
        st.caption(
            "There is no other study of this task here whose models took the same measure. Run one on other data, and "
            "what each model gains or loses there is shown."
        )
        return
    names = {measured.title: measured for measured in taken}
    measured = names[st.selectbox("Measure", list(names), key=f"across-{key}")]
    found = side_by_side.leads(taken[measured], measured)
    if not found:
        st.caption("No model was measured on two data sets beside an answer that needs no model.")
        return
    lines = [(name, [(each.data, each.interval) for each in those]) for name, those in found.items()]
    figure, alt = figures.curves(lines, measured.scale, "data set", f"Mean lead, {measured.axis}")
    charts.show(figure, alt=alt, key=f"across-{key}-{measured.title}")
    st.caption(transfer.LEADS)
    for sentence in side_by_side.sentences(found, measured):
        st.markdown(f"- {formatting.escape(sentence)}")


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
