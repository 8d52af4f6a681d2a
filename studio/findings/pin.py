"""Pin to a finding: what notes a result, a figure or a table as evidence for a claim.

A page says once what it shows (`look_at`); the buttons below results, figures and tables pin from there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from studio import services, tasks
from studio.findings import exhibits, source_page
from studio.findings.numbers import STUDY, numbers
from studio.library.findings import MAX_TITLE, Evidence, Finding
from studio.library.library import Run
from studio.ui import formatting

NEW = ""
MAX_OFFERED = 50
AUTHOR = "findings-author"
"""The session's key for who makes findings, so that it is typed once."""

SUBJECT = "findings-subject"


@dataclass(frozen=True)
class Subject:
    """What a page shows: a run, a project or a study.

    Attributes:
        task: whose result it is.
        source: the id of the run, project or study.
        title: of it, which a new finding is called at first.
        path: of the page, from the repository's root.
        study: the name of the study, "" for anything else.
    """

    task: str
    source: str
    title: str
    path: str
    study: str = ""


def look_at(subject: Subject) -> None:
    """Note what the page shows, for the buttons below its figures and tables."""
    st.session_state[SUBJECT] = subject


def look_at_run(run: Run, path: str = "") -> None:
    """Note the run that a page shows: its own page, or the one at `path`."""
    look_at(Subject(run.task, run.id, run.title, path or tasks.get(run.task).page))


def subject() -> Subject | None:
    """What the page shows, as it noted; None on a page that shows nothing of the library."""
    return st.session_state.get(SUBJECT)


def leave() -> None:
    """Nothing of the library is shown yet: called before each page."""
    st.session_state.pop(SUBJECT, None)


def pin_run(run: Run) -> None:
    """The button on the page of a finished run."""
    button(run.task, run.id, run.title, lambda: exhibits.current(run.id), run.metrics)


def pin_runs(runs: Sequence[Run], title: str) -> None:
    """The button of finished runs that stand beside each other: all of them become evidence of one finding."""
    key = "-".join(run.id for run in runs)
    evidence = [
        Evidence(run.task, run.id, exhibits.current(run.id), str(run.card.get("title") or run.weights), run.metrics)
        for run in runs
    ]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Pin all of them to a finding", icon=":material/keep:"):
            try:
                _form(evidence, title, key)
            except UserError as error:
                st.error(formatting.escape(error.sentence), icon=":material/error:")
        pinned_link(key)


def button(
    task: str,
    source: str,
    title: str,
    moment: Callable[[], Mapping[str, Any]],
    numbers: Mapping[str, Any] | None = None,
) -> None:
    """The button, and what it opens.

    Args:
        task: whose result it is.
        source: the id of the run or project.
        title: of the run or project, which a new finding is called at first.
        moment: what is looked at now.
        numbers: the run's metrics, which tell later whether it has changed.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("Pin to a finding", icon=":material/keep:"):
            try:
                _form([Evidence(task, source, moment(), "", numbers or {})], title, source)
            except UserError as error:
                st.error(formatting.escape(error.sentence), icon=":material/error:")
        pinned_link(source)


@st.dialog("Pin to a finding", icon=":material/keep:")
def pin_snapshot(about: Subject, moment: Mapping[str, Any], key: str) -> None:
    """A window in which a figure or table is pinned.

    Args:
        about: what the page shows.
        moment: made by `snapshots`.
        key: of the figure or table.
    """
    moment = {**moment, **source_page.current(about.path), **_study(about)}
    try:
        evidence = Evidence(about.task, about.source, moment, "", numbers(about.source, moment) or {})
        _form([evidence], about.title, f"{about.source}-{key}")
    except UserError as error:
        st.error(formatting.escape(error.sentence), icon=":material/error:")


def _study(about: Subject) -> dict[str, Any]:
    """The study and the measure that the page shows, so that its rows can be looked up again."""
    if not about.study:
        return {}
    return {STUDY: {"name": about.study, "measure": str(st.session_state.get(f"measure-{about.study}") or "")}}


def pinned_link(key: str) -> None:
    """The finding that something was pinned to just now."""
    pinned = st.session_state.get(f"pinned-{key}")
    if pinned:
        label = f"Pinned to “{formatting.escape(pinned[1])}”"
        st.page_link("pages/findings.py", label=label, icon=":material/check:", query_params={"finding": pinned[0]})


def _form(evidence: Sequence[Evidence], title: str, key: str) -> None:
    """What is pinned, to which finding, and the line below it; of several results their models stand there."""
    shown = exhibits.describe(evidence[0].task, evidence[0].moment) if len(evidence) == 1 else ""
    st.caption(
        f"Keeps what you see now{f': {formatting.escape(shown)}' if shown else ''}. A finding is a claim with the "
        "results that show it; findings make a story to present."
    )
    known = {finding.id: finding for finding in services.findings().list(MAX_OFFERED)}
    chosen = st.selectbox(
        "Finding",
        [NEW, *known],
        format_func=lambda one: known[one].title if one else "A new finding",
        key=f"pin-to-{key}",
    )
    name = claim = author = ""
    if chosen == NEW:
        name = st.text_input("Its title", title[:MAX_TITLE], max_chars=MAX_TITLE, key=f"pin-title-{key}")
        claim = st.text_input(
            "What does it show, in a sentence?", key=f"pin-claim-{key}",
            placeholder="The voice stays clear although the drums are loud.",
        )  # fmt: skip
        author = st.text_input("Your name", st.session_state.get(AUTHOR, ""), key=f"pin-author-{key}")
    if len(evidence) == 1:
        caption = st.text_input("A line below this result", key=f"pin-caption-{key}")
        evidence = [replace(evidence[0], caption=caption)]
    if st.button("Pin", type="primary", icon=":material/keep:", key=f"pin-{key}"):
        st.session_state[AUTHOR] = author or st.session_state.get(AUTHOR, "")
        finding = _pin(chosen, name, claim, author, evidence)
        st.session_state[f"pinned-{key}"] = (finding.id, finding.title)
        st.rerun()


def _pin(chosen: str, name: str, claim: str, author: str, evidence: Sequence[Evidence]) -> Finding:
    if chosen == NEW:
        return services.findings().create(name, claim, author=author, evidence=evidence)
    return services.findings().pin(chosen, *evidence)
