"""Could this be a protein at all? Checks of a structure against what is known of real ones.

They look at coordinates alone, never at the model's confidence, and so may contradict it: a model can be sure of a
chain that cannot exist. Each check counts the places that offend; its definition and source stand in `CHECKS`, which
the page shows. A check calls a structure broken only if at least two places offend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from backends.folding.structure import geometry
from backends.folding.structure.geometry import Torsions
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure

GOOD, DOUBTFUL, BROKEN = "good", "doubtful", "broken"
_RANK = {GOOD: 0, DOUBTFUL: 1, BROKEN: 2}
BOND_LENGTHS = {"N-CA": 1.459, "CA-C": 1.525, "C-O": 1.229, "C-N": 1.336}
BOND_ANGLES = {"N-CA-C": 111.0, "CA-C-N": 117.2, "C-N-CA": 121.7}
"""In Å and degrees: Engh & Huber, International Tables for Crystallography F, 2001, table 18.3.2.3."""
MAX_LISTED = 400


@dataclass(frozen=True)
class CheckResult:
    """One check. `value` in `unit`, `expected` in words; `residues` are the indices (from 0) that offend."""

    id: str
    name: str
    value: float
    unit: str
    expected: str
    verdict: str
    sentence: str
    definition: str
    residues: tuple[int, ...] = ()


@dataclass(frozen=True)
class PlausibilityReport:
    """All checks that this structure allows; the verdict is the worst of theirs, the sentence says what it means."""

    rows: tuple[CheckResult, ...]
    verdict: str
    sentence: str

    def to_json(self) -> dict[str, Any]:
        rows = [{**asdict(row), "value": round(row.value, 3), "residues": list(row.residues)} for row in self.rows]
        return {"verdict": self.verdict, "sentence": self.sentence, "rows": rows}


@dataclass(frozen=True)
class Check:
    """A check that counts offenders. Up to `good` per cent of them are normal, beyond `doubtful` it is no protein.

    `find` gives the offending residues and how many places were looked at; None where the atoms needed are missing.
    """

    id: str
    name: str
    good: float
    doubtful: float
    expected: str
    fine: str
    wrong: str
    definition: str
    find: Callable[[Structure, Torsions], tuple[np.ndarray, int] | None]
    unit: str = "%"

    def row(self, structure: Structure, torsions: Torsions) -> CheckResult | None:
        result = self.find(structure, torsions)
        if result is None or not result[1]:
            return None
        offenders, places = result
        value = (1000 if self.unit == "per 1,000 atoms" else 100) * len(offenders) / places
        verdict = GOOD if value <= self.good else DOUBTFUL if value <= self.doubtful or len(offenders) < 2 else BROKEN
        sentence = self.fine if verdict == GOOD else self.wrong.format(count=len(offenders), places=places)
        listed = tuple(int(row) for row in np.unique(offenders)[:MAX_LISTED])
        return CheckResult(
            self.id, self.name, value, self.unit, self.expected, verdict, sentence, self.definition, listed
        )


def _ca_spacing(structure: Structure, _: Torsions) -> tuple[np.ndarray, int]:
    steps = np.flatnonzero(structure.linked())
    length = np.linalg.norm(structure.ca[steps + 1] - structure.ca[steps], axis=-1)
    off = (np.abs(length - 3.80) > 0.25) & (np.abs(length - 2.95) > 0.2)
    return steps[off], len(steps)


def _off(found: dict[str, tuple[np.ndarray, np.ndarray]], ideal: dict[str, float], reach: float) -> Any:
    off = [rows[np.abs(values - ideal[name]) > reach] for name, (rows, values) in found.items()]
    places = sum(len(rows) for rows, _ in found.values())
    return (np.concatenate(off), places) if places else None


def _bond_lengths(structure: Structure, _: Torsions) -> tuple[np.ndarray, int] | None:
    return _off(geometry.covalent_lengths(structure), BOND_LENGTHS, 0.12)


def _bond_angles(structure: Structure, _: Torsions) -> tuple[np.ndarray, int] | None:
    return _off(geometry.covalent_angles(structure), BOND_ANGLES, 15.0)


def _twisted(_: Structure, torsions: Torsions) -> tuple[np.ndarray, int]:
    omega = np.abs(torsions.omega)
    return np.flatnonzero((omega > 40) & (omega < 140)), int(np.isfinite(omega).sum())


def _cis(structure: Structure, torsions: Torsions) -> tuple[np.ndarray, int]:
    bonds = np.flatnonzero(np.isfinite(torsions.omega))
    bonds = bonds[[structure.sequence[row + 1] != "P" for row in bonds]] if len(bonds) else bonds
    return bonds[np.abs(torsions.omega[bonds]) <= 40], len(bonds)


def _ramachandran(structure: Structure, torsions: Torsions) -> tuple[np.ndarray, int]:
    known = np.isfinite(torsions.phi) & np.isfinite(torsions.psi)
    return np.flatnonzero(geometry.ramachandran_outliers(structure, torsions)), int(known.sum())


def _chirality(structure: Structure, _: Torsions) -> tuple[np.ndarray, int]:
    volume = geometry.handedness(structure)
    return np.flatnonzero(volume < 0), int(np.isfinite(volume).sum())


def _helix_hand(structure: Structure, _: Torsions) -> tuple[np.ndarray, int] | None:
    """Turns with the spacing of an α-helix; their hand is the sign of the torsion of four Cα."""
    linked = structure.linked()
    starts = np.array([i for i in range(len(structure) - 4) if linked[i : i + 4].all()], dtype=int)
    if not len(starts):
        return None
    a, b, c, d, e = (structure.ca[starts + step].astype(float) for step in range(5))
    three, four = np.linalg.norm(d - a, axis=-1), np.linalg.norm(e - a, axis=-1)
    tight = (np.abs(three - 5.2) < 0.6) & (np.abs(four - 6.3) < 0.7)
    turn = geometry.dihedral(a, b, c, d)
    return (starts[tight & (turn < 0)], int(tight.sum())) if tight.sum() >= 6 else None


def _clashes(structure: Structure, _: Torsions) -> tuple[np.ndarray, int]:
    result = geometry.find_overlaps(structure, least=1.0)
    return result.residues[:, 0], result.atoms


def _ca_clashes(structure: Structure, _: Torsions) -> tuple[np.ndarray, int]:
    from scipy.spatial import cKDTree

    tree = cKDTree(structure.ca)
    crowd = tree.query_ball_point(structure.ca, 3.2, return_length=True) - 1
    near = [np.linalg.norm(structure.ca[i + 1] - structure.ca[i]) < 3.2 for i in range(len(structure) - 1)]
    beside = np.r_[0, near] + np.r_[near, 0]  # a cis peptide's neighbours are that close
    return np.flatnonzero(crowd > beside), len(structure)


CHECKS = (
    Check(
        "ca_spacing", "Steps along the chain", 1.5, 5.0, "3.8 Å from each Cα to the next (2.95 Å before a cis bond)",
        "The residues follow each other at the right distance.",
        "{count} of {places} steps along the chain are too long or too short: it is torn or squashed.",
        "The distance between the Cα atoms of neighbouring residues is fixed by the flat peptide bond between them: "
        "3.80 Å (trans) or 2.95 Å (cis). Counted: off by more than 0.25 Å (0.2 Å for cis).",
        _ca_spacing,
    ),
    Check(
        "bond_lengths", "Bond lengths", 1.5, 8.0, "within 0.12 Å of the ideal (Engh & Huber 2001)",
        "The backbone's bonds have the right length.",
        "{count} of {places} bonds of the backbone are too long or too short.",
        "Length of N–Cα, Cα–C, C=O and C–N. Refined crystals spread by about 0.02 Å. Counted: off by more than 0.12 Å.",
        _bond_lengths,
    ),
    Check(
        "bond_angles", "Bond angles", 2.0, 10.0, "within 15° of the ideal (Engh & Huber 2001)",
        "The backbone's angles are right.",
        "{count} of {places} angles of the backbone are bent too far.",
        "Angles N–Cα–C, Cα–C–N, C–N–Cα. Refined crystals spread by about 2.5°. Counted: off by more than 15°.",
        _bond_angles,
    ),
    Check(
        "clashes", "Clashes", 8.0, 40.0, "no more than 8 pairs of atoms in 1,000 atoms (crystals: 0)",
        "No atoms sit inside each other.",
        "{count} pairs of atoms sit inside each other: parts of the chain take up the same room.",
        "Pairs of heavy atoms, not bonded to each other, whose spheres (radii of Bondi 1964) overlap by 1 Å or more; "
        "hydrogen bonds and disulphide bridges are allowed for.",
        _clashes, "per 1,000 atoms",
    ),
    Check(
        "crossings", "Chain through chain", 0.0, 3.0, "no two Cα closer than 3.2 Å, save across a cis bond",
        "The chain does not run through itself.",
        "At {count} of {places} residues the chain runs through itself or another chain.",
        "Two residues that do not follow each other keep their Cα atoms 3.8 Å apart or more. Counted: under 3.2 Å.",
        _ca_clashes,
    ),
    Check(
        "ramachandran", "Backbone twist (Ramachandran)", 5.0, 15.0, "at most 5 % outside the allowed regions",
        "The backbone twists as in real proteins.",
        "{count} of {places} residues twist in ways that real backbones hardly do.",
        "The torsions φ and ψ on either side of Cα. Most combinations make atoms collide; allowed are boxes around the "
        "regions of Lovell et al. 2003, for glycine, proline and the rest.",
        _ramachandran,
    ),
    Check(
        "chirality", "Handedness of the residues", 0.0, 5.0, "all L, the only hand in natural proteins",
        "All residues are of the natural (L) hand.",
        "{count} of {places} residues are of the wrong (D) hand.",
        "Seen from the hydrogen, CO, R and N of an L-amino acid run clockwise about Cα. Counted: the mirror image.",
        _chirality,
    ),
    Check(
        "helix_hand", "Handedness of the helices", 15.0, 40.0, "right-handed",
        "The helices turn to the right, as they should.",
        "{count} of {places} turns of helix run to the left: the structure, or part of it, is a mirror image.",
        "The torsion of four Cα in a row is about +50° in an α-helix of L-amino acids, −50° in its mirror image.",
        _helix_hand,
    ),
    Check(
        "omega_twisted", "Flat peptide bonds", 2.0, 10.0, "ω within 40° of flat (0° or 180°)",
        "The bonds between residues are flat.",
        "{count} of {places} bonds between residues are twisted out of the plane.",
        "The torsion ω about C–N; its partial double bond keeps it at 180° (trans) or, rarely, 0° (cis).",
        _twisted,
    ),
    Check(
        "omega_cis", "Cis bonds", 1.5, 8.0, "about 0.03 % before residues other than proline (Jabs et al. 1999)",
        "Cis bonds are as rare as they should be.",
        "{count} of {places} bonds before residues other than proline are cis, which is very rare.",
        "Cis means that both Cα lie on the same side of the bond between two residues. Before proline it is common.",
        _cis,
    ),
)  # fmt: skip


def check_structure(structure: Structure) -> PlausibilityReport:
    """Every check that the atoms allow; a Cα trace gets fewer. Raises ValueError for a structure without residues."""
    if not len(structure):
        raise ValueError("a structure to check has at least one residue")
    torsions = geometry.torsions(structure)
    rows = [row for item in CHECKS if (row := item.row(structure, torsions)) is not None]
    rows += [row for row in (_compactness(structure), _order(structure)) if row is not None]
    verdict = max((row.verdict for row in rows), key=_RANK.__getitem__, default=GOOD)
    return PlausibilityReport(tuple(rows), verdict, _sentence(structure, rows, verdict))


def _compactness(structure: Structure) -> CheckResult | None:
    """Radius of gyration of each chain against its length; the worst chain is shown."""
    ratios = []
    for name, part in structure.chain_slices():
        length = part.stop - part.start
        if length >= 30:
            size = geometry.radius_of_gyration(structure.ca[part].astype(float))
            ratios.append((size / (2.2 * length**0.38), size / (1.927 * length**0.598), size, name, part))
    if not ratios:
        return None
    folded, coil, size, name, part = max(ratios, key=lambda item: max(0.8 - item[0], item[1] - 1.1))
    expected = f"{size / folded:.1f} Å if globular, up to {size / coil:.1f} Å unfolded"
    verdict, sentence = GOOD, "The chain is as large as one of its length should be."
    if folded < 0.65:
        verdict, sentence = BROKEN, f"Chain {name} is packed tighter than matter allows: it has collapsed."
    elif folded < 0.8:
        verdict, sentence = DOUBTFUL, f"Chain {name} is packed tighter than folded proteins of its length."
    elif coil > 1.1:
        verdict = DOUBTFUL
        sentence = f"Chain {name} is stretched further than even an unfolded chain; only a lone long helix may be."
    return CheckResult(
        "compactness", "Size for its length", size, "Å", expected, verdict, sentence,
        "Radius of gyration of the Cα atoms. Folded proteins: 2.2 · L^0.38 Å (Skolnick et al. 1997); unfolded ones: "
        "1.927 · L^0.598 Å (Kohn et al. 2004).",
        () if verdict == GOOD else tuple(range(part.start, part.stop))[:MAX_LISTED],
    )  # fmt: skip


def _order(structure: Structure) -> CheckResult | None:
    if len(structure) < 60:
        return None
    share = 100 * float((assign_secondary_structure(structure) != "-").mean())
    verdict = GOOD if share >= 15 else DOUBTFUL
    fine = "It has helices or strands, as folded proteins do."
    wrong = "It has hardly any helix or strand: either it is disordered, or the model found no fold."
    return CheckResult(
        "secondary", "Helix and strand", share, "%", "15 % or more in a folded protein", verdict,
        fine if verdict == GOOD else wrong,
        "Share of residues in a helix or strand, by their hydrogen bonds (Kabsch & Sander 1983).",
    )  # fmt: skip


def _sentence(structure: Structure, rows: list[CheckResult], verdict: str) -> str:
    """What the verdict means, set against the model's own confidence where it has one."""
    sure = structure.mean_confidence
    worst = [row for row in rows if row.verdict == verdict]
    if verdict == GOOD:
        if sure is not None and sure < 50:
            return f"The chain is a possible protein, but the model itself is unsure of it (mean pLDDT {sure:.0f})."
        return "The chain is a possible protein: nothing in its geometry speaks against it."
    lead = " ".join(row.sentence for row in worst[:2])
    if verdict == DOUBTFUL:
        return f"Look closer before you rely on it. {lead}"
    if sure is not None and sure >= 70:
        return f"The model says it is sure (mean pLDDT {sure:.0f}), but this chain is not a possible protein. {lead}"
    return f"This chain is not a possible protein. {lead}"
