"""The structure in other programs as it looks here: scripts for PyMOL and ChimeraX that open the `model.cif` beside."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from backends.folding.structure.structure import Structure
from studio.proteins.run_data import FoldData
from viz.folding.figures import BANDS
from viz.folding.structure import CHAIN_COLOURS

MODEL = "model.cif"


def pymol(fold: FoldData | None) -> str:
    """Commands for PyMOL."""
    lines = [f"load {MODEL}, model", "hide everything", "show cartoon, polymer", "show sticks, organic",
             "show spheres, inorganic", "bg_color white"]  # fmt: skip
    if fold is None:
        return "\n".join(lines) + "\n"
    for name, colour in _chain_colours(fold.structure):
        lines += [f"select chain_{name}, model and chain {name}", f"color 0x{colour[1:]}, chain_{name} and elem C"]
    if _has_confidence(fold):
        lines.append("# colours of confidence (pLDDT in the B-factor column)")
        for low, high, _, colour, _ in BANDS:
            lines.append(f"color 0x{colour[1:]}, model and polymer and b > {low - 0.01:g} and b < {high + 0.01:g}")
    for number, spans in _domains(fold):
        chosen = " or ".join(f"(chain {chain} and resi {_pymol(first)}-{_pymol(last)})" for chain, first, last in spans)
        lines.append(f"select domain_{number}, {chosen}")
    return "\n".join([*lines, "deselect", "orient polymer"]) + "\n"


def chimerax(fold: FoldData | None) -> str:
    """Commands for ChimeraX."""
    lines = [f"open {MODEL}", "hide atoms", "cartoon", "show ligand atoms", "set bgColor white"]
    if fold is None:
        return "\n".join(lines) + "\n"
    lines += [f"color /{name} {colour}" for name, colour in _chain_colours(fold.structure)]
    if _has_confidence(fold):
        lines.append("# colours of confidence (pLDDT in the B-factor column)")
        for low, high, _, colour, _ in BANDS:
            lines.append(f"color protein & @@bfactor>={low:g} & @@bfactor<={high:g} {colour}")
    for number, spans in _domains(fold):
        chosen = " ".join(f"/{chain}:{first}-{last}" for chain, first, last in spans)
        lines.append(f"name domain_{number} {chosen}")
    return "\n".join([*lines, "view"]) + "\n"


def _pymol(number: int) -> str:
    return f"\\{number}" if number < 0 else str(number)  # a minus sign means a range


def _has_confidence(fold: FoldData) -> bool:
    return bool(np.isfinite(fold.structure.confidence).any())


def _chain_colours(structure: Structure) -> list[tuple[str, str]]:
    names = list(dict.fromkeys(structure.chains.tolist()))
    return list(zip(names, cycle(CHAIN_COLOURS), strict=False))


def _domains(fold: FoldData) -> list[tuple[int, list[tuple[str, int, int]]]]:
    """The firm parts of the PAE, as stretches of residues of a chain."""
    from evaluation.metrics.folding.domains import domains

    if fold.confidence.pae is None:
        return []
    labels = domains(fold.confidence.pae, fold.confidence.plddt).labels
    structure = fold.structure
    found: list[tuple[int, list[tuple[str, int, int]]]] = []
    for label in range(int(labels.max(initial=-1)) + 1):
        rows = np.flatnonzero(labels == label)
        cuts = [
            *np.flatnonzero((np.diff(rows) > 1) | (structure.chains[rows[1:]] != structure.chains[rows[:-1]])),
            len(rows) - 1,
        ]
        spans, begin = [], 0
        for cut in cuts:
            first, last = rows[begin], rows[cut]
            spans.append((str(structure.chains[first]), int(structure.numbers[first]), int(structure.numbers[last])))
            begin = cut + 1
        found.append((label + 1, spans))
    return found
