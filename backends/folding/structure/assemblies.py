"""Biological assemblies: what a file says that its chains form in nature, and building it from them.

A crystal's file holds the part that symmetry repeats, so half of a dimer may be all that is there. Reading the
operators (`_pdbx_struct_assembly_gen`, REMARK 350) and applying them is gemmi's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import gemmi

from backends.core.errors import BadInput, TooLarge
from backends.folding.limits import MAX_STRUCTURE_RESIDUES
from backends.folding.structure.parsing import ParsedFile, is_amino_acid

MAX_ATOMS = 120_000
"""Atoms of an assembly that is built; a virus has millions."""
MAX_LISTED = 60
"""Assemblies of a file that are listed."""
MAX_WORDS = 60
"""Letters of what a file says of an assembly that are kept."""


@dataclass(frozen=True)
class Assembly:
    """One assembly of a file, counted before it is built.

    Attributes:
        name: as in the file, mostly a number from 1.
        chains: of the protein that it has in the end.
        made_of: (how many chains of the file, by how many operations each) of each of its parts.
        residues, atoms: that it has in the end: residues of the protein, and atoms of everything.
        details: what the file says of it, such as "dimeric".
        determined: by whom: its authors, a program, both, or "" where the file does not say.
        moves: whether some of it is a copy at another place than in the file.
        whole: whether everything of the file is in it.
    """

    name: str
    chains: int
    made_of: tuple[tuple[int, int], ...]
    residues: int
    atoms: int
    details: str = ""
    determined: str = ""
    moves: bool = True
    whole: bool = True

    @property
    def deposited(self) -> bool:
        """Whether it is what the file holds, as it stands there."""
        return self.whole and not self.moves

    @property
    def composition(self) -> str:
        """What it is made of: “4 chains, made of 1 by 4 operations”."""
        chains = f"{self.chains:,} chain{'s' * (self.chains != 1)}"
        if not self.moves:
            return f"{chains}, as deposited" if self.whole else f"{chains} of those in the file"
        parts = " and ".join(f"{of} by {by} operation{'s' * (by != 1)}" for of, by in self.made_of)
        return f"{chains}, made of {parts}"

    @property
    def sentence(self) -> str:
        """The note beside the structure once it is built."""
        words = ", ".join(filter(None, (self.details, f"determined by {self.determined}" * bool(self.determined))))
        return f"This is assembly {self.name} of the file{f' ({words})' if words else ''}: {self.composition}."

    def too_large(self, most: int | None = None) -> str:
        """One sentence where it cannot be built for its size; "" where it can."""
        limit = MAX_STRUCTURE_RESIDUES if most is None else most
        if self.residues <= limit and self.atoms <= MAX_ATOMS:
            return ""
        return (
            f"Assembly {self.name} has {self.chains:,} chains with {self.residues:,} residues and {self.atoms:,} "
            f"atoms; up to {limit:,} residues and {MAX_ATOMS:,} atoms can be opened. Open it as deposited instead."
        )


def assemblies_of(file: ParsedFile) -> tuple[Assembly, ...]:
    """The assemblies that a file names and whose chains it holds.

    None of a file whose chains had to be given other names: its operators say nothing of these.
    """
    if file.names or not len(file.structure):
        return ()
    listed = [_described(one, file.structure[0]) for one in file.structure.assemblies[:MAX_LISTED]]
    return tuple(one for one in listed if one.chains)


def build_assembly(file: ParsedFile, model: int, name: str, most: int | None = None) -> ParsedFile:
    """The file with one assembly of one of its models in place of its models. Each copy of a chain has its own name.

    A copy of chain A is called A1, A2 and so on; chains of which there is but one keep their names. Atoms that lie on
    an axis, and so on their own copies, stay single.

    Raises:
        BadInput: there is no such assembly.
        TooLarge: it has more residues than `most`, or than can be opened, or more than `MAX_ATOMS` atoms.
    """
    known = {one.name: one for one in assemblies_of(file)}
    if name not in known:
        there = f"there is {', '.join(known)}" if known else "it names none"
        raise BadInput(f"There is no assembly “{name[:20]}” in this structure file; {there}.")
    if problem := known[name].too_large(most):
        raise TooLarge(problem)
    structure = file.structure.clone()
    for place in reversed(range(len(structure))):
        if place != model:
            del structure[place]
    entry = next(one for one in structure.assemblies if one.name == name)
    numbered = gemmi.HowToNameCopiedChain.AddNumber
    structure.transform_to_assembly(name, numbered if _repeats(entry) else gemmi.HowToNameCopiedChain.Dup)
    return replace(file, structure=structure, notes=[*file.notes, known[name].sentence])


def _described(entry: gemmi.Assembly, model: gemmi.Model) -> Assembly:
    residues = atoms = 0
    made_of = Counter[int]()  # chains of the protein in the file, by how often they are in the assembly
    for part in entry.generators:
        copies = len(part.operators)
        mine = list(_residues(part, model))
        places = {(chain, str(residue.seqid)) for chain, residue in mine if _counts(residue)}
        made_of[copies] += len({chain for chain, _ in places})
        residues += copies * len(places)
        atoms += copies * sum(len(residue) for _, residue in mine)
    return Assembly(
        name=entry.name,
        chains=sum(of * by for by, of in made_of.items()),
        made_of=tuple((of, by) for by, of in sorted(made_of.items()) if of),
        residues=residues,
        atoms=atoms,
        details=_clean(entry.oligomeric_details).lower(),
        determined=_determined(entry),
        moves=not all(one.transform.is_identity() for part in entry.generators for one in part.operators),
        whole=atoms == sum(len(residue) for chain in model for residue in chain),
    )


def _residues(part: gemmi.Assembly.Gen, model: gemmi.Model) -> Iterator[tuple[str, gemmi.Residue]]:
    """The residues that a part of an assembly repeats, each with its chain: by subchain in mmCIF, by chain in PDB."""
    subchains, chains = set(part.subchains), set(part.chains)
    for chain in model:
        for residue in chain:
            if residue.subchain in subchains if subchains else chain.name in chains:
                yield chain.name, residue


def _counts(residue: gemmi.Residue) -> bool:
    """Whether it is one of the protein's that are shown: those without a Cα are left out."""
    return is_amino_acid(residue) and any(atom.name == "CA" for atom in residue)


def _repeats(entry: gemmi.Assembly) -> bool:
    """Whether some chain is in the assembly more than once."""
    counts: Counter[str] = Counter()
    for part in entry.generators:
        for name in part.subchains or part.chains:
            counts[name] += len(part.operators)
    return max(counts.values(), default=0) > 1


def _determined(entry: gemmi.Assembly) -> str:
    by = ["its authors"] * entry.author_determined + ["a program"] * entry.software_determined
    return " and ".join(by)


def _clean(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:MAX_WORDS].strip(" ?.")
