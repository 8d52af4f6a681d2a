"""Closed-form matting: the soft edge of a person, solved from the colours in a band around a hard mask.

Levin et al. 2008, "A Closed-Form Solution to Natural Image Matting": where the colours in each 3 × 3 window lie on a
line in RGB, α is an affine function of colour there, and minimises αᵀLα with the matting Laplacian L, given α on both
sides of the band.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from backends.matting.finishing.laplacian import LATER, Equations, matting_equations

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

REACH = 0.014
"""How far the band reaches to each side of the mask's edge, as a share of the long side, unless more is wanted."""

PRIOR_WEIGHT = 1e-3
"""λ: how much the guess counts against the colours."""

MANY = 4000
"""Unknown pixels above which a picture of half the size is solved first."""

SOFT = 0.05
"""An alpha of the smaller picture that is farther than this from 0 and from 1 is solved anew in the larger one, with
the pixels beside it; the others are taken to be 0 or 1."""

MARGIN = 3  # pixels around what is solved: two windows reach so far

MAX_BANDWIDTH = 256
"""Diagonals of a matrix above which iterating is quicker than factoring it."""

MAX_ENTRIES = 16_000_000
"""Entries of a banded matrix, of 4 bytes, above which it would take too much memory."""


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
    colour says nothing. Where there is much to solve, it is solved at half the size first, and then where that is soft.

    Args:
        frame: `(H, W, 3)` uint8.
        alpha: `(H, W)` float32 in 0..1, read where it is known.
        unknown: `(H, W)` bool.
        guess: `(H, W)` float32 in 0..1.

    Returns:
        `(H, W)` float32 in 0..1.
    """
    if np.count_nonzero(unknown) > MANY:
        coarse = _solve_smaller(frame, alpha, unknown, guess)
        alpha = np.where(unknown, (coarse > 0.5).astype(np.float32), alpha)
        soft = ((coarse > SOFT) & (coarse < 1 - SOFT)).astype(np.uint8)
        unknown = unknown & (cv2.dilate(soft, np.ones((3, 3), np.uint8)) > 0)
    x, y, w, h = cv2.boundingRect(unknown.astype(np.uint8))
    solved = alpha.copy()
    if w:
        box = np.s_[max(0, y - MARGIN) : y + h + MARGIN, max(0, x - MARGIN) : x + w + MARGIN]
        solved[box][unknown[box]] = _solve_box(frame[box], alpha[box], unknown[box], guess[box])
    return solved


def _solve_smaller(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """`solve` at half the size, enlarged again; `(H, W)` float32. Levin et al. 2008 go from coarse to fine as well."""
    height, width = unknown.shape
    size = ((width + 1) // 2, (height + 1) // 2)
    enlarged = (2 * size[0], 2 * size[1])

    def halved(field: np.ndarray) -> np.ndarray:
        even = cv2.copyMakeBorder(field, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        return cv2.resize(even, size, interpolation=cv2.INTER_AREA)

    somewhere = halved(unknown.astype(np.float32)) > 0
    solved = solve(halved(frame), halved(alpha.astype(np.float32)), somewhere, halved(guess.astype(np.float32)))
    return cv2.resize(solved, enlarged, interpolation=cv2.INTER_LINEAR)[:height, :width]


def _solve_box(frame: np.ndarray, alpha: np.ndarray, unknown: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The alphas `(N,)` float32 of the N unknown pixels of a box, in reading order; arguments as in `solve`."""
    import scipy.linalg.lapack  # before the thread pools are counted  # noqa: F401

    equations = matting_equations(frame, alpha, unknown)
    likely = guess[unknown].astype(np.float32)
    diagonal, target = equations.diagonal + PRIOR_WEIGHT, equations.target + PRIOR_WEIGHT * likely
    equations = replace(equations, diagonal=diagonal.astype(np.float32), target=target.astype(np.float32))
    # Sums over so few numbers are faster in one thread: waking the others takes longer, four fifths of the time here.
    with _threadpools().limit(limits=1, user_api="blas"):
        solution = _solve_banded(equations)
        if solution is None:
            solution = _solve_iteratively(equations, likely)
    return np.clip(solution, 0, 1).astype(np.float32)


def _solve_banded(equations: Equations) -> np.ndarray | None:
    """The solution `(N,)` float32 by a banded Cholesky factor; None where the band of the matrix is too wide.

    What surrounds a person is long and narrow. With its pixels numbered from one end to the other (reverse
    Cuthill-McKee), only a narrow band of the matrix is not zero, and factoring it is quicker than iterating.
    """
    from scipy.linalg.lapack import spbsv

    order = _from_end_to_end(equations.neighbours)
    count = len(order)
    place = np.empty(count, np.int32)
    place[order] = np.arange(count, dtype=np.int32)
    later = equations.neighbours[:, -len(LATER) :].T  # (12, N)
    there = later >= 0
    one, other = np.broadcast_to(place, later.shape)[there], place[later[there]]
    column, below = np.minimum(one, other), np.abs(one - other)
    width = 1 + int(below.max(initial=0))
    if width > MAX_BANDWIDTH or width * count > MAX_ENTRIES:
        return None
    band = np.zeros((count, width), np.float32)  # LAPACK's lower form, transposed: a row holds a column of the matrix
    band[place, 0] = equations.diagonal
    band.reshape(-1)[column * np.intp(width) + below] = equations.values[there]
    target = equations.target[order]
    _, solution, failed = spbsv(band.T, target, lower=1, overwrite_ab=1, overwrite_b=1)
    return None if failed else solution[place]


def _from_end_to_end(neighbours: np.ndarray) -> np.ndarray:
    """An order `(N,)` of pixels in which neighbours, `(N, 24)` numbers or −1, are close together."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    there = neighbours >= 0
    begins = np.zeros(len(neighbours) + 1, np.int32)
    np.cumsum(np.count_nonzero(there, axis=1), out=begins[1:])
    links = neighbours[there]
    graph = csr_matrix((np.ones(len(links), np.float32), links, begins), (len(neighbours),) * 2)
    return reverse_cuthill_mckee(graph, symmetric_mode=True)


def _solve_iteratively(equations: Equations, start: np.ndarray) -> np.ndarray:
    """The solution `(N,)` by conjugate gradients, preconditioned by an incomplete Cholesky factor."""
    from pymatting import cg, ichol
    from scipy.sparse import coo_matrix, diags

    later = equations.neighbours[:, -len(LATER) :].T  # (12, N)
    there = later >= 0
    rows = np.broadcast_to(np.arange(later.shape[1], dtype=np.int32), later.shape)[there]
    half = coo_matrix((equations.values[there].astype(np.float64), (rows, later[there])), (later.shape[1],) * 2)
    system = (half + half.T + diags(equations.diagonal.astype(np.float64))).tocsc()
    preconditioner = ichol(system, discard_threshold=1e-3, shifts=[1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    target = equations.target.astype(np.float64)
    return cg(system, target, x0=start.astype(np.float64), M=preconditioner, maxiter=300, rtol=1e-4)


@cache
def _threadpools() -> ThreadpoolController:
    """The thread pools of the libraries for linear algebra that are loaded by now."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
