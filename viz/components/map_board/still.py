"""The same board as a still picture: for print, for lists, and where nothing can be drawn live."""

from __future__ import annotations

import html

from viz.components.map_board.manifest import Board
from viz.inside.style import AGAINST, COVER, FOR, LINE

WIDTH = 960
BAR_HEIGHT, ROW = 300, 34
INK, BACK, ASKED = "#17212b", "#ffffff", "#009e73"
HALO = ' stroke="#fff" stroke-width="4" paint-order="stroke"'

Box = tuple[float, float, float, float]
"""Left, top, width and height."""


def svg(board: Board) -> str:
    """The first map of a board as SVG, or its points."""
    height, parts = {"cells": _cells, "bars": _bars, "points": _points}[board.kind](board)
    title = f"<title>{html.escape(board.alt)}</title>"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" font-family="sans-serif" font-size="18" fill="{INK}">{title}'
        f'<rect width="100%" height="100%" fill="{BACK}"/>{parts}</svg>'
    )


def _cells(board: Board) -> tuple[float, str]:
    height, foot = WIDTH * board.aspect, 64.0
    parts = [_image(board.picture, (0, 0, WIDTH, height))] if board.picture else []
    across, down = board.x.edges, board.y.edges
    for row, values in enumerate(board.maps[0].rows):
        for column, value in enumerate(values):
            if value:
                left, top = across[column] * WIDTH, down[row] * height
                wide, high = (across[column + 1] - across[column]) * WIDTH, (down[row + 1] - down[row]) * height
                parts.append(_rect((left, top, wide, high), _colour(value), COVER * abs(value) / board.reach))
    if board.area:
        left, top, wide, high = board.area
        box = (left * WIDTH, top * height, wide * WIDTH, high * height)
        parts.append(f'<rect {_place(box)} fill="none" stroke="{ASKED}" stroke-width="4"/>')
    for place, words in board.x.ticks:
        parts.append(_text(place * WIDTH, height + 22, words, "middle"))
    for place, words in board.y.ticks:
        parts.append(
            _text(6, place * height + 6, words, "start", ' stroke="#fff" stroke-width="4" paint-order="stroke"')
        )
    parts.append(_text(WIDTH / 2, height + 50, board.x.title or _scale(board), "middle"))
    return height + foot, "".join(parts)


def _bars(board: Board) -> tuple[float, str]:
    values, count = board.maps[0].rows[0], len(board.names)
    wide, middle, foot = WIDTH / max(1, count), BAR_HEIGHT / 2, 56.0
    parts = [f'<line x1="0" x2="{WIDTH}" y1="{middle}" y2="{middle}" stroke="{LINE}"/>']
    for place, value in enumerate(values):
        high = abs(value) / board.reach * (middle - 8)
        top = middle - high if value >= 0 else middle
        parts.append(_rect((place * wide + 0.08 * wide, top, 0.84 * wide, max(high, 0.5)), _colour(value), 1))
    step = max(1, -(-count // 16))
    for place in range(0, count, step):
        parts.append(_text((place + 0.5) * wide, BAR_HEIGHT + 20, board.names[place], "middle"))
    parts.append(_text(WIDTH / 2, BAR_HEIGHT + 46, _scale(board), "middle"))
    return BAR_HEIGHT + foot, "".join(parts)


def _points(board: Board) -> tuple[float, str]:
    side, high, size = WIDTH, WIDTH * 0.62, 52.0
    parts = []
    for point in board.points:
        x, y = point.x * side, point.y * high
        colour = board.groups[point.group][1] if 0 <= point.group < len(board.groups) else LINE
        if point.picture:
            parts.append(_rect((x - size / 2 - 3, y - size / 2 - 3, size + 6, size + 6), colour, 1))
            parts.append(_image(point.picture, (x - size / 2, y - size / 2, size, size)))
        else:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="{colour}"/>')
    for place, (name, colour) in enumerate(board.groups[:12]):
        left, top = 12 + place % 6 * (WIDTH / 6), high + 24 + place // 6 * ROW
        parts.append(f'<circle cx="{left:.1f}" cy="{top - 6:.1f}" r="7" fill="{colour}"/>')
        parts.append(_text(left + 14, top, name, "start"))
    return high + ROW * (1 + (min(len(board.groups), 12) - 1) // 6) + 8, "".join(parts)


def _scale(board: Board) -> str:
    return f"warm: for it, blue: against it; strongest {board.reach:.3g} {board.unit}".strip()


def _colour(value: float) -> str:
    return FOR if value >= 0 else AGAINST


def _rect(box: Box, colour: str, opacity: float) -> str:
    return f'<rect {_place(box)} fill="{colour}" fill-opacity="{opacity:.3f}"/>'


def _image(address: str, box: Box) -> str:
    return f'<image href="{html.escape(address)}" {_place(box)} preserveAspectRatio="none"/>'


def _place(box: Box) -> str:
    return " ".join(f'{name}="{size:.1f}"' for name, size in zip(("x", "y", "width", "height"), box, strict=True))


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{html.escape(words)}</text>'
