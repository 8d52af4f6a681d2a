"""Heads that find the examples like a picture, set in closed form in the middle of the Flamingo starter's training.

To name a picture after its examples, the last word of a prompt has to attend to the names of those pictures that are
like its own. Left to itself a network finds this out late and all at once (Olsson et al. 2022 call such heads induction
heads). So all words are first made to read their picture alike and aloud in the first layer; then the queries and keys
of some heads are set to the directions in which last words and the names of their own class go together most
(canonical correlations over prompts), and training goes on from there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from backends.fewshot.flamingo.interleave import ASK_NAME
from evaluation.synthetic.shape_questions import distinct_names
from evaluation.synthetic.shape_scenes import NONE
from training.flamingo.episodes import Batch, Prompt, Teacher
from training.flamingo.network import look, normalised

KINDS = {"colour": 0.25, "fill": 0.25, "pair": 0.25, "shape": 0.25}
PROMPTS, AT_ONCE, CLASSES, EACH = 320, 40, 3, 3
PLACES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Which heads are set, as layer and number."""

ALOUD = 4.0
"""How many times what a word reads of its picture is made stronger."""

SLOW = (*range(9, 15), *range(25, 32))
"""Numbers of a head's 32 that the turning with distance hardly changes over a prompt; number 15 says what is a name."""

NAME_PART = 15
LIKENESS, NAMENESS, RIDGE = 3.0, 28.0, 0.05
"""Numbers of a head's 32 that the turning with distance hardly changes over a prompt; number 15 says what a name is."""


@dataclass
class AttentionInputs:
    """What one layer's attention reads: `last` `(N, D)` words before a name, `own` a name of the same class before.

    `names` and `others` are all names, and words that are none.
    """

    last: Tensor
    own: Tensor
    names: Tensor
    others: Tensor


def set_matching(network: Any, teacher: Teacher, rng: random.Random) -> None:
    """Make all words read their pictures alike, then set the heads at PLACES."""
    with torch.no_grad():
        _read_alike(network, teacher, rng)
        layers = network.model.layers
        seen = _gather(network, teacher, rng, {layer: layers[layer].input_layernorm for layer, _ in PLACES})
        for layer, head in PLACES:
            _set(layers[layer].self_attn, head, seen[layer])


def _read_alike(network: Any, teacher: Teacher, rng: random.Random) -> None:
    """Every word asks the picture what the last word before an answer does; what is read counts more."""
    block = network.model.gated_cross_attn_layers[0]
    attention = block.cross_attn
    seen = _gather(network, teacher, rng, {0: block.input_layernorm})[0]
    asked = (seen.last @ attention.q_proj.weight.T).view(len(seen.last), attention.num_heads, -1)
    asked = (asked / asked.norm(dim=-1, keepdim=True)).mean(0).flatten()
    words = torch.cat([seen.last, seen.names, seen.others])
    spread = words.T @ words / len(words) + 0.01 * torch.eye(words.shape[1])
    one = torch.linalg.solve(spread, words.mean(0))  # about 1 for each word, and what is asked has a norm of its own
    attention.q_proj.weight.copy_(torch.outer(asked, one))
    attention.o_proj.weight.mul_(ALOUD)


def _gather(network: Any, teacher: Teacher, rng: random.Random, norms: dict[int, Any]) -> dict[int, AttentionInputs]:
    """What `norms` give on prompts."""
    read: dict[int, Tensor] = {}
    hooks = [
        norm.register_forward_hook(lambda _, __, out, key=key: read.__setitem__(key, out))
        for key, norm in norms.items()
    ]
    found: dict[int, list[tuple[Tensor, ...]]] = {key: [] for key in norms}
    for _ in range(PROMPTS // AT_ONCE):
        prompts, labels, rows = _prompts(teacher, rng)
        latents, _ = look(network, normalised(torch.from_numpy(teacher.store.pictures[rows])))
        batch = Batch.of(prompts)
        network.model(
            input_ids=batch.tokens,
            perceiver_embeddings=latents[batch.pictures],
            image_attention_mask=batch.sees,
            use_cache=False,
        )
        starts, spoken = _places(batch, teacher)
        for key, kept in found.items():
            kept.append(_sorted(read[key], batch, starts, spoken, labels))
    for hook in hooks:
        hook.remove()
    return {key: AttentionInputs(*(torch.cat(some) for some in zip(*kept, strict=True))) for key, kept in found.items()}


def _prompts(teacher: Teacher, rng: random.Random) -> tuple[list[Prompt], list[list[int]], list[int]]:
    """Naming prompts with short words for names, the class of each of their pictures, and rows of the pictures."""
    prompts, labels, rows = [], [], []
    for _ in range(AT_ONCE):
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        some = rng.sample(teacher.classes[kind], min(CLASSES, len(teacher.classes[kind])))
        names = distinct_names(len(some), rng, simple=True)
        order = [label for label in range(len(some)) for _ in range(EACH)]
        rng.shuffle(order)
        prompt = Prompt()
        for label in order:
            teacher.scribe.turn(prompt, len(rows), ASK_NAME, names[label], True)
            rows.append(int(rng.choice(some[label][1])))
        prompts.append(prompt)
        labels.append(order)
    return prompts, labels, rows


def _places(batch: Batch, teacher: Teacher) -> tuple[list[list[int]], Tensor]:
    """Where each answer begins, as the word before it, and which words `(B, T)` are names."""
    begin = teacher.scribe.spell("\nAssistant:")[0]
    starts = [(row == begin).nonzero().flatten().tolist() for row in batch.tokens]
    return starts, batch.learned & (batch.tokens != teacher.scribe.end)


def _sorted(
    hidden: Tensor, batch: Batch, starts: list[list[int]], spoken: Tensor, labels: Sequence[Sequence[int]]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    last, own = [], []
    for row, (places, classes) in enumerate(zip(starts, labels, strict=True)):
        for i in range(len(places)):
            for j in range(i):
                if classes[i] == classes[j]:
                    last.append(hidden[row, places[i]])
                    own.append(hidden[row, places[j] + 1])
    others = ~spoken & (batch.tokens != 0)
    return torch.stack(last), torch.stack(own), hidden[spoken], hidden[others][::4]


def _set(attention: Any, head: int, seen: AttentionInputs) -> None:
    """Queries and keys of one head: likeness of pictures in the slow numbers, what is a name in one of them."""
    last, own = seen.last.double().numpy(), seen.own.double().numpy()
    middle = last.mean(0)
    last = last - np.outer(last @ middle, middle) / (middle @ middle)  # so that what all share asks for nothing
    ask, answer = canonical(last, own, len(SLOW))
    names, others = seen.names.double().numpy(), seen.others.double().numpy()
    spread = np.cov(np.concatenate([names - names.mean(0), others - others.mean(0)]).T)
    apart = np.linalg.solve(_more(spread), names.mean(0) - others.mean(0))
    apart /= apart @ (names.mean(0) - others.mean(0))
    query, key = (np.zeros((attention.head_dim, len(middle))) for _ in range(2))
    query[list(SLOW)], key[list(SLOW)] = LIKENESS * ask.T, LIKENESS * answer.T
    query[NAME_PART], key[NAME_PART] = NAMENESS * middle / (middle @ middle), apart
    rows = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
    attention.q_proj.weight[rows] = torch.from_numpy(query).float()
    attention.k_proj.weight[rows] = torch.from_numpy(key).float()


def likeness_loss(network: Any, read: dict[int, Tensor], batch: Batch) -> Tensor:
    """How much of the attention that the heads at PLACES give to names goes to those of other classes.

    read: what the attention of each layer got, `(B, T, D)`; it may be shorter than the batch by the last tokens.
    """
    from transformers.models.idefics.modeling_idefics import apply_rotary_pos_emb

    parts = []
    for layer, head in PLACES:
        attention, hidden = network.model.layers[layer].self_attn, read[layer]
        count = hidden.shape[1]
        named, naming = batch.named[:, :count], batch.naming[:, :count]
        rows = slice(head * attention.head_dim, (head + 1) * attention.head_dim)
        query, key = (F.linear(hidden, part.weight[rows])[:, None] for part in (attention.q_proj, attention.k_proj))
        query, key = apply_rotary_pos_emb(query, key, *attention.rotary_emb(key, torch.arange(count)[None]))
        row, place = (naming != NONE).nonzero().T
        scores = (key[row, 0] @ query[row, 0, place][..., None])[..., 0] * attention.scaling
        before = (named[row] != NONE) & (torch.arange(count) < place[:, None])
        own = before & (named[row] == naming[row, place][:, None])
        met = own.any(1)
        low = torch.finfo(scores.dtype).min
        among = scores.masked_fill(~before, low).logsumexp(1) - scores.masked_fill(~own, low).logsumexp(1)
        parts.append(among[met].mean())
    return torch.stack(parts).mean()


def canonical(one: np.ndarray, other: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions `(D, count)` of two sets of rows that go together most, scaled to a spread of 1 times how much."""
    one, other = one - one.mean(0), other - other.mean(0)
    roots = [_root(_more(some.T @ some / len(some))) for some in (one, other)]
    left, much, right = np.linalg.svd(roots[0] @ (one.T @ other / len(one)) @ roots[1])
    scale = np.sqrt(much[:count])
    return roots[0] @ left[:, :count] * scale, roots[1] @ right[:count].T * scale


def _more(spread: np.ndarray) -> np.ndarray:
    return spread + RIDGE * np.trace(spread) / len(spread) * np.eye(len(spread))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The inverse of its square root."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors / np.sqrt(values) @ vectors.T
