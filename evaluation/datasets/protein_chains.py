"""Protein chains of known structure in one flat store, split into training, validation and test by sequence cluster.

`chains_train.npz` holds backbones, `ca_traces_train.npz` Cα traces; both say which cluster of similar sequences a chain
belongs to. The secondary structure of a trace is the file's, which is DSSP's; that of a backbone is assigned anew,
because the file's agrees with the backbone in three residues of four only.

A twentieth of the clusters is for validation during training (`CHECK`), another for the figures at the end (`TEST`).
Chains that are similar to one of these, or to a protein that other benchmarks measure, are not trained on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import gemmi
import numpy as np

from backends.folding.residues import ALPHAFOLD_ORDER
from backends.folding.structure.reader import read_structure
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure

TRAIN, CHECK, TEST, LEFT_OUT = range(4)
APART = 13
"""Of 256 clusters, how many each of CHECK and TEST gets."""

ALIKE = 0.3
"""Sequence identity, as a fraction of the shorter chain, from which on two chains count as similar."""
WORD = 4
"""Only chains that share a word of so many residues are aligned: without one, no pair comes out as similar."""

UNKNOWN = len(ALPHAFOLD_ORDER)
"""The number of an unknown residue; the others are numbered by `ALPHAFOLD_ORDER`."""
STATES = "HE-"
"""Helix, strand, neither: the numbers 0, 1, 2 of secondary structure; −1 where nobody knows."""
_STATE_OF = {"H": 0, "G": 0, "I": 0, "E": 1, "B": 2, "C": 2, "T": 2, "S": 2, "-": 2}
"""Eight states to three, a lone bridge (B) as no strand: as the project assigns them itself."""


@dataclass(frozen=True)
class Chains:
    """N chains of R residues in all; chain i is rows `offsets[i]` to `offsets[i + 1]`.

    residues `(R,)` uint8, states `(R,)` int8, atoms `(R, 5, 3)` float32 N, CA, C, O, CB in Å with NaN where one
    misses, cluster and part `(N,)`.
    """

    residues: np.ndarray
    states: np.ndarray
    atoms: np.ndarray
    offsets: np.ndarray
    cluster: np.ndarray
    part: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        return np.diff(self.offsets)

    @property
    def whole(self) -> np.ndarray:
        """(N,) bool: the backbone is known, not only the Cα."""
        return np.isfinite(self.atoms[self.offsets[:-1], 0, 0])

    def rows(self, chain: int) -> slice:
        return slice(int(self.offsets[chain]), int(self.offsets[chain + 1]))

    def sequence(self, chain: int) -> str:
        return "".join((ALPHAFOLD_ORDER + "X")[code] for code in self.residues[self.rows(chain)])

    def letters(self, chain: int) -> np.ndarray:
        """(L,) of "H", "E", "-", as `assign` tells them."""
        return np.array(list(STATES))[self.states[self.rows(chain)]]

    def known(self, part: int) -> list[int]:
        """The chains of `part` of which every residue is known."""
        return [int(row) for row in self.of(part) if (self.residues[self.rows(row)] != UNKNOWN).all()]

    def of(self, part: int) -> np.ndarray:
        return np.flatnonzero(self.part == part)

    def structure(self, chain: int) -> Structure:
        """The chain as it was seen, of the backbone."""
        return Structure.from_backbone(self.atoms[self.rows(chain)], self.sequence(chain))

    def save(self, path: Path) -> None:
        np.savez(path, **{name: getattr(self, name) for name in self.__dataclass_fields__})

    @classmethod
    def load(cls, path: Path) -> Chains:
        with np.load(path) as stored:
            return cls(**{name: stored[name] for name in cls.__dataclass_fields__})


def part_of(cluster: int) -> int:
    """TRAIN, CHECK or TEST by the number of the cluster alone; what is in no cluster is trained on."""
    if cluster < 0:
        return TRAIN
    first = sha256(str(cluster).encode()).digest()[0]
    return TEST if first < APART else CHECK if first < 2 * APART else TRAIN


def read_chains(folder: Path) -> Chains:
    """The chains of both files in `folder`, their part by their cluster alone."""
    files = [_read(folder / name) for name in ("chains_train.npz", "ca_traces_train.npz")]
    residues, states, atoms, lengths, cluster = (np.concatenate(parts) for parts in zip(*files, strict=True))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return Chains(residues, states, atoms, offsets, cluster, np.array([part_of(int(c)) for c in cluster], np.int8))


def _read(path: Path) -> tuple[np.ndarray, ...]:
    with np.load(path) as stored:
        sequences, told, lengths = stored["sequences"], stored["ss"], stored["lengths"]
        stated = stored["coords_centiangstrom"].astype(np.float32) / 100
        cluster = stored["cluster"]
    atoms = np.full((len(stated), 5, 3), np.nan, np.float32)
    atoms[:, 1 if stated.shape[1] == 1 else slice(None)] = stated[:, 0] if stated.shape[1] == 1 else stated
    atoms[(atoms == 0).all(-1)] = np.nan  # an oxygen at the very centre is one that was not there
    number = {letter: code for code, letter in enumerate(ALPHAFOLD_ORDER)}
    residues = np.array([number.get(letter, UNKNOWN) for letter in "".join(sequences)], np.uint8)
    ends = np.cumsum(lengths)
    if stated.shape[1] == 1:
        states = np.array([_STATE_OF.get(letter, -1) for letter in "".join(told)], np.int8)
    else:
        pieces = zip(np.split(atoms, ends[:-1]), sequences, strict=True)
        states = np.concatenate([states_of(Structure.from_backbone(piece, str(name))) for piece, name in pieces])
    return residues, states, atoms, lengths, cluster


def states_of(structure: Structure) -> np.ndarray:
    """(L,) int8 helix, strand, neither as the project itself assigns them."""
    return np.array([STATES.index(letter) for letter in assign_secondary_structure(structure)], np.int8)


def without_alike(chains: Chains, measured: Sequence[str] = ()) -> Chains:
    """`chains` with LEFT_OUT wherever one of TRAIN is alike to one of CHECK or TEST, or to a sequence of `measured`.

    Chains of CHECK that are alike to one of `measured` are left out too, since settings may be fitted to them.
    """
    part = chains.part.copy()
    texts = [chains.sequence(i) for i in range(len(chains))]
    apart = [texts[i] for i in np.flatnonzero((part == CHECK) | (part == TEST))]
    for index in _alike(texts, chains.of(TRAIN), [*apart, *measured]) + _alike(texts, chains.of(CHECK), measured):
        part[index] = LEFT_OUT
    return replace(chains, part=part)


def _alike(texts: Sequence[str], among: Iterable[int], others: Sequence[str]) -> list[int]:
    words: dict[str, set[int]] = defaultdict(set)
    for number, other in enumerate(others):
        for start in range(len(other) - WORD + 1):
            words[other[start : start + WORD]].add(number)
    found = []
    for index in among:
        text = texts[index]
        close = set().union(*(words.get(text[i : i + WORD], ()) for i in range(len(text) - WORD + 1)))
        if any(same_share(text, others[number]) > ALIKE for number in close):
            found.append(int(index))
    return found


def same_share(one: str, other: str) -> float:
    """How many residues of the shorter sequence the best alignment puts on the same residue, as a share."""
    scoring = gemmi.AlignmentScoring("b")  # BLOSUM62
    result = gemmi.align_string_sequences(list(one), list(other), [], scoring)
    return float(result.match_count) / min(len(one), len(other))


def measured_sequences(folder: Path) -> list[str]:
    """The chains of every structure file under `folder`, and the proteins of ProteinNet's text records there."""
    found: set[str] = set()
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".pdb", ".cif"):
            structure = read_structure(path)
            found.update(structure.sequence[rows] for _, rows in structure.chain_slices())
        elif path.parent.name == "proteinnet":
            lines = path.read_text(encoding="utf-8").splitlines()
            found.update(lines[i + 1].strip() for i, line in enumerate(lines) if line.strip() == "[PRIMARY]")
    return sorted(found)
