"""Figures of how far to trust a classifier taught with a few pictures: mix-ups, sureness, learning curve.

Each function gives a plotly figure and a sentence that says the same to someone who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from viz.fewshot.figures import COLOURS, LINE, dress, short

MAX_LABELLED_CELLS = 14


def confusion(counts: np.ndarray, names: Sequence[str]) -> tuple[go.Figure, str]:
    """How often examples of each class (rows, `(C, C)` counts) were taken for which (columns)."""
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.maximum(total, 1)
    labels = [short(name, 18) for name in names]
    ticks = list(range(len(names)))
    figure = go.Figure()
    figure.add_heatmap(
        z=share.round(4).tolist(), x=ticks, y=ticks, zmin=0, zmax=1, showscale=False, xgap=1, ygap=1,
        colorscale=[[0, "rgba(124,133,146,0.08)"], [0.001, "#d7e6f2"], [1, "#08519c"]], hoverinfo="skip",
    )  # fmt: skip
    rows, columns = [grid.ravel().tolist() for grid in np.indices(counts.shape)]
    # Only marks can be clicked. The numbers are no part of them: they would fade with a choice.
    figure.add_scatter(
        x=columns, y=rows, mode="markers", showlegend=False,
        marker={"symbol": "square", "size": max(8, min(44, 360 // max(len(names), 1))), "color": "rgba(0,0,0,0.004)"},
        customdata=[[r, c] for r, c in zip(rows, columns, strict=True)],
        hovertemplate=[
            f"{int(counts[r, c])} of {short(names[r])} taken for {short(names[c])}<extra></extra>"
            for r, c in zip(rows, columns, strict=True)
        ],
    )  # fmt: skip
    if len(names) <= MAX_LABELLED_CELLS:
        numbers = [
            {
                "x": c, "y": r, "text": str(int(counts[r, c])), "showarrow": False,
                "font": {"color": "#ffffff" if share[r, c] > 0.55 else "#17212b"},
            }
            for r, c in zip(rows, columns, strict=True) if counts[r, c]
        ]  # fmt: skip
        figure.update_layout(annotations=numbers)
    dress(figure, "Taken for", "Is", max(260, min(720, 120 + 46 * len(names))))
    figure.update_xaxes(
        tickvals=ticks, ticktext=labels, showgrid=False, zeroline=False, range=[-0.5, len(names) - 0.5], side="top"
    )
    figure.update_yaxes(tickvals=ticks, ticktext=labels, showgrid=False, zeroline=False, range=[len(names) - 0.5, -0.5])
    return figure, _confused(counts, names)


def _confused(counts: np.ndarray, names: Sequence[str]) -> str:
    wrong = counts - np.diag(np.diag(counts))
    right, total = int(np.trace(counts)), int(counts.sum())
    if not wrong.any():
        return f"All {total} examples were recognised."
    r, c = divmod(int(wrong.argmax()), len(names))
    return (
        f"{right} of {total} examples were recognised; the most frequent mix-up: {int(wrong[r, c])} of {names[r]} "
        f"taken for {names[c]}."
    )


def reliability(
    confidence: np.ndarray, accuracy: np.ndarray, counts: np.ndarray, *, low: np.ndarray, high: np.ndarray, error: float
) -> tuple[go.Figure, str]:
    """How often answers of each sureness were right. All `(B,)`: mean sureness and share right of each bin, how many
    examples it holds, the ends of the share's interval; `error` is the expected calibration error."""
    held = counts > 0
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", name="honest", line={"color": LINE, "dash": "dash"}, hoverinfo="skip"
    )
    figure.add_scatter(
        x=confidence[held].tolist(), y=accuracy[held].tolist(), mode="markers", name="these examples",
        marker={"color": COLOURS[0], "size": [8 + 14 * float(np.sqrt(n / counts.max())) for n in counts[held]]},
        error_y={
            "type": "data", "symmetric": False, "color": COLOURS[0], "thickness": 1.5,
            "array": np.maximum(high - accuracy, 0)[held].tolist(),
            "arrayminus": np.maximum(accuracy - low, 0)[held].tolist(),
        },
        customdata=counts[held].tolist(),
        hovertemplate="said %{x:.0%}, right %{y:.0%} of %{customdata} examples<extra></extra>",
    )  # fmt: skip
    dress(figure, "How sure it was", "How often it was right", 340)
    figure.update_xaxes(range=[0, 1.04], tickformat=".0%")
    figure.update_yaxes(range=[0, 1.08], tickformat=".0%")
    off = f"{100 * error:.0f} percentage points"
    return figure, f"Sureness and truth differ by {off} on average over {int(counts.sum())} examples."


def learning_curve(
    shots: Sequence[int], mean: np.ndarray, low: np.ndarray, high: np.ndarray, chance: float
) -> tuple[go.Figure, str]:
    """Accuracy against examples a class, `(S,)` each with the ends of its interval; `chance` is that of guessing."""
    figure = go.Figure()
    places = list(shots)
    figure.add_scatter(
        x=[*places, *places[::-1]], y=[*high.tolist(), *low[::-1].tolist()], fill="toself", mode="lines",
        fillcolor="rgba(0,114,178,0.18)", line={"width": 0}, hoverinfo="skip", name="95 % interval",
    )  # fmt: skip
    figure.add_scatter(
        x=places, y=mean.tolist(), mode="lines+markers", name="accuracy", line={"color": COLOURS[0], "width": 2},
        marker={"size": 8}, hovertemplate="%{x} a class: %{y:.0%}<extra></extra>",
    )  # fmt: skip
    figure.add_hline(
        y=chance, line={"color": LINE, "dash": "dot"}, annotation={"text": "guessing", "font": {"size": 11}}
    )
    dress(figure, "Examples of each class", "Recognised", 320)
    figure.update_xaxes(dtick=max(1, (max(places) - min(places)) // 8) if places else 1)
    figure.update_yaxes(range=[0, 1.04], tickformat=".0%")
    said = f"With {places[0]} of each class {100 * mean[0]:.0f} % are recognised"
    return figure, f"{said}, with {places[-1]} of each {100 * mean[-1]:.0f} %."
