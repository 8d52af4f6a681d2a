"""A labelled test set: pictures in folders named as the classes, which were sorted and never taught."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from studio.library.library import Run
from studio.pictures import score_words
from studio.pictures.sorted_run import ClassResult, classes_of, measured, sorted_pictures, table
from studio.ui import charts, formatting

HOW = (
    "No picture lies in a folder that is called like a class, so nothing can be measured here. Sort a zip with one "
    "folder a class, of pictures that were never taught, and this says how many of each are recognised."
)
FEW = 10


def show(run: Run) -> None:
    """How many of each class were recognised, with the interval of the true rate, and what others were taken for."""
    found = table(run)
    pictures = [] if found is None else sorted_pictures(run, found)
    results = [] if found is None else measured(pictures, classes_of(found))
    taught = sum(one.taught and bool(one.truth) for one in pictures)
    if not results:
        st.info("All labelled pictures are examples, so they say nothing." if taught else HOW, icon=":material/info:")
        return
    right, count = sum(one.right for one in results), sum(one.count for one in results)
    word, colour = score_words.grade(right, count)
    st.markdown(
        f":{colour}-badge[{word}] {summary(results)}",
        help=f"{score_words.interval(right, count)} For pictures like these. {score_words.MEANING}",
    )
    if taught:
        was = "is an example and does" if taught == 1 else "are examples and do"
        st.caption(f":material/info: {taught} of the labelled pictures {was} not count.")
    rows = result_table(results)
    st.dataframe(
        rows,
        hide_index=True,
        column_config={
            "recognised": st.column_config.ProgressColumn(min_value=0.0, max_value=1.0, format="percent"),
            "in a word": st.column_config.TextColumn(help=score_words.MEANING),
            "true rate": st.column_config.TextColumn(help="The exact 95 % interval, for pictures like these."),
        },
    )
    if any(one.count < FEW for one in results):
        st.caption(f"With fewer than {FEW} pictures of a class the range of its true rate is wide: test with more.")
    charts.pin_table(
        rows, f"{summary(results)} {score_words.interval(right, count)}".replace("*", ""), f"test-set-{run.id}"
    )


def summary(results: list[ClassResult]) -> str:
    """How many are recognised, and the weakest class, as Markdown."""
    right, count = sum(one.right for one in results), sum(one.count for one in results)
    said = f"**{right} of {count}** test pictures are recognised."
    worst = min(results, key=lambda one: one.rate.estimate)
    if worst.right < worst.count and len(results) > 1:
        said += f" Least often “{formatting.escape(worst.name)}”: {worst.right} of {worst.count}."
    return said


def result_table(results: list[ClassResult]) -> pd.DataFrame:
    """One row a class."""
    return pd.DataFrame(
        [
            {
                "class": one.name,
                "right": one.right,
                "pictures": one.count,
                "recognised": one.rate.estimate,
                "in a word": score_words.grade(one.right, one.count)[0],
                "true rate": f"{100 * one.rate.low:.0f} to {100 * one.rate.high:.0f} %",
                "taken for": ", ".join(f"{name} ({count})" for name, count in one.mistaken),
            }
            for one in results
        ]
    )
