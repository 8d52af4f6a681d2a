"""Figures of a study: scores, paired differences, and curves under a condition. Each comes with its sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

if TYPE_CHECKING:
    from evaluation.statistics.comparison import Findings
    from evaluation.statistics.intervals import Interval
    from evaluation.statistics.pairs import Pair
    from evaluation.statistics.reliability import Reliability

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9", "#7f7f7f")
"""Okabe and Ito's colours, the yellow one darker so that it is seen on white."""

DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
HEIGHT = 340


def colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def medians(found: Findings, scale: float, axis: str) -> tuple[go.Figure, str]:
    """The median of each system with its interval, the best at the top.

    Args:
        found: of one measure.
        scale: what values are multiplied by.
        axis: the measure and its unit.
    """
    systems = [system for system in reversed(found.systems) if system.n]
    middle = [system.median * scale for system in systems]
    figure = go.Figure(
        go.Scatter(
            x=middle,
            y=[system.system for system in systems],
            mode="markers",
            marker={"size": 10, "color": COLOURS[0]},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_reach(system.high * scale, value) for system, value in zip(systems, middle, strict=True)],
                "arrayminus": [
                    _reach(value, system.low * scale) for system, value in zip(systems, middle, strict=True)
                ],
                "color": COLOURS[0],
            },
            hovertemplate="%{y}: %{x:.4g}<extra></extra>",
        )
    )
    _layout(figure, axis, "", 110 + 36 * len(systems))
    said = ", ".join(f"{system.system} {system.median * scale:.4g}" for system in reversed(systems))
    return figure, f"{axis}, median of each system with its 95 % interval: {said}."


def differences(
    units: Sequence[str], values: Sequence[float], pair: Pair, scale: float, axis: str
) -> tuple[go.Figure, str]:
    """One dot a unit: by how much the first system differs from the second, in order, with zero and the interval.

    Args:
        units: names, which a click reports.
        values: a − b of each.
        pair: the comparison of the two.
        scale: what values are multiplied by.
        axis: the measure and its unit.
    """
    order = sorted(range(len(units)), key=lambda row: values[row])
    names, heights = [units[row] for row in order], [values[row] * scale for row in order]
    figure = go.Figure()
    if not math.isnan(pair.low):
        figure.add_hrect(pair.low * scale, pair.high * scale, fillcolor=COLOURS[0], opacity=0.15, line_width=0)
    figure.add_hline(pair.difference * scale, line={"color": COLOURS[0], "dash": "dash", "width": 1})
    figure.add_hline(0, line={"color": "#7f7f7f", "width": 1})
    figure.add_scatter(
        x=list(range(1, len(names) + 1)),
        y=heights,
        customdata=names,
        mode="markers",
        marker={
            "size": 9,
            "color": [COLOURS[0] if value > 0 else COLOURS[1] if value < 0 else "#7f7f7f" for value in heights],
            "symbol": ["circle" if value > 0 else "diamond" if value < 0 else "x" for value in heights],
        },
        hovertemplate="%{customdata}: %{y:.4g}<extra></extra>",
    )
    _layout(figure, "Units, from the lowest difference to the highest", f"{pair.a} − {pair.b}: {axis}", HEIGHT)
    figure.update_layout(clickmode="event+select", dragmode=False)
    return figure, (
        f"Difference {pair.a} − {pair.b} on {len(names)} units, from {heights[0]:.4g} to {heights[-1]:.4g}; "
        f"above zero on {sum(value > 0 for value in heights)}."
    )


def curves(
    lines: Sequence[tuple[str, Sequence[tuple[str, Interval]]]], scale: float, across: str, axis: str
) -> tuple[go.Figure, str]:
    """One line a system over the levels of a condition, with bands of the intervals.

    Args:
        lines: name, and level with interval each.
        scale: what values are multiplied by.
        across, axis: titles of the axes.
    """
    figure, said = go.Figure(), []
    for number, (name, points) in enumerate(lines):
        levels, intervals = [level for level, _ in points], [interval for _, interval in points]
        held = [row for row, interval in enumerate(intervals) if not math.isnan(interval.low)]
        if held:
            around = [intervals[row].high * scale for row in held] + [
                intervals[row].low * scale for row in reversed(held)
            ]
            figure.add_scatter(
                x=[levels[row] for row in held] + [levels[row] for row in reversed(held)],
                y=around,
                mode="lines",
                fill="toself",
                fillcolor=colour(number),
                opacity=0.15,
                line={"width": 0},
                hoverinfo="skip",
                showlegend=False,
            )
        middle = [interval.estimate * scale for interval in intervals]
        figure.add_scatter(
            x=levels,
            y=middle,
            name=name,
            mode="lines+markers",
            line={"color": colour(number), "dash": DASHES[number % len(DASHES)], "width": 2},
            marker={"symbol": SYMBOLS[number % len(SYMBOLS)], "size": 8},
            hovertemplate=f"{name}, %{{x}}: %{{y:.4g}}<extra></extra>",
        )
        if middle:
            said.append(f"{name} from {middle[0]:.4g} to {middle[-1]:.4g}")
    _layout(figure, across, axis, HEIGHT)
    figure.update_layout(legend={"orientation": "h", "y": 1.15, "x": 0}, xaxis={"type": "category"})
    return figure, f"{axis} by {across}: {'; '.join(said)}."


def reliability(systems: Mapping[str, Reliability]) -> tuple[go.Figure, str]:
    """How sure each system was against how good its answers were, with the diagonal of an honest one."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"color": "#7f7f7f", "dash": "dot", "width": 1},
        name="keeps its word",
        hoverinfo="skip",
    )
    for number, (name, found) in enumerate(systems.items()):
        bands = found.bands
        figure.add_scatter(
            x=[100 * band.claimed for band in bands],
            y=[100 * band.happened for band in bands],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [100 * _reach(band.high, band.happened) for band in bands],
                "arrayminus": [100 * _reach(band.happened, band.low) for band in bands],
                "color": colour(number),
                "thickness": 1,
            },
            customdata=[band.count for band in bands],
            name=name,
            mode="lines+markers",
            line={"color": colour(number), "dash": DASHES[number % len(DASHES)], "width": 2},
            marker={
                "symbol": SYMBOLS[number % len(SYMBOLS)],
                "size": [6 + 12 * math.sqrt(band.count / found.count) for band in bands],
            },
            hovertemplate=f"{name}: %{{x:.0f}} % sure, %{{y:.0f}} % good, %{{customdata}} answers<extra></extra>",
        )
    _layout(figure, "How sure the model was (%)", "How good the answers were (%)", 420)
    figure.update_layout(
        legend={"orientation": "h", "y": 1.12, "x": 0}, xaxis={"range": [-3, 103]}, yaxis={"range": [-5, 105]}
    )
    said = "; ".join(f"{name} off by {100 * found.error:.1f} points" for name, found in systems.items())
    return figure, f"Confidence against how good the answers were: {said}."


def chains(traces: Mapping[str, Any]) -> tuple[go.Figure, str]:
    """The experiment and a model laid on it, as Cα traces to be turned.

    Args:
        traces: `truth` and `answer` as lists of x, y, z in Å, and `worst`, a residue of the answer from 0, or None.
    """
    figure = go.Figure()
    for name, key, width, shade in (("experiment", "truth", 5, "#9aa5ae"), ("model", "answer", 7, COLOURS[0])):
        x, y, z = zip(*traces[key], strict=True)
        figure.add_scatter3d(x=x, y=y, z=z, mode="lines", name=name, line={"width": width, "color": shade})
    worst = traces.get("worst")
    if worst is not None and worst < len(traces["answer"]):
        x, y, z = traces["answer"][worst]
        figure.add_scatter3d(
            x=[x], y=[y], z=[z], mode="markers", name=f"worst residue, {worst + 1}", marker={"color": COLOURS[1]}
        )
    hidden = {"visible": False}
    figure.update_layout(
        scene={"xaxis": hidden, "yaxis": hidden, "zaxis": hidden, "aspectmode": "data"},
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        height=320,
        legend={"orientation": "h", "y": 0, "x": 0},
    )
    return figure, f"The experiment, {len(traces['truth'])} residues, and the model laid over it."


def _reach(one: float, other: float) -> float:
    return 0.0 if math.isnan(one) or math.isnan(other) else one - other


def _layout(figure: go.Figure, across: str, axis: str, height: int) -> None:
    figure.update_layout(
        xaxis_title=across,
        yaxis_title=axis,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        height=height,
        showlegend=bool(figure.data) and len(figure.data) > 1,
    )
