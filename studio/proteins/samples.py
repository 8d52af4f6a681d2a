"""Proteins to try: measured structures of the Protein Data Bank, well-known proteins by their sequence, two by rule."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "sample_files"
MEASURED, SEQUENCE, BUILT = "Measured structures", "Sequences to fold", "Built by rule"


@dataclass(frozen=True)
class Sample:
    """Something to try: its text, and the file name it goes by.

    Attributes:
        kind: one of `MEASURED`, `SEQUENCE` and `BUILT`.
        sentence: what it is, for everybody.
        expert: what there is to see of it, in the field's own words.
        credit: whose it is and under which terms.
    """

    id: str
    name: str
    sentence: str
    file: str
    text: str
    kind: str
    expert: str = ""
    credit: str = ""

    @property
    def built(self) -> bool:
        return self.kind == BUILT


@dataclass(frozen=True)
class _Entry:
    """An entry of the Protein Data Bank: its file as the wwPDB distributed it, compressed."""

    id: str
    name: str
    file: str
    paper: str
    sentence: str
    expert: str


ENTRIES = (
    _Entry(
        "trypsin", "Trypsin at work", "1GBT.cif", "Mangel et al., Biochemistry 29, 8351 (1990)",
        "The enzyme that cuts proteins in the gut, caught in the middle of its work: what it was about to cut still "
        "hangs on it, a calcium ion and six bridges of sulphur hold it in shape.",
        "β-Trypsin as an acyl-enzyme intermediate, guanidinobenzoylated at Ser195 (X-ray, 2.0 Å): contacts of the "
        "ligand, six disulphides, Ca²⁺ and sulphate, B-factors.",
    ),
    _Entry(
        "capsid", "Half of a pair, from HIV", "1A8O.cif", "Gamble et al., Science 278, 849 (1997)",
        "A piece of the shell of HIV. The file holds one copy, but the shell is held together by pairs: choose "
        "assembly 1 to see how two copies lie together.",
        "Carboxyl-terminal dimerization domain of the HIV-1 capsid protein (X-ray, 1.7 Å, selenomethionine): the "
        "deposited monomer, its dimer by crystal symmetry, and the interface of that.",
    ),
    _Entry(
        "repressor", "A switch on its DNA", "1LCD.cif", "Chuprina et al., J. Mol. Biol. 234, 446 (1993)",
        "A protein by which bacteria switch genes off, on the piece of DNA that it reads. Three models show how far "
        "the measurement leaves its shape open.",
        "Lac repressor headpiece on an 11 base-pair half-operator (solution NMR and restrained molecular dynamics): "
        "three models as a film, DNA, a sodium ion and waters.",
    ),
    _Entry(
        "receptor", "A coronavirus at the door", "7DDO.pdb", "Niu et al., EMBO J. 40, e107786 (2021)",
        "The tip of a pangolin coronavirus's spike, holding on to ACE2, the molecule through which it gets into human "
        "cells.",
        "Human ACE2 with the receptor-binding domain of pangolin coronavirus GD/1/2019 (cryo-EM, 3.4 Å): an interface "
        "of two chains, the zinc site, N-glycans, seven disulphides.",
    ),
    _Entry(
        "syntaxin", "Nerve signals without nerves", "2XHE.pdb", "Burkhardt et al., PNAS 108, 15264 (2011)",
        "Two proteins by which nerve cells release their signals, from a single-celled relative of animals that has "
        "no nerves. Loops that moved too much to be seen are missing, and drawn dashed.",
        "Unc18 and syntaxin 1 of Monosiga brevicollis (X-ray, 2.8 Å): two chains with three gaps of 17 to 51 residues "
        "and a large interface.",
    ),
)  # fmt: skip


@cache
def samples() -> tuple[Sample, ...]:
    """Measured structures, which open on every machine, then sequences, then structures built by rule."""
    from evaluation.synthetic.proteins import KNOWN

    known = [Sample(one.id, one.name, one.sentence, f"{one.name}.fasta", one.fasta, SEQUENCE) for one in KNOWN]
    return (*map(_measured, ENTRIES), *known, *_built())


def of_id(sample_id: str) -> Sample:
    """One sample. Raises StopIteration for an id that there is not: a caller's mistake."""
    return next(one for one in samples() if one.id == sample_id)


def _measured(entry: _Entry) -> Sample:
    text = gzip.decompress((FOLDER / f"{entry.file}.gz").read_bytes()).decode("utf-8")
    credit = f"PDB entry {entry.file[:4]} of the wwPDB, free for any use (CC0); {entry.paper}."
    return Sample(entry.id, entry.name, entry.sentence, entry.file, text, MEASURED, entry.expert, credit)


def _built() -> list[Sample]:
    from backends.folding.structure.writer import to_pdb
    from evaluation.synthetic.proteins import beta_hairpin, helical_hairpin

    built = (
        ("helices", "Helical hairpin", "Two helices and a loop", helical_hairpin()),
        ("hairpin", "β-hairpin", "Two strands and a tight turn", beta_hairpin()),
    )
    return [
        Sample(
            key,
            name,
            f"{what}, turned by rule from ideal angles: neither predicted nor measured.",
            f"{name}.pdb",
            to_pdb(structure),
            BUILT,
        )
        for key, name, what, structure in built
    ]
