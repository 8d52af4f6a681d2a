"""Scores along the song: one line a stem, in its own colour and dash, so that the lines also differ without colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

from viz.separation.palette import stem_colour

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")


def over_time(scores: Mapping[str, Any], measure: str) -> tuple[go.Figure, str]:
    """One measure along the song, a line for each stem; seconds without a score leave a gap.

    Args:
        scores: what `evaluation.metrics.separation.scores.scores_over_time` returned.
        measure: "SDR", "SIR" or "SAR".

    Returns:
        The figure, and a sentence that says the same for screen readers.
    """
    key = measure.lower()
    figure = go.Figure()
    medians = []
    for index, (name, ratios) in enumerate(scores["frames"].items()):
        figure.add_scatter(
            x=list(scores["times"]),
            y=ratios[key],
            name=name,
            mode="lines",
            line={"color": stem_colour(name), "dash": DASHES[index % len(DASHES)], "width": 2},
            hovertemplate=f"{name}: %{{y:.1f}} dB<extra></extra>",
        )
        median = scores["medians"][name][key]
        medians.append(f"{name} {median:.1f} dB" if median is not None else f"{name} not defined")
    figure.update_layout(
        xaxis_title="Time in the song (s)",
        yaxis_title=f"{measure} in one second (dB)",
        hovermode="x unified",
        legend={"orientation": "h", "y": 1.12, "x": 0},
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        height=340,
    )
    return figure, f"{measure} along the song; median over the scored seconds: {', '.join(medians)}."
