"""The data of the structure workbench: one structure, what is known of its residues, what to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.folding.structure.atoms import BACKBONE
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.structure import Structure
from viz.components.structure_workbench.colourings import CHAIN_COLOURS, Column, colourings, numbers
from viz.components.structure_workbench.packing import pack_atoms, pack_contacts, pack_pae, pack_structure, text_of

STYLES = ("cartoon", "trace", "sticks", "spheres")
MAX_FRAMES = 120
FILM_ATOMS = 400_000
"""A film of more atoms, all frames together, keeps only the backbone: it then moves smoothly and arrives soon."""


@dataclass(frozen=True)
class Frame:
    """One picture of a film. `plddt` is the mean over the residues, 0 to 100; each may be None if not known."""

    structure: Structure
    label: str
    plddt: float | None = None
    ptm: float | None = None


@dataclass(frozen=True)
class Film:
    """Structures after one another: the recycles of a run, or a morph to another structure.

    Every frame has the same residues. `rows` tells which residues of the main structure they are, in order; None
    means all of them. Frames have to be superposed already.
    """

    id: str
    label: str
    frames: Sequence[Frame]
    rows: Sequence[int] | np.ndarray | None = None
    kind: str = "recycles"


@dataclass(frozen=True)
class Overlay:
    """A further structure shown in one colour, already superposed on the main one. `note` says how well it fits."""

    id: str
    label: str
    structure: Structure
    note: str = ""
    colour: str = ""
    shown: bool = True


@dataclass(frozen=True)
class Problem:
    """Something wrong with the geometry: `residues` are the indices that offend, the sentence says what it means."""

    id: str
    label: str
    residues: Sequence[int]
    sentence: str = ""
    verdict: str = "doubtful"


@dataclass(frozen=True)
class File:
    """A file to take away: its label, and its address on the page's own origin."""

    label: str
    url: str


def manifest(
    run: str,
    title: str,
    structure: Structure,
    *,
    confidence: Confidence | None = None,
    contacts: np.ndarray | None = None,
    true_contacts: np.ndarray | None = None,
    contact_rule: str = "Cβ atoms closer than 8 Å",
    secondary: Sequence[str] | np.ndarray | None = None,
    columns: Sequence[Column] = (),
    overlays: Sequence[Overlay] = (),
    films: Sequence[Film] = (),
    problems: Sequence[Problem] = (),
    files: Sequence[File] = (),
    selection: Sequence[int] | np.ndarray | None = None,
    selection_serial: int = 0,
    colour: str = "",
    style: str = "",
) -> dict[str, Any]:
    """The workbench's data as JSON.

    Args:
        run: names what is shown; while it stays the same, so do the camera, the selection and every control.
        title: of the structure.
        structure: the L residues that are shown.
        confidence: pLDDT, PAE `(L, L)` in Å, pTM and ipTM of a model; without its pLDDT, the structure's own is used.
        contacts: predicted probabilities of contact, `(L, L)`: the upper half of the contact map.
        true_contacts: contacts of a reference, `(L, L)` bool: the lower half.
        contact_rule: what counts as a contact, in words.
        secondary: secondary structure `(L,)` of "H", "E" and "-"; None assigns it from the coordinates.
        columns: further numbers of each residue to colour by, such as lDDT against an experiment.
        overlays: other structures, already superposed.
        films: sequences of structures of the same residues.
        problems: what is wrong with the geometry.
        files: to take away.
        selection: residue indices to select; taken when it, or `selection_serial`, changes.
        selection_serial: changes to select the same residues again.
        colour: id of the first colouring: "plddt", "chain", "secondary", "rainbow", "hydropathy" or a column's.
        style: one of `STYLES`; empty chooses by what atoms there are.

    Raises:
        ValueError: the parts do not fit each other: a caller's mistake, as people's files were checked before.
    """
    known = structure if confidence is None or confidence.plddt is None else structure.with_confidence(confidence.plddt)
    _check(structure, confidence, contacts, true_contacts)
    packed = pack_structure(known, secondary)
    schemes = colourings(known, packed["secondary"], columns)
    ids = [scheme["id"] for scheme in schemes]
    if colour and colour not in ids:
        raise ValueError(f"no colouring is called {colour!r}; there are {', '.join(ids)}")
    if style and style not in STYLES:
        raise ValueError(f"no style is called {style!r}; there are {', '.join(STYLES)}")
    return {
        "run": run,
        "title": title,
        "structure": packed,
        "plddt": _rounded(known.mean_confidence, 1),
        "confidence": "estimated confidence" if structure.method == "estimate" else "pLDDT",
        "ptm": _rounded(confidence.ptm if confidence else None, 3),
        "iptm": _rounded(confidence.iptm if confidence else None, 3),
        "pae": None if confidence is None or confidence.pae is None else pack_pae(confidence.pae),
        "contacts": _contacts(contacts, true_contacts, contact_rule),
        "colourings": schemes,
        "colour": colour or ids[0],
        "style": style or ("cartoon" if structure.backbone else "trace"),
        "overlays": [_overlay(one, place) for place, one in enumerate(overlays)],
        "films": [_film(film, structure) for film in films],
        "problems": [_problem(one, len(structure)) for one in problems],
        "files": [{"label": file.label, "url": file.url} for file in files],
        "selection": None if selection is None else _indices(selection, len(structure)),
        "selection_serial": selection_serial,
    }


def _check(structure: Structure, confidence: Confidence | None, *maps: np.ndarray | None) -> None:
    length = len(structure)
    if not length:
        raise ValueError("there is no residue to show")
    pae = confidence.pae if confidence else None
    for given in (pae, *maps):
        if given is not None and given.shape != (length, length):
            raise ValueError(f"{length} residues need maps of {length} × {length}, not {given.shape}")


def _contacts(predicted: np.ndarray | None, true: np.ndarray | None, rule: str) -> dict[str, Any] | None:
    return None if predicted is None and true is None else {**pack_contacts(predicted, true), "rule": rule}


def _overlay(overlay: Overlay, place: int) -> dict[str, Any]:
    return {
        "id": overlay.id,
        "label": overlay.label,
        "note": overlay.note,
        "colour": overlay.colour or CHAIN_COLOURS[(place + 1) % len(CHAIN_COLOURS)],
        "shown": overlay.shown,
        "structure": pack_structure(overlay.structure),
    }


def _film(film: Film, main: Structure) -> dict[str, Any]:
    """The atoms that every frame has, once, and `(F, A, 3)` coordinates."""
    if not 1 <= len(film.frames) <= MAX_FRAMES:
        raise ValueError(f"a film has 1 to {MAX_FRAMES} frames, not {len(film.frames)}")
    rows = list(range(len(main))) if film.rows is None else _indices(film.rows, len(main))
    if any(len(frame.structure) != len(rows) for frame in film.frames):
        raise ValueError(f"{film.label}: every frame needs the same {len(rows)} residues")
    shared = np.logical_and.reduce([frame.structure.mask for frame in film.frames])
    if shared.sum() * len(film.frames) > FILM_ATOMS:
        backbone = np.zeros_like(shared)
        backbone[:, list(BACKBONE)] = True
        shared &= backbone
    first = film.frames[0].structure
    return {
        "id": film.id,
        "label": film.label,
        "kind": film.kind,
        "rows": rows,
        **pack_atoms(first.atoms, shared),
        "frames": [_frame(frame, shared) for frame in film.frames],
    }


def _frame(frame: Frame, shared: np.ndarray) -> dict[str, Any]:
    values = frame.structure.confidence
    return {
        "label": frame.label,
        "plddt": _rounded(frame.plddt if frame.plddt is not None else frame.structure.mean_confidence, 1),
        "ptm": _rounded(frame.ptm, 3),
        "values": numbers(values) if np.isfinite(values).any() else None,
        "xyz": text_of(frame.structure.atoms[shared].astype("<f4")),
    }


def _problem(problem: Problem, length: int) -> dict[str, Any]:
    return {
        "id": problem.id,
        "label": problem.label,
        "sentence": problem.sentence,
        "verdict": problem.verdict,
        "residues": _indices(problem.residues, length),
    }


def _indices(rows: Sequence[int] | np.ndarray, length: int) -> list[int]:
    found = [int(row) for row in rows]
    if any(not 0 <= row < length for row in found):
        raise ValueError(f"residue indices are 0 to {length - 1}")
    return found


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
