"""The address of the page: every choice is a query parameter, so that it can be reloaded, kept and shared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

Value = TypeVar("Value")
Widget = TypeVar("Widget")


def read(name: str, default: str = "") -> str:
    return str(st.query_params.get(name, default))


def write(name: str, value: str, default: str = "") -> None:
    """Put a choice into the address; the default needs no place there."""
    if value == default:
        st.query_params.pop(name, None)
    elif st.query_params.get(name) != value:
        st.query_params[name] = value


def one_of(name: str, values: Sequence[str], default: str = "") -> str:
    """The choice in the address, if it is one of `values`; else the default, or the first of them."""
    there = read(name)
    if there in values:
        return there
    return default if default in values else next(iter(values), "")


def number(name: str, low: float, high: float, default: float) -> float:
    """The number in the address, within its limits."""
    try:
        return min(max(float(read(name)), low), high)
    except ValueError:
        return min(max(default, low), high)


def numbers(name: str, count: int) -> tuple[float, ...] | None:
    """`count` numbers, parted by commas; None where there are no such."""
    try:
        found = tuple(float(word) for word in read(name).split(","))
    except ValueError:
        return None
    return found if len(found) == count else None


def interval(name: str, low: float, high: float, default: tuple[float, float]) -> tuple[float, float]:
    """The two ends of a stretch such as `2-6`, within its limits."""
    first, _, last = read(name).partition("-")
    try:
        start, end = float(first), float(last)
    except ValueError:
        start, end = default
    start = min(max(start, low), high)
    return start, min(max(end, start), high)


def choose(
    name: str, label: str, values: Sequence[str], default: str = "", *, names: Callable[[str], str] = str, **more: Any
) -> str:
    """A list to choose from whose choice stands in the address.

    Args:
        name: of the query parameter.
        label: of the list.
        values: to choose from.
        default: where the address says nothing.
        names: how a value is shown.
        more: as for `st.selectbox`.
    """
    first = one_of(name, values, default)
    key = f"inside-{name}-{'-'.join(values)}"
    if key in st.session_state and st.session_state[key] not in values:
        del st.session_state[key]
    chosen = st.selectbox(label, values, values.index(first), format_func=names, key=key, **more)
    write(name, str(chosen), default if default in values else next(iter(values), ""))
    return str(chosen)


def pick(name: str, label: str, values: Sequence[str], default: str) -> str:
    """A row of short values to pick one from, whose choice stands in the address; arguments as for `choose`."""
    first = one_of(name, values, default)
    chosen = st.pills(label, values, default=first, key=f"inside-{name}-{'-'.join(values)}", required=True)
    write(name, str(chosen), default)
    return str(chosen)
