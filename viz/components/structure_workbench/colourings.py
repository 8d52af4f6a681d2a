"""What residues can be coloured by: data alone, drawn alike in 3D, on the ribbon and in the chart.

Hues follow Okabe and Ito's colour-blind-safe set, scales are even in lightness, and a missing value is always grey.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.folding.structure.structure import Structure

PLDDT_BANDS = (
    (90.0, "#0053d6", "very high, 90 and over"),
    (70.0, "#65cbf3", "confident, 70 to 90"),
    (50.0, "#ffdb13", "low, 50 to 70"),
    (0.0, "#ff7d45", "very low, under 50"),
)
"""Lower end, colour and name of each band, as the AlphaFold Protein Structure Database draws them."""

CHAIN_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a97a00", "#2f94cf", "#8567c4", "#7c8592")
SECONDARY = (("H", "helix", "#d55e00"), ("E", "strand", "#0072b2"), ("-", "neither", "#9aa5ae"))
SEQUENTIAL = ("#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838")
DIVERGING = ("#2166ac", "#67a9cf", "#d1e5f0", "#f7f7f7", "#fddbc7", "#ef8a62", "#b2182b")
WATER = ("#2c7fb8", "#8fc4e0", "#f2f2f2", "#f3b57a", "#b35806")
RAINBOW = ("#3b4cc0", "#2fa3d8", "#43bf71", "#d9d43a", "#f08c2e", "#c0292e")

HYDROPATHY = {
    "A": 1.8, "R": -4.5, "N": -3.5, "D": -3.5, "C": 2.5, "Q": -3.5, "E": -3.5, "G": -0.4, "H": -3.2, "I": 4.5,
    "L": 3.8, "K": -3.9, "M": 1.9, "F": 2.8, "P": -1.6, "S": -0.8, "T": -0.7, "W": -0.9, "Y": -1.3, "V": 4.2,
}  # fmt: skip
"""Kyte and Doolittle, "A simple method for displaying the hydropathic character of a protein", 1982, table 2."""


@dataclass(frozen=True)
class Column:
    """Numbers of one residue each, to colour by and to plot: `values` `(L,)`, NaN where there is none.

    `low` and `high` are the ends of the scale, the range of the values where not given. A `diverging` scale is for
    numbers with a middle that means "no change".
    """

    id: str
    label: str
    values: np.ndarray
    unit: str = ""
    meaning: str = ""
    low: float | None = None
    high: float | None = None
    diverging: bool = False


def colourings(structure: Structure, states: str, columns: Sequence[Column] = ()) -> list[dict[str, Any]]:
    """Every way to colour `structure`: what its own data allows, then `columns`."""
    estimated = structure.method == "estimate"
    made = [_plddt(structure.confidence, estimated)] if np.isfinite(structure.confidence).any() else []
    made += [_chains(structure), _secondary(states), _rainbow(structure), _hydropathy(structure)]
    ids = {one["id"] for one in made}
    for column in columns:
        if column.id in ids:
            raise ValueError(f"two colourings are called {column.id!r}")
        if len(column.values) != len(structure):
            raise ValueError(f"{column.label}: {len(structure)} residues need as many values, not {len(column.values)}")
        ids.add(column.id)
        made.append(ramp(column))
    return made


def numbers(values: np.ndarray) -> list[float | None]:
    """Four figures a value, None for what is missing."""
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in np.asarray(values, float).tolist()]


def ramp(column: Column) -> dict[str, Any]:
    """A colouring by a scale of colours."""
    return _ramp(column, DIVERGING if column.diverging else SEQUENTIAL)


def _ramp(column: Column, colours: Sequence[str]) -> dict[str, Any]:
    low, high = _range(column)
    return {
        "id": column.id,
        "label": column.label,
        "kind": "ramp",
        "values": numbers(column.values),
        "colours": list(colours),
        "low": float(f"{low:.6g}"),
        "high": float(f"{high:.6g}"),
        "unit": column.unit,
        "meaning": column.meaning,
    }


def _range(column: Column) -> tuple[float, float]:
    known = column.values[np.isfinite(column.values)]
    ends = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if column.diverging:
        ends = (-max(map(abs, ends)), max(map(abs, ends)))
    low = ends[0] if column.low is None else column.low
    high = ends[1] if column.high is None else column.high
    return (low, high) if high > low else (low, low + 1)


def _plddt(values: np.ndarray, estimated: bool) -> dict[str, Any]:
    return {
        "id": "plddt",
        "label": "Confidence, estimated" if estimated else "Confidence (pLDDT)",
        "kind": "bands",
        "values": numbers(values),
        "bands": [{"from": start, "colour": colour, "label": label} for start, colour, label in PLDDT_BANDS],
        "low": 0,
        "high": 100,
        "unit": "",
        "meaning": "How sure the model is of each residue's surroundings, 0 to 100.",
    }


def _chains(structure: Structure) -> dict[str, Any]:
    names = list(dict.fromkeys(str(name) for name in structure.chains))
    place = {name: index for index, name in enumerate(names)}
    return {
        "id": "chain",
        "label": "Chain",
        "kind": "categories",
        "values": [place[str(name)] for name in structure.chains],
        "names": names,
        "colours": [CHAIN_COLOURS[index % len(CHAIN_COLOURS)] for index in range(len(names))],
        "unit": "",
        "meaning": "One colour a chain.",
    }


def _secondary(states: str) -> dict[str, Any]:
    letters, names, colours = zip(*SECONDARY, strict=True)
    return {
        "id": "secondary",
        "label": "Secondary structure",
        "kind": "categories",
        "values": [letters.index(state) for state in states],
        "names": list(names),
        "colours": list(colours),
        "unit": "",
        "meaning": "Helices and strands, found from hydrogen bonds of the backbone (Kabsch and Sander, 1983).",
    }


def _rainbow(structure: Structure) -> dict[str, Any]:
    """Where a residue is along its own chain, in per cent."""
    along = np.zeros(len(structure))
    for _, part in structure.chain_slices():
        along[part] = np.linspace(0, 100, part.stop - part.start) if part.stop - part.start > 1 else 50
    meaning = "From blue at the start (N-terminus) to red at the end (C-terminus) of each chain."
    return _ramp(Column("rainbow", "Start to end (rainbow)", along, "% of the chain", meaning, 0, 100), RAINBOW)


def _hydropathy(structure: Structure) -> dict[str, Any]:
    values = np.array([HYDROPATHY.get(letter, np.nan) for letter in structure.sequence])
    meaning = "Kyte and Doolittle's hydropathy: blue likes water, orange avoids it."
    return _ramp(Column("hydropathy", "Hydrophobicity", values, "Kyte–Doolittle", meaning, -4.5, 4.5), WATER)
