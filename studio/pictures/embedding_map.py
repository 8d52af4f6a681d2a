"""The map of a project: every picture as a point, alike ones close together; what is lassoed can be put right."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from studio.pictures import addresses, image_tiles
from studio.pictures.exhibit import thumb_address
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project
from studio.ui import charts, formatting
from studio.web import urls
from viz.components.map_board import Board, Point, spread
from viz.components.picture_grid import clear, picture_grid
from viz.fewshot.figures import MAX_PICTURES, class_colour, embedding

PCA, TSNE = "Quick (PCA)", "Neighbours (t-SNE)"
CHOSEN_PER_PAGE = 24
MAX_PINNED = 120
"""Pictures of a map that is pinned: each travels with the finding."""


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The map, and the pictures that are lassoed on it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        way = st.segmented_control(
            "Kind of map", [PCA, TSNE], default=PCA, required=True, key=f"map-{project.token}",
            label_visibility="collapsed",
        )  # fmt: skip
        drawn = st.toggle("Show the pictures", True, key=f"map-pictures-{project.token}")
    shas = [*fitted.shots, *(sha for sha in fitted.questions if sha not in set(fitted.shots))]
    labels = np.array([fitted.places[label] for label in fitted.labels] + [-1] * (len(shas) - len(fitted.shots)))
    rows = np.vstack(
        [fitted.support.image_features, *(fitted.query_features(sha)[None] for sha in shas[len(fitted.shots) :])]
    )
    points = _points(project, loader, shas, rows, neighbours=way == TSNE)
    if points is None:
        return
    base = urls.base_path()
    figure, alt = embedding(
        points,
        labels,
        project.state.names,
        titles=[project.state.title(sha) for sha in shas],
        ids=shas,
        pictures=[addresses.thumb_url(project, sha, base) for sha in shas] if drawn else None,
    )
    turn = st.session_state.get(f"map-turn-{project.token}", 0)
    found = charts.show(
        figure, alt=alt, live=lambda: _board(project, points, labels, shas, alt), on_select="rerun",
        selection_mode=("points", "box", "lasso"), key=f"map-{project.token}-{way}-{turn}",
    )  # fmt: skip
    st.caption(alt)
    if drawn and len(shas) > MAX_PICTURES:
        st.caption(f"{MAX_PICTURES} of the {len(shas):,} pictures are drawn, the others as marks.")
    _selected(project, found, shas)


def _board(project: Project, points: np.ndarray, labels: np.ndarray, shas: Sequence[str], alt: str) -> Board:
    """What is pinned of the map: as many pictures as a finding holds, chosen evenly."""
    chosen = np.linspace(0, len(shas) - 1, min(len(shas), MAX_PINNED)).round().astype(int).tolist()
    faces = [(project.state.title(shas[k]), thumb_address(project, shas[k])) for k in chosen]
    return board(points[chosen], labels[chosen], project.state.names, faces, alt)


def board(
    points: np.ndarray, labels: np.ndarray, names: Sequence[str], faces: Sequence[tuple[str, str]], alt: str
) -> Board:
    """The map of pictures as a board.

    Args:
        points: `(N, 2)`.
        labels: `(N,)` index of the class in `names`, -1 for questions.
        names: of the classes.
        faces: title and data address of each picture.
        alt: what is seen, in a sentence.
    """
    rows = zip(spread(points), labels, faces, strict=True)
    return Board(
        kind="points", alt=alt, groups=tuple((name, class_colour(k)) for k, name in enumerate(names)),
        points=tuple(
            Point(x=x, y=y, group=int(group), title=title, picture=face) for (x, y), group, (title, face) in rows
        ),
    )  # fmt: skip


def _points(
    project: Project, loader: FeatureLoader, shas: Sequence[str], rows: np.ndarray, *, neighbours: bool
) -> np.ndarray | None:
    """Where each picture lies; None while it is being worked out."""
    from evaluation.metrics.fewshot.embedding import pca, tsne

    if not neighbours:
        points, share = pca(rows)
        st.caption(
            f"Flattened onto the two directions in which the pictures differ most; they hold {100 * share:.0f} % of "
            "all differences. Draw around points to choose their pictures."
        )
        return points
    mark = hashlib.sha256("".join(shas).encode()).hexdigest()[:16]
    key = f"tsne-{project.token}-{loader.card.id}-{mark}"
    st.caption(
        "Keeps neighbours together; distances between far groups say little. Draw around points to choose their "
        "pictures."
    )
    found: np.ndarray | None = image_tiles.background_answer(key, lambda: tsne(rows), "The map is being worked out…")
    return found


def _selected(project: Project, found: object, shas: Sequence[str]) -> None:
    """What was lassoed, as pictures that can be moved or removed."""
    points = found["selection"]["points"] if found else []  # type: ignore[index]
    known = set(shas)
    chosen = list(dict.fromkeys(str(_first(point.get("customdata"))) for point in points))
    chosen = [sha for sha in chosen if sha in known and sha in project.state.pictures]
    if not chosen:
        return
    st.markdown(f"**{formatting.count(len(chosen), 'picture')} on the map chosen**")
    key = f"lasso-{project.token}"
    shown = list(image_tiles.page_of(chosen, key, CHOSEN_PER_PAGE))
    tiles = []
    for sha in shown:
        owner = project.state.class_of(sha)
        tiles.append(image_tiles.tile(project, sha, badge=owner.name if owner else "question"))
    mark = hashlib.sha256("".join(shown).encode()).hexdigest()
    if st.session_state.get(f"{key}-of") != mark:  # Another lasso: all of it is chosen.
        st.session_state[f"{key}-of"] = mark
        clear(key)
    picked = picture_grid(tiles, key, label="Chosen on the map", chosen=shown)
    image_tiles.chosen_actions(project, picked, key)


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value
