"""Attention relevance: gradient times attention, accumulated layer by layer.

Chefer, Gur and Wolf 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
Transformers": with A the attention of a layer and s the score, R ← R + E[(∂s/∂A ⊙ A)+] R, the mean over heads,
starting from the identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from backends.attribution.costs import BACKWARD
from backends.attribution.types import Attribution, Network, Subject, Transformer, UnsupportedAttention

_INTO = ("in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "add_zero_attn", "dropout_p")
_POSITIONS = (*_INTO, "out_proj_weight", "out_proj_bias")
"""What torch passes to multi-head attention by position, after the number of heads."""


class AttentionTap(TorchFunctionMode):
    """While active in this thread, attention is computed step by step and recorded in `maps`, each `(B, H, Q, K)`.

    It overrides torch's two entry points for attention, so that it need not know the modules that call them. The
    results are those of the fused kernels up to rounding.
    """

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return self.attend(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            return self._heads(*args, **kwargs)
        return func(*args, **kwargs)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, **how: Any) -> Tensor:
        """`softmax(Q Kᵀ · scale + mask) V` with the softmax recorded."""
        if how.get("enable_gqa"):
            raise UnsupportedAttention("grouped queries have no attention map of their own for each head")
        scores = query @ key.transpose(-1, -2) * (how.get("scale") or 1 / math.sqrt(query.shape[-1]))
        if how.get("is_causal"):
            ahead = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
            scores = scores.masked_fill(ahead, -math.inf)
        if attn_mask is not None:
            scores = scores.masked_fill(~attn_mask, -math.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
        attention = scores.softmax(-1)
        self.maps.append(attention)
        return attention @ value

    def _heads(
        self, query: Tensor, key: Tensor, value: Tensor, width: int, heads: int, *rest: Any, **named: Any
    ) -> Any:
        """Multi-head attention on `(L, B, width)`, as torch's own modules call it."""
        given = dict(zip(_POSITIONS, rest, strict=False)) | named
        if given.get("bias_k") is not None or given.get("add_zero_attn") or given.get("key_padding_mask") is not None:
            raise UnsupportedAttention("attention with extra keys or padding")

        def split(x: Tensor) -> Tensor:  # (L, B, width) -> (B, H, L, width / H)
            return x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)

        mask = given.get("attn_mask")
        if mask is not None and mask.ndim == 3:  # (B·H, Q, K)
            mask = mask.unflatten(0, (-1, heads))
        if mask is not None and mask.dtype == torch.bool:
            mask = ~mask  # here True hides a key, in `attend` it shows one
        query, key, value = (split(x) for x in _projected(query, key, value, given))
        mixed = self.attend(query, key, value, mask)
        out = F.linear(mixed.permute(2, 0, 1, 3).flatten(-2), given["out_proj_weight"], given["out_proj_bias"])
        return out, None


def _projected(query: Tensor, key: Tensor, value: Tensor, given: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values by one weight for all three or by one each."""
    if given.get("use_separate_proj_weight"):
        weights = [given[f"{name}_proj_weight"] for name in "qkv"]
    else:
        weights = given["in_proj_weight"].chunk(3)
    bias = given.get("in_proj_bias")
    biases = [None] * 3 if bias is None else bias.chunk(3)
    projected = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
    return tuple(projected)  # type: ignore[return-value]


def positive(attention: Tensor, gradient: Tensor | None) -> Tensor:
    """E[(∂s/∂A ⊙ A)+] over heads `(1, H, Q, K)`: `(Q, K)`, 0 where the score does not depend on A."""
    if gradient is None:
        return torch.zeros(attention.shape[-2:], device=attention.device)
    return (attention.detach() * gradient).clamp(min=0).float().mean(1).squeeze(0)


def accumulate(maps: Sequence[Tensor], gradients: Sequence[Tensor | None], readout: Tensor) -> Tensor:
    """Relevance `(N,)` of each token that went in.

    Args:
        maps: the attention of one input in the order in which it ran: layers of self-attention `(1, H, N, N)`, and
            after them any that pool, `(1, H, Q, N)`.
        gradients: of the score by each.
        readout: `(N,)`, how much of the score is read from each token after the last layer where nothing pools.
    """
    tokens = maps[0].shape[-1]
    start = torch.eye(tokens, device=maps[0].device)
    relevance, pooled = start, False
    for attention, gradient in zip(maps, gradients, strict=True):
        step = positive(attention, gradient)
        if step.shape[0] == step.shape[1] == len(relevance):
            relevance = relevance + step @ relevance
        elif step.shape[1] == len(relevance):
            relevance, pooled = step @ relevance, True
        else:
            raise UnsupportedAttention(f"attention {tuple(step.shape)} after {len(relevance)} tokens")
    if pooled:
        return relevance.sum(0)
    # Minus the identity that it started from: a token's relevance for itself is the same for all tokens.
    return readout.float() @ (relevance - start)


HALF_SCALE = 1024.0
"""In half precision the score is multiplied by this before the backward pass, or small gradients would become 0."""


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """Relevance of the tokens of a transformer, arranged on the axes of its input."""
    network = subject.network
    if network is None or network.transformer is None:
        raise UnsupportedAttention("This model has no attention from which a map of its input could be read.")
    found = attention_of(subject, network, network.transformer)
    values, axes = network.transformer.arrange(accumulate(found.maps, found.gradients, found.readout))
    return subject.attribution(values, axes, "attention", found.score)


@dataclass(frozen=True)
class RecordedAttention:
    """The attention of one input.

    Attributes:
        maps: as they ran, `(1, H, Q, K)` each.
        gradients: of the score by each; None where the score does not depend on it.
        readout: `(N,)`, how much of the score is read from each token after the last layer, 1 in all.
        score: the score.
    """

    maps: Sequence[Tensor]
    gradients: Sequence[Tensor | None]
    readout: Tensor
    score: float


def attention_of(subject: Subject, network: Network, transformer: Transformer) -> RecordedAttention:
    """The attention of a network while it answers, with the gradients of its score."""
    ends: list[Tensor] = []
    hook = transformer.last_layer(network.module).register_forward_hook(lambda _, __, out: ends.append(out))
    tap = AttentionTap()
    try:
        with torch.enable_grad(), tap:
            output = network.forward(network.module, network.inputs)
    finally:
        hook.remove()
    if not tap.maps or not ends:
        raise UnsupportedAttention("This network's attention cannot be seen.")
    with torch.enable_grad():
        score = network.score(output)[0]
        scale = 1.0 if output.dtype == torch.float32 else HALF_SCALE
        all_gradients = torch.autograd.grad(score * scale, [*tap.maps, ends[-1]], allow_unused=True)
    subject.meter.add(BACKWARD)
    gradients = [None if gradient is None else gradient.float() / scale for gradient in all_gradients]
    at_end = gradients[-1]
    readout = torch.zeros(1) if at_end is None else at_end[0].norm(dim=-1)
    readout = readout / readout.sum().clamp(min=1e-30)
    return RecordedAttention(tap.maps, gradients[:-1], readout, float(score.detach()))
