"""What a study says: the headline, and for each measure the systems with intervals, tie groups and verdicts."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from evaluation.report import words
from evaluation.studies.results import Measured, StudyResults, span
from studio.ui import charts, formatting
from viz.evidence import figures

TITLES = {"separation": "Songs", "matting": "Videos", "folding": "Proteins", "fewshot": "Pictures"}


def choose(results: StudyResults, key: str) -> Measured:
    """The measure that everything below is about."""
    titles = [measured.title for measured in results.measured]
    chosen = st.selectbox("Measure", titles, key=f"measure-{key}", bind="query-params")
    measured = results.measured[titles.index(chosen)]
    better = {True: "Higher is better.", False: "Lower is better.", None: "Neither high nor low is better by itself."}
    st.caption(formatting.escape(f"{measured.metric.meaning} {better[measured.metric.higher_is_better]}"))
    return measured


def scores(results: StudyResults, measured: Measured, key: str) -> None:
    """The systems, best first, beside their medians as a figure."""
    found = results.findings(measured)
    about = results.about["systems"]
    rows = [
        {
            "System": system.system,
            measured.title: span(measured, system.median, system.low, system.high),
            results.things.capitalize(): system.n,
            "Missing": system.missing,
            "Alike": system.ties,
            "What it is": about.get(system.system, {}).get("title", ""),
        }
        for system in found.systems
    ]
    left, right = st.columns([3, 2], gap="large")
    frame = pd.DataFrame(rows)
    left.dataframe(
        frame,
        hide_index=True,
        column_config={
            measured.title: st.column_config.TextColumn(help="Median over units, with its 95 % interval."),
            "Alike": st.column_config.TextColumn(help=words.group_sentence(found)),
        },
    )
    left.caption(words.group_sentence(found))
    with left:
        charts.pin_table(frame, f"{measured.axis}: {words.group_sentence(found)}", f"scores-{key}")
    figure, alt = figures.medians(found, measured.scale, measured.axis)
    with right:
        charts.show(figure, alt, f"medians-{key}")
    if measured.metric.higher_is_better is not None:
        for pair in found.pairs:
            icon = {"a": ":material/check_circle:", "alike": ":material/drag_handle:"}.get(
                pair.outcome, ":material/help:"
            )
            st.markdown(f"{icon} {formatting.escape(pair.verdict)}")
            for note in pair.notes:
                st.caption(formatting.escape(note))
    for note in found.notes:
        st.caption(formatting.escape(note))
    published(results, measured)


def published(results: StudyResults, measured: Measured) -> None:
    """Results from papers beside ours, with where they stand; nothing where the study names none."""
    rows = [
        {
            "System": result.system,
            measured.title: measured.metric.format(result.value),
            "Units": "" if result.units is None else str(result.units),
            "Source": f"{result.source} {result.note}".strip(),
        }
        for result in results.published(measured)
    ]
    if rows:
        st.markdown("**Published elsewhere**")
        frame = pd.DataFrame(rows)
        st.dataframe(frame, hide_index=True)
        charts.pin_table(frame, f"Published elsewhere. {words.PUBLISHED}", f"published-{measured.title}")
        st.caption(words.PUBLISHED)
