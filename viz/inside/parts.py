"""Numbers of a few named parts (stems, branches, examples), and of the residues of a chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from viz.inside.style import AGAINST, CLEAR_FOR, FOR, LINE, colour_bar_below, dress, listed, number, over_scale, reach

MAX_BARS = 24


def part_bars(names: Sequence[str], values: np.ndarray, unit: str, total: str = "") -> tuple[go.Figure, str]:
    """What each part `(N,)` adds, the greatest first; `total` says in words what they add up to."""
    order = np.argsort(-np.abs(values), kind="stable")[:MAX_BARS]
    figure = go.Figure()
    figure.add_bar(
        x=[float(values[k]) for k in order], y=[names[k] for k in order], orientation="h",
        marker={"color": [FOR if values[k] >= 0 else AGAINST for k in order]},
        text=[f"{number(values[k])} {unit}" for k in order], textposition="outside", cliponaxis=False,
        hovertemplate=f"%{{y}}: %{{x:.4g}} {unit}<extra></extra>",
    )  # fmt: skip
    dress(figure, unit, "", 70 + 34 * len(order))
    figure.update_yaxes(autorange="reversed", type="category")
    low, high = min(0.0, float(np.min(values))), max(0.0, float(np.max(values)))
    room = 0.22 * (high - low or 1.0)
    figure.update_xaxes(range=[low - (room if low < 0 else 0), high + room], zeroline=True, zerolinecolor=LINE)
    said = listed([f"{names[k]} {number(values[k])} {unit}" for k in order[:6]])
    return figure, f"What each part adds: {said}.{f' {total}' if total else ''}"


def word_bars(names: Sequence[str], values: np.ndarray, unit: str, scale: float) -> tuple[go.Figure, str]:
    """What each word `(N,)` of a sentence adds, in its order, on an axis from -`scale` to `scale`."""
    figure = go.Figure()
    colours = [FOR if value >= 0 else AGAINST for value in values]
    figure.add_bar(
        x=list(names), y=np.asarray(values, float), marker={"color": colours},
        hovertemplate=f"%{{x}}: %{{y:.4g}} {unit}<extra></extra>",
    )  # fmt: skip
    dress(figure, "", unit, 260)
    figure.update_xaxes(type="category")
    figure.update_yaxes(range=[-1.05 * scale, 1.05 * scale], zeroline=True, zerolinecolor=LINE)
    if not len(values):
        return figure, "There is no word."
    most = int(np.argmax(values))
    return figure, f"Of the words “{names[most]}” adds most, {number(values[most])} {unit}."


def chain_bars(
    values: np.ndarray, sequence: str, numbers: Sequence[int] | None = None, unit: str = ""
) -> tuple[go.Figure, str]:
    """A number for each residue `(L,)` along the chain, and the residues that count most in words."""
    places = list(range(1, len(values) + 1)) if numbers is None else list(numbers)
    names = [f"{letter}{place}" for letter, place in zip(sequence, places, strict=True)]
    figure = go.Figure()
    figure.add_bar(
        x=places, y=np.asarray(values, float), marker={"color": [FOR if value >= 0 else AGAINST for value in values]},
        customdata=names, hovertemplate=f"%{{customdata}}: %{{y:.4g}} {unit}<extra></extra>",
    )  # fmt: skip
    dress(figure, "residue", unit, 260)
    figure.update_layout(bargap=0.1)
    most = [k for k in np.argsort(-np.abs(values), kind="stable")[:5] if values[k]]
    if not most:
        return figure, "No residue counts more than another."
    return figure, f"The residues that count most: {listed([f'{names[k]} ({number(values[k])})' for k in most])}."


def pair_map(
    values: np.ndarray, unit: str, scale: float | None = None, what: str = "pairs"
) -> tuple[go.Figure, str]:  # fmt: skip
    """A number for each pair of residues `(L, L)`, residue 1 at the top left."""
    length = len(values)
    most = reach(values) if scale is None else scale
    signed = float(np.nanmin(values)) < 0
    places = list(range(1, length + 1))
    figure = go.Figure()
    figure.add_heatmap(
        z=np.asarray(values, float), x=places, y=places, zmin=-most if signed else 0, zmax=most,
        colorscale=over_scale() if signed else [[0, CLEAR_FOR], [1, FOR]], colorbar=colour_bar_below(unit),
        hovertemplate=f"%{{y}} – %{{x}}: %{{z:.3g}} {unit}<extra></extra>",
    )  # fmt: skip
    dress(figure, "", "residue", 520)
    figure.update_xaxes(range=[0.5, length + 0.5], constrain="domain", showgrid=False, side="top")
    figure.update_layout(margin={"b": 64})
    figure.update_yaxes(range=[length + 0.5, 0.5], scaleanchor="x", constrain="domain", showgrid=False)
    row, column = np.unravel_index(int(np.nanargmax(values)), values.shape)
    return figure, f"{what.capitalize()}: the strongest is {row + 1} with {column + 1} ({number(values[row, column])})."
