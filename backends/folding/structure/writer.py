"""Writes protein structures as PDB and mmCIF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from string import ascii_uppercase

import gemmi
import numpy as np

from backends.core.errors import BadInput
from backends.folding.residues import THREE_LETTER
from backends.folding.structure.atoms import ATOM37, CA
from backends.folding.structure.other_atoms import NUCLEIC, WATER, OtherAtoms
from backends.folding.structure.structure import Structure

PREDICTED = ("prediction", "estimate")

MIN_PDB_NUMBER = -999
"""Residue numbers have four columns in a PDB file: above 9,999 letters help out (hybrid-36), below this nothing."""


_NAMED_OTHERWISE = {("MSE", "SD"): ("SE", "Se")}
"""Atoms of atom37 that go by another name and element in a modified residue."""


def _to_gemmi(structure: Structure) -> gemmi.Structure:
    """The protein chain by chain, then what is beside it, each under the id of its chain."""
    converted = gemmi.Structure()
    converted.name = "model"
    model = gemmi.Model(1)
    factors = b_factors(structure)
    further = _by_residue(structure.others)
    for name, part in structure.chain_slices():
        chain = gemmi.Chain(name)
        for row in range(part.start, part.stop):
            residue = _residue(structure, row, factors)
            residue.subchain = name
            residue.label_seq = row - part.start + 1
            for index in further.get(row, ()):
                residue.add_atom(_other_atom(structure.others, index))
            chain.add_residue(residue)
        model.add_chain(chain)
    _add_others(model, structure)
    converted.add_model(model)
    if structure.crystal is not None:
        converted.cell.set(*structure.crystal.cell)
        converted.spacegroup_hm = structure.crystal.space_group
    converted.resolution = structure.resolution
    converted.setup_entities()
    return converted


def _residue(structure: Structure, row: int, factors: np.ndarray) -> gemmi.Residue:
    residue = gemmi.Residue()
    residue.name = str(structure.components[row])
    residue.seqid = gemmi.SeqId(int(structure.numbers[row]), str(structure.insertions[row]) or " ")
    residue.entity_type = gemmi.EntityType.Polymer
    residue.het_flag = "A" if residue.name in THREE_LETTER.values() else "H"
    for place in np.flatnonzero(structure.mask[row]):
        atom = gemmi.Atom()
        usual = (ATOM37[place], ATOM37[place][0])
        atom.name, element = _NAMED_OTHERWISE.get((residue.name, ATOM37[place]), usual)
        atom.element = gemmi.Element(element)
        atom.pos = gemmi.Position(*(float(x) for x in structure.atoms[row, place]))
        atom.b_iso = float(factors[row, place])
        if len(structure.occupancies) and np.isfinite(structure.occupancies[row, place]):
            atom.occ = float(structure.occupancies[row, place])
        residue.add_atom(atom)
    return residue


def b_factors(structure: Structure) -> np.ndarray:
    """`(L, 37)` what stands in the column: the confidence where there is one, else what the file had, else 0.

    A file's own column is kept atom by atom where it is the confidence: some programs give one to each atom.
    """
    shape = structure.mask.shape
    own = np.nan_to_num(structure.factors) if len(structure.factors) else np.zeros(shape, dtype=np.float32)
    known = np.isfinite(structure.confidence)
    if not known.any():
        return own
    of_residue = np.broadcast_to(np.where(known, structure.confidence, 0)[:, None], shape)
    same = np.abs(own[known, CA] - structure.confidence[known]) < 0.51
    return own if len(structure.factors) and same.all() else of_residue


def _by_residue(others: OtherAtoms) -> dict[int, list[int]]:
    """The atoms that modified residues have besides, by the residue."""
    by_row: dict[int, list[int]] = {}
    for index in np.flatnonzero(others.rows >= 0):
        by_row.setdefault(int(others.rows[index]), []).append(int(index))
    return by_row


def _add_others(model: gemmi.Model, structure: Structure) -> None:
    """Ligands, ions, waters, sugars and nucleic acids, in chains of the same ids behind those of the protein."""
    others, taken = structure.others, {str(name) for name in structure.chains}
    chains: dict[str, gemmi.Chain] = {}
    subchains = (f"{letters}{number}" for number in count(1) for letters in ascii_uppercase)
    polymers: dict[str, str] = {}
    for kind, component, atoms in others.residues():
        name = str(others.chains[atoms[0]])
        residue = gemmi.Residue()
        residue.name = component
        residue.seqid = gemmi.SeqId(int(others.numbers[atoms[0]]), str(others.insertions[atoms[0]]) or " ")
        residue.het_flag = "H"
        polymer = kind == NUCLEIC and name not in taken
        if polymer and name in polymers:
            residue.subchain = polymers[name]
        else:
            residue.subchain = name if polymer else next(one for one in subchains if one not in taken)
        if polymer:
            polymers[name] = residue.subchain
            residue.het_flag, residue.entity_type = "A", gemmi.EntityType.Polymer
        else:
            residue.entity_type = gemmi.EntityType.Water if kind == WATER else gemmi.EntityType.NonPolymer
        for index in atoms:
            residue.add_atom(_other_atom(others, int(index)))
        chains.setdefault(name, gemmi.Chain(name)).add_residue(residue)
    for chain in chains.values():
        model.add_chain(chain)


def _other_atom(others: OtherAtoms, index: int) -> gemmi.Atom:
    atom = gemmi.Atom()
    atom.name, atom.element = str(others.names[index]), gemmi.Element(str(others.elements[index]))
    atom.pos = gemmi.Position(*(float(x) for x in others.positions[index]))
    atom.b_iso, atom.occ = float(others.factors[index]), float(others.occupancies[index])
    return atom


_MEANING = "B-factors are pLDDT confidence, 0 to 100: higher is surer"
_ESTIMATE = "B-factors are an estimate of confidence, 0 to 100, and no trained pLDDT"
_WARNING = "Not displacement: convert before molecular replacement"


def _meaning(structure: Structure) -> str:
    return _ESTIMATE if structure.method == "estimate" else _MEANING


def to_pdb(structure: Structure) -> str:
    """The PDB file. The B-factor column is the confidence, and remarks say of what kind; without any it is 0.

    Raises BadInput where the format cannot hold it: coordinates over 9,999 Å. mmCIF can.
    """
    positions = np.concatenate([structure.atoms.reshape(-1, 3), structure.others.positions])
    if np.abs(positions).max() > 9990:
        raise BadInput("This structure lies too far from the origin for the PDB format; use the mmCIF file.")
    low = tuple(name for name, part in structure.chain_slices() if structure.numbers[part].min() < MIN_PDB_NUMBER)
    converted = _to_gemmi(_renumbered(structure, low))
    before = [chain.name for chain in converted[0]]
    converted.shorten_chain_names()
    converted.shorten_ccd_codes()
    renamed = dict(zip(before, [chain.name for chain in converted[0]], strict=True))
    lines = [f"TITLE     {structure.title[:70]}"] if structure.title else []
    if structure.method in PREDICTED:
        lines.append("EXPDTA    THEORETICAL MODEL")
    elif structure.experiment:
        lines.append(f"EXPDTA    {structure.experiment[:69]}")
    lines += [
        f"REMARK   1 Chain {new} is chain {old[:40]} of the mmCIF file" for old, new in renamed.items() if old != new
    ]
    if np.isfinite(structure.confidence).any():
        lines += [f"REMARK   1 {_meaning(structure)}", f"REMARK   1 {_WARNING}"]
    if low:
        lines.append(f"REMARK   1 Chain {', '.join(low)[:20]} counts from 1: its own numbers have no room here")
    if structure.resolution:
        lines += ["REMARK   2", f"REMARK   2 RESOLUTION. {structure.resolution:7.2f} ANGSTROMS."]
    body = converted.make_pdb_string(gemmi.PdbWriteOptions(minimal=True))
    return "".join(f"{line:<80}\n" for line in lines) + body


def pdb_with_losses(structure: Structure) -> tuple[str, list[str]]:
    """The PDB file, "" where the format cannot hold the structure, and what of it the format cannot hold."""
    names = [name for name, _ in structure.chain_slices()] + [str(name) for name in structure.others.chains]
    losses = []
    if long_names := [name for name in dict.fromkeys(names) if len(name) > 1]:
        shown = ", ".join(long_names[:4]) + (" …" if len(long_names) > 4 else "")
        losses.append(
            f"The PDB format has one letter a chain, so {shown} got other names there, which its remarks tell; the "
            "mmCIF file keeps them."
        )
    try:
        return to_pdb(structure), losses
    except BadInput as error:
        return "", [error.sentence]
    except RuntimeError:  # gemmi: more chains than there are letters
        return "", ["The PDB format has no room for this structure; use the mmCIF file."]


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
    elif structure.experiment:
        document[0].set_pair("_exptl.method", gemmi.cif.quote(structure.experiment))
    if structure.resolution:
        document[0].set_pair("_refine.pdbx_refine_id", gemmi.cif.quote(structure.experiment or "?"))
        document[0].set_pair("_refine.ls_d_res_high", f"{structure.resolution:.2f}")
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
            chain, name = str(structure.chains[row]), str(structure.components[row])
            value = f"{structure.confidence[row]:.2f}"
            local.add_row([str(ordinal), chain, name, str(row - starts[chain] + 1), "1", value, "1"])
    return document.as_string()


def superposed_pdb(structures: Sequence[tuple[str, Structure]]) -> str:
    """Several structures, which lie on each other, as the models of one PDB file; a remark names each.

    Raises BadInput where the format cannot hold one of them.
    """
    heads, models = [], []
    for number, (name, structure) in enumerate(structures, 1):
        heads.append(f"REMARK   1 Model {number} is {name.encode('ascii', 'replace').decode()[:50]}")
        text = to_pdb(replace(structure, crystal=None))
        lines = [line for line in text.splitlines() if line.startswith(("ATOM", "HETATM", "TER"))]
        models += [f"MODEL     {number:4d}", *lines, "ENDMDL"]
    return "".join(f"{line:<80}\n" for line in (*heads, *models, "END"))
