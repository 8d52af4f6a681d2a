"""What a study kept of an answer, to be heard and seen: sound, pictures, chains laid over each other."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from backends.core.errors import UserError
from evaluation.studies.excerpts import Excerpt
from evaluation.studies.results import StudyResults
from studio.ui import charts, formatting
from viz.evidence import figures

ROLES = {"input": "What it was given", "truth": "The truth", "answer": "What it answered"}


def show(results: StudyResults, unit: str, system: str, key: str) -> bool:
    """The excerpts of one answer side by side. Returns whether there are any."""
    try:
        excerpts = results.excerpts(unit, system)
        if excerpts:
            _side_by_side(excerpts, key)
    except UserError as error:
        st.caption(formatting.escape(error.sentence))
        return False
    return bool(excerpts)


def _side_by_side(excerpts: Sequence[Excerpt], key: str) -> None:
    for number, (column, each) in enumerate(zip(st.columns(len(excerpts)), excerpts, strict=True)):
        with column:
            st.markdown(f"**{ROLES[each.role]}**  \n{formatting.escape(each.caption)}")
            match each.path.suffix:
                case ".mp3":
                    st.audio(each.read(), format="audio/mpeg")
                case ".jpg":
                    st.image(each.read(), width="content")
                case ".json":
                    figure, alt = figures.chains(json.loads(each.read()))
                    charts.show(figure, alt, f"chains-{key}-{number}")
