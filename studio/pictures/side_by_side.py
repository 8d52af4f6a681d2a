"""Classifiers side by side, of sorted zips or of projects: their answers to the same questions, where they differ."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backends.core.errors import BadInput
from studio.library.library import Run
from studio.pictures import last_answers
from studio.pictures.batch import table
from studio.pictures.exhibit import thumb_address
from studio.pictures.last_answers import LastAnswers
from studio.pictures.task import projects
from studio.ui import charts, formatting

NONE = "none of these"
LETTERS = "ABCD"
MAX_ROWS = 300
"""Pictures of projects that are listed: each row carries its small picture."""


def show(runs: Sequence[Run]) -> None:
    """How often they agree, and every picture with the answer of each."""
    joined = together(runs)
    answers = joined[[column for column in joined if column.endswith(" answer")]]
    agree = answers.nunique(axis=1) == 1
    st.markdown(
        f"All agree on **{int(agree.sum())} of {formatting.count(len(joined), 'picture')}** that every one of them saw."
    )
    only = st.toggle("Only where they differ", value=not agree.all(), key="only-different")
    shown = joined[~agree] if only else joined
    st.dataframe(shown, hide_index=True, height=420)
    charts.pin_table(shown, "What each model says of the same pictures.", "joined")


def show_projects(tokens: Sequence[str]) -> None:
    """The same for two to four projects: how each was taught, and what each last said of the pictures they share."""
    opened = [projects().open(token) for token in tokens]
    held = [last_answers.read(project) for project in opened]
    for project, answers in zip(opened, held, strict=True):
        if answers is None:
            raise BadInput(f"“{project.state.name}” has not answered anything yet: open it once, then compare.")
    known = [answers for answers in held if answers is not None]
    _show_teaching(known)
    shared = [sha for sha in known[0].answers if all(sha in answers.answers for answers in known)]
    if not shared:
        raise BadInput("These projects were asked about different pictures: ask them about the same files first.")
    rows = [[answers.answers[sha] for answers in known] for sha in shared]
    named = [[NONE if none else name for name, _, none in row] for row in rows]
    agree = [len(set(row)) == 1 for row in named]
    st.markdown(
        f"All agree on **{sum(agree)} of {formatting.count(len(shared), 'picture')}** that every one was asked."
    )
    only = st.toggle("Only where they differ", value=not all(agree), key="only-different")
    table = pd.DataFrame(
        [
            {
                "picture": thumb_address(opened[0], sha),
                "file": opened[0].state.title(sha),
                **{
                    f"{LETTERS[k]} {part}": value
                    for k, (said, (_, sure, _none)) in enumerate(zip(row, answered, strict=True))
                    for part, value in (("answer", said), ("sure", sure))
                },
            }
            for sha, row, answered, same in zip(shared, named, rows, agree, strict=True)
            if not (only and same)
        ][:MAX_ROWS]
    )
    shares = {f"{letter} sure": st.column_config.ProgressColumn(max_value=1.0, format="percent") for letter in LETTERS}
    st.dataframe(
        table, hide_index=True, row_height=56, column_config={"picture": st.column_config.ImageColumn(), **shares}
    )
    charts.pin_table(table.drop(columns="picture", errors="ignore"), "Answers to the same pictures.", "together")


def _show_teaching(known: Sequence[LastAnswers]) -> None:
    """In what the classifiers differ."""
    rows = {
        "model": [answers.model for answers in known],
        "decides by": [answers.head for answers in known],
        "examples": [str(answers.examples) for answers in known],
        "classes": [", ".join(answers.classes) for answers in known],
    }
    differ = [{"": name, **dict(zip(LETTERS, row, strict=False))} for name, row in rows.items() if len(set(row)) > 1]
    if differ:
        st.dataframe(pd.DataFrame(differ), hide_index=True)
        charts.pin_table(pd.DataFrame(differ), "What differs in how these projects were taught.", "differ")
    else:
        st.caption("Model, way to decide, classes and number of examples are the same in all of them.")


def together(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a picture that all runs answered, by file name. Raises BadInput where there is none."""
    joined: pd.DataFrame | None = None
    for place, run in enumerate(runs):
        found = table(run)
        if found is None:
            raise BadInput(f"“{run.title}” has no table of answers.")
        letter = LETTERS[place]
        mine = pd.DataFrame(
            {
                "picture": found["file"],
                f"{letter} answer": found["class"].where(found["abstained"] != "yes", NONE),
                f"{letter} sure": found["probability"].round(3),
            }
        ).drop_duplicates("picture")
        joined = mine if joined is None else joined.merge(mine, on="picture")
    if joined is None or joined.empty:
        raise BadInput("These did not answer the same pictures: no file name is in all of them.")
    return joined
