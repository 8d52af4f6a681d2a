"""Could this be a protein at all? Checks of a structure against what is known of real ones.

They look at coordinates, and so may contradict the model's confidence: a model can be sure of a chain that cannot
exist. Only what a model itself marks as very unsure (pLDDT under 50) is judged apart, where there is enough besides:
such stretches are mostly disordered, and models draw them as loops without a shape.

Each check counts the places that offend; its definition and source stand in `CHECKS`, which the page shows. It judges
each chain, and the worst one counts. A check calls a structure broken only if so many places offend that it is no
chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from backends.folding.structure import geometry, offenders
from backends.folding.structure.geometry import Torsions
from backends.folding.structure.offenders import Places
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure

GOOD, DOUBTFUL, BROKEN = "good", "doubtful", "broken"
_RANK = {GOOD: 0, DOUBTFUL: 1, BROKEN: 2}
MAX_LISTED = 400
MIN_OFFENDERS = 3
"""Places that have to offend before a structure is called broken."""
MIN_PLACES = 30
"""Places of a chain that are enough to judge it by itself."""
UNSURE = 50.0
"""pLDDT under which a residue is most likely disordered (Tunyasuvunakool et al. 2021)."""
MIN_CONFIDENT = 30
"""Residues above that which are enough to judge a structure by them alone."""


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

    `find` gives the residue of each place that offends and of each place that was looked at, `(K,)` and `(P,)`; None
    where the atoms needed are missing.
    """

    id: str
    name: str
    good: float
    doubtful: float
    expected: str
    fine: str
    wrong: str
    definition: str
    find: Callable[[Structure, Torsions], Places | None]
    unit: str = "%"

    def row(self, structure: Structure, torsions: Torsions) -> CheckResult | None:
        result = self.find(structure, torsions)
        if result is None or not len(result[1]):
            return None
        wrong, places = result
        value, verdict = self._judge(len(wrong), len(places))
        where, count, total = "", len(wrong), len(places)
        for name, part in structure.chain_slices():
            mine = int(_within(places, part).sum())
            if MIN_PLACES <= mine < len(places):
                bad = int(_within(wrong, part).sum())
                of_chain, chain_verdict = self._judge(bad, mine)
                if chain_verdict == BROKEN != verdict:
                    value, verdict, count, total, where = of_chain, chain_verdict, bad, mine, f"Chain {name}: "
        sentence = self.fine if verdict == GOOD else where + self.wrong.format(count=count, places=total)
        listed = tuple(int(row) for row in np.unique(wrong)[:MAX_LISTED])
        return CheckResult(
            self.id, self.name, value, self.unit, self.expected, verdict, sentence, self.definition, listed
        )

    def _judge(self, count: int, places: int) -> tuple[float, str]:
        of = 1000 if self.unit == "per 1,000 atoms" else 100
        value = of * count / places
        if value <= self.good:
            return value, GOOD
        sure = count >= MIN_OFFENDERS and of * _least_share(count, places) > self.doubtful
        return value, BROKEN if sure else DOUBTFUL


def _least_share(count: int, places: int) -> float:
    """The lower end of Wilson's 95 % interval of a share (1927): what a few places prove, 3 of 23 less than 30 of 230.

    With p = count/places, n places and z = 1.96: `(p + z²/2n − z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`.
    """
    share, z2 = min(count / places, 1.0), 1.96**2 / places  # an atom may be in several clashes
    return float((share + z2 / 2 - np.sqrt(share * (1 - share) * z2 + z2**2 / 4)) / (1 + z2))


def _within(rows: np.ndarray, part: slice) -> np.ndarray:
    return (rows >= part.start) & (rows < part.stop)


CHECKS = (
    Check(
        "ca_spacing", "Steps along the chain", 1.5, 5.0, "3.8 Å from each Cα to the next (2.95 Å before a cis bond)",
        "The residues follow each other at the right distance.",
        "{count} of {places} steps along the chain are too long or too short: it is torn or squashed.",
        "The distance between the Cα atoms of neighbouring residues is fixed by the flat peptide bond between them: "
        "3.80 Å (trans) or 2.95 Å (cis). Counted: off by more than 0.25 Å (0.2 Å for cis).",
        offenders.ca_spacing,
    ),
    Check(
        "bond_lengths", "Bond lengths", 2.5, 8.0, "within 0.12 Å of the ideal (Engh & Huber 2001)",
        "The backbone's bonds have the right length.",
        "{count} of {places} bonds of the backbone are too long or too short.",
        "Length of N–Cα, Cα–C, C=O and C–N. Refined crystals spread by about 0.02 Å; of unrelaxed "
        "predictions 2 % are off. Counted: off by more than 0.12 Å.",
        offenders.bond_lengths,
    ),
    Check(
        "bond_angles", "Bond angles", 2.0, 10.0, "within 15° of the ideal (Engh & Huber 2001)",
        "The backbone's angles are right.",
        "{count} of {places} angles of the backbone are bent too far.",
        "Angles N–Cα–C, Cα–C–N, C–N–Cα. Refined crystals spread by about 2.5°. Counted: off by more than 15°.",
        offenders.bond_angles,
    ),
    Check(
        "clashes", "Clashes", 8.0, 40.0, "no more than 8 pairs of atoms in 1,000 atoms (crystals: 0)",
        "No atoms sit inside each other.",
        "{count} pairs of atoms sit inside each other: parts of the chain take up the same room.",
        "Pairs of heavy atoms, not bonded to each other, whose spheres (radii of Bondi 1964) overlap by 1 Å or more; "
        "hydrogen bonds and disulphide bridges are allowed for.",
        offenders.clashes, "per 1,000 atoms",
    ),
    Check(
        "crossings", "Chain through chain", 0.0, 3.0, "no two Cα closer than 3.2 Å, save across a cis bond",
        "The chain does not run through itself.",
        "At {count} of {places} residues the chain runs through itself or another chain.",
        "Two residues that do not follow each other keep their Cα atoms 3.8 Å apart or more. Counted: under 3.2 Å.",
        offenders.ca_clashes,
    ),
    Check(
        "ramachandran", "Backbone twist (Ramachandran)", 5.0, 15.0, "at most 5 % outside the allowed regions",
        "The backbone twists as in real proteins.",
        "{count} of {places} residues twist in ways that real backbones hardly do.",
        "The torsions φ and ψ on either side of Cα. Most combinations make atoms collide; allowed are boxes around the "
        "regions of Lovell et al. 2003, for glycine, proline and the rest.",
        offenders.ramachandran,
    ),
    Check(
        "chirality", "Handedness of the residues", 0.0, 5.0, "all L, the only hand in nature, save those named as D",
        "All residues are of the hand that their names say.",
        "{count} of {places} residues are of the wrong (D) hand.",
        "Seen from the hydrogen, CO, R and N of an L-amino acid run clockwise about Cα. Counted: the mirror image.",
        offenders.chirality,
    ),
    Check(
        "helix_hand", "Handedness of the helices", 15.0, 40.0, "right-handed",
        "The helices turn to the right, as they should.",
        "{count} of {places} turns of helix run to the left: the structure, or part of it, is a mirror image.",
        "The torsion of four Cα in a row is about +50° in an α-helix of L-amino acids, −50° in its mirror image. "
        "Counted: four turns or more in a row; single turns of either hand are common in loops.",
        offenders.helix_hand,
    ),
    Check(
        "omega_twisted", "Flat peptide bonds", 2.0, 10.0, "ω within 40° of flat (0° or 180°)",
        "The bonds between residues are flat.",
        "{count} of {places} bonds between residues are twisted out of the plane.",
        "The torsion ω about C–N; its partial double bond keeps it at 180° (trans) or, rarely, 0° (cis).",
        offenders.twisted,
    ),
    Check(
        "omega_cis", "Cis bonds", 1.5, 8.0, "about 0.03 % before residues other than proline (Jabs et al. 1999)",
        "Cis bonds are as rare as they should be.",
        "{count} of {places} bonds before residues other than proline are cis, which is very rare.",
        "Cis means that both Cα lie on the same side of the bond between two residues. Before proline it is common.",
        offenders.cis,
    ),
)  # fmt: skip


def check_structure(structure: Structure) -> PlausibilityReport:
    """Every check that the atoms allow; a Cα trace gets fewer. Raises ValueError for a structure without residues."""
    if not len(structure):
        raise ValueError("a structure to check has at least one residue")
    unsure = np.isfinite(structure.confidence) & (structure.confidence < UNSURE) & (structure.method != "estimate")
    apart = unsure.any() and (~unsure).sum() >= MIN_CONFIDENT
    sure = np.flatnonzero(~unsure) if apart else np.arange(len(structure))
    rows = _with_loose_parts_apart(structure.select(sure) if apart else structure)
    rows = [replace(row, residues=tuple(int(sure[place]) for place in row.residues)) for row in rows]
    if apart:
        rows.append(_unsure_row(structure, np.flatnonzero(unsure)))
    verdict = max((row.verdict for row in rows), key=_RANK.__getitem__, default=GOOD)
    return PlausibilityReport(tuple(rows), verdict, _sentence(structure, rows, verdict))


def _with_loose_parts_apart(structure: Structure) -> list[CheckResult]:
    """The rows of a structure, none of them broken for what is found in loose stretches alone.

    Predictions draw disorder as loops that no protein has, and files do not always say where that is.
    """
    rows = _rows(structure)
    loose = ~geometry.packed_residues(structure)
    if all(row.verdict != BROKEN for row in rows) or not loose.any() or (~loose).sum() < MIN_CONFIDENT:
        return rows
    packed = {row.id: row.verdict for row in _rows(structure.select(~loose))}
    note = f" That is in {loose.sum()} residues of loose chain, as of disorder; the packed parts do not fail."
    return [
        replace(row, verdict=DOUBTFUL, sentence=row.sentence + note)
        if row.verdict == BROKEN and packed.get(row.id, GOOD) != BROKEN
        else row
        for row in rows
    ]


def _rows(structure: Structure) -> list[CheckResult]:
    torsions = geometry.torsions(structure)
    rows = [row for item in CHECKS if (row := item.row(structure, torsions)) is not None]
    return rows + [row for row in (_compactness(structure), _order(structure)) if row is not None]


def _unsure_row(structure: Structure, unsure: np.ndarray) -> CheckResult:
    """What is said of the residues that the model itself is very unsure of; it is no verdict."""
    broken = [row.name.lower() for row in _rows(structure.select(unsure)) if row.verdict == BROKEN]
    count = len(unsure)
    residues = f"{count} residue{'s have' if count > 1 else ' has'} a pLDDT under {UNSURE:.0f}"
    sentence = f"{residues}, mostly disorder that has no fixed shape: the other checks leave them out."
    sentence += f" There, these are off: {', '.join(broken)}." if broken else ""
    return CheckResult(
        "low_confidence", "Parts of very low confidence", 100 * count / len(structure), "% of the residues",
        "judged apart", GOOD, sentence,
        "Disordered stretches are drawn as loops that need not look like a protein: do not rely on them.",
        tuple(int(row) for row in unsure[:MAX_LISTED]),
    )  # fmt: skip


def _globular(length: int) -> float:
    """Å: Skolnick et al. 1997."""
    return 2.2 * length**0.38


def _unfolded(length: int) -> float:
    """Å: Kohn et al. 2004."""
    return 1.927 * length**0.598


def _compactness(structure: Structure) -> CheckResult | None:
    """Radius of gyration of each chain against its length; the worst chain is shown."""
    ratios = []
    for name, part in structure.chain_slices():
        length = part.stop - part.start
        if length >= 30:
            size = geometry.radius_of_gyration(structure.ca[part].astype(float))
            ratios.append((size / _globular(length), size / _unfolded(length), size, name, part))
    if not ratios:
        return None
    folded, coil, size, name, part = max(ratios, key=lambda item: max(0.8 - item[0], item[1] - 1.1))
    length = part.stop - part.start
    expected = f"{_globular(length):.1f} Å if globular, up to {_unfolded(length):.1f} Å unfolded"
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
    named = "estimated confidence" if structure.method == "estimate" else "mean pLDDT"
    worst = [row for row in rows if row.verdict == verdict]
    if verdict == GOOD:
        if sure is not None and sure < 50:
            return f"The chain is a possible protein, but the model itself is unsure of it ({named} {sure:.0f})."
        return "The chain is a possible protein: nothing in its geometry speaks against it."
    lead = " ".join(row.sentence for row in worst[:2])
    if verdict == DOUBTFUL:
        return f"Look closer before you rely on it. {lead}"
    if sure is not None and sure >= 70:
        return f"The model says it is sure ({named} {sure:.0f}), but this chain is not a possible protein. {lead}"
    return f"This chain is not a possible protein. {lead}"
