"""How far to trust a classifier: its honest score, advice, doubtful examples, and whether more would help."""

from __future__ import annotations

import numpy as np
import streamlit as st

from backends.fewshot.calibration import probabilities
from evaluation.metrics.fewshot.advice import advice
from evaluation.metrics.fewshot.classifiers import CurvePoint, learning_curve, reliability
from evaluation.metrics.fewshot.label_audit import Flag, flags
from studio.pictures import image_tiles, score_words
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.image_tiles import act
from studio.pictures.project import Project
from studio.ui import charts, formatting
from viz.components.picture_grid import picture_grid
from viz.fewshot import trust

MAX_FLAGS = 6
MAX_FLAGGED = 6
"""Pictures of one flag that are shown."""

ICONS = {"mislabelled": ":material/swap_horiz:", "duplicate": ":material/content_copy:", "outlier": ":material/help:"}
RELIABLE = 20
"""Fewer left-out examples than this say nothing of how honest probabilities are."""


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The score, what would better it, which examples to look at again, and the two curves."""
    st.markdown(f"{score_words.score_badge(fitted)} {score_words.score_line(fitted)}",
                help=score_words.score_statistics(fitted))  # fmt: skip
    if project.state.reject:
        st.caption(fitted.classifier.rejection.sentence)
    above = st.container()
    left, right = st.columns(2, gap="large")
    with left:
        _reliability(fitted)
    with right:
        curve = _curve(project, loader, fitted)
    left, right = above.columns(2, gap="large")
    with left:
        st.markdown("**What to do next**")
        for sentence in advice(fitted.classifier, curve):
            st.markdown(f"- {formatting.escape(sentence)}")
    with right:
        _flags(project, fitted)


def _flags(project: Project, fitted: FittedProject) -> None:
    """Examples to look at again, each with one click that mends it and one that leaves it."""
    st.markdown("**Examples to look at again**")
    titles = [f"“{project.state.title(sha)}”" for sha in fitted.shots]
    if "flags" not in fitted.memo:
        fitted.memo["flags"] = flags(fitted.classifier, titles)
    found = [flag for flag in fitted.memo["flags"] if flag_id(fitted, flag) not in project.state.dismissed_flags]
    if not found:
        st.caption(":material/check_circle: None stands out: no two nearly the same, none unlike its class.")
    for flag in found[:MAX_FLAGS]:
        _one_flag(project, fitted, flag)
    if len(found) > MAX_FLAGS:
        st.caption(f"And {len(found) - MAX_FLAGS} more.")


def flag_id(fitted: FittedProject, flag: Flag) -> str:
    """What a flag is called in the project once somebody has looked at it."""
    return ":".join([flag.kind, *sorted(fitted.shots[row] for row in flag.shots)])


def _one_flag(project: Project, fitted: FittedProject, flag: Flag) -> None:
    shas, name = [fitted.shots[row] for row in flag.shots], flag_id(fitted, flag)
    with st.container(border=True, gap="small"):
        pictures, said = st.columns([1, 2], vertical_alignment="center", wrap=False)
        with pictures:
            tiles = [image_tiles.tile(project, sha) for sha in shas[:MAX_FLAGGED]]
            picture_grid(tiles, f"flag-{name}", label="Look again", choose="none", size=56)
        with said:
            st.caption(f"{ICONS[flag.kind]} {formatting.escape(flag.sentence)}")
            with st.container(horizontal=True, gap="small"):
                if flag.kind == "mislabelled":
                    target = fitted.classes[flag.label]
                    if st.button(f"Move to “{formatting.escape(target.name)}”", key=f"mend-{name}", type="primary"):
                        act(lambda: project.move(shas, target.id))
                elif st.button("Keep one" if flag.kind == "duplicate" else "Remove it", key=f"mend-{name}"):
                    act(lambda: project.remove(shas[1:] or shas))
                if st.button("It is fine", key=f"fine-{name}", type="tertiary"):
                    act(lambda: project.dismiss_flag(name))


def _reliability(fitted: FittedProject) -> None:
    """Whether an answer that says 80 % is right eight times in ten."""
    st.markdown("**Is it as sure as it is right?**", help="On the dashed line, “80 %” is right eight times in ten.")
    left = fitted.classifier.loo
    if left.counted < 2:
        st.caption(left.sentence)
        return
    rows = left.measurable
    found = reliability(probabilities(left.scores[rows], fitted.classifier.temperature), left.labels[rows])
    bins = found.bins
    figure, alt = trust.reliability(
        np.array([one.confidence for one in bins]),
        np.array([one.accuracy.estimate for one in bins]),
        np.array([one.accuracy.count for one in bins]),
        low=np.array([one.accuracy.low for one in bins]),
        high=np.array([one.accuracy.high for one in bins]),
        error=found.calibration_error,
    )
    charts.show(figure, alt=alt, key="reliability")
    few = " With so few examples chance plays a large part." if left.counted < RELIABLE else ""
    warmth = (
        "Its sureness was set by leaving examples out." if fitted.classifier.calibrated else "Its sureness is a guess."
    )
    st.caption(f"It is {found.tone}. {warmth}{few}", help=f"{found.sentence} {alt}")


def _curve(project: Project, loader: FeatureLoader, fitted: FittedProject) -> list[CurvePoint]:
    """Draws the learning curve. Empty while it is being worked out or where there can be none."""
    st.markdown(
        "**Would more examples help?**",
        help="Taught with some of the examples and tested on the others, many times; the shade is a 95 % interval.",
    )
    if fitted.support.counts.max(initial=0) < 2:
        st.caption("A second example of a class is needed to see that.")
        return []
    curve: list[CurvePoint] | None = image_tiles.background_answer(
        f"curve-{project.token}-{loader.card.id}-{project.revision}-{loader.store.version}",
        lambda: list(learning_curve(fitted.support, fitted.classifier.head.id)),
        "Teaching and testing many times over…",
    )
    if curve is None:
        return []
    figure, alt = trust.learning_curve(
        [point.shots for point in curve],
        np.array([point.accuracy.estimate for point in curve]),
        np.array([point.accuracy.low for point in curve]),
        np.array([point.accuracy.high for point in curve]),
        chance=1 / len(fitted.names),
    )
    charts.show(figure, alt=alt, key="learning-curve")
    st.caption(alt)
    return curve
