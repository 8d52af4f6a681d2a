"""Maps of a folded protein: each function gives a figure and a sentence that says it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from backends.folding.residues import AMINO_ACIDS
from backends.folding.structure import geometry
from backends.folding.structure.structure import Structure
from viz.folding.figures import LINE, dress

ERROR_COLOURS = ("#00441b", "#1b7837", "#5aae61", "#a6dba0", "#d9f0d3", "#f7fcf5")
"""Dark is a small error, as in the AlphaFold DB; monotonic in lightness."""
SCAN_COLOURS = ("#8c510a", "#d8b365", "#f6e8c3", "#f5f5f5", "#c7eae5", "#5ab4ac", "#01665e")
"""Brown to teal through grey: ends that every kind of colour vision keeps apart (ColorBrewer BrBG)."""
MAX_CELLS = 400
"""Matrices are pooled to at most this many rows, so that a page stays quick however long the protein is."""


MAP_HEIGHT = 720
"""Pixels of a PAE: a screen's height less what stands around it."""


def pae_map(
    pae: np.ndarray,
    labels: np.ndarray | None = None,
    top: float | None = None,
    chains: Sequence[tuple[str, slice]] = (),
) -> tuple[go.Figure, str]:
    """PAE `(L, L)` in Å: how far residue j may be off when the structures are laid on residue i.

    Args:
        labels: `(L,)` domains from `evaluation.metrics.folding.domains`, outlined in the map.
        top: the end of the colour scale in Å; by default the largest error, at most 30.
        chains: (name, rows) of each chain; of several the borders are drawn and the names stand on both axes.
    """
    cells, places = pooled(pae)
    limit = top or float(min(30.0, max(5.0, np.nanmax(pae))))
    figure = go.Figure()
    figure.add_heatmap(
        z=np.round(cells, 1), x=places, y=places, zmin=0, zmax=limit, colorscale=_scale(ERROR_COLOURS),
        # Above the map: it is square, and beside it the scale would stand at the far edge of a wide page.
        colorbar={
            "ticksuffix": " Å", "thickness": 12, "outlinewidth": 0, "orientation": "h",
            "x": 0.5, "y": 1.0, "yanchor": "bottom", "len": 240, "lenmode": "pixels",
        },
        hovertemplate="aligned on residue %{y}, error at residue %{x}: %{z:.1f} Å<extra></extra>",
    )  # fmt: skip
    if labels is not None:
        _outline(figure, labels)
    _square(figure, "Scored residue", "Aligned residue", len(pae))
    figure.update_layout(height=MAP_HEIGHT)
    figure.update_yaxes(constraintoward="top")  # on a narrow page the map shrinks, and stays below its scale
    if len(chains) > 1:
        _part_chains(figure, chains, len(pae))
    return figure, f"Expected position error: {np.nanmean(pae):.1f} Å on average, {np.nanmax(pae):.1f} Å at most."


def _part_chains(figure: go.Figure, chains: Sequence[tuple[str, slice]], length: int) -> None:
    """A dark line in a light one between two chains, seen on every colour, and each chain's name at its middle."""
    for _, rows in chains[1:]:
        for colour, width in (("rgba(255,255,255,0.85)", 3), ("#000000", 1)):
            line, edge = {"color": colour, "width": width}, rows.start + 0.5
            figure.add_shape(type="line", x0=edge, x1=edge, y0=0.5, y1=length + 0.5, line=line)
            figure.add_shape(type="line", x0=0.5, x1=length + 0.5, y0=edge, y1=edge, line=line)
    names = [name for name, _ in chains]
    middles = [(rows.start + rows.stop + 1) / 2 for _, rows in chains]
    figure.update_xaxes(tickvals=middles, ticktext=names, title_text="Scored residue, by chain")
    figure.update_yaxes(tickvals=middles, ticktext=names, title_text="Aligned residue, by chain")


def _outline(figure: go.Figure, labels: np.ndarray) -> None:
    for start, stop in _runs(labels):
        if labels[start] >= 0 and stop - start >= 5:
            edges = {"x0": start + 0.5, "x1": stop + 0.5, "y0": start + 0.5, "y1": stop + 0.5}
            figure.add_shape(type="rect", **edges, line={"color": "#d55e00", "width": 2, "dash": "dot"})


def _runs(labels: np.ndarray) -> list[tuple[int, int]]:
    starts = np.flatnonzero(np.r_[True, labels[1:] != labels[:-1]]) if len(labels) else np.array([], int)
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(labels)], strict=True))


def contact_figure(
    predicted: np.ndarray | None, true: np.ndarray | None, min_sep: int = 6, shown: float = 0.3
) -> tuple[go.Figure, str]:
    """Predicted contacts `(L, L)`, 0 to 1, above the diagonal; true ones `(L, L)` bool below it.

    Predictions over `shown` with |i − j| ≥ `min_sep` are drawn: filled where true, crossed where not, plain squares
    without a truth to judge by.
    """
    given = predicted if predicted is not None else true
    if given is None:
        raise ValueError("a contact map needs predicted or true contacts")
    length = len(given)
    figure, parts = go.Figure(), []
    if true is not None:
        rows, columns = np.nonzero(np.triu(true, min_sep))
        _points(figure, columns, rows, ("in the structure", {"color": LINE, "symbol": "square"}))
        parts.append(f"{len(rows)} true contacts")
    if predicted is not None:
        mutual = np.nan_to_num((predicted + predicted.T) / 2)
        rows, columns = np.nonzero(np.triu(mutual, min_sep) > shown)
        parts.append(f"{len(rows)} predicted with a probability over {shown:.0%}")
        right = np.full(len(rows), True) if true is None else true[rows, columns]
        marks: tuple[tuple[str, np.ndarray, dict[str, Any]], ...] = (
            ("predicted" if true is None else "predicted, true", right, {"color": "#0072b2", "symbol": "square"}),
            ("predicted, not in the structure", ~right, {"color": "#d55e00", "symbol": "x"}),
        )
        for name, mine, mark in marks:
            if mine.any():
                _points(figure, rows[mine], columns[mine], (name, mark), mutual[rows[mine], columns[mine]])
        if true is not None and len(rows):
            parts.append(f"{right.sum()} of those are true")
    figure.add_shape(type="line", x0=0.5, y0=0.5, x1=length + 0.5, y1=length + 0.5, line={"color": LINE, "width": 1})
    _square(figure, "Residue", "Residue", length)
    return figure, f"Contacts (Cβ closer than 8 Å, {min_sep} or more residues apart): {', '.join(parts)}."


def _points(
    figure: go.Figure, rows: np.ndarray, columns: np.ndarray, style: tuple[str, dict[str, Any]],
    chance: np.ndarray | None = None,
) -> None:  # fmt: skip
    """Contacts at `rows` and `columns` (from 0); with `chance` the probability is told on hover."""
    name, mark = style
    probability = "" if chance is None else ", probability %{customdata}"
    figure.add_scatter(
        x=columns + 1, y=rows + 1, mode="markers", name=name, marker={"size": 5, **mark},
        customdata=None if chance is None else np.round(chance, 2),
        hovertemplate=f"%{{x}} – %{{y}}{probability}<extra>{name}</extra>",
    )  # fmt: skip


def ramachandran(structure: Structure) -> tuple[go.Figure, str]:
    """φ against ψ of each residue, the allowed region shaded, outliers crossed and named on hover."""
    found = geometry.torsions(structure)
    outside = geometry.ramachandran_outliers(structure, found)
    known = np.isfinite(found.phi) & np.isfinite(found.psi)
    figure = go.Figure()
    for boxes, shade in ((geometry.ALLOWED["general"], 0.16), (geometry.FAVOURED["general"], 0.22)):
        for left, right, bottom, top in boxes:
            figure.add_shape(
                type="rect", x0=left, x1=right, y0=bottom, y1=top, line_width=0, fillcolor="#0072b2", opacity=shade,
                layer="below",
            )  # fmt: skip
    kinds = np.array([geometry.ramachandran_class(letter) for letter in structure.sequence])
    for kind, colour, mark in (
        ("general", "#0072b2", "circle"), ("glycine", "#009e73", "triangle-up"), ("proline", "#a97a00", "square"),
    ):  # fmt: skip
        rows = np.flatnonzero(known & ~outside & (kinds == kind))
        _torsion_points(figure, structure, found, rows, (kind, colour, mark))
    _torsion_points(figure, structure, found, np.flatnonzero(outside), ("outlier", "#d55e00", "x"))
    dress(figure, "φ (°)", "ψ (°)")
    ticks = {"range": [-180, 180], "tickvals": [-180, -90, 0, 90, 180], "zeroline": False}
    figure.update_xaxes(**ticks, constrain="domain")
    figure.update_yaxes(**ticks, scaleanchor="x")
    figure.update_layout(height=460)
    names = [f"{structure.sequence[k]}{structure.numbers[k]}" for k in np.flatnonzero(outside)[:8]]
    listed = f": {', '.join(names)}{' …' if outside.sum() > 8 else ''}" if names else ""
    return figure, f"Backbone twist of {known.sum()} residues; {outside.sum()} outside the allowed regions{listed}."


def _torsion_points(
    figure: go.Figure, structure: Structure, found: geometry.Torsions, rows: np.ndarray, style: tuple[str, str, str]
) -> None:
    if not len(rows):
        return
    name, colour, mark = style
    words = [f"{structure.sequence[k]}{structure.numbers[k]} · chain {structure.chains[k]}" for k in rows]
    figure.add_scatter(
        x=np.round(found.phi[rows], 1), y=np.round(found.psi[rows], 1), mode="markers", name=name, text=words,
        marker={"color": colour, "symbol": mark, "size": 9 if mark == "x" else 6},
        hovertemplate="%{text}: φ %{x}°, ψ %{y}°<extra></extra>", customdata=rows,
    )  # fmt: skip


def mutation_scan(
    scores: np.ndarray, sequence: str, letters: str = AMINO_ACIDS, label: str = "log-odds"
) -> tuple[go.Figure, str]:
    """Score `(L, 20)` of putting each amino acid at each place, against the letter that is there: below 0 is less fit.

    The scale is symmetric about 0, so that grey is always "no change". The present letter has a dot.
    """
    values = np.asarray(scores, float)
    reach = float(np.nanmax(np.abs(values))) or 1.0
    places = list(range(1, len(sequence) + 1))
    text = [[f"{sequence[k]}{k + 1}{letter}" for k in range(len(sequence))] for letter in letters]
    figure = go.Figure()
    figure.add_heatmap(
        z=np.round(values.T, 2), x=places, y=list(letters), zmin=-reach, zmax=reach, colorscale=_scale(SCAN_COLOURS),
        colorbar={"title": {"text": label}, "thickness": 12, "outlinewidth": 0}, text=text,
        hovertemplate="%{text}: %{z:.2f}<extra></extra>",
    )  # fmt: skip
    there = [k for k, letter in enumerate(sequence) if letter in letters]
    figure.add_scatter(
        x=[k + 1 for k in there], y=[sequence[k] for k in there], mode="markers", hoverinfo="skip", showlegend=False,
        marker={"color": "#333333", "size": 3},
    )  # fmt: skip
    dress(figure, "Residue", "Put in its place")
    figure.update_layout(height=420)
    mean = np.nanmean(values, axis=1)
    touchy = np.argsort(mean, kind="stable")[:3]
    named = ", ".join(f"{sequence[k]}{k + 1}" for k in touchy)
    changes = int(np.isfinite(values).sum()) - sum(np.isfinite(values[k, letters.index(sequence[k])]) for k in there)
    return figure, f"Scan of all {changes} single changes; the least changeable places are {named}."


def pooled(matrix: np.ndarray, most: int = MAX_CELLS) -> tuple[np.ndarray, np.ndarray]:
    """`(L, L)` -> `(B, B)` means of blocks, B ≤ `most`, and the middle residue (from 1) of each block `(B,)`."""
    length = len(matrix)
    starts = np.arange(0, length, max(1, -(-length // most)))
    sizes = np.diff(np.append(starts, length))
    if len(starts) == length:
        return np.asarray(matrix, float), starts + 1
    sums = np.add.reduceat(np.add.reduceat(np.asarray(matrix, float), starts, axis=0), starts, axis=1)
    return sums / np.outer(sizes, sizes), starts + 1 + (sizes - 1) / 2


def _scale(colours: Sequence[str]) -> list[list[Any]]:
    return [[number / (len(colours) - 1), colour] for number, colour in enumerate(colours)]


def _square(figure: go.Figure, x: str, y: str, length: int) -> None:
    """A matrix: residue 1 at the top left, both axes on one scale."""
    dress(figure, x, y)
    figure.update_layout(height=460)
    figure.update_xaxes(range=[0.5, length + 0.5], constrain="domain", showgrid=False, zeroline=False)
    figure.update_yaxes(range=[length + 0.5, 0.5], scaleanchor="x", constrain="domain", showgrid=False, zeroline=False)
