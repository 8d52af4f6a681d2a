"""How far to trust a map: a verdict in words with its numbers, and the tests behind it, with what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from studio.inside.attribution import Map
from studio.ui import charts, formatting
from viz.inside.curves import removal_curves

LOOKS = {
    "stands": ("success", ":material/verified:", "This map stands."),
    "doubtful": ("warning", ":material/help:", "This map is doubtful."),
    "does not stand": ("error", ":material/do_not_disturb_on:", "This map does not stand: do not build on it."),
}
MEANINGS = {
    "verdict": "Stands: it passes every test that was made. Doubtful: it fails one. Does not stand: what it shows is "
    "not why the model answered.",
    "control_likeness": "How alike the map is to that of the same network with its weights shuffled, which knows "
    "nothing. Near 1 the map shows the input, not a reason; near 0 is good.",
    "plain_likeness": "How alike the map is to one that anybody can draw without the model. Near 1 the map says no "
    "more than that.",
    "deletion": "The score when what the map calls important is taken away first. It should fall faster than at "
    "random: a positive gain.",
    "insertion": "The score when what the map calls important is put back first. It should rise faster than at "
    "random: a positive gain.",
    "infidelity": "How far the map is from saying what really happens when parts are covered at random: 0 says it "
    "all, 1 says nothing.",
    "sensitivity": "How much the map changes when the input changes by next to nothing. Small is good.",
    "agreement": "Whether another method finds the same places: 1 is the same order, 0 is none.",
    "repeatability": "Whether the map comes out the same with other random numbers; 1 is the same.",
}


def show(found: Map, key: str) -> None:
    """The verdict, and below it the tests in numbers and curves."""
    checks = found.checks
    if not checks:
        return
    kind, icon, lead = LOOKS.get(str(checks.get("verdict")), LOOKS["doubtful"])
    getattr(st, kind)(f"**{lead}** {formatting.escape(_clauses(str(checks.get('sentence', ''))))}", icon=icon)
    with st.expander("The tests behind this verdict", icon=":material/fact_check:"):
        for row in rows(checks):
            st.markdown(f"**{row['test']}**: {formatting.escape(row['result'])}", help=row["meaning"])
        curve = checks.get("deletion")
        if curve:
            figure, alt = _curves(curve, checks.get("insertion"), found.unit or "score")
            charts.show(figure, alt=alt, key=f"curves-{key}")
            st.caption(alt)


def _clauses(sentence: str) -> str:
    """The reasons of a verdict, without its first words, which the page says itself."""
    _, colon, rest = sentence.partition(": ")
    return rest[:1].upper() + rest[1:] if colon else sentence


def _curves(deletion: Mapping[str, Any], insertion: Mapping[str, Any] | None, unit: str) -> tuple[Any, str]:
    shares, relevant, random = (np.asarray(deletion[name], float) for name in ("fractions", "relevant", "random"))
    back = None if insertion is None else np.asarray(insertion["relevant"], float)
    return removal_curves(shares, relevant, random, back, unit)


def rows(checks: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each test that was made: its name, its result in words, and what it means."""
    found = [("The verdict", str(checks.get("verdict", "")), MEANINGS["verdict"])]
    for name, title in (("deletion", "Taking away"), ("insertion", "Putting back")):
        if curve := checks.get(name):
            low, high = curve["random_band"]
            said = "better than every random order" if curve["passes"] else "no better than random orders"
            numbers = f"area {curve['area']:.3g}, random {curve['random_area']:.3g} ({low:.3g} to {high:.3g})"
            found.append((title, f"{said}; {numbers}", MEANINGS[name]))
    titles = {
        "control_likeness": "Against shuffled weights",
        "plain_likeness": f"Against {checks.get('plain_name') or 'a map without the model'}",
        "agreement": f"Another method ({checks.get('second') or 'none'})",
        "repeatability": "Other random numbers",
        "infidelity": "Infidelity",
        "sensitivity": "Sensitivity",
    }
    for name, title in titles.items():
        value = checks.get(name)
        if value is not None:
            sign = "" if name in ("infidelity", "sensitivity") else "rank correlation "
            found.append((title, f"{sign}{value:.2f}", MEANINGS[name]))
    if cascade := checks.get("cascade"):
        steps = ", ".join(f"{100 * share:.0f} %: {value:.2f}" for share, value in cascade)
        found.append(("Shuffled from the last layer on", f"likeness {steps}", MEANINGS["control_likeness"]))
    return [{"test": test, "result": result, "meaning": meaning} for test, result, meaning in found]
