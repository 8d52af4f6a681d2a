"""The panel that compares a result with a truth: asks for it where none is known, keeps it, and shows the scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from backends.shared import strict_json
from studio import services
from studio.jobs.background import Analysis
from studio.library.library import Run
from studio.ui import run_sections


@dataclass(frozen=True)
class Score:
    """One analysis of a result against its truth.

    Attributes:
        kind: of the analysis, and of the artifact that keeps it.
        make: works the scores out, in the background: plain numbers, texts, lists and dicts.
        draw: shows them.
        doing: what the page says meanwhile.
    """

    kind: str
    make: Callable[[], dict[str, Any]]
    draw: Callable[[dict[str, Any]], None]
    doing: str


@dataclass(frozen=True)
class Truth:
    """A truth that a visitor is about to give: `save` keeps it with the run; `missing` says why it cannot yet."""

    save: Callable[[], object]
    missing: str = ""


@dataclass(frozen=True)
class TruthForm:
    """How a task asks for a truth.

    Attributes:
        title: of the panel where no truth is known.
        other: of the panel where one is.
        about: what may be given.
        ask: draws the uploads; returns what was given, None while there is nothing. Raises UserError for a bad file.
        forget: drops a truth that was given, where the task offers that.
    """

    title: str
    other: str
    about: str
    ask: Callable[[], Truth | None]
    forget: Callable[[], None] | None = None


def show(run: Run, scores: Sequence[Score], form: TruthForm, *, known: bool) -> None:
    """The scores where a truth is known, and the panel to give one or another one.

    Args:
        run: the finished run.
        scores: its analyses against the truth; forgotten when another truth is given.
        form: how to ask for a truth.
        known: whether there is a truth.
    """
    if known:
        for score in scores:
            _show_score(run, score)
    with st.expander(form.other if known else form.title, expanded=not known):
        st.caption(form.about)
        try:
            _ask(run, scores, form, known)
        except UserError as error:
            st.error(error.sentence, icon=":material/error:")


def _show_score(run: Run, score: Score) -> None:
    def make() -> bytes:
        return strict_json.dumps(score.make()).encode()

    run_sections.analysed(run, score.kind, make, score.doing, lambda answer: score.draw(json.loads(answer)))


def _ask(run: Run, scores: Sequence[Score], form: TruthForm, known: bool) -> None:
    truth = form.ask()
    missing = truth.missing if truth is not None else "Choose a file first."
    if st.button("Compare", type="primary", disabled=bool(missing), help=missing or None, key=f"compare-{run.id}"):
        assert truth is not None
        truth.save()
        _forget_scores(run, scores)
        st.rerun()
    if known and form.forget is not None and st.button("Forget the comparison", icon=":material/delete:"):
        form.forget()
        _forget_scores(run, scores)
        st.rerun()


def _forget_scores(run: Run, scores: Sequence[Score]) -> None:
    for score in scores:
        services.analyses().forget(Analysis(run.id, score.kind))
