"""Figures as SVG by hand: small, sharp in print, and the same bytes every time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from evaluation.statistics.intervals import Interval
from evaluation.statistics.reliability import Reliability

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d1f", "#56b4e9")
DASHES = ("", "6 4", "2 3", "8 3 2 3", "12 4", "1 4")
WIDTH, LEFT, RIGHT = 720, 210, 30


def medians(rows: Sequence[tuple[str, float, float, float]], axis: str) -> str:
    """A dot and a line each: name, median, low, high."""
    height = 46 + 30 * len(rows)
    scale, ticks = _scale([value for _, *values in rows for value in values], LEFT, WIDTH - RIGHT)
    parts = _grid(ticks, scale, 10, height - 36, axis)
    for number, (name, median, low, high) in enumerate(rows):
        y = 26 + 30 * number
        parts.append(_text(LEFT - 12, y + 4, name, "end"))
        if not math.isnan(low):
            ends = f'x1="{scale(low):.1f}" x2="{scale(high):.1f}" y1="{y}" y2="{y}"'
            parts.append(f'<line {ends} stroke="{COLOURS[0]}" stroke-width="2"/>')
        parts.append(f'<circle cx="{scale(median):.1f}" cy="{y}" r="5" fill="{COLOURS[0]}"/>')
    return _svg(height, parts, f"{axis}: " + ", ".join(f"{name} {median:.4g}" for name, median, *_ in rows))


def differences(values: Sequence[float], low: float, high: float, axis: str) -> str:
    """One dot a unit in order of its difference, with zero and the interval."""
    height, ordered = 260, sorted(values)
    scale, ticks = _scale([*ordered, 0.0], height - 40, 14)
    parts = []
    for tick in ticks:
        parts += [
            f'<line x1="70" x2="{WIDTH - RIGHT}" y1="{scale(tick):.1f}" y2="{scale(tick):.1f}" stroke="#e4e9ed"/>'
        ]
        parts += [_text(62, scale(tick) + 4, f"{tick:g}", "end")]
    if not math.isnan(low):
        top, bottom = scale(high), scale(low)
        place = f'x="70" width="{WIDTH - RIGHT - 70}" y="{top:.1f}" height="{bottom - top:.1f}"'
        parts.append(f'<rect {place} fill="{COLOURS[0]}" opacity=".15"/>')
    parts.append(f'<line x1="70" x2="{WIDTH - RIGHT}" y1="{scale(0):.1f}" y2="{scale(0):.1f}" stroke="#5a6672"/>')
    step = (WIDTH - RIGHT - 90) / max(len(ordered) - 1, 1)
    for number, value in enumerate(ordered):
        colour = COLOURS[0] if value > 0 else COLOURS[1] if value < 0 else "#5a6672"
        parts.append(f'<circle cx="{80 + number * step:.1f}" cy="{scale(value):.1f}" r="4" fill="{colour}"/>')
    parts.append(_text(70, height - 8, f"Units in order · {axis}", "start"))
    return _svg(height, parts, f"{axis}: {len(ordered)} units from {ordered[0]:.4g} to {ordered[-1]:.4g}")


def curves(lines: Sequence[tuple[str, Sequence[tuple[str, Interval]]]], factor: float, axis: str) -> str:
    """One line a system over the levels, with a bar for each interval; a line may have gaps."""
    height = 300
    numbers = [
        n * factor for _, points in lines for _, i in points for n in (i.estimate, i.low, i.high) if not math.isnan(n)
    ]
    scale, ticks = _scale(numbers, height - 50, 30)
    parts = []
    for tick in ticks:
        parts += [
            f'<line x1="70" x2="{WIDTH - RIGHT}" y1="{scale(tick):.1f}" y2="{scale(tick):.1f}" stroke="#e4e9ed"/>'
        ]
        parts += [_text(62, scale(tick) + 4, f"{tick:g}", "end")]
    longest_first = sorted((points for _, points in lines), key=len, reverse=True)
    levels = list(dict.fromkeys(level for points in longest_first for level, _ in points))
    step = (WIDTH - RIGHT - 140) / max(len(levels) - 1, 1)
    parts += [_text(105 + number * step, height - 30, level, "middle") for number, level in enumerate(levels)]
    for number, (name, points) in enumerate(lines):
        colour, shift = COLOURS[number % len(COLOURS)], 4 * (number - len(lines) / 2)
        places = [(105 + levels.index(level) * step + shift, interval) for level, interval in points]
        path = " ".join(f"{x:.1f},{scale(interval.estimate * factor):.1f}" for x, interval in places)
        dash = f'stroke-dasharray="{DASHES[number % len(DASHES)]}"'
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" {dash}/>')
        for x, interval in places:
            if not math.isnan(interval.low):
                ends = f'y1="{scale(interval.low * factor):.1f}" y2="{scale(interval.high * factor):.1f}"'
                parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}"/>')
            parts.append(f'<circle cx="{x:.1f}" cy="{scale(interval.estimate * factor):.1f}" r="4" fill="{colour}"/>')
        parts.append(_text(80 + 150 * (number % 4), 12 + 14 * (number // 4), name, "start", colour))
    parts.append(_text(70, height - 8, axis, "start"))
    return _svg(height, parts, f"{axis}: " + "; ".join(f"{name}" for name, _ in lines))


def reliability(systems: Mapping[str, Reliability]) -> str:
    """What was claimed against what happened, one line a system, with the diagonal of an honest model."""
    left, top, side = 70, 40, 300
    across, up = (lambda share: left + side * share), (lambda share: top + side * (1 - share))
    parts = [f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#e4e9ed"/>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        parts += [_text(across(tick), top + side + 16, f"{100 * tick:.0f} %", "middle")]
        parts += [_text(left - 8, up(tick) + 4, f"{100 * tick:.0f} %", "end")]
    parts.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#9aa5ae"/>')
    for number, (name, found) in enumerate(systems.items()):
        colour, dash = COLOURS[number % len(COLOURS)], f'stroke-dasharray="{DASHES[number % len(DASHES)]}"'
        path = " ".join(f"{across(band.claimed):.1f},{up(band.happened):.1f}" for band in found.bands)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" {dash}/>')
        for band in found.bands:
            x, size = across(band.claimed), 3 + 5 * math.sqrt(band.count / found.count)
            parts.append(f'<circle cx="{x:.1f}" cy="{up(band.happened):.1f}" r="{size:.1f}" fill="{colour}"/>')
            if not math.isnan(band.low):
                ends = f'y1="{up(band.low):.1f}" y2="{up(band.high):.1f}"'
                parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" {ends} stroke="{colour}"/>')
        parts.append(_text(left + side + 24, top + 20 + 18 * number, name, "start", colour))
    parts.append(_text(left, top + side + 36, "How sure the model was (larger dots: more answers)", "start"))
    parts.append(_text(left, top - 14, "How good the answers were", "start"))
    return _svg(top + side + 48, parts, f"Confidence against truth of {', '.join(systems)}")


def _scale(values: Sequence[float], start: float, stop: float):
    """A function from value to pixel, and round ticks."""
    known = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 0.5, high + 0.5
    rough = (high - low) / 5
    step = next(
        m * 10 ** math.floor(math.log10(rough))
        for m in (1, 2, 5, 10)
        if m * 10 ** math.floor(math.log10(rough)) >= rough
    )
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [round(number * step, 10) for number in range(first, last + 1)]
    return lambda value: start + (value - ticks[0]) / (ticks[-1] - ticks[0]) * (stop - start), ticks


def _grid(ticks: Sequence[float], scale, top: float, bottom: float, axis: str) -> list[str]:
    parts = [
        f'<line x1="{scale(t):.1f}" x2="{scale(t):.1f}" y1="{top}" y2="{bottom}" stroke="#e4e9ed"/>' for t in ticks
    ]
    parts += [_text(scale(tick), bottom + 14, f"{tick:g}", "middle") for tick in ticks]
    return [*parts, _text(LEFT, bottom + 30, axis, "start")]


def _text(x: float, y: float, text: str, anchor: str, colour: str = "#17212b") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _svg(height: int, parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}" '
        f'font-family="system-ui, sans-serif" font-size="12">{"".join(parts)}</svg>'
    )
