"""What a page holds of its visitor from one rerun to the next: a file is copied and read once, not at every click."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from studio.jobs.receiver import copy_upload

Thing = TypeVar("Thing")


def held(place: str, key: str, make: Callable[[], Thing]) -> Thing:
    """What lies in this visitor's `place` under `key`; where another lies there, it goes for what `make` gives."""
    there: tuple[str, Thing] | None = st.session_state.get(f"held-{place}")
    if there is None or there[0] != key:
        there = st.session_state[f"held-{place}"] = (key, make())
    return there[1]


def place_for(ending: str) -> tuple[Any, Path]:
    """A temporary folder and a file to be in it; whoever keeps the path has to keep the folder, which ends with it."""
    folder = tempfile.TemporaryDirectory(prefix="fourfold-held-")
    return folder, Path(folder.name) / f"file{ending}"


def copied(upload: Any, types: Collection[str]) -> tuple[Any, Path]:
    """The same with a copy of an upload there. A name may say anything: its ending is kept if it is one of `types`."""
    ending = Path(upload.name).suffix.lower()
    folder, path = place_for(ending if ending.removeprefix(".") in types else "")
    copy_upload(upload, path)
    return folder, path
