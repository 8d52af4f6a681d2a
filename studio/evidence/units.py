"""Unit by unit: paired differences whose dots lead to the workbench, what got worse, and the worst of each system."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from backends.core.errors import UserError
from evaluation.report import words
from evaluation.statistics.verdicts import belief_text
from evaluation.studies.results import Measured, StudyResults
from studio.evidence import gallery, unit_source
from studio.ui import charts, formatting
from viz.evidence import figures

MAX_LOSSES = 12
MAX_WORST = 4


def differences(results: StudyResults, measured: Measured, name: str) -> None:
    """One dot a unit for the pair that is chosen; the unit that is chosen can be opened."""
    found = results.findings(measured)
    pairs = {f"{pair.a} against {pair.b}": pair for pair in found.pairs if pair.n}
    if not pairs:
        st.caption("There are no two systems with values for the same units.")
        return
    chosen = st.selectbox("Which two", list(pairs), key=f"pair-{name}")
    pair = pairs[chosen]
    table = results.table(measured)[[pair.a, pair.b]].dropna()
    values = (table[pair.a] - table[pair.b]).tolist()
    figure, alt = figures.differences([str(unit) for unit in table.index], values, pair, measured.scale, measured.axis)
    event = charts.show(figure, alt=alt, key=f"dots-{name}", on_select="rerun", selection_mode="points")
    st.caption(
        f"Each dot is one of {len(values)} {results.things}; above the grey line {formatting.escape(pair.a)} is "
        "higher. The dashed line is the typical difference and the band its interval. Choose a dot to open it."
    )
    if said := belief_text(pair, found.margin, results.wording(measured)):
        st.caption(formatting.escape(said), help=words.BELIEF)
    points = event["selection"]["points"] if event else []
    clicked = str(points[0]["customdata"]) if points and "customdata" in points[0] else ""
    units = [str(unit) for unit in table.index]
    start = units.index(clicked) if clicked in units else None
    unit = st.selectbox("Open", units, index=start, placeholder="or choose it by name", key=f"unit-{name}-{clicked}")
    if unit:
        _offer(results, measured, name, unit, pair.a, pair.b)


def _offer(results: StudyResults, measured: Measured, name: str, unit: str, *systems: str) -> None:
    """The values of one unit, and for each system a way to see it at work there."""
    rows = results.of(measured)
    rows = rows[rows["unit"] == unit]
    for column, system in zip(st.columns(len(systems)), systems, strict=True):
        own = rows[rows["system"] == system]
        value, where = (float(own["value"].mean()), own["where"].iloc[0]) if len(own) else (float("nan"), None)
        with column.container(border=True):
            st.markdown(
                f"**{formatting.escape(system)}** on {formatting.escape(unit)}: {measured.metric.format(value)}"
            )
            place = None if where is None or math.isnan(where) else float(where)
            open_button(results, name, unit, system, where=place, key="dot")
            gallery.show(results, unit, system, f"dot-{system}")


def open_button(results: StudyResults, name: str, unit: str, system: str, *, where: float | None, key: str) -> None:
    """A button that leads to the workbench, at the worst place."""
    about = results.about["systems"][system]
    place = "" if where is None else f" at {results.place_name(where)}"
    other = " with a model" if about.get("yardstick") else ""
    if st.button(f"Open{other}{place}", key=f"open-{key}-{unit}-{system}", icon=":material/open_in_new:"):
        try:
            with st.spinner("Preparing it for the workbench…"):
                unit_source.open_unit(name, results, unit, system, where)
        except UserError as error:
            st.error(formatting.escape(error.sentence), icon=":material/error:")


def losses(results: StudyResults, measured: Measured, name: str) -> None:
    """Where the better system of a pair is worse after all."""
    found = results.findings(measured)
    sure = [pair for pair in found.pairs if pair.outcome == "a"] or list(found.pairs[:1])
    for pair in sure:
        worse = results.losses(measured, pair.a, pair.b)
        if not worse:
            st.markdown(f"{formatting.escape(pair.a)} is nowhere worse than {formatting.escape(pair.b)}.")
            continue
        st.markdown(
            f"**{formatting.escape(pair.a)}** is worse than {formatting.escape(pair.b)} on {len(worse)} of {pair.n} "
            f"{results.things}:"
        )
        number = measured.metric.number
        frame = pd.DataFrame(
            [
                {
                    "Unit": loss.unit,
                    "By": number(loss.difference),
                    pair.a: number(loss.value),
                    pair.b: number(loss.other),
                    "Worst place": "" if loss.where is None else results.place_name(loss.where),
                }
                for loss in worse[:MAX_LOSSES]
            ]
        )
        st.dataframe(frame, hide_index=True)
        charts.pin_table(frame, f"Where {pair.a} is worse than {pair.b}.", f"losses-{name}-{pair.a}-{pair.b}")


def failures(results: StudyResults, measured: Measured, name: str) -> None:
    """The worst units of a system, as they were heard or seen, each one click from its workbench."""
    system = st.selectbox("Worst of", results.systems, key=f"failures-{name}")
    worst = results.worst(measured, system, MAX_WORST)
    for unit, value, where in worst:
        with st.container(border=True):
            title, button = st.columns([3, 1], vertical_alignment="center")
            title.markdown(f"**{formatting.escape(unit)}**: {measured.metric.format(value)}")
            with button:
                open_button(results, name, unit, system, where=where, key="worst")
            gallery.show(results, unit, system, f"worst-{unit}")
    if worst and results.study.keep == "nothing":
        st.caption("This study kept no sound or pictures of its answers; `keep: excerpts` in its file does.")
    for note, count in results.faults().items():
        st.caption(formatting.escape(f"{count} values are missing: {note}"))
