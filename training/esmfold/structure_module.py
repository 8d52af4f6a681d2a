"""Trunk and structure module of `EsmForProteinFolding` as they are trained: the same numbers in a third of the time.

Invariant point attention (Jumper et al. 2021, algorithm 22) compares points by products of matrices here, and the atoms
are left out, which losses on frames do not need. Frames start in one point and are in units of 10 Å inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from backends.folding.engines.rigid_geometry import rotation_of
from training.arithmetic import quick_arithmetic
from training.esmfold import geometry
from training.esmfold.geometry import Frames
from training.esmfold.networks import PAIR

FRAME_CHANNELS = 15
"""Channels of a pair that hold the relative frames (`geometry.relatives`); the rest is left to the network."""


@dataclass
class Built:
    """Frames after each block, `(blocks, B, L, …)` in Å; of the last block `states` `(B, L, C)` and the sin and cos of
    seven angles `(B, L, 7, 2)`, and those before they were given length 1."""

    frames: Frames
    states: Tensor
    angles: Tensor
    unscaled: Tensor


def build(module: Any, single: Tensor, pair: Tensor) -> Built:
    """`single` `(B, L, C)` and `pair` `(B, L, L, C)` to frames, through all blocks."""
    first, pair = module.layer_norm_s(single), module.layer_norm_z(pair)
    s = module.linear_in(first)
    turn = F.pad(s.new_ones(*s.shape[:2], 1), (0, 3))
    rotation, origin = rotation_of(turn), s.new_zeros(*s.shape[:2], 3)
    rotations, origins = [], []
    for _ in range(module.config.num_blocks):
        s = module.ipa_dropout(s + attend(module.ipa, s, pair, (rotation, origin)))
        s = module.transition(module.layer_norm_ipa(s))
        update = module.bb_update(s)
        origin = origin + torch.einsum("blij,blj->bli", rotation, update[..., 3:])
        turn = rotate_quaternions(turn, update[..., :3])
        rotation = rotation_of(turn)
        rotations.append(rotation)
        origins.append(origin * module.config.trans_scale_factor)
        turn, rotation = turn.detach(), rotation.detach()  # as the class: no gradient through earlier rotations
    unscaled, angles = module.angle_resnet(s, first)
    return Built((torch.stack(rotations), torch.stack(origins)), s, angles, unscaled)


def attend(layer: Any, s: Tensor, pair: Tensor, frames: Frames) -> Tensor:
    """What `layer` adds to s `(B, L, C)`."""
    heads, points = layer.num_heads, layer.num_qk_points
    query = _split(layer.linear_q(s), heads)
    key, value = _split(layer.linear_kv(s), heads).chunk(2, -1)
    near = _points(layer.linear_q_points(s), frames, heads).flatten(-2)
    other = _points(layer.linear_kv_points(s), frames, heads)
    far, told = other[..., :points, :].flatten(-2), other[..., points:, :].flatten(-2)
    weight = F.softplus(layer.head_weights)[:, None, None] * math.sqrt(1 / (3 * (points * 9 / 2)))
    # −½·w·|q − k|², of which the part with q alone is the same for every key and falls out of the softmax.
    left = torch.cat([query * math.sqrt(1 / (3 * layer.hidden_dim)), near * weight], -1)
    score = left @ torch.cat([key, far], -1).transpose(-1, -2)
    score = score - 0.5 * weight * far.square().sum(-1)[:, :, None]
    attention = (score + math.sqrt(1 / 3) * layer.linear_b(pair).permute(0, 3, 1, 2)).softmax(-1)  # (B, H, L, L)
    mixed = (attention @ torch.cat([value, told], -1)).transpose(1, 2)
    places = mixed[..., layer.hidden_dim :].unflatten(-1, (-1, 3)).flatten(2, 3) - frames[1][:, :, None]
    places = torch.einsum("blji,blpj->blpi", frames[0], places)
    length = places.square().sum(-1).add(layer.config.epsilon).sqrt()
    pairs = (attention.transpose(1, 2) @ pair).flatten(2)
    parts = (mixed[..., : layer.hidden_dim].flatten(2), *places.unbind(-1), length, pairs)
    return layer.linear_out(torch.cat(parts, -1))


def _split(channels: Tensor, heads: int) -> Tensor:
    """(B, L, H · C) to (B, H, L, C)."""
    return channels.unflatten(-1, (heads, -1)).transpose(1, 2)


def _points(channels: Tensor, frames: Frames, heads: int) -> Tensor:
    """(B, L, 3 · H · P) coordinates in each residue's frame to points (B, H, L, P, 3) in the common one."""
    own = torch.stack(channels.chunk(3, -1), -1)
    moved = torch.einsum("blij,blpj->blpi", frames[0], own) + frames[1][:, :, None]
    return moved.unflatten(2, (heads, -1)).transpose(1, 2)


def rotate_quaternions(turn: Tensor, by: Tensor) -> Tensor:
    """Quaternions `(..., 4)` times (1, `by`) (algorithm 23)."""
    w, x, y, z = turn.unbind(-1)
    b, c, d = by.unbind(-1)
    added = [-b * x - c * y - d * z, b * w + d * y - c * z, c * w - d * x + b * z, d * w + c * x - b * y]
    return F.normalize(turn + torch.stack(added, -1), dim=-1)


def run_trunk(network: Any, shown: Tensor, layers: Tensor, quick: bool = True) -> tuple[Tensor, Tensor]:
    """Single `(B, L, C)` and pair representations `(B, L, L, C)` after one pass, without triangle attention.

    `quick` works in bfloat16.
    """
    trunk = network.trunk
    single = network.esm_s_mlp(torch.einsum("n,blnc->blc", network.esm_s_combine.softmax(0), layers))
    s = single + network.embedding(shown)
    mask = torch.ones_like(shown)
    z = trunk.pairwise_positional_embedding(torch.arange(shown.shape[1]).expand_as(shown), mask=mask)
    both = mask[:, :, None] * mask[:, None]
    with quick_arithmetic(quick):
        for block in trunk.blocks:
            heard, _ = block.seq_attention(block.layernorm_1(s), mask=mask, bias=block.pair_to_sequence(z))
            s = block.mlp_seq(s + block.drop(heard))
            z = z + block.sequence_to_pair(s)
            z = z + block.row_drop(block.tri_mul_out(z, mask=both))
            z = z + block.col_drop(block.tri_mul_in(z, mask=both))
            z = block.mlp_pair(z)
    return s.float(), z.float()


def frame_pairs(network: Any, frames: geometry.Frames) -> Tensor:
    """(B, L, L, PAIR) what the structure module is to read of pairs: how they lie, and how far apart they come."""
    length = frames[1].shape[1]
    waves = network.trunk.pairwise_positional_embedding(torch.arange(length)[None])
    return torch.cat(
        [geometry.relatives(frames), waves[..., : PAIR - FRAME_CHANNELS].expand(len(frames[1]), -1, -1, -1)], -1
    )


@torch.no_grad()
def aim(module: Any, pair: Tensor) -> None:
    """Let the heads of the structure module begin by attending to the ends of the chain and to close neighbours.

    Of the biases that say so the nearest ones that are linear in what is told of pairs `(B, L, L, C)`.
    """
    apart = geometry.offsets_of(pair.shape[1]).float().expand(len(pair), -1, -1).flatten()
    wanted = [1.2 * apart, -1.2 * apart]
    wanted += [12 * torch.exp(-((apart - place) ** 2)) for place in (-1, 1, -4, 4)]
    wanted += [0 * apart, -0.3 * apart.abs()]
    told = module.layer_norm_z(pair).flatten(0, 2)
    told = torch.cat([told, torch.ones(len(told), 1)], -1)
    gram = told.T @ told + 0.1 * torch.eye(told.shape[1])
    weights = torch.linalg.solve(gram, told.T @ torch.stack(wanted, -1)) * 3**0.5  # the class divides by it
    module.ipa.linear_b.weight.copy_(weights[:-1].T)
    module.ipa.linear_b.bias.copy_(weights[-1])
