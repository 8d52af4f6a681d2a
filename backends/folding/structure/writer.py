"""Writes protein structures as PDB and mmCIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import gemmi
import numpy as np

from backends.core.errors import BadInput
from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37
from backends.folding.structure.structure import Structure

PREDICTED = ("prediction", "estimate")

MIN_PDB_NUMBER = -999
"""Residue numbers have four columns in a PDB file: above 9,999 letters help out (hybrid-36), below this nothing."""


def _to_gemmi(structure: Structure) -> gemmi.Structure:
    converted = gemmi.Structure()
    converted.name = "model"
    model = gemmi.Model(1)
    known = np.isfinite(structure.confidence)
    for name, part in structure.chain_slices():
        chain = gemmi.Chain(name)
        for row in range(part.start, part.stop):
            residue = gemmi.Residue()
            residue.name = THREE_LETTER[structure.sequence[row]]
            residue.seqid = gemmi.SeqId(int(structure.numbers[row]), str(structure.insertions[row]) or " ")
            residue.entity_type = gemmi.EntityType.Polymer
            residue.subchain = name
            residue.label_seq = row - part.start + 1
            for place in np.flatnonzero(structure.mask[row]):
                atom = gemmi.Atom()
                atom.name = ATOM37[place]
                atom.element = gemmi.Element(ATOM37[place][0])
                atom.pos = gemmi.Position(*(float(x) for x in structure.atoms[row, place]))
                atom.b_iso = float(structure.confidence[row]) if known[row] else 0.0
                residue.add_atom(atom)
            chain.add_residue(residue)
        model.add_chain(chain)
    converted.add_model(model)
    converted.setup_entities()
    return converted


_MEANING = "B-factors are pLDDT confidence, 0 to 100: higher is surer"
_ESTIMATE = "B-factors are an estimate of confidence, 0 to 100, and no trained pLDDT"
_WARNING = "Not displacement: convert before molecular replacement"


def _meaning(structure: Structure) -> str:
    return _ESTIMATE if structure.method == "estimate" else _MEANING


def to_pdb(structure: Structure) -> str:
    """The PDB file. The B-factor column is the confidence, and remarks say of what kind; without any it is 0.

    Raises BadInput where the format cannot hold it: coordinates over 9,999 Å. mmCIF can.
    """
    if np.abs(structure.atoms).max() > 9990:
        raise BadInput("This structure lies too far from the origin for the PDB format; use the mmCIF file.")
    low = tuple(name for name, part in structure.chain_slices() if structure.numbers[part].min() < MIN_PDB_NUMBER)
    converted = _to_gemmi(_renumbered(structure, low))
    converted.shorten_chain_names()
    lines = [f"TITLE     {structure.title[:70]}"] if structure.title else []
    if structure.method in PREDICTED:
        lines.append("EXPDTA    THEORETICAL MODEL")
    if np.isfinite(structure.confidence).any():
        lines += [f"REMARK   1 {_meaning(structure)}", f"REMARK   1 {_WARNING}"]
    if low:
        lines.append(f"REMARK   1 Chain {', '.join(low)[:20]} counts from 1: its own numbers have no room here")
    body = converted.make_pdb_string(gemmi.PdbWriteOptions(minimal=True))
    return "".join(f"{line:<80}\n" for line in lines) + body


def _renumbered(structure: Structure, chains: Sequence[str]) -> Structure:
    """The structure with the residues of these chains numbered from 1."""
    numbers, insertions = structure.numbers.copy(), structure.insertions.copy()
    for name, part in structure.chain_slices():
        if name in chains:
            numbers[part], insertions[part] = np.arange(1, part.stop - part.start + 1), ""
    return replace(structure, numbers=numbers, insertions=insertions)


def to_cif(structure: Structure) -> str:
    """The mmCIF file, with the confidence also as ModelCIF's local quality metric, which viewers colour by."""
    converted = _to_gemmi(structure)
    if structure.title:
        converted.info["_struct.title"] = structure.title
    document = converted.make_mmcif_document()
    known = np.flatnonzero(np.isfinite(structure.confidence))
    if structure.method in PREDICTED:
        document[0].set_pair("_exptl.method", gemmi.cif.quote("THEORETICAL MODEL"))
    if len(known):
        block = document[0]
        metric = block.init_loop("_ma_qa_metric.", ["id", "mode", "name", "type", "description"])
        name, kind = ("confidence", "other") if structure.method == "estimate" else ("pLDDT", "pLDDT")
        metric.add_row(["1", "local", name, kind, gemmi.cif.quote(f"{_meaning(structure)}. {_WARNING}.")])
        columns = [
            "ordinal_id",
            "label_asym_id",
            "label_comp_id",
            "label_seq_id",
            "metric_id",
            "metric_value",
            "model_id",
        ]
        local = block.init_loop("_ma_qa_metric_local.", columns)
        starts = {name: part.start for name, part in structure.chain_slices()}
        for ordinal, row in enumerate(known, start=1):
            chain, name = str(structure.chains[row]), THREE_LETTER[structure.sequence[row]]
            value = f"{structure.confidence[row]:.2f}"
            local.add_row([str(ordinal), chain, name, str(row - starts[chain] + 1), "1", value, "1"])
    return document.as_string()
