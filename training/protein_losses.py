"""What a folding network is taught by (Jumper et al. 2021, supplement 1.9), on batches of crops.

Coordinates are in Å. Frames are rotations `(..., 3, 3)`, whose columns are their axes, and origins `(..., 3)`.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backends.folding.distances import DISTOGRAM

CLAMP, SCALE = 10.0, 10.0
PAE_MAX, PAE_BINS = 31.0, 64
LDDT_BINS, LDDT_RADIUS = 50, 15.0
CN, CACN, CNCA, CACA = 1.329, -0.4473, -0.5203, 3.80
"""Ideal length of the peptide bond, cosines of the angles on either side of it, and distance of the Cα it joins."""
CLOSE = 3.9

Frames = tuple[Tensor, Tensor]


def frames_of(first: Tensor, origin: Tensor, along: Tensor) -> Frames:
    """Frames from three points (algorithm 21): x from `origin` to `along`, and `first` in the plane of x and y."""
    x = F.normalize(along - origin, dim=-1, eps=1e-4)
    toward = first - origin
    y = F.normalize(toward - (toward * x).sum(-1, keepdim=True) * x, dim=-1, eps=1e-4)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1), origin


def frames_of_quaternions(seven: Tensor) -> Frames:
    """`(..., 7)` quaternions and origins to frames."""
    w, x, y, z = F.normalize(seven[..., :4], dim=-1).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3)), seven[..., 4:]


def trace_frames(ca: Tensor) -> Frames:
    """Frames of the inner residues of a Cα trace `(..., L, 3)`, from each with its neighbours: `(..., L − 2)`."""
    return frames_of(ca[..., :-2, :], ca[..., 1:-1, :], ca[..., 2:, :])


def seen_from(frames: Frames, points: Tensor) -> Tensor:
    """Points `(..., P, 3)` in the coordinates of each frame `(..., F)`: `(..., F, P, 3)`."""
    rotation, origin = frames
    return torch.einsum("...fji,...fpj->...fpi", rotation, points[..., None, :, :] - origin[..., :, None, :])


def aligned_errors(frames: Frames, points: Tensor, true_frames: Frames, true_points: Tensor) -> Tensor:
    """`(..., F, P)` how far each point is from where it should be, seen from each frame."""
    away = seen_from(frames, points) - seen_from(true_frames, true_points)
    return away.square().sum(-1).add(1e-4).sqrt()


def fape(errors: Tensor, there: Tensor, clamped: Tensor) -> Tensor:
    """Algorithm 28 from aligned errors `(..., B, F, P)`, where `there` `(B, F, P)`; `clamped` says for which crops."""
    held = torch.where(clamped[:, None, None], errors.clamp(max=CLAMP), errors.clamp(max=3 * CLAMP))
    return mean_over(held / SCALE, there.expand_as(held))


def mean_over(values: Tensor, where: Tensor) -> Tensor:
    where = where.to(values.dtype)
    return (values * where).sum() / where.sum().clamp(min=1)


def distogram_loss(logits: Tensor, beta: Tensor, there: Tensor) -> Tensor:
    """Cross entropy of binned distances of Cβ `(B, L, 3)` against `(B, L, L, 64)`; `there` `(B, L, L)`."""
    first, last, bins = DISTOGRAM
    edges = torch.linspace(first, last, bins - 1)
    binned = torch.bucketize(torch.cdist(beta, beta), edges)
    logits = (logits + logits.transpose(1, 2)) / 2
    return F.cross_entropy(logits[there], binned[there])


def lddt(ca: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """(B, L) lDDT-Cα of each residue of `ca` `(B, L, 3)`, 0 to 1; NaN where it has no neighbour."""
    own, true = torch.cdist(ca, ca), torch.cdist(truth, truth)
    near = (true < LDDT_RADIUS) & pairs(mask) & ~torch.eye(mask.shape[1], dtype=torch.bool)
    off = (own - true).abs()
    kept = sum((off < limit).float() for limit in (0.5, 1.0, 2.0, 4.0)) / 4
    return (kept * near).sum(-1) / near.sum(-1)


def confidence_loss(logits: Tensor, score: Tensor) -> Tensor:
    """Cross entropy of `(B, L, 50)` against lDDT `(B, L)`, where that is known."""
    known = score.isfinite()
    binned = (score[known] * LDDT_BINS).long().clamp(0, LDDT_BINS - 1)
    return F.cross_entropy(logits[known], binned)


def aligned_error_loss(logits: Tensor, errors: Tensor, there: Tensor) -> Tensor:
    """Cross entropy of `(B, L, L, 64)` against aligned errors `(B, L, L)`, from which PAE and pTM are read."""
    edges = torch.linspace(0, PAE_MAX, PAE_BINS - 1)
    return F.cross_entropy(logits[there], torch.bucketize(errors[there], edges))


def joints_loss(backbone: Tensor, mask: Tensor) -> Tensor:
    """How far the joints of residues `(B, L, 3, 3)` (N, CA, C) are from ideal, and whether Cα run into each other."""
    n, ca, c = backbone.unbind(-2)
    joined = mask[:, 1:] * mask[:, :-1]
    bond = n[:, 1:] - c[:, :-1]
    first = F.cosine_similarity(ca[:, :-1] - c[:, :-1], bond, dim=-1, eps=1e-4)
    second = F.cosine_similarity(-bond, ca[:, 1:] - n[:, 1:], dim=-1, eps=1e-4)
    off = huber(length_of(bond) - CN) + huber(length_of(ca[:, 1:] - ca[:, :-1]) - CACA)
    off = off + (first - CACN).square() + (second - CNCA).square()
    apart = torch.cdist(ca, ca)
    far = torch.ones_like(apart[0]).triu(3).bool() & pairs(mask)
    clash = (CLOSE - apart).clamp(min=0).square()
    off = mean_over(off, joined) + (clash * far).sum() / mask.sum().clamp(min=1)
    return off / (1 + off)  # at first all lie in a point, and nothing else would be heard


def huber(value: Tensor) -> Tensor:
    return F.smooth_l1_loss(value, torch.zeros_like(value), reduction="none", beta=0.1)


def length_of(vector: Tensor) -> Tensor:
    return vector.square().sum(-1).add(1e-6).sqrt()


def pairs(mask: Tensor) -> Tensor:
    """(B, L, L) bool of `(B, L)`: both residues are there."""
    return (mask[:, :, None] * mask[:, None]).bool()


ROTAMERS: dict[str, tuple[float, ...]] = {
    "R": (-67, 180, 180, 180), "N": (-65, -20), "D": (-70, -15), "C": (-65,), "Q": (-67, 180, -25),
    "E": (-67, 180, -10), "H": (-65, -70), "I": (-65, 170), "L": (-65, 175), "K": (-67, 180, 180, 180),
    "M": (-65, -65, -70), "F": (-65, -85), "P": (-25, 36), "S": (62,), "T": (62,), "W": (-65, 95),
    "Y": (-65, -85), "V": (175,),
}  # fmt: skip
"""The commonest rotamer of each residue in degrees, after Lovell et al. 2000: the data hold no side chains."""


def rotamer_table(restypes: str) -> tuple[Tensor, Tensor]:
    """(21, 4, 2) sin and cos of χ1 to χ4 of each residue, and (21, 4) whether it has them."""
    angles = np.full((len(restypes) + 1, 4), np.nan, np.float32)
    for row, letter in enumerate(restypes):
        chi = ROTAMERS.get(letter, ())
        angles[row, : len(chi)] = np.deg2rad(chi)
    there = np.isfinite(angles)
    angles = np.nan_to_num(angles)
    return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], -1)), torch.from_numpy(there)
