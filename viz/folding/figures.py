"""Figures of a folded protein and of how far to trust it. Each function gives a plotly figure and a sentence that says
the same to someone who cannot see it. Residues are counted from 1.

Figures have no background and no font colours of their own, so that they sit on a light and on a dark page alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from backends.folding.structure.confidence import BANDS as PLDDT_BANDS

_COLOURS = ("#0053d6", "#65cbf3", "#ffdb13", "#ff7d45")
_MARKS = ("circle", "diamond", "square", "triangle-up")
_TOPS = (100.0, *(low for low, _ in PLDDT_BANDS[:-1]))
BANDS = tuple(
    (low, top, name, colour, mark)
    for (low, name), top, colour, mark in zip(PLDDT_BANDS, _TOPS, _COLOURS, _MARKS, strict=True)
)
"""pLDDT from, to, name, the AlphaFold DB's colour, and a mark that tells the bands apart without colour."""

CLEAR = "rgba(0,0,0,0)"
LINE = "#7c8592"


def band(plddt: float) -> tuple[str, str, str]:
    """Name, colour and mark of a pLDDT."""
    return next((name, colour, mark) for low, _, name, colour, mark in BANDS if plddt >= low or low == 0.0)


def plddt_line(
    plddt: np.ndarray, numbers: Sequence[int] | None = None, name: str = "pLDDT"
) -> tuple[go.Figure, str]:  # fmt: skip
    """pLDDT `(L,)`, 0 to 100, along the chain, before the AlphaFold DB's bands; `name` is what it is called."""
    places = list(numbers) if numbers is not None else list(range(1, len(plddt) + 1))
    figure = go.Figure()
    for low, high, band, colour, _ in BANDS:
        figure.add_hrect(
            y0=low, y1=high, fillcolor=colour, opacity=0.28, line_width=0, layer="below",
            annotation={"text": band, "font": {"size": 11}}, annotation_position="top left",
        )  # fmt: skip
    values = [round(float(value), 1) if np.isfinite(value) else None for value in plddt]
    figure.add_scatter(
        x=places, y=values, mode="lines", line={"color": LINE, "width": 1.5}, hoverinfo="skip", showlegend=False
    )
    for low, high, band, colour, mark in BANDS:
        mine = [k for k, v in enumerate(values) if v is not None and low <= v and (v < high or high == 100.0)]
        if mine:
            figure.add_scatter(
                x=[places[k] for k in mine], y=[values[k] for k in mine], mode="markers", name=f"{band} ({low:.0f}+)",
                marker={"color": colour, "symbol": mark, "size": 7, "line": {"color": LINE, "width": 0.5}},
                hovertemplate=f"residue %{{x}}: %{{y:.1f}}, {band}<extra></extra>",
            )  # fmt: skip
    dress(figure, "Residue", name)
    figure.update_yaxes(range=[0, 100], showgrid=False)
    return figure, _plddt_sentence(np.asarray(plddt, float), name)


def _plddt_sentence(plddt: np.ndarray, called: str) -> str:
    known = plddt[np.isfinite(plddt)]
    if not len(known):
        return f"There is no {called} for this structure."
    parts = []
    for low, high, name, *_ in BANDS:
        share = 100 * float(((known >= low) & ((known < high) | (high == 100.0))).mean())
        parts.append(f"{share:.0f} % {name}")
    return f"{called} along the chain: mean {known.mean():.0f} of 100; {', '.join(parts)}."


def lddt_line(curves: Mapping[str, np.ndarray], numbers: Sequence[int] | None = None) -> tuple[go.Figure, str]:
    """lDDT `(L,)`, 0 to 1, of each residue of one or more models; lines differ in dash as well as colour."""
    figure, parts = go.Figure(), []
    styles = (("#0072b2", "solid"), ("#d55e00", "dash"), ("#009e73", "dot"), ("#cc79a7", "dashdot"))
    for index, (name, values) in enumerate(curves.items()):
        colour, dash = styles[index % len(styles)]
        places = list(numbers) if numbers is not None else list(range(1, len(values) + 1))
        heights = [round(float(v), 3) if np.isfinite(v) else None for v in values]
        figure.add_scatter(
            x=places, y=heights, name=name, mode="lines", line={"color": colour, "dash": dash, "width": 2},
            hovertemplate=f"residue %{{x}}: %{{y:.2f}}<extra>{name}</extra>",
        )  # fmt: skip
        finite = np.isfinite(values)
        if finite.any():
            parts.append(f"{name} {np.mean(np.asarray(values)[finite]):.2f} on average")
    dress(figure, "Residue", "lDDT")
    figure.update_yaxes(range=[0, 1.02])
    return figure, f"lDDT along the chain: {', '.join(parts)}."


def recycle_line(
    plddt: Sequence[float], ptm: Sequence[float | None] = (), name: str = "mean pLDDT"
) -> tuple[go.Figure, str]:  # fmt: skip
    """Mean pLDDT (0 to 100), by its `name`, and pTM (0 to 1, drawn on the same scale) after each pass."""
    steps = list(range(len(plddt)))
    figure = go.Figure()
    lines: list[tuple[str, list[float | None], str, str]] = [
        (name, [round(float(v), 2) for v in plddt], "#0072b2", "circle")
    ]
    if any(value is not None for value in ptm):
        lines.append(("pTM × 100", [None if v is None else round(100 * v, 2) for v in ptm], "#d55e00", "square"))
    for label, values, colour, mark in lines:
        figure.add_scatter(
            x=steps, y=values, name=label, mode="lines+markers", line={"color": colour},
            marker={"symbol": mark, "size": 8}, hovertemplate=f"recycle %{{x}}: %{{y:.1f}}<extra>{label}</extra>",
        )  # fmt: skip
    dress(figure, "Recycle", "Confidence")
    figure.update_xaxes(dtick=max(1, len(steps) // 10))
    figure.update_yaxes(range=[0, 100])
    said = (
        f"{name[0].upper()}{name[1:]} went from {plddt[0]:.0f} to {plddt[-1]:.0f}"
        if len(plddt)
        else "No recycle has finished"
    )
    return figure, f"{said} over {max(len(steps) - 1, 0)} recycles."


def dress(figure: go.Figure, x: str, y: str) -> None:
    """The frame that all figures of a protein share."""
    figure.update_layout(
        xaxis_title=x, yaxis_title=y, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, height=320,
        margin={"l": 10, "r": 10, "t": 64, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip
