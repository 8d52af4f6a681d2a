"""Direct coupling analysis: which pairs of columns of an alignment vary together because their residues touch.

A Potts model `P(a) ∝ exp(Σᵢ hᵢ(aᵢ) + Σᵢ<ⱼ Jᵢⱼ(aᵢ, aⱼ))` is fitted to the alignment. Its couplings J separate pairs that
interact directly from pairs that correlate through a third column. The fit is the mean-field approximation, in which
the couplings are the negative inverse of the covariance of the columns: `J ≈ −C⁻¹` (Morcos et al. 2011, PNAS 108,
E1293).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from backends.folding.alignment.alignment import GAP
from backends.folding.pair_scores import average_product_correction

STATES = 21
"""Twenty residues and the gap; an unknown residue counts as a gap."""
COLUMN_BLOCK = 40
"""Columns of the alignment that are solved for at once."""


def one_hot(rows: np.ndarray) -> torch.Tensor:
    """(N, L) codes -> (N, L, 21) float32."""
    return torch.nn.functional.one_hot(torch.from_numpy(np.minimum(rows, GAP)).long(), STATES).float()


def mean_field(rows: np.ndarray, weights: np.ndarray, pseudocount: float = 0.7) -> Iterator[tuple[int, np.ndarray]]:
    """Couplings of the mean-field Potts model, with the gap as the reference state: `J = −C⁻¹`.

    C is factored once, `C = A Aᵀ`, and its inverse solved for some columns at a time, so that a run can be stopped.

    Args:
        rows: `(N, L)` codes of the alignment.
        weights: `(N,)` weight of each sequence.
        pseudocount: fraction λ of the uniform distribution mixed into the frequencies; the paper has one half.

    Yields:
        The columns done, from 0 to L, and the couplings `(L, 20, L, 20)`, complete with the last item.
    """
    length = rows.shape[1]
    couplings = torch.zeros(length * GAP, length * GAP)
    shaped = couplings.view(length, GAP, length, GAP).numpy()
    yield 0, shaped
    factor = torch.linalg.cholesky(_covariance(rows, weights, pseudocount).double())
    for first in range(0, length, COLUMN_BLOCK):
        last = min(first + COLUMN_BLOCK, length)
        start, width = first * GAP, (last - first) * GAP
        # Below the diagonal, these columns of the inverse depend only on the lower right corner of the factor;
        # the part above follows because the inverse is symmetric.
        unit = torch.eye(len(factor) - start, width, dtype=torch.float64)
        solved = -torch.cholesky_solve(unit, factor[start:, start:]).float()
        couplings[start:, start : start + width] = solved
        couplings[start : start + width, start:] = solved.T
        yield last, shaped


def _covariance(rows: np.ndarray, weights: np.ndarray, pseudocount: float) -> torch.Tensor:
    """Covariance `(L · 20, L · 20)` of the residues in all pairs of columns.

    `Cᵢⱼ(a, b) = fᵢⱼ(a, b) − fᵢ(a) fⱼ(b)`, with a pseudocount in the frequencies, `fᵢ = (1 − λ) f̂ᵢ + λ / q` and
    `fᵢⱼ = (1 − λ) f̂ᵢⱼ + λ / q²`, where q = 21 states. The pseudocount makes it positive definite.
    """
    count, length = rows.shape
    share = torch.from_numpy(weights / weights.sum()).float()
    codes = one_hot(rows)[:, :, :GAP].reshape(count, -1)  # (N, L * 20)
    single = share @ codes
    pair = (codes * share[:, None]).T @ codes
    mixed = (1 - pseudocount) * single + pseudocount / STATES
    joint = (1 - pseudocount) * pair + pseudocount / STATES**2
    for i in range(length):  # within one column the joint frequency is the frequency itself
        own = slice(i * GAP, (i + 1) * GAP)
        joint[own, own] = torch.diag(mixed[own])
    return joint - mixed[:, None] * mixed[None, :]


def coupling_scores(couplings: np.ndarray) -> np.ndarray:
    """`(L, L)`: how strongly each pair of columns is coupled.

    The Frobenius norm `Fᵢⱼ = √(Σₐᵦ J'ᵢⱼ(a, b)²)` in the zero-sum gauge, `J' = J − J̄(·, b) − J̄(a, ·) + J̄`, which puts as
    little as possible into the couplings (Ekeberg et al. 2013, Phys. Rev. E 87, 012707), and then the
    average product correction.
    """
    blocks = couplings.transpose(0, 2, 1, 3)  # (L, L, 20, 20)
    blocks = blocks - blocks.mean(2, keepdims=True) - blocks.mean(3, keepdims=True) + blocks.mean((2, 3), keepdims=True)
    norms = np.sqrt((blocks**2).sum((2, 3)))
    np.fill_diagonal(norms, 0)
    return average_product_correction(norms, diagonal=False)
