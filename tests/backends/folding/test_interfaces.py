"""Scores of how two chains sit together, against their definitions worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from backends.folding.base import Model, write_results
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.interfaces import MEANINGS, interfaces
from backends.folding.structure.structure import Structure
from tests.support.folding import helix

LENGTH = 30


def two_helices(apart: float) -> Structure:
    """Two equal helices side by side, `apart` Å between their axes."""
    one = helix("AEAAAK" * 5)
    moved = one.moved(np.eye(3), np.array([0.0, 0.0, apart]))
    both = {
        name: np.concatenate([getattr(one, name), getattr(moved, name)]) for name in ("atoms", "mask", "confidence")
    }
    chains = np.repeat(np.array(["A", "B"]), LENGTH)
    numbers = np.tile(one.numbers, 2)
    return Structure(sequence=2 * one.sequence, chains=chains, numbers=numbers, method="prediction", **both)


def pae(between: float, back: float) -> np.ndarray:
    """Sure within the chains; `between` Å from A to B, `back` from B to A."""
    error = np.full((2 * LENGTH, 2 * LENGTH), 1.0)
    error[:LENGTH, LENGTH:] = between
    error[LENGTH:, :LENGTH] = back
    return error


def tm(error: float, residues: int) -> float:
    scale = max(1.0, 1.24 * (max(residues, 27) - 15) ** (1 / 3) - 1.8)
    return 1 / (1 + (error / scale) ** 2)


def test_every_score_is_what_it_is_defined_as() -> None:
    error = pae(3.0, 4.0)
    error[5, LENGTH : LENGTH + 20] = 25.0  # the row of one residue, over the cutoff
    structure = two_helices(9.0)
    (found,) = interfaces(structure, Confidence(plddt=structure.confidence, pae=error))
    assert (found.first, found.second, found.min_pae) == ("A", "B", 3.0)
    assert found.iptm == pytest.approx(tm(3.0, 60), abs=1e-3)
    assert found.ipsae == pytest.approx(tm(3.0, 30), abs=1e-3)
    places = structure.atoms[:, 1].copy()
    beta = structure.mask[:, 3]
    places[beta] = structure.atoms[beta, 3]
    touching = np.linalg.norm(places[:LENGTH, None] - places[None, LENGTH:], axis=-1) <= 8.0
    assert found.contacts == touching.sum() > 0
    rows = np.concatenate([np.flatnonzero(touching.any(1)), LENGTH + np.flatnonzero(touching.any(0))])
    x = structure.confidence[rows].mean() * np.log10(touching.sum())
    assert found.pdockq == pytest.approx(0.724 / (1 + np.exp(-0.052 * (x - 152.611))) + 0.018, abs=1e-3)


def test_loose_ends_pull_iptm_down_and_not_ipsae() -> None:
    error = pae(30.0, 30.0)
    error[:20, LENGTH : LENGTH + 20] = 1.0
    error[LENGTH : LENGTH + 20, :20] = 1.0
    (found,) = interfaces(two_helices(9.0), Confidence(pae=error))
    assert found.ipsae == pytest.approx(tm(1.0, 20), abs=1e-3)
    assert found.iptm is not None and found.iptm < tm(1.0, 60) * 0.7
    assert found.pdockq is not None  # from the pLDDT of the structure


@pytest.mark.parametrize(
    ("apart", "error", "verdict", "words"),
    [
        (9.0, 1.0, "poor", "does not claim to know"),
        (9.0, 0.5, "good", "is sure how A and B sit together"),
        (60.0, 0.5, "good", "do not touch"),
    ],
)
def test_a_sentence_says_it_plainly(apart: float, error: float, verdict: str, words: str) -> None:
    wanted = pae(error, error) if verdict == "good" else pae(20.0, 20.0)
    (found,) = interfaces(two_helices(apart), Confidence(pae=wanted))
    assert found.verdict == verdict and words in found.sentence


def test_a_single_chain_has_no_interface_and_nothing_is_claimed_without_pae() -> None:
    assert interfaces(helix("AEAAAK" * 5), Confidence(pae=np.ones((30, 30)))) == ()
    (found,) = interfaces(two_helices(9.0), Confidence())
    assert (found.iptm, found.min_pae, found.ipsae) == (None, None, None) and found.pdockq is not None


def test_the_results_of_a_complex_hold_its_interfaces(tmp_path: Path) -> None:
    structure = two_helices(9.0)
    model = Model(structure, Confidence(plddt=structure.confidence, pae=pae(0.8, 0.8)))
    *_, folding = write_results(model, tmp_path)
    assert "interfaces.json" in {artifact.name for artifact in folding.artifacts}
    written = json.loads((tmp_path / "interfaces.json").read_text())
    assert set(written["meanings"]) == set(MEANINGS)
    (pair,) = written["interfaces"]
    assert pair["first"] == "A" and pair["min_pae"] == 0.8 and pair["verdict"] == "good"
