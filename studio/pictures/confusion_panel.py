"""What is taken for what when each example is left out: a table whose cells open the pictures, to put labels right."""

from __future__ import annotations

import numpy as np
import streamlit as st

from evaluation.metrics.fewshot.advice import left_out_confusion
from evaluation.metrics.fewshot.classifiers import Confusion
from studio.pictures import image_tiles
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project
from studio.ui import charts, formatting
from viz.components.picture_grid import clear, picture_grid
from viz.fewshot.trust import confusion

PAGE_SIZE = 24


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The table, and the pictures of the cell that is chosen, at first the most frequent mix-up."""
    left = fitted.classifier.loo
    if not left.counted:
        st.info(left.sentence, icon=":material/info:")
        return
    found = left_out_confusion(fitted.classifier)
    figure, alt = confusion(found.table, fitted.names)
    state = charts.show(figure, alt=alt, on_select="rerun", selection_mode="points", key=f"mixups-{project.token}")
    st.caption(f"{alt} Each example was answered by a classifier that never saw it. Choose a cell to see its pictures.")
    points = state["selection"]["points"] if state else []
    cell = tuple(int(part) for part in points[0]["customdata"]) if points else _worst(found)
    if cell is not None and max(cell) < len(fitted.names):
        _cell(project, fitted, found, (cell[0], cell[1]))


def _worst(found: Confusion) -> tuple[int, int] | None:
    """The most frequent mix-up."""
    wrong = found.table - np.diag(np.diag(found.table))
    return divmod(int(wrong.argmax()), len(wrong)) if wrong.any() else None


def _cell(project: Project, fitted: FittedProject, found: Confusion, cell: tuple[int, int]) -> None:
    truth, answer = cell
    rows = found.rows.get(cell, np.zeros(0, int))
    kind, taken = formatting.escape(fitted.names[truth]), formatting.escape(fitted.names[answer])
    said = "recognised" if truth == answer else f"taken for “{taken}”"
    st.markdown(f"**{formatting.count(len(rows), 'example')} of “{kind}” {said}**")
    if not len(rows):
        return
    key = f"cell-{project.token}"
    if st.session_state.get(f"{key}-of") != cell:  # Another cell: nothing of it is chosen yet.
        st.session_state[f"{key}-of"] = cell
        clear(key)
    shown = image_tiles.page_of([fitted.shots[row] for row in rows], key, PAGE_SIZE)
    chosen = picture_grid([image_tiles.tile(project, sha) for sha in shown], key, label="Pictures of this cell")
    if truth != answer:
        st.caption("Is one of them in the wrong class? Choose it and move it.")
    image_tiles.chosen_actions(project, chosen, key)
