"""What a component was sent, kept from one run of the page to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st


def last_sent(key: str) -> Mapping[str, Any] | None:
    """The data that `with_serial` was given last for the component `key`; None before the first time."""
    return st.session_state.get(f"{key}-sent", {}).get("data")


def with_serial(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    """`data` with a serial number that grows with every change.

    Streamlit refers to a message it sent some runs ago by its hash, which a busy page may by then have forgotten (it
    then loses its connection): with the serial no message ever comes back after another one.
    """
    memory = st.session_state.setdefault(f"{key}-sent", {"serial": 0, "data": None})
    if memory["data"] != data:
        memory.update(data=dict(data), serial=memory["serial"] + 1)
    return {**memory["data"], "serial": memory["serial"]}


def keep_state() -> None:
    """An empty callback: Streamlit keeps the state of a component only where it has one."""
