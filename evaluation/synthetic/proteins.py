"""Well-known proteins by their sequence, and structures built by rule, for a start without a network.

The sequences are published facts. The built structures are no predictions and no experiments: a chain of ideal bonds
is turned by the torsions listed here, so that what a check or a score should say of them is known beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from backends.folding.structure.atoms import CB
from backends.folding.structure.structure import Structure


@dataclass(frozen=True)
class Known:
    """A protein that everybody in the field knows. `entry` is an experimental structure of it in the PDB."""

    id: str
    name: str
    chains: tuple[str, ...]
    entry: str
    sentence: str

    @property
    def residues(self) -> int:
        return sum(map(len, self.chains))

    @property
    def fasta(self) -> str:
        """One record a chain."""
        letters = "ABCDEFGH"
        many = len(self.chains) > 1
        return "".join(
            f">{self.id}{f'_{letters[k]}' if many else ''} {self.name}\n{chain}\n"
            for k, chain in enumerate(self.chains)
        )


KNOWN = (
    Known("trp_cage", "Trp-cage", ("NLYIQWLKDGGPSSGRPPPS",), "1L2Y",
          "A designed mini-protein of 20 residues, among the smallest that fold: a short helix caged around one Trp."),
    Known("villin", "Villin headpiece HP36", ("MLSDEDFKAVFGMTRSAFANLPLWKQQNLKKEKGLF",), "1VII",
          "Three short helices that fold within microseconds; a favourite of folding simulations."),
    Known("crambin", "Crambin", ("TTCCPSIVARSNFNVCRLPGTPEAICATYTGCIIIPGATCPGDYAN",), "1CRN",
          "A small plant protein held by three disulphide bridges, known in the finest detail of any protein."),
    Known("gb1", "Protein G, B1 domain", ("MTYKLILNGKTLKGETTTEAVDAATAEKVFKQYANDNGVDGEWTYDDATKTFTVTE",), "2GB1",
          "One helix across a sheet of four strands: the classic small mixed fold."),
    Known("ubiquitin", "Ubiquitin",
          ("MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG",), "1UBQ",
          "The tag that marks proteins for recycling, nearly the same in yeast and in people."),
    Known("insulin", "Insulin, human", ("GIVEQCCTSICSLYQLENYCN", "FVNQHLCGSHLVEALYLVCGERGFFYTPKT"), "3I40",
          "The hormone that lets cells take up sugar: two chains tied by disulphide bridges."),
    Known("lysozyme", "Lysozyme, hen egg white",
          ("KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMN"
           "AWVAWRNRCKGTDVQAWIRGCRL",), "1LYZ",
          "It cuts the walls of bacteria; the first enzyme whose structure was seen."),
    Known("myoglobin", "Myoglobin, sperm whale",
          ("VLSEGEWQLVLHVWAKVEADVAGHGQDILIRLFKSHPETLEKFDRFKHLKTEAEMKASEDLKKHGVTVLTALGAILKKKGHHEAELKPLAQSHATKHKIPIKYLEF"
           "ISEAIIHVLHSRHPGDFGADAQGAMNKALELFRKDIAAKYKELGYQG",), "1MBN",
          "It stores oxygen in muscle: eight helices around a haem; the first protein structure ever solved."),
    Known("gfp", "Green fluorescent protein",
          ("MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTFSYGVQCFSRYPDHMKQHDFFKSAMPEGYVQERTIFFKDDGNY"
           "KTRAEVKFEGDTLVNRIELKGIDFKEDGNILGHKLEYNYNSHNVYIMADKQKNGIKVNFKIRHNIEDGSVQLADHYQQNTPIGDGPVLLPDNHYLSTQSALSKDPN"
           "EKRDHMVLLEFVTAAGITHGMDELYK",), "1GFL",
          "A barrel of eleven strands around the part that glows green; from a jellyfish."),
)  # fmt: skip

N_CA, CA_C, C_N = 1.459, 1.525, 1.336
N_CA_C, CA_C_N, C_N_CA = 111.0, 117.2, 121.7
"""Å and degrees: Engh & Huber, International Tables for Crystallography F, 2001, table 18.3.2.3."""


def place(last: Sequence[np.ndarray], length: float, angle: float, torsion: float) -> np.ndarray:
    """The atom bonded at `length` Å to the third of `last` three, with the angle and the torsion there in degrees."""
    a, b, c = last
    bend, turn = np.radians(angle), np.radians(torsion)
    along = (c - b) / np.linalg.norm(c - b)
    normal = np.cross(b - a, along)
    normal /= np.linalg.norm(normal)
    across = np.cross(normal, along)
    return c + length * (-np.cos(bend) * along + np.sin(bend) * (np.cos(turn) * across + np.sin(turn) * normal))


def chain_of(torsions: Sequence[tuple[float, float]], omega: float | Sequence[float] = 180.0) -> np.ndarray:
    """N, Cα, C `(L, 3, 3)` in Å of a chain with (φ, ψ) of each residue in degrees and ω after each."""
    omegas = [omega] * len(torsions) if isinstance(omega, int | float) else list(omega)
    bend = np.radians(N_CA_C)
    atoms = [
        np.array([N_CA, 0.0, 0.0]), np.zeros(3), CA_C * np.array([np.cos(bend), np.sin(bend), 0.0]),
    ]  # fmt: skip
    for k in range(1, len(torsions)):
        atoms.append(place(atoms[-3:], C_N, CA_C_N, torsions[k - 1][1]))
        atoms.append(place(atoms[-3:], N_CA, C_N_CA, omegas[k - 1]))
        atoms.append(place(atoms[-3:], CA_C, N_CA_C, torsions[k][0]))
    return np.array(atoms).reshape(-1, 3, 3)


def build_chain(
    torsions: Sequence[tuple[float, float]], sequence: str, title: str = "", omega: float = 180.0
) -> Structure:
    """A chain with N, Cα, C, O and Cβ, placed atom by atom from its torsions; side chains end at Cβ.

    Args:
        torsions: φ and ψ of each residue, in degrees.
        sequence: one letter a residue, as many as there are torsions.
        title: what the structure is called.
        omega: of every peptide bond, in degrees; 180 is trans.
    """
    structure = Structure.from_backbone(chain_of(torsions, omega), sequence, title=title)
    atoms, mask = structure.atoms.copy(), structure.mask.copy()
    atoms[:, CB], mask[:, CB] = structure.beta(), [letter != "G" for letter in sequence]
    atoms[~mask[:, CB], CB] = 0
    return replace(structure, atoms=atoms, mask=mask)


HELIX = (-62.0, -43.0)
BETA_HAIRPIN = (
    (-129, 144), (-110, 117), (-126, 136), (-109, 129), (-122, 145), (-115, 122), (-137, 138), (54, 33), (80, -6),
    (-104, 142), (-114, 137), (-114, 136), (-110, 135), (-132, 131), (-112, 143), (-124, 130),
)  # fmt: skip
"""φ, ψ in degrees: two strands of seven and a type I' turn, found by closing the hydrogen bonds between the strands."""


HELIX_LOOP = ((-64, 132), (-95, -56), (-76, 167), (50, 50))
"""Turns a helix back on itself, 9.6 Å from axis to axis."""


def ideal_helix(residues: int = 30) -> Structure:
    """A lone α-helix."""
    letters = ("AEAAAKEALAKL" * (residues // 12 + 1))[:residues]
    return build_chain([HELIX] * residues, letters, "Ideal α-helix: built by rule, not predicted")


def helical_hairpin() -> Structure:
    """Two antiparallel α-helices joined by a loop of four, 36 residues."""
    letters = "SEEAAKKLAELAKKLAGNPSSEELAKKAAELAKKAE"
    torsions = [*[HELIX] * 16, *HELIX_LOOP, *[HELIX] * 16]
    return build_chain(torsions, letters, "Ideal helical hairpin: built by rule, not predicted")


def beta_hairpin() -> Structure:
    """Two antiparallel strands joined by a tight turn, 16 residues."""
    return build_chain(BETA_HAIRPIN, "TKVTVTVNGKTYTVTE", "Ideal β-hairpin: built by rule, not predicted")
