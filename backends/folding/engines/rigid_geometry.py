"""Frames, rotations, angles and lengths of atoms in torch, with gradients.

Coordinates are in Å. Frames are rotations `(..., 3, 3)`, whose columns are their axes, and origins `(..., 3)`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

Frames = tuple[Tensor, Tensor]


def frames_of(n: Tensor, ca: Tensor, c: Tensor) -> Frames:
    """Frames of backbones (Jumper et al. 2021, algorithm 21): x from Cα to C, and N in the plane of x and y."""
    x = F.normalize(c - ca, dim=-1, eps=1e-4)
    toward = n - ca
    y = F.normalize(toward - (toward * x).sum(-1, keepdim=True) * x, dim=-1, eps=1e-4)
    return torch.stack([x, y, torch.linalg.cross(x, y)], -1), ca


def rotation_of(turn: Tensor) -> Tensor:
    """Unit quaternions `(..., 4)` to rotations `(..., 3, 3)`."""
    w, x, y, z = turn.unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
        2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
        2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return torch.stack(rows, -1).unflatten(-1, (3, 3))


def dihedral(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """(..., 2) sin and cos of the angle about b–c, as the network tells its angles."""
    first, along, last = b - a, c - b, d - c
    one, other = torch.linalg.cross(first, along), torch.linalg.cross(along, last)
    y = (torch.linalg.cross(one, other) * F.normalize(along, dim=-1, eps=1e-4)).sum(-1)
    both = torch.stack([y, (one * other).sum(-1)], -1)
    return F.normalize(both, dim=-1, eps=1e-4)


def length_of(vector: Tensor) -> Tensor:
    """(...) of vectors `(..., 3)`; at nought too it has a gradient."""
    return vector.square().sum(-1).add(1e-6).sqrt()
