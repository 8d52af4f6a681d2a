"""Figures of a classifier taught with a few pictures. Each function gives a plotly figure and a sentence that says the
same to someone who cannot see it.

Classes differ in colour and in mark; figures have no background and no font colours of their own, so that they sit on
a light and on a dark page alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a97a00", "#2f94cf", "#8567c4")
"""Okabe and Ito's set, the pale ones darkened until they show on white; classes past the seventh begin again."""
MARKS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "x",
    "star",
    "hexagon",
    "pentagon",
    "triangle-down",
    "hourglass",
)
"""As many marks as share no factor with the colours: 77 classes are told apart before a pair comes again."""
NONE_COLOUR = "#7c8592"
CLEAR = "rgba(0,0,0,0)"
LINE = "#7c8592"
MAX_PICTURES = 150
SHAPE = 2.5
"""How much wider than tall a map is on a desk; on a phone the pictures on it are a little smaller."""
NONE = "none of these"


def class_colour(index: int) -> str:
    """The colour of the class at that place; grey for -1, "none of these"."""
    return NONE_COLOUR if index < 0 else COLOURS[index % len(COLOURS)]


def class_mark(index: int) -> str:
    return "circle-open" if index < 0 else MARKS[index % len(MARKS)]


def bars(names: Sequence[str], probabilities: np.ndarray, most: int = 8) -> tuple[go.Figure, str]:
    """How probable each class is `(C,)`, the most probable on top; classes past `most` are left out and counted."""
    order = np.argsort(-probabilities, kind="stable")
    shown = order[:most]
    figure = go.Figure()
    figure.add_bar(
        x=[float(probabilities[k]) for k in shown], y=labels(names[k] for k in shown), orientation="h",
        marker={"color": [class_colour(int(k)) for k in shown]},
        text=[_percent(probabilities[k]) for k in shown], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.1%}<extra></extra>",
    )  # fmt: skip
    dress(figure, "Probability", "", 60 + 30 * len(shown))
    figure.update_xaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed", type="category")
    said = ", ".join(f"{names[k]} {_percent(probabilities[k])}" for k in shown)
    rest = len(order) - len(shown)
    return figure, f"Probabilities: {said}{f'; {rest} more classes are less probable' if rest else ''}."


def votes(names: Sequence[str], words: np.ndarray | None, pictures: np.ndarray | None) -> tuple[go.Figure, str]:
    """What the words and the pictures of each class say for it `(C,)`, in units of the head's scores."""
    figure, said = go.Figure(), []
    for name, values, colour, pattern in (
        ("its words", words, COLOURS[0], ""),
        ("its pictures", pictures, COLOURS[1], "/"),
    ):
        if values is None:
            continue
        figure.add_bar(
            x=labels(names), y=[_number(value) for value in values], name=name,
            marker={"color": colour, "pattern": {"shape": pattern, "solidity": 0.25}},
            hovertemplate=f"%{{x}}, {name}: %{{y:.2f}}<extra></extra>",
        )  # fmt: skip
        if np.isfinite(values).any():
            said.append(f"{name.removeprefix('its ')} speak loudest for {names[int(np.nanargmax(values))]}")
    dress(figure, "", "Vote (score)", 300)
    figure.update_xaxes(type="category")
    figure.update_layout(barmode="group")
    return figure, f"Votes: {'; '.join(said) or 'none can be told apart'}."


def embedding(
    points: np.ndarray,
    labels: np.ndarray,
    names: Sequence[str],
    *,
    titles: Sequence[str],
    ids: Sequence[str],
    pictures: Sequence[str] | None = None,
) -> tuple[go.Figure, str]:
    """The pictures as a map: what the model sees as alike lies close together.

    Args:
        points: `(N, 2)`.
        labels: `(N,)` index of the class, -1 for questions.
        titles: what each picture is called; `ids` come back as `customdata` of what is selected.
        pictures: addresses of small pictures to draw in place of marks, for some of the points at most.
    """
    figure = go.Figure()
    for index in [*range(len(names)), -1]:
        mine = np.flatnonzero(labels == index).tolist()
        if not mine:
            continue
        name = names[index] if index >= 0 else "questions"
        figure.add_scatter(
            x=points[mine, 0].round(4).tolist(), y=points[mine, 1].round(4).tolist(), mode="markers", name=short(name),
            marker={
                "color": class_colour(index), "symbol": class_mark(index), "size": 10 if index >= 0 else 11,
                "line": {"width": 1 if index >= 0 else 2, "color": LINE if index >= 0 else class_colour(-1)},
            },
            customdata=[ids[k] for k in mine], text=[short(titles[k]) for k in mine],
            hovertemplate=f"%{{text}}<br>{short(name)}<extra></extra>",
        )  # fmt: skip
    if pictures is not None:
        _lay_pictures(figure, points, labels, pictures)
    dress(figure, "", "", 480)
    figure.update_xaxes(showticklabels=False, zeroline=False, showgrid=False)
    figure.update_yaxes(showticklabels=False, zeroline=False, showgrid=False)
    figure.update_layout(dragmode="lasso", legend={"itemsizing": "constant"})
    said = f"Map of {len(points)} pictures; what the model sees as alike lies close together."
    return figure, f"{said} {_closest(points, labels, names)}".strip()


def _lay_pictures(figure: go.Figure, points: np.ndarray, labels: np.ndarray, pictures: Sequence[str]) -> None:
    """Small pictures over the marks, each framed in its class's colour by the mark behind it; far more than fit are
    thinned out evenly."""
    chosen = np.linspace(0, len(points) - 1, min(len(points), MAX_PICTURES)).round().astype(int)
    low, high = points.min(axis=0), points.max(axis=0)
    span = np.maximum(high - low, 1e-6)
    tall = 7 if len(chosen) < 40 else 10
    size = span / (tall * SHAPE, tall)
    images, frames = [], []
    for k in chosen.tolist():
        x, y = float(points[k, 0]), float(points[k, 1])
        images.append(
            {
                "source": pictures[k], "xref": "x", "yref": "y", "x": x, "y": y, "xanchor": "center",
                "yanchor": "middle", "sizex": float(size[0]), "sizey": float(size[1]), "layer": "above",
            }
        )  # fmt: skip
        below = y - 0.54 * float(size[1])
        frames.append(
            {
                "type": "line", "xref": "x", "yref": "y", "y0": below, "y1": below,
                "x0": x - 0.5 * float(size[0]), "x1": x + 0.5 * float(size[0]),
                "line": {"color": class_colour(int(labels[k])), "width": 4},
            }
        )  # fmt: skip
    # All at once: plotly checks the whole list anew for each one that is added.
    figure.update_layout(images=images, shapes=frames)
    figure.update_xaxes(range=[low[0] - size[0], high[0] + size[0]])
    figure.update_yaxes(range=[low[1] - size[1], high[1] + size[1]])


def _closest(points: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> str:
    """Which two classes lie closest on the map, in words."""
    middles = {k: points[labels == k].mean(axis=0) for k in range(len(names)) if (labels == k).any()}
    pairs = [(float(np.linalg.norm(middles[a] - middles[b])), a, b) for a in middles for b in middles if a < b]
    if not pairs:
        return ""
    _, a, b = min(pairs)
    return f"The closest classes are {names[a]} and {names[b]}."


def tokens(words: Sequence[str], relevance: np.ndarray) -> tuple[go.Figure, str]:
    """How much each word of a sentence counts for an answer `(T,)`; below 0 it speaks against."""
    figure = go.Figure()
    hover = [f"{short(word)}: {value:.3g}<extra></extra>" for word, value in zip(words, relevance, strict=True)]
    figure.add_bar(
        x=list(range(len(words))), y=[float(v) for v in relevance],
        marker={"color": [COLOURS[0] if v >= 0 else COLOURS[1] for v in relevance]},
        hovertemplate=hover,
    )  # fmt: skip
    dress(figure, "", "Relevance", 240)
    figure.update_xaxes(tickvals=list(range(len(words))), ticktext=[short(word) for word in words])
    strongest = words[int(np.argmax(np.abs(relevance)))] if len(words) else ""
    return figure, f"Relevance of the words; “{strongest}” counts most." if strongest else "There are no words."


def dress(figure: go.Figure, x: str, y: str, height: int) -> None:
    """The frame that all these figures share."""
    figure.update_layout(
        xaxis_title=x, yaxis_title=y, paper_bgcolor=CLEAR, plot_bgcolor=CLEAR, height=height,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )  # fmt: skip


def _percent(share: float) -> str:
    if 0 < share < 0.01:
        return "<1 %"
    return ">99 %" if 0.99 < share < 1 else f"{100 * share:.0f} %"


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def labels(names: Iterable[str]) -> list[str]:
    """Short names for an axis of categories, with a number after each that was there before: each has its own bar.

    >>> labels(["1", "x" * 50 + "a", "x" * 50 + "b"])[2][-4:]
    ' (2)'
    """
    count: dict[str, int] = {}
    made = []
    for name in map(short, names):
        count[name] = count.get(name, 0) + 1
        made.append(name if count[name] == 1 else f"{name} ({count[name]})")
    return made


def short(text: str, most: int = 40) -> str:
    """Text that plotly shows as it stands, at most so long: it would read tags in it."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    return cut.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
