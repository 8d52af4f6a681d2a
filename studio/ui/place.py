"""The place in a result that an address points to: with `?run=ID&at=12` a second, a frame or a residue."""

from __future__ import annotations

import math

import streamlit as st

MAX_PLACE = 1e7


def place() -> float | None:
    """What `at` in the address says; None where it says nothing, or nothing sensible."""
    try:
        at = float(st.query_params.get("at", ""))
    except ValueError:
        return None
    return at if math.isfinite(at) and 0 <= at <= MAX_PLACE else None
