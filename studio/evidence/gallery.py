"""What a study kept of an answer, to be heard and seen: sound, pictures, chains laid over each other."""

from __future__ import annotations

import json
from collections.abc import Sequence

import streamlit as st

from backends.core.errors import UserError
from evaluation.studies.excerpts import Excerpt
from evaluation.studies.results import StudyResults
from studio.findings.snapshots import Excerpt as PinnedExcerpt
from studio.findings.snapshots import of_excerpts
from studio.ui import charts, formatting
from studio.web.urls import data_url
from viz.evidence import figures

PINNED = {".mp3": "audio/mpeg", ".jpg": "image/jpeg"}
"""Excerpts that can be pinned as they are, by their endings: chains have a figure with its own button."""

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
    files = [each for each in excerpts if each.path.suffix in PINNED]
    if files:
        heard = "; ".join(f"{ROLES[each.role]}: {each.caption}" for each in files)
        charts.pin_button("Pin these excerpts", lambda: of_excerpts([_pinned(each) for each in files], heard), key)


def _pinned(excerpt: Excerpt) -> PinnedExcerpt:
    return PinnedExcerpt(ROLES[excerpt.role], data_url(PINNED[excerpt.path.suffix], excerpt.read()))
