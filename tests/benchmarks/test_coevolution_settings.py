"""Simulated couplings are stronger where residues touch, states are mostly right, and only fit chains are folded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from backends.folding.coevolution import population_descent
from backends.folding.coevolution.chain import backbone
from benchmarks.coevolution_settings import change, couplings, distances, kind_of, states
from evaluation.datasets.protein_chains import TRAIN, Chains

LENGTH = 64


def folded() -> np.ndarray:
    """`(64, 5, 3)`: a chain to and fro through 4 × 4 × 4 places 3.8 Å apart, all atoms of a residue in one."""
    x, y, z = np.unravel_index(np.arange(LENGTH), (4, 4, 4))
    y = np.where(x % 2, 3 - y, y)
    z = np.where((x * 4 + np.unravel_index(np.arange(LENGTH), (4, 4, 4))[1]) % 2, 3 - z, z)
    return np.repeat(3.8 * np.stack([x, y, z], 1)[:, None], 5, 1).astype(np.float32)


def one(atoms: np.ndarray, letters: str) -> Chains:
    told = np.array(["HE-".index(letter) for letter in letters], np.int8)
    zero = np.zeros(1, np.int64)
    return Chains(np.zeros(LENGTH, np.uint8), told, atoms, np.array([0, LENGTH]), zero, zero + TRAIN)


def test_couplings_are_symmetric_and_tell_contacts_the_better_the_stronger_the_signal() -> None:
    apart = distances(folded())
    weak, strong = (couplings(apart, signal, np.random.default_rng(1)) for signal in (0.0, 8.0))
    assert np.array_equal(strong, strong.T) and not strong.diagonal().any()
    touching, far = (apart < 8) & (apart > 0), apart > 13
    assert strong[touching].mean() > 5
    assert abs(strong[far].mean()) < 0.5
    assert abs(weak[touching].mean()) < 0.5
    assert np.array_equal(weak, couplings(apart, 0.0, np.random.default_rng(1)))


def test_states_are_probabilities_and_right_in_most_residues_but_not_all() -> None:
    true = np.repeat([0, 2, 1, 2], 50)
    told = np.concatenate([states(true, np.random.default_rng(seed)) for seed in range(5)])
    assert told.sum(1) == pytest.approx(np.ones(len(told)))
    assert 0.7 < (told.argmax(1) == np.tile(true, 5)).mean() < 0.95


def test_only_whole_and_compact_chains_of_one_kind_are_folded() -> None:
    atoms = folded()
    kinds = {"H" * 64: "helices", "E" * 64: "strands", "H" * 30 + "E" * 34: "both", "-" * 64: None}
    assert [kind_of(one(atoms, letters), 0) for letters in kinds] == list(kinds.values())
    chains = one(atoms, "H" * LENGTH)
    straight = backbone(torch.deg2rad(torch.tensor([-63.0, -42.0, 180.0])).repeat(1, LENGTH, 1))[0].numpy()
    torn = atoms.copy()
    torn[30:] += 9
    unknown = atoms.copy()
    unknown[5, 0] = np.nan
    for other in (straight, torn, unknown):
        assert kind_of(replace(chains, atoms=other), 0) is None


def test_a_setting_is_changed_in_its_module_and_keeps_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(population_descent, "ROUNDS", 7)
    change("population_descent.ROUNDS=3")
    assert population_descent.ROUNDS == 3 and isinstance(population_descent.ROUNDS, int)
