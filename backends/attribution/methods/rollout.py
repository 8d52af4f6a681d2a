"""Attention rollout (Abnar and Zuidema 2020): how far each token's way through the layers of attention reaches back.

With A the attention of a layer, the mean over heads, R ← (A + I) / 2 · R. It says where numbers flow and nothing of
what they do: it is the same for every target, and no reason for an answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backends.attribution.methods.attention import attention_of
from backends.attribution.types import Attribution, Subject, UnsupportedAttention


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """Share of the way from the tokens that are read out to each token that goes in; the shares add up to 1 with
    those of tokens that are no places."""
    if subject.attention is not None:
        maps, readout, axes, score = subject.attention()
        subject.meter.add(1)
        shares = (readout / readout.sum()) @ rolled(maps)
        return subject.attribution(shares.float().cpu().numpy(), axes, "rollout", score)
    network = subject.network
    if network is None or network.transformer is None:
        raise UnsupportedAttention("This model has no attention from which a map of its input could be read.")
    found = attention_of(subject, network, network.transformer)
    square = [layer for layer in found.maps if layer.shape[-1] == layer.shape[-2] == found.maps[0].shape[-1]]
    values, place = network.transformer.arrange(found.readout @ rolled(square))
    return subject.attribution(values, place, "rollout", found.score)


def rolled(maps: Sequence[Tensor]) -> Tensor:
    """`(N, N)` of layers `(1, H, N, N)` or `(H, N, N)`, the first first."""
    rows = torch.eye(maps[0].shape[-1], device=maps[0].device)
    for layer in maps:
        mean = layer.detach().float().reshape(-1, *layer.shape[-2:]).mean(0)
        rows = (mean + torch.eye(len(mean), device=mean.device)) / 2 @ rows
    return rows
