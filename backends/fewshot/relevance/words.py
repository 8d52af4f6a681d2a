"""Relevance of the words of a sentence: through the attention of a text tower, or by leaving each word out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import nn

from backends.fewshot.relevance.attention import explain
from backends.fewshot.relevance.types import WordRelevance
from backends.fewshot.relevance.vit import direction_tensor

WORD_STARTS = ("▁", "Ġ")
"""How the hub's tokenizers mark a piece that begins a word."""


def last_layer(network: Any) -> nn.Module | None:
    """The last layer of the transformer that reads words in an open_clip network; None for one of another make."""
    tower = getattr(network, "text", network)
    blocks = getattr(getattr(tower, "transformer", None), "resblocks", None)
    return None if blocks is None else blocks[-1]


def attended(network: Any, tokenizer: Any, sentence: str, direction: np.ndarray) -> WordRelevance:
    """Relevance of each word for `direction · g(sentence)`, g the text tower of an open_clip network."""
    last = last_layer(network)
    assert last is not None
    tower = getattr(network, "text", network)
    device = tower.token_embedding.weight.device
    tokens = tokenizer([sentence]).to(device)
    # Tokens are whole numbers: the graph begins where they become vectors, whether the weights are frozen or not.
    hook = tower.token_embedding.register_forward_hook(lambda _, __, out: out.detach().requires_grad_(True))
    try:
        aim = direction_tensor(direction, tower.token_embedding.weight)
        relevance, score = explain(lambda: network.encode_text(tokens), last, aim)
    finally:
        hook.remove()
    groups = spelled(tokenizer, tokens[0].tolist())
    values = relevance.float().cpu().numpy()
    summed = np.array([values[places].sum() for _, places in groups], dtype=np.float32)
    return WordRelevance(tuple(word for word, _ in groups), summed, "attention", score)


def omitted(features: Callable[[Sequence[str]], np.ndarray], sentence: str, direction: np.ndarray) -> WordRelevance:
    """How far `direction · g(sentence)` falls when a word is left out, in units of that score and signed."""
    words = sentence.split()
    without = [" ".join(words[:place] + words[place + 1 :]) for place in range(len(words))]
    scores = features([sentence, *without]) @ direction.astype(np.float32)
    return WordRelevance(tuple(words), (scores[0] - scores[1:]).astype(np.float32), "omission", float(scores[0]))


def spelled(tokenizer: Any, tokens: Sequence[int]) -> list[tuple[str, list[int]]]:
    """The words of a tokenised sentence, each with the places of its pieces; marks of beginning and end left out."""
    if hasattr(tokenizer, "decoder"):  # open_clip's own: a piece that ends a word says so
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
