"""The exhibits of shipped networks: the browser computes them, and what was turned stands in the address."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import streamlit as st

from viz.how import shipped

PARAMETER = "net"
LONGEST = 2000
"""Characters of a state that go into the address; a painted picture does not."""

JUDGED = ("vae", "gan", "diffusion")
"""Exhibits in which a judge reads what is made."""

COMMAND = "python -m benchmarks.generative"


def show(exhibit: str, own: Mapping[str, str] | None = None) -> None:
    """An exhibit of `viz.how.shipped.EXHIBITS`, with where its numbers come from below; `own` is a visitor's sound."""
    state = shipped.lab(exhibit, _from_address(), f"how-net-{exhibit}", own)
    if state is not None:
        _to_address(state)
    with st.expander("Where the numbers come from"):
        st.markdown(
            "What a judge reads, how long a step takes and how many questions are right is computed in your browser, "
            "now. The curves, floors and intervals were measured beforehand on examples that no network was trained "
            f"on, by `{COMMAND}`. The networks are tiny, they ship with Fourfold, and `training/README.md` says how "
            "each was trained. A saved exhibit computes all of it again without the internet. These networks come "
            "trained; those of the points in the plane are trained before your eyes, also in a saved file."
        )
        if exhibit in JUDGED:
            st.markdown("The judge is a network too: " + judges_in_words(shipped.measurements()))


def judges_in_words(measured: Mapping[str, Any]) -> str:
    """How often each judge is right about real examples."""
    judges = measured["judges"]
    return " ".join(
        f"of {world} it was not trained on it names {100 * one['right']['value']:.1f} % rightly "
        f"({100 * one['right']['low']:.1f} to {100 * one['right']['high']:.1f} %)"
        + (";" if world == "pictures" else ".")
        for world, one in judges.items()
    )


def _from_address() -> Mapping[str, Any]:
    """The state that the address holds; none where it holds no such thing."""
    try:
        state = json.loads(st.query_params.get(PARAMETER, "{}")[:LONGEST])
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _to_address(state: Mapping[str, Any]) -> None:
    text = json.dumps(dict(state), separators=(",", ":"))
    if len(text) <= LONGEST and st.query_params.get(PARAMETER) != text:
        st.query_params[PARAMETER] = text
