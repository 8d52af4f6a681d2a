"""See the attention of a network that computes it fused, and add up its relevance layer by layer.

Chefer, Gur and Wolf 2021, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
Transformers": with A the attention of a layer and s the score, R ← R + E[(∂s/∂A ⊙ A)+] R, the mean over heads,
starting from the identity.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

_INTO = ("in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "add_zero_attn", "dropout_p")
_POSITIONS = (*_INTO, "out_proj_weight", "out_proj_bias")
"""What torch passes to multi-head attention by position, after the number of heads."""


class Unseen(Exception):
    """This network attends in a way that the rule above is not made for; another method has to explain it."""


class AttentionTap(TorchFunctionMode):
    """While active in this thread, attention is computed step by step and kept in `maps`, each `(B, H, Q, K)`.

    It stands in for torch's two entries into attention, so that it need not know the modules that call them. The
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
        """`softmax(Q Kᵀ · scale + mask) V` with the softmax kept."""
        if how.get("enable_gqa"):
            raise Unseen("grouped queries have no attention map of their own for each head")
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
            raise Unseen("attention with extra keys or padding")

        def split(x: Tensor) -> Tensor:  # (L, B, width) -> (B, H, L, width / H)
            return x.unflatten(-1, (heads, -1)).permute(1, 2, 0, 3)

        mask = given.get("attn_mask")
        if mask is not None and mask.ndim == 3:  # (B·H, Q, K)
            mask = mask.unflatten(0, (-1, heads))
        if mask is not None and mask.dtype == torch.bool:
            mask = ~mask  # here True hides, in `attend` it shows
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
    made = (F.linear(x, w, b) for x, w, b in zip((query, key, value), weights, biases, strict=True))
    return tuple(made)  # type: ignore[return-value]


def positive(attention: Tensor, gradient: Tensor | None) -> Tensor:
    """E[(∂s/∂A ⊙ A)+] over heads `(1, H, Q, K)`: `(Q, K)`, 0 where the score does not depend on A."""
    if gradient is None:
        return torch.zeros(attention.shape[-2:], device=attention.device)
    return (attention.detach() * gradient).clamp(min=0).float().mean(1).squeeze(0)


def roll(maps: Sequence[Tensor], gradients: Sequence[Tensor | None], readout: Tensor) -> Tensor:
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
            raise Unseen(f"attention {tuple(step.shape)} after {len(relevance)} tokens")
    if pooled:
        return relevance.sum(0)
    # Less the start: what a token says for itself is the same for all, however the score is read.
    return readout.float() @ (relevance - start)


HALF_SCALE = 1024.0
"""Gradients in half precision are taken of the score times this, or the smallest of them would become 0."""


def explain(run: Callable[[], Tensor], last: torch.nn.Module, direction: Tensor) -> tuple[Tensor, float]:
    """Relevance `(N,)` of the tokens that a transformer was given, for `direction · f`, and that score.

    Args:
        run: gives the features `(1, D)` with a graph behind them.
        last: the transformer's last layer, whose output `(1, N, width)` the features are read from.
        direction: `(D,)`.
    """
    ends: list[Tensor] = []
    hook = last.register_forward_hook(lambda _, __, out: ends.append(out))
    tap = AttentionTap()
    try:
        with torch.enable_grad(), tap:
            features = run()
    finally:
        hook.remove()
    if not tap.maps or not ends:
        raise Unseen("this network's attention cannot be seen")
    with torch.enable_grad():
        score = F.normalize(features.float(), dim=-1)[0] @ direction.float()
        scale = 1.0 if features.dtype == torch.float32 else HALF_SCALE
        found = torch.autograd.grad(score * scale, [*tap.maps, ends[-1]], allow_unused=True)
    gradients = [None if gradient is None else gradient.float() / scale for gradient in found]
    read = gradients[-1]
    readout = torch.zeros(1) if read is None else read[0].norm(dim=-1)
    return roll(tap.maps, gradients[:-1], readout / readout.sum().clamp(min=1e-30)), float(score)
