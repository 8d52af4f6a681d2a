"""Couplings that were put into an alignment are found, and told from those that only go along."""

from __future__ import annotations

import numpy as np
import pytest

from backends.folding.alignment.alignment import sequence_weights
from backends.folding.coevolution import dca
from backends.folding.coevolution.dca import coupling_scores, mean_field
from backends.folding.pair_scores import average_product_correction

PAIRS = [(0, 12), (3, 20), (5, 15), (8, 23)]
LENGTH = 26


def sampled(count: int = 1500, seed: int = 0) -> np.ndarray:
    """Sequences whose columns are independent but for PAIRS, which share a residue three times of four, and a chain."""
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, 20, (count, LENGTH)).astype(np.uint8)
    for first, second in [*PAIRS, (15, 25)]:  # 5 - 15 - 25 is a chain: 5 and 25 go along but do not touch
        same = draw.random(count) < 0.75
        rows[same, second] = rows[same, first]
    return rows


def fitted(rows: np.ndarray, **settings: float) -> np.ndarray:
    *_, (done, couplings) = mean_field(rows, sequence_weights(rows), **settings)
    assert done == LENGTH
    return couplings


def test_couplings_are_the_inverse_covariance_made_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sampled(200)
    weights = sequence_weights(rows)
    exact = -np.linalg.inv(dca._covariance(rows, weights, 0.7).double().numpy())
    monkeypatch.setattr(dca, "COLUMN_BLOCK", 7)
    assert [done for done, _ in mean_field(rows, weights)] == [0, 7, 14, 21, 26]
    np.testing.assert_allclose(fitted(rows).reshape(exact.shape), exact, rtol=1e-4, atol=1e-4)


def test_coupled_pairs_are_the_strongest_and_go_betweens_are_not() -> None:
    rows = sampled()
    scores = coupling_scores(fitted(rows))
    i, j = np.triu_indices(LENGTH, 1)
    best = np.argsort(-scores[i, j])[:5]
    assert {(int(i[k]), int(j[k])) for k in best} == {*PAIRS, (15, 25)}
    exact = coupling_scores(fitted(rows, pseudocount=0.1))
    assert exact[5, 25] < 0.2 * min(exact[pair] for pair in PAIRS)
    np.testing.assert_allclose(scores, scores.T, atol=1e-4)


def test_correction_removes_what_rows_and_columns_explain() -> None:
    norms = np.outer(np.arange(1, 9), np.arange(1, 9)).astype(float)
    np.fill_diagonal(norms, 0)
    plain = average_product_correction(norms, diagonal=False)
    norms[1, 5] = norms[5, 1] = 30
    assert plain[1, 5] < average_product_correction(norms, diagonal=False)[1, 5]
    assert np.unravel_index(average_product_correction(norms, diagonal=False).argmax(), norms.shape) in {(1, 5), (5, 1)}
