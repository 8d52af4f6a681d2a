"""Lay one set of points on another: the rotation and shift with the least squared distance (Kabsch 1976, 1978)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Transform:
    """x goes to `rotation` (3, 3) · x + `shift` (3,); a proper rotation, never a mirror."""

    rotation: np.ndarray
    shift: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """`(..., 3)` -> `(..., 3)`."""
        return points @ self.rotation.T + self.shift


def superpose(moving: np.ndarray, fixed: np.ndarray) -> Transform:
    """The transform that lays `moving` `(P, 3)` on `fixed` `(P, 3)`. Raises ValueError for no or unequal points.

    >>> square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    >>> turned = square @ np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]]) + 5
    >>> bool(np.allclose(superpose(square, turned).apply(square), turned))
    True
    """
    if moving.shape != fixed.shape or moving.ndim != 2 or not len(moving):
        raise ValueError(f"points to superpose have one shape (P, 3), not {moving.shape} and {fixed.shape}")
    rotation, shift = superpose_many(moving[None].astype(float), fixed[None].astype(float), np.ones((1, len(moving))))
    return Transform(rotation[0], shift[0])


def superpose_many(moving: np.ndarray, fixed: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Many weighted superpositions at once: rotations `(S, 3, 3)` and shifts `(S, 3)`.

    Of each, R minimises `Σ w |R m + t − f|²`. With the weighted covariance `H = Σ w (m − m̄)(f − f̄)ᵀ = U S Vᵀ` it is
    `R = V diag(1, 1, det(V Uᵀ)) Uᵀ`, and `t = f̄ − R m̄` (Kabsch 1978, Acta Cryst. A34, 827; in the form by singular
    values). The sign of the determinant rules out mirror images.

    Args:
        moving, fixed: `(S, P, 3)`, or `(1, P, 3)` where all share them.
        weights: `(S, P)`, at least one above zero a row.
    """
    total = weights.sum(axis=1, keepdims=True)  # (S, 1)
    share = weights / total
    centre_m = np.einsum("sp,tpc->sc" if len(moving) == 1 else "sp,spc->sc", share, moving)
    centre_f = np.einsum("sp,tpc->sc" if len(fixed) == 1 else "sp,spc->sc", share, fixed)
    # Σ w (m − m̄)(f − f̄)ᵀ = Σ w m fᵀ − m̄ f̄ᵀ, with the weights adding up to one.
    outer = moving[..., :, None] * fixed[..., None, :]  # (1 or S, P, 3, 3)
    covariance = np.einsum("sp,tpij->sij" if len(outer) == 1 else "sp,spij->sij", share, outer)
    covariance -= centre_m[:, :, None] * centre_f[:, None, :]
    u, _, vt = np.linalg.svd(covariance)
    v = vt.transpose(0, 2, 1)
    mirrored = np.linalg.det(v @ u.transpose(0, 2, 1)) < 0
    v[mirrored, :, 2] *= -1  # of all proper rotations the nearest: turn the weakest axis round
    rotation = v @ u.transpose(0, 2, 1)
    return rotation, centre_f - np.einsum("sij,sj->si", rotation, centre_m)


def rmsd(moving: np.ndarray, fixed: np.ndarray, superposed: bool = False) -> float:
    """Root mean squared distance in Å of `(P, 3)` points, after the best superposition unless they are `superposed`."""
    placed = moving if superposed else superpose(moving, fixed).apply(moving)
    return float(np.sqrt(np.square(placed - fixed).sum(-1).mean()))
