"""How far to trust a classifier: its honest score, advice, doubtful examples, what is taken for what."""

from __future__ import annotations

import numpy as np
import streamlit as st

from studio import picture_actions, picture_ask, words
from studio.picture_answers import Taught
from studio.picture_features import Looker
from studio.picture_project import Project
from viz.components.picture_grid import clear, picture_grid
from viz.fewshot import confusion

CELL_AT_ONCE = 24


def show(project: Project, looker: Looker, taught: Taught) -> None:
    """The honest score and what would better it."""
    st.markdown(picture_ask.score_line(taught))


def mixups(project: Project, looker: Looker, taught: Taught) -> None:
    """What is taken for what, when each example is left out; a cell opens its pictures, where labels can be fixed."""
    left = taught.classifier.left_out
    if not left.counted:
        st.info(left.sentence, icon=":material/info:")
        return
    counts = confusion_counts(taught)
    figure, alt = confusion(counts, taught.names)
    turn = st.session_state.get(f"mixups-turn-{project.token}", 0)
    found = st.plotly_chart(
        figure, alt=alt, on_select="rerun", selection_mode="points", key=f"mixups-{project.token}-{turn}"
    )
    st.caption(f"{alt} Each example was answered by a classifier that never saw it. Choose a cell to see its pictures.")
    points = found["selection"]["points"] if found else []
    cell = points[0]["customdata"] if points else _worst(counts)
    if cell is None:
        return
    truth, answer = int(cell[0]), int(cell[1])
    _cell(project, taught, truth, answer)


def confusion_counts(taught: Taught) -> np.ndarray:
    """`(C, C)`: rows what it is, columns what it was taken for."""
    left = taught.classifier.left_out
    counts = np.zeros((len(taught.names), len(taught.names)), int)
    np.add.at(counts, (left.labels[left.measurable], left.answers[left.measurable]), 1)
    return counts


def _worst(counts: np.ndarray) -> tuple[int, int] | None:
    """The most frequent mix-up."""
    wrong = counts - np.diag(np.diag(counts))
    return divmod(int(wrong.argmax()), len(counts)) if wrong.any() else None


def _cell(project: Project, taught: Taught, truth: int, answer: int) -> None:
    left = taught.classifier.left_out
    rows = np.flatnonzero(left.measurable & (left.labels == truth) & (left.answers == answer))
    is_, taken = words.plain(taught.names[truth]), words.plain(taught.names[answer])
    said = "recognised" if truth == answer else f"taken for “{taken}”"
    st.markdown(f"**{words.count(len(rows), 'example')} of “{is_}” {said}**")
    if not len(rows):
        return
    key = f"cell-{project.token}"
    shown = picture_actions.page_of([taught.shots[row] for row in rows], key, CELL_AT_ONCE)
    where = f"{truth}-{answer}"
    if st.session_state.get(f"{key}-of") != where:
        st.session_state[f"{key}-of"] = where
        clear(key)
    chosen = picture_grid([picture_actions.tile(project, sha) for sha in shown], key, label="Pictures of this cell")
    if truth != answer:
        st.caption("Is one of them in the wrong class? Choose it and move it.")
    picture_actions.chosen_actions(project, chosen, key)
