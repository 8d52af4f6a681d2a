"""The geometry check: sound chains pass, and each way to break one is found and named."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.folding.structure.geometry import dihedral, find_overlaps, torsions
from backends.folding.structure.plausibility_checks import PlausibilityReport, check_structure
from backends.folding.structure.structure import Structure
from evaluation.synthetic.proteins import beta_hairpin, build_chain, chain_of, helical_hairpin, ideal_helix


def bad(sanity: PlausibilityReport) -> dict[str, str]:
    return {row.id: row.verdict for row in sanity.rows if row.verdict != "good"}


@pytest.mark.parametrize("sound", [ideal_helix(24), beta_hairpin(), helical_hairpin()])
def test_ideal_chains_pass(sound: Structure) -> None:
    assert check_structure(sound).verdict == "good", check_structure(sound).sentence


def test_torsions_are_those_the_chain_was_built_with() -> None:
    wanted = [(-60.0, -40.0), (55.0, 45.0), (-120.0, 130.0), (-75.0, 150.0)]
    found = torsions(Structure.from_backbone(chain_of(wanted, [180.0, 0.0, 175.0]), "AAAA"))
    assert found.phi[1:] == pytest.approx([phi for phi, _ in wanted[1:]], abs=0.01)
    assert found.psi[:-1] == pytest.approx([psi for _, psi in wanted[:-1]], abs=0.01)
    assert np.abs(found.omega[:3]) == pytest.approx([180, 0, 175], abs=0.01)
    assert np.isnan([found.phi[0], found.psi[-1], found.omega[-1]]).all()
    corner = np.array([[1.0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 1, 1]])
    assert dihedral(*corner) == pytest.approx(90)


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda a: a * [1, 1, -1], "chirality"),
        (lambda a: a * [1, 1, -1], "helix_hand"),
        (lambda a: a * 0.6, "ca_spacing"),
        (lambda a: a * 0.3, "compactness"),
        (lambda a: a * 0.85, "bond_lengths"),
        (lambda a: a * [1, 1, 2], "bond_angles"),
        (lambda a: a * 1e-3, "clashes"),
        (lambda a: a + np.random.default_rng(0).normal(0, 0.5, a.shape), "ramachandran"),
    ],
)
def test_each_way_to_break_a_chain_is_found(spoil, named: str) -> None:
    helix = ideal_helix(40).with_confidence(np.full(40, 92.0))
    found = check_structure(helix.with_atoms(spoil(helix.atoms)))
    assert bad(found)[named] == "broken" and found.verdict == "broken"
    assert "The model says it is sure (mean pLDDT 92)" in found.sentence


def test_chains_through_each_other_are_found() -> None:
    helix = ideal_helix(24)
    both = Structure.build(
        np.concatenate([helix.atoms, helix.atoms + 0.7]), np.concatenate([helix.mask] * 2), helix.sequence * 2,
        chains=["A"] * 24 + ["B"] * 24, numbers=[*range(24)] * 2,
    )  # fmt: skip
    assert {"clashes", "crossings"} <= bad(check_structure(both)).keys()
    apart = Structure.build(
        np.concatenate([helix.atoms, helix.atoms + np.float32([40, 0, 0])]), both.mask, both.sequence,
        chains=both.chains, numbers=both.numbers,
    )  # fmt: skip
    assert check_structure(apart).verdict == "good"


def test_cis_and_twisted_bonds_are_told_apart() -> None:
    cis = bad(check_structure(build_chain([(-100.0, 130.0)] * 20, "A" * 20, omega=0.0)))
    assert cis["omega_cis"] == "broken" and "omega_twisted" not in cis
    twisted = bad(check_structure(build_chain([(-100.0, 130.0)] * 20, "A" * 20, omega=90.0)))
    assert twisted["omega_twisted"] == "broken" and "omega_cis" not in twisted
    assert "omega_cis" not in bad(check_structure(build_chain([(-75.0, 150.0)] * 20, "P" * 20, omega=0.0)))


def test_one_d_residue_is_doubtful_and_named() -> None:
    helix = ideal_helix(30)
    atoms = helix.atoms.copy()
    n, ca, c, beta = atoms[7, [0, 1, 2, 3]]
    normal = np.cross(n - ca, c - ca)
    normal /= np.linalg.norm(normal)
    atoms[7, 3] = beta - 2 * ((beta - ca) @ normal) * normal
    row = next(row for row in check_structure(helix.with_atoms(atoms)).rows if row.id == "chirality")
    assert (row.verdict, row.residues) == ("doubtful", (7,))


def test_a_mirrored_trace_is_found_without_side_chains() -> None:
    helix = ideal_helix(30)
    assert check_structure(Structure.from_ca(helix.ca, helix.sequence)).verdict == "good"
    assert bad(check_structure(Structure.from_ca(helix.ca * [1, 1, -1], helix.sequence))) == {"helix_hand": "broken"}


def test_disulphides_and_hydrogen_bonds_are_no_clashes() -> None:
    assert not len(find_overlaps(ideal_helix(20), 0.8).overlap)


def test_a_gap_in_the_numbers_is_no_tear() -> None:
    helix = ideal_helix(30)
    kept = np.delete(np.arange(30), range(10, 15))
    assert check_structure(helix.select(kept)).verdict == "good"
    torn = Structure.build(helix.atoms[kept], helix.mask[kept], "".join(helix.sequence[k] for k in kept))
    row = next(row for row in check_structure(torn).rows if row.id == "ca_spacing")
    assert row.residues == (9,) and row.verdict == "doubtful"


def test_the_report_is_plain_json() -> None:
    report = json.loads(json.dumps(check_structure(ideal_helix(30)).to_json(), allow_nan=False))
    assert report["verdict"] == "good" and {"id", "expected", "definition"} <= report["rows"][0].keys()
    with pytest.raises(ValueError, match="at least one residue"):
        check_structure(ideal_helix(5).select(np.array([], dtype=int)))
