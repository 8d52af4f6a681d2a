"""Files and values of a visitor's session: an upload is copied and read once, not at every rerun."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st

from studio.jobs.uploads import copy_upload

Value = TypeVar("Value")


def cached(slot: str, key: str, make: Callable[[], Value]) -> Value:
    """The value of `key` in this session; made once. A slot holds one value: another key replaces it."""
    entry: tuple[str, Value] | None = st.session_state.get(f"cached-{slot}")
    if entry is None or entry[0] != key:
        entry = st.session_state[f"cached-{slot}"] = (key, make())
    return entry[1]


def temporary_file(ending: str) -> tuple[Any, Path]:
    """A temporary folder and the path of a file in it. Keep the folder as long as the path: the files end with it."""
    folder = tempfile.TemporaryDirectory(prefix="fourfold-session-")
    return folder, Path(folder.name) / f"file{ending}"


def save_upload(upload: Any, types: Collection[str]) -> tuple[Any, Path]:
    """A temporary folder and the copy of an upload in it. The name's ending is kept if it is one of `types`."""
    ending = Path(upload.name).suffix.lower()
    folder, path = temporary_file(ending if ending.removeprefix(".") in types else "")
    copy_upload(upload, path)
    return folder, path
