"""Which model looks at the pictures, and which head decides: chosen in plain words."""

from __future__ import annotations

import streamlit as st

from backends.core.info import CardInfo, TaskInfo
from backends.fewshot.heads import HEADS
from backends.fewshot.options import TEMPLATES
from studio.pictures import image_tiles
from studio.pictures.project import Project
from studio.ui import formatting, model_picker

TEMPLATE_WORDS = {
    "plain": "just as I wrote it",
    "photo": "my sentence, else “a photo of …”",
    "ensemble": "many phrasings, averaged",
}
FLAMINGO = "flamingo"
"""The engine that answers in words, and has a place of its own on the page."""

DEFAULT_HEAD = "What suits the examples"


def summary(project: Project, card: CardInfo) -> str:
    """One line that says what is chosen."""
    head = HEADS[project.state.head].title if project.state.head in HEADS else DEFAULT_HEAD.lower()
    return f"Model: **{formatting.escape(card.title)}** · decides by: {head}"


def choose(project: Project, task: TaskInfo) -> CardInfo:
    """The choosers of model and head; what is chosen is kept in the project. Returns the model's card."""
    state = project.state
    cards = [card for card in task.cards if card.engine != FLAMINGO]
    left, right = st.columns([3, 2], gap="large")
    with left:
        now = image_tiles.card_of(task, state.card)
        card = model_picker.choose_card(cards, now.id, _knows, key=f"model-{project.token}")
        if card.id != now.id:
            with project.change():
                state.card = card.id
            st.rerun()
        model_picker.tell_own_weights("fewshot", task)
    with right:
        _head(project, understands="words" in card.outputs)
    return card


def _knows(card: CardInfo) -> str:
    return "pictures and words" if "words" in card.outputs else "pictures only"


def _head(project: Project, understands: bool) -> None:
    state = project.state
    heads = {name: head for name, head in HEADS.items() if understands or head.needs != "words"}
    ids = ["", *heads]
    chosen = st.selectbox(
        "What decides",
        ids,
        index=ids.index(state.head) if state.head in ids else 0,
        format_func=lambda one: HEADS[one].title if one else DEFAULT_HEAD,
        key=f"head-{project.token}",
    )
    st.caption(HEADS[chosen].meaning if chosen else "Chosen by what there is: pictures, words or both.")
    reject = st.toggle(
        "May answer “none of these”",
        state.reject,
        key=f"reject-{project.token}",
        help="Where nothing fits well enough. How well is enough is found on your examples: each is judged by a "
        "classifier that never saw it.",
    )
    use_words, templates = state.words, state.templates
    if understands:
        use_words = st.toggle("Names and sentences count", state.words, key=f"words-{project.token}")
        templates = st.selectbox(
            "How a class is put to the model", list(TEMPLATES), index=TEMPLATES.index(state.templates),
            format_func=lambda one: TEMPLATE_WORDS[one], key=f"templates-{project.token}", disabled=not use_words,
        )  # fmt: skip
    if (chosen, reject, use_words, templates) != (state.head, state.reject, state.words, state.templates):
        with project.change():
            state.head, state.reject, state.words, state.templates = chosen or "", reject, use_words, templates
        st.rerun()
