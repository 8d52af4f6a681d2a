"""What a folding network is taught by, on batches of crops (Jumper et al. 2021, supplement 1.9).

Coordinates are in Å. Frames are rotations `(..., 3, 3)`, whose columns are their axes, and origins `(..., 3)`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from backends.folding.engines.distances import DISTOGRAM_BINS
from backends.folding.engines.rigid_geometry import Frames, dihedral, length_of

N_IDEAL, C_IDEAL = (-0.525, 1.363, 0.0), (1.526, 0.0, 0.0)
"""Where a residue has its N and C, seen from its own frame."""
PAE_MAX, PAE_BINS = 31.0, 64
LDDT_BINS, LDDT_RADIUS = 50, 15.0
CN, CACN, CNCA, CACA = 1.329, -0.4473, -0.5203, 3.80
"""Ideal length of the peptide bond, cosines of the angles on either side of it, and distance of the Cα it joins."""
CLOSE = 3.9


def backbone_of(frames: Frames) -> Tensor:
    """N, Cα and C `(..., L, 3, 3)` of ideal residues in their frames."""
    rotation, ca = frames
    ideal = rotation.new_tensor([N_IDEAL, (0.0, 0.0, 0.0), C_IDEAL])
    return torch.einsum("...ij,aj->...ai", rotation, ideal) + ca[..., None, :]


def seen_from(frames: Frames, points: Tensor) -> Tensor:
    """Points `(..., P, 3)` in the coordinates of each frame `(..., F)`: `(..., F, P, 3)`."""
    rotation, origin = frames
    return torch.einsum("...fji,...fpj->...fpi", rotation, points[..., None, :, :] - origin[..., :, None, :])


def aligned_errors(frames: Frames, points: Tensor, true_frames: Frames, true_points: Tensor) -> Tensor:
    """`(..., F, P)` how far each point is from where it should be, seen from each frame (algorithm 28)."""
    away = seen_from(frames, points) - seen_from(true_frames, true_points)
    return away.square().sum(-1).add(1e-4).sqrt()


def offsets_of(length: int) -> Tensor:
    """(L, L) how many residues j comes after i."""
    places = torch.arange(length)
    return places[None] - places[:, None]


def reach(length: int) -> Tensor:
    """(L, L, 1) Å that two residues of a loose chain are apart, which brings all pairs to about one size."""
    return (4 * offsets_of(length).abs().clamp(min=1).float() ** 0.6)[..., None]


def relatives(frames: Frames) -> Tensor:
    """How residues lie to each other, whatever the pose `(B, L, L, 15)`: the axes of j seen from i (9), the origin of
    j seen from i and that of i seen from j (3 each, in parts of `reach`)."""
    rotation, origin = frames
    turned = torch.einsum("biva,bjvc->bijac", rotation, rotation).flatten(-2)
    away = seen_from(frames, origin) / reach(origin.shape[1])
    return torch.cat([turned, away, away.transpose(1, 2)], -1)


def mean_over(values: Tensor, weight: Tensor) -> Tensor:
    """Of `(..., B, F, P)` the weighted mean over the last three, one for each block of the network."""
    weight = weight.to(values.dtype)
    return (values * weight).sum((-3, -2, -1)) / weight.sum((-3, -2, -1)).clamp(min=1e-3)


def psi_by_oxygen(n: Tensor, ca: Tensor, c: Tensor, o: Tensor) -> Tensor:
    """(..., 2) sin and cos of ψ, which turns the next N: it lies opposite to O."""
    return -dihedral(n, ca, c, o)


def distogram_loss(logits: Tensor, beta: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy of binned distances of Cβ `(B, L, 3)` against `(B, L, L, 64)`; `weight` `(B, L, L)`."""
    first, last, bins = DISTOGRAM_BINS
    binned = torch.bucketize(torch.cdist(beta, beta), torch.linspace(first, last, bins - 1))
    logits = (logits + logits.transpose(1, 2)) / 2
    wrong = F.cross_entropy(logits.flatten(0, 2), binned.flatten(), reduction="none")
    return (wrong * weight.flatten()).sum() / weight.sum().clamp(min=1e-3)


def lddt(ca: Tensor, truth: Tensor, seen: Tensor) -> Tensor:
    """(B, L) lDDT-Cα (Mariani et al. 2013) of residues of `ca` `(B, L, 3)`, 0 to 1; NaN where one has no neighbour."""
    own, true = torch.cdist(ca, ca), torch.cdist(truth, truth)
    near = (true < LDDT_RADIUS) & pairs(seen) & ~torch.eye(seen.shape[1], dtype=torch.bool)
    off = (own - true).abs()
    kept = torch.stack([(off < limit).float() for limit in (0.5, 1.0, 2.0, 4.0)]).mean(0)
    return (kept * near).sum(-1) / near.sum(-1)


def score_bins(score: Tensor) -> Tensor:
    """The bin of lDDT, 0 to 1, that pLDDT is read from."""
    return (score * LDDT_BINS).long().clamp(0, LDDT_BINS - 1)


def error_bins(errors: Tensor) -> Tensor:
    """The bin of aligned errors in Å that PAE and pTM are read from: bin k is from k / 2 to (k + 1) / 2."""
    return torch.bucketize(errors, torch.linspace(0, PAE_MAX, PAE_BINS - 1)[1:])


def joints_loss(backbone: Tensor) -> Tensor:
    """How far the joints of residues `(B, L, 3, 3)` (N, Cα, C) are from ideal, and whether Cα run into each other."""
    n, ca, c = backbone.unbind(-2)
    bond = n[:, 1:] - c[:, :-1]
    first = F.cosine_similarity(ca[:, :-1] - c[:, :-1], bond, dim=-1, eps=1e-4)
    second = F.cosine_similarity(-bond, ca[:, 1:] - n[:, 1:], dim=-1, eps=1e-4)
    off = _huber(length_of(bond) - CN) + _huber(length_of(ca[:, 1:] - ca[:, :-1]) - CACA)
    off = off + (first - CACN).square() + (second - CNCA).square()
    far = offsets_of(ca.shape[1]) >= 3
    close = (CLOSE - torch.cdist(ca, ca)).clamp(min=0)[:, far]
    return off.mean() + close.square().sum() / ca[..., 0].numel()


def _huber(value: Tensor) -> Tensor:
    return F.smooth_l1_loss(value, torch.zeros_like(value), reduction="none", beta=0.1)


def pairs(seen: Tensor) -> Tensor:
    """(B, L, L) bool of `(B, L)`: both residues are there."""
    return (seen[:, :, None] & seen[:, None]).bool()
