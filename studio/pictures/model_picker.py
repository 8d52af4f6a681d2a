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
    cards = [card for card in task.cards if card.engine != FLAMINGO]
    left, right = st.columns([3, 2], gap="large")
    with left:
        now, key = image_tiles.card_of(task, project.state.card), f"model-{project.token}"
        image_tiles.shared_value(key, now.id)
        card = model_picker.choose_card(cards, now.id, _knows, key=key)
        if card.id != now.id:
            with project.change() as state:
                state.card = card.id
            st.rerun()
        model_picker.tell_own_weights("fewshot", task, project.token)
    with right:
        _head(project, understands="words" in card.outputs)
    return card


def _knows(card: CardInfo) -> str:
    return "pictures and words" if "words" in card.outputs else "pictures only"


def _head(project: Project, understands: bool) -> None:
    """How the answer is found. Each setting is written by itself: others may have been changed in another window."""
    state = project.state
    heads = {name: head for name, head in HEADS.items() if understands or head.needs != "words"}
    key = _setting(project, "head", state.head if state.head in heads else "")
    st.selectbox(
        "What decides",
        ["", *heads],
        format_func=lambda one: HEADS[one].title if one else DEFAULT_HEAD,
        key=key,
        on_change=_write,
        args=(project, "head", key),
    )
    chosen = st.session_state[key]
    st.caption(HEADS[chosen].meaning if chosen else "Chosen by what there is: pictures, words or both.")
    key = _setting(project, "reject", state.reject)
    st.toggle(
        "May answer “none of these”",
        key=key,
        on_change=_write,
        args=(project, "reject", key),
        help="Where nothing fits well enough. How well is enough is found on your examples: each is judged by a "
        "classifier that never saw it.",
    )
    if not understands:
        return
    key = _setting(project, "words", state.words)
    st.toggle("Names and sentences count", key=key, on_change=_write, args=(project, "words", key))
    key = _setting(project, "templates", state.templates if state.templates in TEMPLATES else TEMPLATES[0])
    st.selectbox(
        "How a class is put to the model", list(TEMPLATES), format_func=lambda one: TEMPLATE_WORDS[one], key=key,
        on_change=_write, args=(project, "templates", key), disabled=not state.words,
    )  # fmt: skip


def _setting(project: Project, field: str, value: str | bool) -> str:
    """The key of the widget for a field of the project, which shows the field's value."""
    key = f"{field}-{project.token}"
    image_tiles.shared_value(key, value)
    return key


def _write(project: Project, field: str, key: str) -> None:
    with project.change() as state:
        setattr(state, field, st.session_state[key])
