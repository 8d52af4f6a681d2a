"""The residue alphabet: one-letter codes, three-letter names, and the orders in which each program numbers them.

An order is a string whose position is the residue's number, so `order.index("A")` encodes and `order[code]` decodes.
"""

from __future__ import annotations

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The twenty standard amino acids, sorted by one-letter code."""

GAP, UNKNOWN = "-", "X"
"""A column that a sequence does not cover, and a residue that is none of the twenty."""

ALIGNMENT_ORDER = AMINO_ACIDS + GAP + UNKNOWN
"""Codes of `Alignment.rows`: 0 to 19 residues, 20 the gap, 21 unknown."""

HHBLITS_ORDER = AMINO_ACIDS + UNKNOWN + GAP
"""Codes of an alignment as HHblits numbers it; AlphaFold2's pipeline takes these and reorders them itself."""

ALPHAFOLD_ORDER = "ARNDCQEGHILKMFPSTWYV"
"""The amino acids sorted by three-letter name: AlphaFold2's, OpenFold's and ESMFold's numbering; 20 is unknown."""

ESM_TOKENS = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")
"""The tokens of ESM-2 in order (Lin et al. 2023): residues by their frequency in the training data."""

THREE_LETTER = {
    "A": "ALA", "R": "ARG", "N": "ASN", "D": "ASP", "C": "CYS", "Q": "GLN", "E": "GLU", "G": "GLY", "H": "HIS",
    "I": "ILE", "L": "LEU", "K": "LYS", "M": "MET", "F": "PHE", "P": "PRO", "S": "SER", "T": "THR", "W": "TRP",
    "Y": "TYR", "V": "VAL", UNKNOWN: "UNK",
}  # fmt: skip
"""Three-letter names by one-letter code."""

SUBSTITUTES = {"U": "C", "O": "K", "B": "D", "Z": "E", "J": "L"}
"""Letters outside the twenty, and the residue that a model is given instead. Selenocysteine is cysteine with selenium
for sulphur, pyrrolysine a longer lysine; the other letters mean one of two residues."""

SUBSTITUTED_NAMES = {"U": "selenocysteine", "O": "pyrrolysine", "B": "Asp or Asn", "Z": "Glu or Gln", "J": "Leu or Ile"}
"""What the letters of `SUBSTITUTES` stand for."""


def encode(sequence: str, order: str = ALPHAFOLD_ORDER) -> list[int]:
    """The number of each residue in `order`; whatever the order lacks gets the number after its last.

    >>> encode("MKX")
    [12, 11, 20]
    >>> encode("MK-", ALIGNMENT_ORDER)
    [10, 8, 20]
    >>> ALPHAFOLD_ORDER == "".join(sorted(AMINO_ACIDS, key=THREE_LETTER.__getitem__))
    True
    """
    numbers = {letter: number for number, letter in enumerate(order)}
    return [numbers.get(letter, len(order)) for letter in sequence]


def decode(codes: list[int], order: str = ALPHAFOLD_ORDER) -> str:
    """The letters of these numbers, X for a number beyond the order.

    >>> decode([12, 11, 20])
    'MKX'
    """
    return "".join(order[code] if code < len(order) else UNKNOWN for code in codes)
