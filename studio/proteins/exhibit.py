"""Folds outside their page: the structure in 3D with what was selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from studio import services
from studio.findings.exhibits import NothingToShow, Part
from studio.library.library import Run
from studio.proteins import run_data
from studio.proteins.run_data import FoldData
from viz import covers
from viz.components.structure_workbench.colourings import CHAIN_COLOURS, PLDDT_BANDS


def cover(source: str) -> bytes:
    """The trace of the chain, coloured by confidence, or by chain where there is none."""
    structure = _find(source)[1].structure
    if np.isfinite(structure.confidence).any():
        colours = [next((c for low, c, _ in PLDDT_BANDS if value >= low), "#7c8592") for value in structure.confidence]
    else:
        chains = list(dict.fromkeys(structure.chains.tolist()))
        colours = [CHAIN_COLOURS[chains.index(chain) % len(CHAIN_COLOURS)] for chain in structure.chains.tolist()]
    return covers.trace(np.asarray(structure.ca, float), colours)


def describe(moment: Mapping[str, Any]) -> str:
    """Which residues are selected."""
    rows = moment.get("residues") or moment.get("rows") or []
    if not rows:
        return ""
    named = [str(row[1]) if isinstance(row, list | tuple) else str(int(row) + 1) for row in rows]
    return f"residue {named[0]}" if len(named) == 1 else f"residues {named[0]} to {named[-1]} ({len(named)})"


def part(source: str, moment: Mapping[str, Any], key: str) -> Part:
    """The structure with the selection."""
    run, fold = _find(source)
    return Part("structure", _data(run, fold, moment, key), _alt(run, fold))


def packed(source: str, moment: Mapping[str, Any], key: str, budget: int) -> Part:
    """The same: the coordinates are in the data already. Without the PAE where that would take too much."""
    run, fold = _find(source)
    data = _data(run, fold, moment, key)
    for name in ("pae", "contacts"):
        if len(str(data)) > budget:
            data[name] = None
    return Part("structure", data, _alt(run, fold))


def _find(source: str) -> tuple[Run, FoldData]:
    run = services.library().get(source)
    fold = run_data.load_fold(run) if run is not None else None
    if run is None or fold is None:
        raise NothingToShow
    return run, fold


def _data(run: Run, fold: FoldData, moment: Mapping[str, Any], key: str) -> dict[str, Any]:
    from viz.components.structure_workbench import manifest

    rows = [int(row) for row in moment.get("rows") or [] if 0 <= int(row) < len(fold.structure)]
    return manifest(
        key,
        run_data.title_of(run),
        fold.structure,
        confidence=fold.confidence,
        contacts=fold.contacts,
        selection=rows or None,
    )


def _alt(run: Run, fold: FoldData) -> str:
    sure = fold.structure.mean_confidence
    named = "estimated confidence" if fold.structure.method == "estimate" else "pLDDT"
    confident = f", mean {named} {sure:.0f}" if sure is not None and np.isfinite(sure) else ""
    return f"Structure of “{run.title}”: {len(fold.structure)} residues{confident}."
