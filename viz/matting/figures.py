"""Figures of a cut-out: its scores along the clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from evaluation.metrics.base import Metric

LINES = (("#0072b2", "solid"), ("#d55e00", "dash"), ("#009e73", "dot"))
"""Okabe and Ito's blue, vermilion and green, each with a dash of its own."""


def along(scores: Mapping[str, Any], metrics: Sequence[Metric], axis: str) -> tuple[go.Figure, str]:
    """The curves of some metrics along the clip, and their description in one sentence.

    Args:
        scores: as `evaluation.metrics.matting.clips` gives them.
        metrics: to draw, three at most.
        axis: the title of the vertical axis.
    """
    figure, descriptions = go.Figure(), []
    for metric, (colour, dash) in zip(metrics, LINES, strict=False):
        name = metric.name
        values = [_scaled(metric, value) for value in scores["frames"][metric.id]]
        few = len(values) < 25
        figure.add_scatter(
            x=list(scores["times"]),
            y=values,
            name=name,
            mode="lines+markers" if few else "lines",
            line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=f"{name}: %{{y:.4g}}<extra></extra>",
        )
        known = [(value, time) for value, time in zip(values, scores["times"], strict=True) if value is not None]
        mean = _scaled(metric, scores["means"][metric.id])
        if known and mean is not None:
            low, high = min(known), max(known)
            ends = f"from {low[0]:.4g} at {low[1]:.1f} s to {high[0]:.4g} at {high[1]:.1f} s"
            descriptions.append(f"{name} {mean:.4g} on average, {ends}")
        else:
            descriptions.append(f"{name} not defined")
    figure.update_layout(
        xaxis_title="Time in the clip (s)",
        yaxis_title=axis,
        hovermode="x unified",
        showlegend=len(metrics) > 1,
        legend={"orientation": "h", "y": 1.12, "x": 0},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        height=320,
    )
    return figure, f"Along the clip: {'; '.join(descriptions)}."


def _scaled(metric: Metric, value: float | None) -> float | None:
    return None if value is None else value * metric.scale
