"""Asking as in a conversation: the same examples shown to a model that answers in words, beside the classifier."""

from __future__ import annotations

import streamlit as st

from studio.picture_answers import Taught
from studio.picture_features import Looker
from studio.picture_project import Project


def show(project: Project, looker: Looker, taught: Taught) -> None:
    """Not yet."""
    st.caption("…")
