"""One question with its answer on the left, and beside it why it got that answer."""

from __future__ import annotations

import streamlit as st

from studio.pictures import image_tiles, reasons
from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project
from viz.components.picture_grid import Tile, picture_grid

NEAREST = 3


def show(project: Project, fitted: FittedProject, answer: Tile) -> None:
    """The row of the question that `answer` is of; nothing while it has no answer."""
    sha = answer.id
    if sha not in fitted.questions or fitted.prediction is None:
        return
    row = fitted.questions.index(sha)
    mine, why = st.columns([5, 4], gap="medium", vertical_alignment="center")
    with mine:
        picture_grid([answer], f"answer-{project.token}", label="The answer", choose="none", size=80)
    with why:
        none = bool(fitted.prediction.abstained[row])
        st.markdown(
            f"**Why:** {reasons.sentence(fitted, row)}", help=reasons.none_numbers(fitted, row) if none else None
        )
        tiles = near_tiles(project, fitted, sha, NEAREST, int(fitted.prediction.best[row]))
        if tiles:
            picture_grid(tiles, f"answer-near-{project.token}", label="It looks like", choose="none", size=64)


def near_tiles(project: Project, fitted: FittedProject, sha: str, most: int, target: int) -> list[Tile]:
    """The examples that look most like a question; those of the class `target` stand out."""
    return [
        image_tiles.tile(
            project, fitted.shots[one.row], note=one.word, hover=one.numbers, badge=fitted.names[one.label],
            tone="good" if one.label == target else "",
        )
        for one in reasons.nearest(fitted, fitted.query_features(sha), most)
    ]  # fmt: skip
