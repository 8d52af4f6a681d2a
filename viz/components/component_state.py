"""What is handed to a component from one run of the page to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def last_told(key: str) -> Mapping[str, Any] | None:
    """What `numbered` was given last for the component `key`, None before the first time."""
    return st.session_state.get(f"{key}-told", {}).get("data")


def numbered(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`data` with a serial that grows with every change.

    Streamlit refers to a message it sent some runs ago by its hash, which a busy page may by then have forgotten (it
    then loses its connection): with the serial no message ever comes back after another one.
    """
    memory = st.session_state.setdefault(f"{key}-told", {"serial": 0, "data": None})
    if memory["data"] != data:
        memory.update(data=dict(data), serial=memory["serial"] + 1)
    return {**memory["data"], "serial": memory["serial"]}


def noted() -> None:
    """Streamlit keeps a state only if it has a callback; the value itself is all that is needed."""
