"""The right of the pictures page: pictures to ask about, and what the classifier says of each, with how sure it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from backends.core.errors import UserError
from backends.core.info import CardInfo
from evaluation.metrics.fewshot.advice import advice
from studio.pictures import answer_row, class_editor, image_tiles, score_words
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.files import first_few
from studio.pictures.fitted import FittedProject, empty_classes, fit_project, missing_step
from studio.pictures.project import Project
from studio.ui import background_answer, formatting, model_picker
from studio.ui.error_boundary import safe_fragment
from viz.components.picture_grid import Bar, Tile, picture_grid
from viz.fewshot.figures import NONE, class_colour

PAGE_SIZE = 8
MAX_BARS = 4
POLL_SECONDS = 0.4
MAX_IN_SUMMARY = 4
ADVICE = 2
"""Sentences of advice beside the answers; all of them stand under how far to trust it."""


def show(project: Project, loader: FeatureLoader, card: CardInfo, *, here: bool) -> FittedProject | None:
    """The questions with their answers. Returns the classifier, None where there is none yet."""
    _heading(project)
    if not here:
        model_picker.offer_download(card)
        _pending(project, "The answers come once the model is here.")
        return None
    ready = loader.ensure_loaded()
    if not ready:
        _looking(loader)
    fitted = _fit(project, loader)
    if fitted is None:
        todo = missing_step(project, loader)
        if todo:
            st.info(todo, icon=":material/arrow_back:")
        _pending(project, "" if todo or ready else "The answers come once the model has looked at the examples.")
        return None
    _summary(project, loader, fitted)
    _answers(project, loader, fitted)
    return fitted


def _fit(project: Project, loader: FeatureLoader) -> FittedProject | None:
    try:
        return fit_project(project, loader)
    except UserError as error:
        st.warning(
            f"{formatting.escape(error.sentence)} Until then, choose another way to decide.", icon=":material/tune:"
        )
        return None


def _heading(project: Project) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Questions", width="content")
        key = f"ask-{project.token}"
        with st.popover("Ask about pictures", icon=":material/contact_support:", key=key, on_change="rerun"):
            if st.session_state.get(key):
                class_editor.add(project, None, key)


def _looking(loader: FeatureLoader) -> None:
    """How far the model is with looking, or why it could not."""
    if sentence := loader.state.sentence:
        if background_answer.try_again(sentence, "features"):
            loader.retry()
            st.rerun()
        return

    @safe_fragment(run_every=POLL_SECONDS)
    def watch() -> None:
        now = loader.state
        if not now.running:
            st.rerun()
        counted = f": {now.done} of {formatting.count(now.total, 'picture')}" if now.total else "…"
        st.progress(now.fraction, text=f"{now.stage or 'Looking at the pictures'}{counted}")

    watch()


def _summary(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The honest score in one line, and what stands outside of it."""
    st.markdown(f"{score_words.score_badge(fitted)} {score_words.score_line(fitted)}",
                help=score_words.score_statistics(fitted))  # fmt: skip
    if fitted.classifier.words_sentence:
        st.caption(f":material/info: {fitted.classifier.words_sentence}")
    for sentence in first_few(loader.notices()):
        st.caption(f":material/info: {formatting.escape(sentence)}")
    if "advice" not in fitted.memo:
        fitted.memo["advice"] = advice(fitted.classifier)
    for sentence in fitted.memo["advice"][:ADVICE]:
        st.caption(f":material/lightbulb: {formatting.escape(sentence)}")
    empty = empty_classes(project, loader)
    if empty:
        names = ", ".join(f"“{name}”" for name in empty[:3])
        more = f" and {len(empty) - 3} more" if len(empty) > 3 else ""
        verb = "has" if len(empty) == 1 else "have"
        st.caption(f":material/info: {formatting.escape(names)}{more} {verb} no example yet and cannot be an answer.")
    if refused := loader.state.refused:
        named = ", ".join(formatting.escape(project.state.title(sha)) for sha in sorted(refused)[:3])
        st.caption(f":material/warning: {formatting.count(len(refused), 'picture')} could not be looked at: {named}.")


def _pending(project: Project, sentence: str) -> None:
    """The questions without answers."""
    if sentence and project.state.questions:
        st.caption(sentence)
    if not project.state.questions:
        _empty_state()
        return
    shown = image_tiles.page_of(project.state.questions, f"asked-{project.token}", PAGE_SIZE)
    picture_grid([image_tiles.tile(project, sha) for sha in shown], f"asked-{project.token}", label="Questions")


def _empty_state() -> None:
    st.info(
        "Ask about a picture: drop it here through “Ask about pictures”, or hold something in front of the camera.",
        icon=":material/contact_support:",
    )


def _answers(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The questions with bars; above them the chosen one, beside the reason for its answer."""
    if not project.state.questions:
        _empty_state()
        return
    key = f"asked-{project.token}"
    shown = image_tiles.page_of(project.state.questions, key, PAGE_SIZE)
    tiles = [answer_tile(project, fitted, sha) for sha in shown]
    first = st.container()
    chosen = picture_grid(tiles, key, label="Questions and answers", choose="one", chosen=shown[:1])
    st.session_state[f"question-{project.token}"] = chosen[0] if chosen else None
    with first:
        for sha in chosen[:1]:
            answer_row.show(project, fitted, tiles[shown.index(sha)])
    image_tiles.chosen_actions(project, chosen, key, questions=True)
    st.caption(_text_summary(project, fitted, shown))


def answer_tile(project: Project, fitted: FittedProject, sha: str) -> Tile:
    """A question with its answer in bars, the most probable first."""
    if sha not in fitted.questions or fitted.prediction is None:
        waiting = (Bar("waiting…", 0.0, class_colour(-1)),)
        return image_tiles.tile(project, sha, note="not looked at yet", bars=waiting)
    row = fitted.questions.index(sha)
    shares, none = fitted.prediction.probabilities[row], bool(fitted.prediction.abstained[row])
    order = np.argsort(-shares, kind="stable")[:MAX_BARS]
    bars = tuple(Bar(fitted.names[k], float(shares[k]), class_colour(fitted.places[k])) for k in order)
    verdict = NONE if none else fitted.names[int(fitted.prediction.best[row])]
    note = "also one of the examples" if sha in fitted.shots else ""
    if none:
        note = "if it had to be one of them:"
    return image_tiles.tile(project, sha, verdict=verdict, tone="warn" if none else "", bars=bars, note=note)


def _text_summary(project: Project, fitted: FittedProject, shown: Sequence[str]) -> str:
    """The first answers in words, for whoever does not see the bars."""
    said = []
    for sha in shown[:MAX_IN_SUMMARY]:
        found = answer_tile(project, fitted, sha)
        if found.verdict:
            best = f"{found.bars[0].label}, {100 * found.bars[0].share:.0f} %"
            said.append(f"{found.title}: {NONE if found.verdict == NONE else best}")
    rest = len(shown) - len(said)
    took = f"Taught in {1000 * fitted.seconds:.0f} ms from {formatting.count(len(fitted.shots), 'example')}."
    return formatting.escape(f"{'; '.join(said)}{f'; and {rest} more' if rest and said else ''}. {took}")
