"""Why a picture got its answer: the nearest examples, words against pictures, where the model looks, A and not B."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st
from PIL import Image

from backends.attribution.registry import METHODS
from backends.shared import images
from studio import services, tasks
from studio.pictures import answer_row, batch, image_tiles, predictions_panel, reasons
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.inference_client import InferenceCall
from studio.pictures.project import Project
from studio.pictures.project_archive import bundled
from studio.ui import charts, excerpts, formatting
from studio.ui.excerpts import Picture
from viz.components.picture_grid import picture_grid
from viz.fewshot.figures import NONE, bars, tokens, votes
from viz.fewshot.relevance import over_picture

NEAREST = 8
SHOWN_SIDE = 384


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The terms for the question that is chosen above."""
    sha = st.session_state.get(f"question-{project.token}")
    if sha is None or sha not in fitted.questions or fitted.prediction is None:
        st.caption("Choose a question above to see why it got its answer.")
        return
    row = fitted.questions.index(sha)
    shares = fitted.prediction.probabilities[row]
    query = fitted.query_features(sha)
    left, right = st.columns([2, 5], gap="large")
    with left:
        tile = predictions_panel.answer_tile(project, fitted, sha)
        picture_grid([image_tiles.tile(project, sha)], f"why-{project.token}", choose="none", size=220)
        st.markdown(f"**{formatting.escape(tile.title)}**: {formatting.escape(tile.verdict)}")
        if tile.verdict == NONE:
            st.caption(reasons.none_sentence(fitted, row), help=reasons.none_numbers(fitted, row))
        _ask_more(project, loader, fitted, sha)
    with right:
        target, rival = _chosen_classes(project, fitted, shares, sha)
        _near(project, fitted, sha, target=target)
        _votes(fitted, query, target=target, rival=rival)
    _where(project, loader, fitted, sha, target=target, rival=rival)
    with st.expander("All probabilities", icon=":material/bar_chart:"):
        figure, alt = bars(fitted.names, shares, most=20)
        charts.show(figure, alt=alt, key=f"bars-{sha}")
        st.caption(alt)


def _ask_more(project: Project, loader: FeatureLoader, fitted: FittedProject, sha: str) -> None:
    """The way to the page inside the models, where this picture is a run of its own."""
    meaning = "See what in the picture and which examples decided, test the map, and try the picture without a part."
    if st.button("Why?", icon=tasks.INSIDE.icon, help=meaning, key=f"inside-{project.token}-{sha}"):
        run_id = batch.submit(project, loader, fitted, project.state.title(sha), project.picture(sha))
        st.switch_page(tasks.INSIDE.path, query_params={"run": run_id})


def _chosen_classes(project: Project, fitted: FittedProject, shares: np.ndarray, sha: str) -> tuple[int, int | None]:
    """Which answer is explained, and against which other one, if any."""
    order = [int(k) for k in np.argsort(-shares, kind="stable")]
    why, against = st.columns(2)
    target = why.selectbox("Why", order, format_func=lambda k: fitted.names[k], key=f"why-target-{project.token}-{sha}")
    others: list[int | None] = [None, *(k for k in order if k != target)]
    rival = against.selectbox(
        "and not", others, format_func=lambda k: "any other" if k is None else fitted.names[k],
        key=f"why-rival-{project.token}-{sha}",
    )  # fmt: skip
    return (order[0] if target is None else target), rival


def _near(project: Project, fitted: FittedProject, sha: str, *, target: int) -> None:
    """The examples that look most like the question, with how much each counts."""
    if not len(fitted.shots):
        st.caption("There are no example pictures: the words alone decide.")
        return
    st.markdown(
        "**The nearest examples**",
        help="The most alike first, as the model sees them. What counts much adds most to the score of its class; hold "
        "the pointer over a picture for the numbers.",
    )
    tiles = answer_row.near_tiles(project, fitted, sha, NEAREST, target)
    picture_grid(tiles, f"near-{project.token}", label="The nearest examples", choose="none", size=96)


def _votes(fitted: FittedProject, query: np.ndarray, *, target: int, rival: int | None) -> None:
    """The vote of the words against the vote of the pictures."""
    terms = fitted.classifier.contributions(query)
    worded = bool(fitted.support.has_text.any())
    if rival is not None:
        spoken = float(terms.text[target] - terms.text[rival])
        seen = float(terms.images[target] - terms.images[rival])
        said = reasons.contrast(fitted.names[target], fitted.names[rival], spoken, seen, worded=worded)
        by_words = f"{spoken:+.2g} by words, " if worded else ""
        st.markdown(formatting.escape(said), help=f"Its lead in the score: {by_words}{seen:+.2g} by pictures.")
    if not worded:
        silent = "Only pictures have a vote: this model does not understand words, or they are switched off."
        st.caption(fitted.classifier.words_sentence or silent)
        return
    st.markdown("**Words against pictures**", help="Both votes add up to the score of a class.")
    figure, alt = votes(fitted.names, terms.text, terms.images if len(fitted.shots) else None)
    charts.show(figure, alt=alt, key=f"votes-{target}-{rival}")
    st.caption(alt)


def _where(
    project: Project, loader: FeatureLoader, fitted: FittedProject, sha: str, *, target: int, rival: int | None
) -> None:
    """The map of what in the picture speaks for the answer, worked out by the model server when asked for."""
    gradient = fitted.classifier.head.gradient(fitted.query_features(sha)[None])[0]  # (C, D)
    others = np.delete(gradient, target, axis=0).mean(axis=0) if rival is None else gradient[rival]
    direction = (gradient[target] - others).astype(np.float32)
    length = float(np.linalg.norm(direction))
    versus = "the other classes" if rival is None else f"“{fitted.names[rival]}”"
    st.markdown(
        f"**Where it looks**: what speaks for “{formatting.escape(fitted.names[target])}” "
        f"and not for {formatting.escape(versus)}"
    )
    if length <= 1e-9:
        st.caption("Nothing in the picture can tell the two apart.")
        return
    each = fitted.classes[target]
    sentence = (each.sentence or each.name) if loader.understands_words else ""
    mark = hashlib.sha256((direction / length).round(4).tobytes() + sentence.encode()).hexdigest()[:16]
    key = f"where-{project.token}-{loader.card.id}-{sha}-{mark}"
    if not st.session_state.get(key):
        if st.button("Show where it looks", icon=":material/center_focus_strong:", key=f"ask-{key}"):
            st.session_state[key] = True
            st.rerun()
        return
    make = _explainer(project, loader, sha, direction / length, sentence)
    found = image_tiles.background_answer(key, make, "The model looks at the picture part by part…")
    if found is not None:
        _draw(project, sha, found)


def _explainer(
    project: Project, loader: FeatureLoader, sha: str, direction: np.ndarray, sentence: str
) -> Callable[[], dict[str, np.ndarray]]:
    """What asks the model server for the map of a picture towards a direction `(D,)`, and of a sentence if any."""

    def make() -> dict[str, np.ndarray]:
        with tempfile.TemporaryDirectory(prefix="fourfold-where-") as folder:
            here = Path(folder)
            bundled(project, [sha], here / "picture.zip")
            np.savez(here / "target.npz", direction=direction)
            options = {"only": "features", "explain": "on", **({"sentence": sentence} if sentence else {})}
            sent = {"query": here / "picture.zip", "target": here / "target.npz"}
            made = InferenceCall(services.backend(), loader.card.id, project.token).results(sent, options)
            with np.load(io.BytesIO(made["relevance"]), allow_pickle=False) as file:
                return {name: file[name] for name in file.files}

    return make


def _draw(project: Project, sha: str, found: dict[str, np.ndarray]) -> None:
    rgb = images.read(project.picture(sha), SHOWN_SIDE).rgb
    image = Image.fromarray(rgb)
    image.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    shown, alt = over_picture(np.asarray(image), found["map"], found.get("box"))
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.image(shown, alt=alt, width="stretch")
        excerpts.pin_pictures([Picture("Where it looks", shown)], alt, f"where-{sha}")
    with right:
        st.caption(alt)
        if is_cropped(found.get("box")):
            st.caption(":material/crop: The model looks at the bright part only: what is dimmed was not looked at.")
        st.caption(f"Method: {_method_meaning(str(found['method']))}.")
        if "words" in found:
            st.markdown("**Which words counted**")
            figure, said = tokens([str(word) for word in found["words"]], found["word_values"])
            charts.show(figure, alt=said, key=f"tokens-{sha}")
            st.caption(said)


def is_cropped(box: np.ndarray | None) -> bool:
    """Whether the model saw only a part of the picture; `box` has its edges in fractions of the picture."""
    return box is not None and bool(max(box[0], box[1], 1 - box[2], 1 - box[3]) > 0.01)


def _method_meaning(name: str) -> str:
    """What a method does, in words; a newer server may know others."""
    return METHODS[name].meaning if name in METHODS else name
