"""Closed-form matting: the soft edge of a person, solved from the colours in a band around a hard mask.

Levin et al. 2008, "A Closed-Form Solution to Natural Image Matting": where the colours in each 3 × 3 window lie on a
line in RGB, α is an affine function of colour there, and minimises αᵀLα with the matting Laplacian L, given α on both
sides of the band.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

REACH = 0.014
"""How far the band reaches to each side of the mask's edge, as a share of the long side, unless more is wanted."""

EPSILON = 1e-5
"""ε of the Laplacian: the variance of a colour, of 1, below which a window tells nothing."""

PRIOR_WEIGHT = 1e-3
"""λ: how much the guess counts against the colours."""

MARGIN = 3  # pixels around what is solved: two windows reach so far


@dataclass(frozen=True)
class Band:
    """Around the edge of a mask: `inside` is person for sure, `unknown` is to be solved, the rest is background.

    Both are `(H, W)` bool. `likely` `(H, W)` float32 is the mask enlarged, a guess for what colours do not tell.
    """

    inside: np.ndarray
    unknown: np.ndarray
    likely: np.ndarray

    @classmethod
    def around(cls, mask: np.ndarray, height: int, width: int, reach: float = REACH) -> Band:
        """The band around `mask` `(h, w)` bool, for a picture of that size; it reaches `reach` of the long side."""
        likely = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        radius = max(2, round(reach * max(height, width)))
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        person = (likely > 0.5).astype(np.uint8)
        inside = cv2.erode(person, kernel) > 0
        return cls(inside, (cv2.dilate(person, kernel) > 0) & ~inside, likely)


def soft_edge(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Alpha `(H, W)` float32 of `frame` `(H, W, 3)` uint8 from a hard mask `(h, w)`, solved in a band around its edge.

    Levin et al. 2008, equations 12-14.
    """
    band = Band.around(mask, *frame.shape[:2])
    alpha = band.inside.astype(np.float32)
    if not band.inside.any():  # too small for the band to have an inside
        return band.likely if band.unknown.any() else alpha
    return solve(frame, alpha, band.unknown, band.likely)


def solve(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """`alpha` with its unknown pixels solved from the colours and from the alphas around them.

    With u the unknown and k the known pixels: (L_uu + λI)·α_u = −L_uk·α_k + λ·α⁰_u, where the guess α⁰ decides where
    colour says nothing. By conjugate gradients, preconditioned by an incomplete Cholesky factor.

    Args:
        frame: `(H, W, 3)` uint8.
        alpha: `(H, W)` float32 in 0..1, read where it is known.
        unknown: `(H, W)` bool.
        guess: `(H, W)` float32 in 0..1.

    Returns:
        `(H, W)` float32 in 0..1.
    """
    x, y, w, h = cv2.boundingRect(unknown.astype(np.uint8))
    solved = alpha.copy()
    if w:
        box = np.s_[max(0, y - MARGIN) : y + h + MARGIN, max(0, x - MARGIN) : x + w + MARGIN]
        solved[box][unknown[box]] = _solve_box(frame[box], alpha[box], unknown[box], guess[box])
    return solved


def _solve_box(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The alphas `(N,)` float32 of the N unknown pixels of a box, in reading order; arguments as in `solve`."""
    from pymatting import cg, ichol
    from pymatting.laplacian.cf_laplacian import cf_laplacian
    from scipy.sparse import diags

    laplacian = cf_laplacian(np.ascontiguousarray(frame / 255.0), EPSILON, 1, is_known=~unknown)
    pixels = np.flatnonzero(unknown.ravel())
    rows = laplacian[pixels]
    system = (rows[:, pixels] + diags(np.full(len(pixels), PRIOR_WEIGHT))).tocsc()
    known = np.where(unknown, 0, alpha).ravel().astype(np.float64)
    start = guess.ravel()[pixels].astype(np.float64)
    preconditioner = ichol(system, discard_threshold=1e-3, shifts=[1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    # Sums over so few numbers are faster in one thread: waking the others takes longer, four fifths of the time here.
    with _threadpools().limit(limits=1, user_api="blas"):
        target = PRIOR_WEIGHT * start - rows @ known
        solution = cg(system, target, x0=start, M=preconditioner, maxiter=300, rtol=1e-4)
    return np.clip(solution, 0, 1).astype(np.float32)


@cache
def _threadpools() -> ThreadpoolController:
    """The thread pools of the libraries for linear algebra that are loaded by now."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
