"""What goes on inside a network: its halves beside each other, how far it reaches, what its attention joins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from viz.inside.style import CLEAR_FOR, FOR, colour_bar, dress, listed, number

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a97a00", "#2f94cf", "#8567c4")
PATTERNS = ("", "/", "x", ".", "-", "+", "|")


def grouped_bars(groups: Sequence[str], names: Sequence[str], values: np.ndarray, unit: str) -> tuple[go.Figure, str]:
    """Bars `(G, N)` side by side: each of the named parts in each group."""
    figure = go.Figure()
    for place, name in enumerate(names):
        figure.add_bar(
            x=[str(group) for group in groups], y=values[:, place].astype(float), name=str(name),
            marker={"color": COLOURS[place % len(COLOURS)], "pattern": {"shape": PATTERNS[place % len(PATTERNS)]}},
            hovertemplate=f"%{{x}}, {name}: %{{y:.3f}}<extra></extra>",
        )  # fmt: skip
    dress(figure, "", unit, 320)
    figure.update_layout(barmode="group")
    said = [f"{group}: {names[int(row.argmax())]} ({row.max():.2f})" for group, row in zip(groups, values, strict=True)]
    return figure, f"The greater one of each, by {unit}: {listed(said[:8])}."


def distance_curve(distance: np.ndarray, shares: np.ndarray) -> tuple[go.Figure, str]:
    """The share `(N,)`, 0 to 1, of the listening that lies within each distance in seconds, rising."""
    figure = go.Figure()
    figure.add_scatter(
        x=np.asarray(distance, float), y=100 * np.asarray(shares, float), mode="lines+markers", fill="tozeroy",
        line={"color": FOR, "width": 2, "shape": "hv"}, hovertemplate="within %{x:g} s: %{y:.0f} %<extra></extra>",
    )  # fmt: skip
    dress(figure, "distance from the stretch (s)", "share of the listening (%)", 320)
    figure.update_yaxes(range=[0, 103])
    enough = np.flatnonzero(np.asarray(shares) >= 0.9)
    far = f", 90 % within {number(float(distance[enough[0]]))} s" if len(enough) else ""
    return figure, f"{100 * float(shares[0]):.0f} % of the listening lies in the stretch itself{far}."


def moment_map(values: np.ndarray, start: np.ndarray, end: np.ndarray) -> tuple[go.Figure, str]:
    """How much `(Q, K)` each moment, from the top, takes from each other one, from the left; rows add up to one."""
    figure = go.Figure()
    figure.add_heatmap(
        z=np.asarray(values, float), x=end, y=start, colorscale=[[0, CLEAR_FOR], [1, FOR]],
        colorbar=colour_bar("share"),
        hovertemplate="at %{y:.2f} s from %{x:.2f} s: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    dress(figure, "takes from (s)", "moment (s)", 460)
    figure.update_yaxes(autorange="reversed")
    weights = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
    distance = float((weights * np.abs(start[:, None] - end[None])).sum(axis=1).mean())
    uniform = float(np.abs(start[:, None] - end[None]).mean())
    word = "nearer than" if distance < 0.9 * uniform else "farther than" if distance > 1.1 * uniform else "as far as"
    return figure, (
        f"A moment takes from {distance:.2f} s away on average, {word} by chance ({uniform:.2f} s). This is what "
        "flows, not why the model answers."
    )


def band_map(values: np.ndarray, start: np.ndarray, bands: np.ndarray) -> tuple[go.Figure, str]:
    """How much `(Q, K)` each moment takes from each band of frequency in Hz, drawn as a spectrogram is."""
    figure = go.Figure()
    figure.add_heatmap(
        z=np.asarray(values, float).T, x=start, y=np.asarray(bands) / 1000, colorscale=[[0, CLEAR_FOR], [1, FOR]],
        colorbar=colour_bar("share"),
        hovertemplate="at %{x:.2f} s from around %{y:.1f} kHz: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    dress(figure, "moment (s)", "takes from (kHz)", 380)
    shares = values.mean(axis=0) / max(float(values.mean(axis=0).sum()), 1e-12)
    strongest, even = int(shares.argmax()), 1 / len(shares)
    return figure, (
        f"Most is taken from around {bands[strongest] / 1000:.1f} kHz: {100 * shares[strongest]:.0f} %, where an even "
        f"look would take {100 * even:.0f} % from each band. This is what flows, not why the model answers."
    )


def film_lines(plddt: np.ndarray, entropy: np.ndarray) -> tuple[go.Figure, str]:
    """How sure a fold is after each step: mean pLDDT `(S,)`, and mean entropy of the distances `(S,)` in nats."""
    figure = go.Figure()
    steps = list(range(1, len(plddt) + 1))
    figure.add_scatter(
        x=steps, y=np.asarray(plddt, float), name="confidence (pLDDT)", mode="lines+markers",
        line={"color": COLOURS[0], "width": 2}, hovertemplate="step %{x}: %{y:.0f}<extra>pLDDT</extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=steps, y=np.asarray(entropy, float), name="doubt about distances (entropy, nats)", yaxis="y2",
        mode="lines+markers", line={"color": COLOURS[1], "width": 2, "dash": "dash"}, marker={"symbol": "square"},
        hovertemplate="step %{x}: %{y:.2f} nats<extra>entropy</extra>",
    )  # fmt: skip
    dress(figure, "step", "pLDDT", 300)
    figure.update_layout(
        xaxis={"tickmode": "linear", "dtick": max(1, len(plddt) // 12)}, yaxis={"range": [0, 100]},
        yaxis2={"overlaying": "y", "side": "right", "showgrid": False, "rangemode": "tozero", "title": "nats"},
    )  # fmt: skip
    return figure, (
        f"Confidence goes from {plddt[0]:.0f} after the first step to {plddt[-1]:.0f} after the last; the doubt about "
        f"distances from {entropy[0]:.2f} to {entropy[-1]:.2f} nats."
    )
