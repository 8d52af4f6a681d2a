"""open_clip networks as attribution methods see them: where their attention is, and what their tokens stand for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch.nn.functional as F
from torch import Tensor, from_numpy, nn

from backends.attribution.types import Axis, Network, Transformer, UnsupportedAttention, grid_axes

WORD_STARTS = ("▁", "Ġ")
"""How the hub's tokenizers mark a token that begins a word."""


def image_network(tower: nn.Module, pixels: Tensor, direction: np.ndarray) -> Network:
    """An image tower with the score `direction · f(pixels)`.

    Args:
        tower: of open_clip or timm.
        pixels: `(1, 3, S, S)` on the tower's device, normalised.
        direction: `(D,)`.
    """
    inputs = pixels.detach().requires_grad_(True)  # the weights may be frozen: the graph has to begin somewhere
    layout = vit_layout(tower)
    transformer = None
    if layout is not None:
        _, prefix, grid = layout
        transformer = Transformer(_last_block, lambda tokens: _on_grid(tokens, prefix, grid))
    return Network(tower, inputs, _tower_features, cosine_score(direction, pixels), transformer)


def text_network(network: Any, tokenizer: Any, sentence: str, direction: np.ndarray) -> Network | None:
    """A text tower with the score `direction · g(sentence)`; None where its transformer is not known.

    Args:
        network: of open_clip.
        tokenizer: its tokenizer.
        sentence: the input.
        direction: `(D,)`.
    """
    tower = getattr(network, "text", network)  # in open_clip's older class the text tower is the network itself
    if not hasattr(getattr(tower, "transformer", None), "resblocks"):
        return None
    tokens = tokenizer([sentence]).to(tower.token_embedding.weight.device)
    groups = word_groups(tokenizer, tokens[0].tolist())

    def by_word(relevance: Tensor) -> tuple[np.ndarray, tuple[Axis, ...]]:
        values = relevance.float().cpu().numpy()
        summed = np.array([values[places].sum() for _, places in groups], dtype=np.float32)
        return summed, (Axis("word", labels=tuple(word for word, _ in groups)),)

    score = cosine_score(direction, tower.token_embedding.weight)
    transformer = Transformer(_last_text_block, by_word)
    return Network(network, tokens, _text_features, score, transformer)


def cosine_score(direction: np.ndarray, like: Tensor) -> Callable[[Tensor], Tensor]:
    """Scores `(B,)` of outputs `(B, D)`: the direction times the output of length 1, in single precision."""
    target = from_numpy(np.ascontiguousarray(direction, dtype=np.float32)).to(like.device)
    return lambda outputs: F.normalize(outputs.float(), dim=-1) @ target


def vit_layout(tower: nn.Module) -> tuple[nn.Module, int, tuple[int, int]] | None:
    """The last block, the number of tokens before the patches, and the grid of patches; None if this is no plain ViT.

    Towers of open_clip's own and of timm are known by the attributes of their classes.
    """
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", None)
    if blocks is not None and hasattr(tower, "grid_size"):
        rows, columns = tower.grid_size  # type: ignore[misc]
        return blocks[-1], 1, (int(rows), int(columns))
    trunk: Any = getattr(tower, "trunk", tower)
    if hasattr(trunk, "blocks") and hasattr(trunk, "num_prefix_tokens") and hasattr(trunk, "patch_embed"):
        grid = getattr(trunk.patch_embed, "grid_size", None)
        return None if grid is None else (trunk.blocks[-1], int(trunk.num_prefix_tokens), tuple(grid))
    return None


def _last_block(tower: nn.Module) -> nn.Module:
    layout = vit_layout(tower)
    assert layout is not None
    return layout[0]


def _last_text_block(network: Any) -> nn.Module:
    return getattr(network, "text", network).transformer.resblocks[-1]


def _on_grid(relevance: Tensor, prefix: int, grid: tuple[int, int]) -> tuple[np.ndarray, tuple[Axis, ...]]:
    """Of the relevance `(N,)` of all tokens that of the patches, as a map `(h, w)`."""
    if len(relevance) != prefix + grid[0] * grid[1]:
        raise UnsupportedAttention(f"{len(relevance)} tokens for {grid} patches")
    return relevance[prefix:].reshape(grid).cpu().numpy(), grid_axes()


def _tower_features(tower: nn.Module, pixels: Tensor) -> Tensor:
    """A tower that was asked for its tokens too gives the features first."""
    output = tower(pixels)
    return output[0] if isinstance(output, tuple) else output


def _text_features(network: Any, tokens: Tensor) -> Tensor:
    """Tokens are integers: the graph begins where they become vectors, whether the weights are frozen or not."""
    embedding = getattr(network, "text", network).token_embedding
    hook = embedding.register_forward_hook(lambda _, __, out: out.detach().requires_grad_(True))
    try:
        return network.encode_text(tokens)
    finally:
        hook.remove()


def word_groups(tokenizer: Any, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
    """The words of a tokenized sentence, each with the positions of its tokens; without start, end and padding."""
    if hasattr(tokenizer, "decoder"):  # open_clip's own: a token that ends a word says so
        special = {0, *tokenizer.all_special_ids}
        ends = [tokenizer.decoder[token].endswith("</w>") for token in tokens]
        starts = [place == 0 or ends[place - 1] for place in range(len(tokens))]
        decode = tokenizer.decode
    else:
        inner = tokenizer.tokenizer
        special = set(inner.all_special_ids)
        pieces = inner.convert_ids_to_tokens(list(tokens))
        marked = any(piece.startswith(WORD_STARTS) for piece in pieces)
        starts = [piece.startswith(WORD_STARTS) if marked else not piece.startswith("##") for piece in pieces]
        decode = inner.decode
    groups: list[list[int]] = []
    begun = False
    for place, token in enumerate(tokens):
        if token in special:
            begun = False
            continue
        if starts[place] or not begun:
            groups.append([])
        groups[-1].append(place)
        begun = True
    return [(decode([tokens[place] for place in places]).strip(), places) for places in groups]
