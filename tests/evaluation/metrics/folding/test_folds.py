"""Scores of folded proteins on cases whose answer is known beforehand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure.geometry import contact_map
from backends.folding.structure.plausibility_checks import check_structure
from backends.folding.structure.structure import Structure
from evaluation.metrics.base import metrics
from evaluation.metrics.folding.chain_alignment import align, match
from evaluation.metrics.folding.domains import domains
from evaluation.metrics.folding.folds import calibration, compare, contact_precision, tm_score
from evaluation.metrics.folding.gdt import fractions_within, gdt_ha, gdt_ts
from evaluation.metrics.folding.lddt import lddt_all_atom, lddt_ca
from evaluation.metrics.folding.morph import morph
from evaluation.metrics.folding.superpose import rmsd, superpose
from evaluation.synthetic.proteins import KNOWN, beta_hairpin, build_chain, ideal_helix

TURN = np.array([[0.36, 0.48, -0.8], [-0.8, 0.6, 0.0], [0.48, 0.64, 0.6]])
SHIFT = np.array([3.0, -7.0, 11.0])


def kinked(bend: float = 60.0) -> Structure:
    """Two helices joined by a joint that `bend` turns."""
    return build_chain(
        [(-62.0, -43.0)] * 15 + [(-62.0, -43.0 + bend)] + [(-62.0, -43.0)] * 16, "ARNDCQEGHILKMFPSTWYVAEKLDRSNQTIV"
    )


def test_a_structure_is_itself_wherever_it_lies() -> None:
    one = kinked()
    found = compare(one.moved(TURN, SHIFT), one)
    for name in ("tm", "gdt_ts", "gdt_ha", "lddt", "lddt_all", "coverage"):
        assert found.scores()[name] == pytest.approx(1.0, abs=1e-5), name
    assert found.rmsd == pytest.approx(0, abs=1e-3)
    assert np.allclose(found.transform.apply(one.moved(TURN, SHIFT).ca), one.ca, atol=1e-3)
    assert "Nearly the same" in found.sentence


def test_scores_do_not_depend_on_where_the_model_lies() -> None:
    model, truth = kinked(30), kinked(60)
    here, there = compare(model, truth), compare(model.moved(TURN, SHIFT), truth)
    assert 0.2 < here.tm < 0.99 and here.rmsd > 0.5
    for name, value in here.scores().items():
        assert there.scores()[name] == pytest.approx(value, abs=0.005), name


def test_superposition_never_mirrors_and_rmsd_is_as_computed_by_hand() -> None:
    square = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [0, -1, 0]])
    assert rmsd(2 * square, square) == pytest.approx(1.0)
    points = np.random.default_rng(0).normal(size=(12, 3))
    laid = superpose(points * [1, 1, -1], points)
    assert np.linalg.det(laid.rotation) == pytest.approx(1)
    assert rmsd(points * [1, 1, -1], points) > 0.5
    found = superpose(points, points @ TURN.T + SHIFT)
    assert np.allclose(found.rotation, TURN) and np.allclose(found.shift, SHIFT)


def test_lddt_by_hand() -> None:
    truth = np.array([[0.0, 0, 0], [4.0, 0, 0], [10.0, 0, 0], [40.0, 0, 0]])
    model = truth + np.array([[0.0, 0, 0], [0, 0, 0], [1.5, 0, 0], [0, 0, 0]])
    # Distances under 15 Å: 0–1 kept at all four; 0–2 and 1–2 off by 1.5: kept at 2 and 4 Å, so half.
    found = lddt_ca(model, truth)
    assert found.score == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert found.residues[:3] == pytest.approx([0.75, 0.75, 0.5])
    assert np.isnan(found.residues[3])  # no neighbour within 15 Å


def test_lddt_takes_either_name_and_counts_what_is_missing() -> None:
    helix = ideal_helix(12)
    atoms, mask = helix.atoms.copy(), helix.mask.copy()
    atoms[5, 16], atoms[5, 17] = atoms[5, 1] + [2, 1, 0], atoms[5, 1] + [2, -1, 0.5]
    mask[5, 16:18] = True
    truth = Structure.build(atoms, mask, helix.sequence[:5] + "D" + helix.sequence[6:])
    swapped = atoms.copy()
    swapped[5, [16, 17]] = swapped[5, [17, 16]]
    assert lddt_all_atom(truth.with_atoms(swapped), truth).score == 1.0
    lacking = mask.copy()
    lacking[5, 16:18] = False
    assert lddt_all_atom(replace(truth, mask=lacking), truth).score < 0.95


def test_gdt_by_hand() -> None:
    truth = ideal_helix(40).ca.astype(float)
    model = truth.copy()
    model[30:] += [0, 0, 100.0]  # a quarter lies elsewhere, the rest fits exactly
    assert fractions_within(model, truth, (0.5, 8.0)) == [0.75, 0.75]
    assert gdt_ts(model, truth) == gdt_ha(model, truth) == 0.75
    assert gdt_ts(model, truth, total=80) == 0.375
    # Points on a line, each moved aside in turn by 1.5 Å: within 2, 4 and 8 Å of the line but never all within 1.
    line = np.stack([np.arange(20) * 3.8, np.zeros(20), np.zeros(20)], axis=1)
    zigzag = line + np.array([[0, 1.5, 0], [0, -1.5, 0]] * 10)
    found = fractions_within(zigzag, line, (1.0, 2.0, 4.0))
    assert found[0] < 0.6 and found[1:] == [1.0, 1.0]


def test_tm_score_is_by_the_reference_and_falls_with_what_is_missing() -> None:
    whole = kinked()
    half = whole.select(np.arange(16))
    found = compare(half, whole)
    assert found.tm == pytest.approx(0.5, abs=0.01) and found.coverage == 0.5
    assert found.rmsd == pytest.approx(0, abs=1e-3) and found.lddt == pytest.approx(1)
    free = tm_score(half, whole)
    assert free.model == pytest.approx(1, abs=1e-3) and free.reference == pytest.approx(0.5, abs=0.01)


def dimer(order: str = "AB") -> Structure:
    one, other = kinked(), kinked().moved(TURN, [0.0, 40.0, 0.0])
    parts = [{"A": one, "B": other}[name] for name in order]
    return Structure.build(
        np.concatenate([part.atoms for part in parts]), np.concatenate([part.mask for part in parts]),
        one.sequence * 2, chains=["A"] * 32 + ["B"] * 32, numbers=[*range(1, 33)] * 2,
    )  # fmt: skip


def test_copies_of_a_chain_are_matched_by_where_they_are() -> None:
    found = compare(dimer("BA"), dimer("AB"))
    assert {(pair.model, pair.reference) for pair in found.matching.chains} == {("A", "B"), ("B", "A")}
    assert found.tm == pytest.approx(1, abs=1e-3) and found.rmsd == pytest.approx(0, abs=1e-3)
    one = compare(kinked(), dimer())
    assert one.coverage == 1.0 and one.tm == pytest.approx(1, abs=1e-3) and "chain" in one.sentence


def ring(order: list[int], letters: list[str]) -> Structure:
    """Cα traces of one shape about an axis; place k of the ring holds chain `order`[k], of `letters`[order[k]]."""
    one = ideal_helix(20).ca + np.array([60.0, 0.0, 0.0])
    turns = [2 * np.pi * place / len(order) for place in order]
    spun = [one @ np.array([[np.cos(t), np.sin(t), 0], [-np.sin(t), np.cos(t), 0], [0, 0, 1]]) for t in turns]
    names = np.repeat(list("ABCDEFGHIJKLMN")[: len(order)], len(one))
    return Structure.from_ca(np.concatenate(spun), "".join(letters[place] for place in order), chains=names)


def test_large_complexes_are_mapped_without_trying_every_order() -> None:
    order = [3, 7, 1, 0, 9, 2, 11, 5, 4, 10, 6, 8]
    copies = ["ACDEFGHIKLMNPQRSTVWY"] * 12
    assert compare(ring(order, copies), ring(list(range(12)), copies)).rmsd == pytest.approx(0, abs=1e-3)
    each = [letter * 20 for letter in copies[0]]  # none like another
    different = compare(ring(order, each), ring(list(range(12)), each))
    assert different.rmsd == pytest.approx(0, abs=1e-3) and len(different.matching.chains) == 12
    crowd = ring(list(range(12)), copies)
    many = replace(crowd, chains=np.array([f"c{row}" for row in range(240)]))
    with pytest.raises(TooLarge, match="240 and 240 chains"):
        match(many, many)


def test_residues_are_matched_past_gaps_and_other_numbers() -> None:
    whole = kinked()
    kept = np.delete(np.arange(32), [10, 11, 12, 20])
    renumbered = replace(whole, numbers=whole.numbers + 500)
    by_number = match(whole.select(kept), whole)
    by_letters = match(whole.select(kept), renumbered)
    assert by_number.reference.tolist() == kept.tolist()
    assert by_letters.reference.tolist() == kept.tolist() and by_letters.identity == 1.0
    rows, others = align("ACDEFGHIKL", "ACDFGHIKL")
    assert (rows.tolist(), others.tolist()) == ([0, 1, 2, 4, 5, 6, 7, 8, 9], list(range(9)))
    with pytest.raises(BadInput, match="similar sequence"):
        match(ideal_helix(30), build_chain([(-62.0, -43.0)] * 30, "WCWCHPWCHMWCWCHPWCHMWCWCHPWCHM"))


def test_contact_precision_by_hand() -> None:
    true = np.zeros((10, 10), dtype=bool)
    true[0, 7] = true[7, 0] = true[1, 8] = true[8, 1] = True
    scores = np.zeros((10, 10))
    scores[0, 7], scores[1, 8], scores[2, 9], scores[4, 5] = 2.0, 0.5, 1.4, 9.0  # 4–5 are too near to count
    found = contact_precision(scores, true)
    assert found["L/5"] == 0.5 and found["L/2"] == 0.4 and found["L"] == 0.2
    known = np.arange(10) != 9
    assert contact_precision(scores, true, known=known)["L/5"] == 1.0
    assert np.isnan(contact_precision(scores[:4, :4], true[:4, :4])["L"])


def test_contacts_of_a_hairpin_lie_across_it() -> None:
    hairpin = beta_hairpin()
    near = contact_map(hairpin)
    assert near[2, 13] and near[5, 10] and not near[0, 8] and (near == near.T).all()


def test_calibration_by_hand() -> None:
    found = calibration(np.array([95.0, 92, 40, np.nan]), np.array([0.95, 0.72, 0.6, 0.5]))
    assert [(band.low, band.count) for band in found.bands] == [(40, 1), (90, 2)]
    assert found.bands[1].predicted == 93.5 and found.bands[1].observed == pytest.approx(83.5)
    assert found.error == pytest.approx((20 + 2 * 10) / 3)
    with pytest.raises(ValueError, match="needs a residue"):
        calibration(np.array([np.nan]), np.array([1.0]))


def test_domains_are_found_and_said_plainly() -> None:
    pae = np.full((100, 100), 22.0)
    pae[:45, :45], pae[50:, 50:] = 3.0, 4.0
    found = domains(pae)
    assert (found.labels[:45] == 0).all() and (found.labels[50:] == 1).all() and (found.labels[45:50] == -1).all()
    assert found.sentence.startswith("Two firm domains (residues 1: 1–45; 2: 51–100), uncertain how they sit together")
    assert found.between[0, 1] == 22 and len(domains(np.full((60, 60), 3.0))) == 1
    assert domains(np.full((60, 60), 25.0)).sentence.startswith("No firm domain")
    unsure = np.where(np.arange(100) < 20, 30.0, 90.0)
    assert (domains(pae, unsure).labels[:20] == -1).all()


def test_a_morph_keeps_the_chain_a_chain() -> None:
    start, end = kinked(0), kinked(120).moved(TURN, SHIFT)
    frames = list(morph(start, end, 7))
    assert np.allclose(frames[0].ca, start.ca, atol=1e-4)
    assert rmsd(frames[-1].ca, end.ca) < 1e-3
    halfway = [compare(frame, start).rmsd for frame in frames]
    assert halfway == sorted(halfway)
    for frame in frames:
        rows = {row.id: row.verdict for row in check_structure(frame).rows}
        assert rows["bond_lengths"] == rows["ca_spacing"] == rows["bond_angles"] == "good"
    with pytest.raises(ValueError, match="one length"):
        list(morph(start, ideal_helix(5)))


def test_the_well_known_proteins_are_whole() -> None:
    lengths = {known.id: known.residues for known in KNOWN}
    assert lengths == {
        "trp_cage": 20, "villin": 36, "crambin": 46, "gb1": 56, "ubiquitin": 76, "insulin": 51, "lysozyme": 129,
        "myoglobin": 153, "gfp": 238,
    }  # fmt: skip
    insulin = next(known for known in KNOWN if known.id == "insulin")
    assert insulin.fasta.count(">") == 2 and insulin.chains[1].endswith("FFYTPKT")
    assert "built by rule, not predicted" in beta_hairpin().title


def test_the_metrics_of_the_task_compute_what_a_comparison_says() -> None:
    structure = ideal_helix(30)
    shrunk = structure.with_atoms(structure.atoms * 0.9)
    compared = compare(shrunk, structure).scores()
    known = metrics("folding")
    for name, value in compared.items():
        assert known[name].compute is not None
        assert known[name].compute(shrunk, structure) == pytest.approx(value)
    assert known["rmsd"].format(1.234) == "1.23 Å" and known["tm"].format(None) == "–"
    assert known["rmsd"].higher_is_better is False and known["plddt"].compute is None
