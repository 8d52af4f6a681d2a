"""The page: choose a study or start one, watch it narrow, read what it found and open what it found it on."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import streamlit as st

from backends.core.errors import UserError
from evaluation.report import words
from evaluation.studies.results import StudyResults
from studio import services, tasks
from studio.evidence import exports, studies, table, trust, units
from studio.findings import pin
from studio.findings.pin import Subject
from studio.ui import formatting
from studio.ui.error_boundary import error_boundary, safe_fragment

POLL_SECONDS = 2.0
VIEWS = ("Scores", "Unit by unit", "Robustness", "Other data", "Confidence", "Failures", "About and files")


def show() -> None:
    st.title("Evidence")
    name = st.query_params.get("study", "")
    if name:
        _study(name)
        return
    st.markdown(
        "Which model is better, by how much, and how sure is that? A **study** runs models on data whose truth is "
        "known, and compares them unit by unit."
    )
    _shipped()
    _begun()
    _elsewhere()
    with st.expander("Numbers of your own", icon=":material/table:"):
        st.markdown(
            "`python -m evaluation compare ROWS.csv --unit COLUMN --system COLUMN --score COLUMN` says the same of any "
            "table with one row a unit and system."
        )


def _elsewhere() -> None:
    """The studies that ship for data sets of the field, which are run where the data lies."""
    with st.expander("On the field's own data sets", icon=":material/database:"):
        st.markdown(
            "These data sets are too large, or not free enough, to come with Fourfold. Where you have one, run its "
            "study with `--folder` on the machine where it lies. What lands in this studio's folder of studies is "
            "listed here:"
        )
        st.code(f"python -m evaluation run NAME --folder DATA --out {studies.folder() / 'NAME'}", language="bash")
        rows = [
            {"Name": name, "Task": table.TITLES[study.task], "Question": study.question, "Data": study.title}
            for name, study in studies.elsewhere().items()
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True)


def _shipped() -> None:
    """The studies on the project's own samples, one card each."""
    begun = studies.known()
    st.subheader("On samples that are here already")
    for column, (name, study) in zip(st.columns(len(studies.shipped())), studies.shipped().items(), strict=True):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.markdown(f"**{table.TITLES[study.task]}**: {formatting.escape(study.question)}")
            state = studies.progress(begun[name]) if name in begun else {}
            if state.get("state") == "done" or studies.running(state):
                label = "See what it found" if state.get("state") == "done" else "Watch it"
                if st.button(label, key=f"see-{name}", type="primary", width="stretch", icon=":material/query_stats:"):
                    _go_to(name)
            elif st.button(
                "Go on" if state else "Run this study",
                key=f"start-{name}",
                width="stretch",
                icon=":material/play_arrow:",
            ):
                studies.start(name)
                _go_to(name)


def _begun() -> None:
    """Every study in this studio's folder."""
    thrown = {entry.id for entry in services.catalogue().trashed("study")}
    begun = {name: store for name, store in studies.known().items() if studies.entry_id(name) not in thrown}
    if not begun:
        return
    st.subheader("Studies in this studio")
    for name, store in begun.items():
        with error_boundary(f"the study {name}"):
            about, progress = store.about() or {}, studies.progress(store)
            state = (
                "running"
                if studies.running(progress)
                else {"done": "finished"}.get(str(progress.get("state")), "stopped")
            )
            title, when, button = st.columns([5, 2, 1], vertical_alignment="center")
            title.markdown(formatting.escape(str(about.get("study", {}).get("title", name))))
            when.caption(f"{state}, {progress.get('done', 0)} of {progress.get('total', 0)} parts")
            if button.button("Open", key=f"study-{name}", width="stretch"):
                _go_to(name)


def _go_to(name: str) -> None:
    st.query_params.clear()
    st.query_params["study"] = name
    st.rerun()


def _study(name: str) -> None:
    """One study, whatever its state."""
    if st.button("All studies", icon=":material/arrow_back:"):
        st.query_params.clear()
        st.rerun()
    begun = studies.known().get(name)
    progress = studies.progress(begun) if begun else {}
    if studies.is_ours(name) or studies.running(progress):
        _watch(name)
        return
    if fault := studies.fault(name):
        st.error(formatting.escape(fault), icon=":material/error:")
    try:
        results = _read(name, studies.stamp(name))
    except UserError as error:
        st.warning(formatting.escape(error.sentence), icon=":material/help:")
        return
    _heading(results)
    if progress.get("state") != "done":
        st.warning("This run stopped before its end; what it measured so far is below.", icon=":material/pause_circle:")
        if name in studies.shipped() and st.button("Go on", icon=":material/play_arrow:", type="primary"):
            studies.start(name)
            st.rerun()
    if results.measured:
        pin.look_at(Subject(results.study.task, studies.entry_id(name), results.study.title, tasks.EVIDENCE.path, name))
        _views(results, name)


@safe_fragment(run_every=POLL_SECONDS)
def _watch(name: str) -> None:
    """How far a run is, and its numbers as they narrow."""
    begun = studies.known().get(name)
    progress = begun.progress() if begun else {}
    if not studies.is_ours(name) and not studies.running(progress):
        st.rerun()
    done, total = int(progress.get("done", 0)), int(progress.get("total", 0))
    text = f"{done} of {total} parts" if total else "Starting: the models are being loaded…"
    if progress.get("rate"):
        text += f", {progress['rate']:.2g} a second, {formatting.about(progress['left'])} left"
    st.progress(done / total if total else 0.0, text=text)
    if studies.is_ours(name) and st.button(
        "Stop", icon=":material/stop:", help="What is measured stays; it can go on later."
    ):
        studies.stop(name)
        st.rerun()
    if begun is None or not done:
        return
    results = _read(name, studies.stamp(name))
    _heading(results)
    if results.measured:
        st.caption("So far; the intervals narrow as units come in.")
        table.scores(results, results.measured[0], f"live-{name}")


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(name: str, stamp: tuple[float, int]) -> StudyResults:
    return studies.open_study(name)


def _heading(results: StudyResults) -> None:
    st.subheader(formatting.escape(results.study.title))
    st.caption(formatting.escape(results.study.question))
    if results.measured:
        st.markdown(f"**{formatting.escape(words.headline(results))}**")


def _others(results: StudyResults, name: str) -> Iterator[StudyResults]:
    """The other studies of this studio on the same task that have values."""
    for other, store in studies.known().items():
        about = store.about()
        if other == name or about is None or about["study"]["task"] != results.study.task:
            continue
        try:
            found = _read(other, studies.stamp(other))
        except UserError as error:
            st.caption(formatting.escape(error.sentence))
            continue
        if found.measured:
            yield found


def _views(results: StudyResults, name: str) -> None:
    """The views, the same for every task."""
    view = st.segmented_control(
        "Look closer", VIEWS, default=VIEWS[0], required=True, key=f"evidence-view-{name}", label_visibility="collapsed"
    )
    if view == "About and files":
        exports.facts(results)
        exports.show(results, name)
        return
    if view == "Confidence":
        trust.calibration(results)
        return
    if view == "Other data":
        trust.across(results, list(_others(results, name)), name)
        return
    measured = table.choose(results, name)
    match view:
        case "Scores":
            table.scores(results, measured, name)
            for sentence in words.yardsticks(results):
                st.caption(formatting.escape(sentence))
        case "Unit by unit":
            units.differences(results, measured, name)
            st.subheader("What got worse")
            units.losses(results, measured, name)
        case "Robustness":
            trust.robustness(results, measured, name)
            trust.groups(results, measured, name)
        case "Failures":
            units.failures(results, measured, name)
