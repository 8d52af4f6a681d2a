"""Relatives are compared by shape, and a verdict on the geometry rests on enough of what the model claims to know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.folding.structure.plausibility_checks import CheckResult, check_structure
from backends.folding.structure.structure import Structure
from evaluation.metrics.folding.attention import corrected, head_precision
from evaluation.metrics.folding.folds import compare
from evaluation.synthetic.proteins import build_chain, ideal_helix
from studio.proteins import attention_panel
from viz.components.structure_workbench import manifest

LETTERS = "ACDEFGHIKLMNPQRSTVWY"


def bent(residues: int = 40) -> Structure:
    torsions = [(-62.0, -43.0)] * (residues // 2) + [(-62.0, 120.0)] + [(-62.0, -43.0)] * (residues - residues // 2 - 1)
    letters = "".join(np.random.default_rng(3).choice(list(LETTERS), residues))
    return build_chain(torsions, letters)


def mutated(structure: Structure, share: float) -> Structure:
    """With this share of the letters the same."""
    chance = np.random.default_rng(5)
    letters = [
        letter if chance.random() < share else chance.choice([other for other in LETTERS if other != letter])
        for letter in structure.sequence
    ]
    return replace(structure, sequence="".join(letters), components=np.array([], dtype=str))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.4, 0.7])
def test_the_same_shape_has_a_tm_score_of_one_whatever_its_letters(share: float) -> None:
    found = compare(mutated(bent(), share), bent())
    assert found.tm == pytest.approx(1, abs=1e-3) and found.rmsd == pytest.approx(0, abs=0.01)
    assert "paired by shape (TM-align)" in found.sentence and "Nearly the same" in found.sentence
    assert found.to_json()["paired_by"] == "shape"


def test_tm_scores_are_by_both_lengths_and_the_alignment_is_shown() -> None:
    whole = bent()
    part = mutated(whole.select(np.arange(20)), 0.1)
    found = compare(part, whole)
    assert found.tm == pytest.approx(0.5, abs=0.03) and found.tm_model == pytest.approx(1, abs=1e-3)
    block = found.to_json()["alignment"][0]
    assert block["top"].replace("-", "") == part.sequence and block["bottom"].replace("-", "") == whole.sequence
    assert block["marks"].count(":") == len(found.matching) == 20
    same = compare(whole, whole)
    assert same.to_json()["paired_by"] == "sequence" and same.alignment[0]["top"] == whole.sequence


def row(structure: Structure, id: str) -> CheckResult | None:
    return next((one for one in check_structure(structure).rows if one.id == id), None)


def test_all_atoms_at_one_point_are_judged_and_not_a_crash() -> None:
    helix = ideal_helix(40)
    report = check_structure(helix.with_atoms(0 * helix.atoms))
    assert report.verdict == "broken" and row(helix.with_atoms(0 * helix.atoms), "compactness").verdict == "broken"


def test_disorder_that_a_model_owns_up_to_does_not_condemn_the_rest() -> None:
    torsions = [(-62.0, -43.0)] * 40 + [(-62.0, -43.0)] * 40
    chain = build_chain(torsions, "A" * 80, omega=[180.0] * 42 + [90.0] * 38)
    sure = chain.with_confidence(np.r_[np.full(42, 92.0), np.full(38, 30.0)])
    assert check_structure(chain).verdict == "broken"
    assert check_structure(sure).verdict == "good"
    apart = row(sure, "low_confidence")
    assert "38 residues have a pLDDT under 50" in apart.sentence and "flat peptide bonds" in apart.sentence
    assert set(apart.residues) == set(range(42, 80))
    assert check_structure(chain.with_confidence(np.full(80, 92.0))).verdict == "broken"
    assert check_structure(chain.with_confidence(np.full(80, 30.0))).verdict == "broken"


def test_a_few_left_handed_turns_are_no_mirror_image() -> None:
    strand, turn = [(-120.0, 130.0)] * 8, [(57.0, 47.0)] * 3
    chain = build_chain((strand + turn) * 5, "G" * 55)
    found = row(chain, "helix_hand")
    assert found is None or found.verdict == "good"
    mirrored = ideal_helix(30)
    assert row(Structure.from_ca(mirrored.ca * [1, 1, -1], mirrored.sequence), "helix_hand").verdict == "broken"


def test_one_bad_chain_of_several_is_named() -> None:
    helix = ideal_helix(40)
    copies = [helix.atoms + np.float32([40 * k, 0, 0]) for k in range(3)]
    copies.append(helix.atoms * np.float32([1, 1, -1]) + np.float32([120, 0, 0]))
    crowd = Structure.build(
        np.concatenate(copies), np.concatenate([helix.mask] * 4), helix.sequence * 4,
        chains=np.repeat(list("ABCD"), 40), numbers=[*range(1, 41)] * 4,
    )  # fmt: skip
    found = row(crowd, "helix_hand")
    assert found.verdict == "broken" and found.sentence.startswith("Chain D: ")


def test_d_amino_acids_by_name_are_of_the_right_hand() -> None:
    helix = ideal_helix(30)
    mirror = helix.with_atoms(helix.atoms * [1, 1, -1])
    assert check_structure(mirror).verdict == "broken"
    named = replace(mirror, sequence="A" * 30, components=np.array(["DAL"] * 30))
    assert check_structure(named).verdict == "good"


def test_an_estimate_is_called_so_everywhere() -> None:
    guess = replace(ideal_helix(30), confidence=np.full(30, 38.0, np.float32), method="estimate")
    shown = manifest("run", "x", guess)
    assert shown["confidence"] == "estimated confidence"
    assert shown["colourings"][0]["label"] == "Confidence, estimated"
    assert "pLDDT" not in check_structure(guess).sentence


def test_the_map_of_a_head_shows_the_pairs_that_its_score_counts() -> None:
    length = 20
    attention = np.random.default_rng(0).random((1, 1, length, length))
    attention[0, 0] += 5 * np.eye(length, k=1)  # the strongest pairs are neighbours, which no contact is
    ranks = attention_panel._ranked(corrected(attention[0, 0]))
    rows, columns = np.nonzero(np.triu(ranks))
    assert (columns - rows).min() >= 6
    strongest = np.argsort(-np.triu(ranks), axis=None)[:length]
    true = np.zeros((length, length), bool)
    true.flat[strongest] = True
    assert head_precision(attention, true | true.T)[0]["L"] == 1.0


def test_loose_stretches_do_not_condemn_a_packed_domain() -> None:
    helix = ideal_helix(24)
    bundle = np.concatenate([helix.atoms + np.float32([9 * (k % 2), 9 * (k // 2), 0]) for k in range(4)])
    loop = build_chain([(-120.0, 130.0)] * 60, "A" * 60, omega=90.0)
    whole = Structure.build(
        np.concatenate([bundle, loop.atoms + np.float32([60, 0, 0])]), np.concatenate([helix.mask] * 4 + [loop.mask]),
        helix.sequence * 4 + loop.sequence, chains=np.repeat(list("ABCDL"), [24] * 4 + [60]),
    )  # fmt: skip
    found = row(whole, "omega_twisted")
    assert found.verdict == "doubtful" and "loose chain" in found.sentence
    assert row(loop, "omega_twisted").verdict == "broken"


def test_a_few_odd_places_of_a_small_peptide_prove_nothing() -> None:
    torsions = [(-62.0, -43.0)] * 24
    peptide = build_chain(
        torsions, "A" * 24, omega=[180.0] * 7 + [100.0] + [180.0] * 7 + [100.0] + [180.0] * 7 + [100.0]
    )
    assert row(peptide, "omega_twisted").verdict == "doubtful"
