"""What a Flamingo's words look at in a picture: through its latents, and with which weights.

A picture reaches the words in two steps. The perceiver resampler gathers its patches into a few latents; gated
cross-attention lets every word of the last turn read from them. Both are attention, what is read and not why: with A
the attention of a step, the mean over heads, a word looks at patch p by Σ_l A_word→latent(l) · A_latent→patch(l, p).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.attribution.methods.attention import AttentionTap
from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.sanity import likeness
from backends.attribution.types import Attribution, Axis
from backends.core.errors import BadInput
from backends.fewshot.clip.explainable import word_groups
from backends.fewshot.explanation.flamingo import Prompt, read_prompt

ALL_LAYERS = "all, by their gates"
ALIKE = 0.9
"""Rank correlation of two maps from which they show the same places."""


@dataclass(frozen=True)
class Gaze:
    """The attention of one answer.

    Attributes:
        patches: `(L, rows, columns)`, of each latent how much it gathers from each patch; 1 in all.
        reads: `(layers, words, L)`, how much each word reads from each latent; 1 in all.
        gates: `(layers,)`, how far the gate of each cross-attention is open, 0 to 1.
        words: of the question and, marked, of the answer.
        answer: the class that is answered.
    """

    patches: np.ndarray
    reads: np.ndarray
    gates: np.ndarray
    words: tuple[str, ...]
    answer: str

    @property
    def weights(self) -> np.ndarray:
        """`(layers,)`: of each layer its gate's share of all; the same for all where every gate is shut."""
        total = float(self.gates.sum())
        return self.gates / total if total > 0 else np.full(len(self.gates), 1 / len(self.gates))


def words(asked: ProbeRequest) -> Findings:
    """Where in the picture each word of the last turn looks, layer by layer and in the mean by the layers' gates."""
    gaze = read_gaze(asked)
    by_layer = np.einsum("kwl,lyx->kwyx", gaze.reads, gaze.patches)
    overall = np.tensordot(gaze.weights, by_layer, axes=1)
    values = np.concatenate([overall[None], by_layer]).astype(np.float32)
    labels = (ALL_LAYERS, *(f"layer {number + 1}" for number in range(len(by_layer))))
    axes = (Axis("layer", labels=labels), Axis("word", labels=gaze.words), *_places(values.shape[-2:]))
    alike = _mean_likeness(overall)
    last = overall[-1]
    row, column = np.unravel_index(int(last.argmax()), last.shape)
    even = 1 / last.size
    sentence = (
        f"The last word, {gaze.words[-1]}, looks most at row {row + 1} and column {column + 1} of "
        f"{last.shape[0]} × {last.shape[1]} patches, {last.max() / even:.1f} times an even look. "
    )
    sentence += (
        f"But all words look at nearly the same places (ρ {alike:.2f}): this tells little of a single word."
        if alike >= ALIKE
        else f"Different words look at different places (ρ {alike:.2f} between two of them on average)."
    )
    return Findings(Attribution(values, axes, gaze.answer, "words", float(last.max())), (), sentence)


def latents(asked: ProbeRequest) -> Findings:
    """What each latent of the resampler gathers from the picture, and how much the answer's last word reads of it."""
    gaze = read_gaze(asked)
    read = np.tensordot(gaze.weights, gaze.reads[:, -1], axes=1)  # (L,)
    labels = tuple(f"{number + 1}: {100 * share:.0f} %" for number, share in enumerate(read))
    axes = (Axis("latent", labels=labels), *_places(gaze.patches.shape[1:]))
    most, alike = int(read.argmax()), _mean_likeness(gaze.patches)
    sentence = (
        f"Of the {len(read)} latents the answer “{gaze.answer}” reads most from number {most + 1} "
        f"({100 * read[most]:.0f} %; an even share is {100 / len(read):.0f} %). "
    )
    sentence += (
        f"They gather nearly the same places (ρ {alike:.2f})."
        if alike >= ALIKE
        else f"They gather different places (ρ {alike:.2f} between two of them on average)."
    )
    found = Attribution(gaze.patches.astype(np.float32), axes, gaze.answer, "latents", float(read[most]))
    return Findings(found, (), sentence)


def read_gaze(asked: ProbeRequest) -> Gaze:
    """The attention of the answer about the first picture. Raises BadInput where the model has no latents."""
    model: Any = asked.engine.model
    resampler = getattr(model.network.model, "perceiver_resampler", None)
    if resampler is None:
        raise BadInput("This Flamingo has no latents: its words look at the picture's patches directly.")
    prompt = read_prompt(asked.engine, asked.inputs)
    patches = latent_patches(model, resampler, prompt.picture)
    asked.meter.add(1)
    best = int(prompt.likelihoods(prompt.features).argmax())  # leaves the examples' numbers in the runner's cache
    maps = _cross_attention(prompt, keys=len(patches))
    asked.meter.add(1)
    rows, names = _words_of(prompt, best)
    reads = np.stack([np.stack([layer[places].mean(0) for places in rows]) for layer in maps])
    reads /= np.maximum(reads.sum(-1, keepdims=True), 1e-12)
    return Gaze(patches, reads, gate_strengths(model.network)[:, 0], names, prompt.classes[best])


def latent_patches(model: Any, resampler: Any, picture: np.ndarray) -> np.ndarray:
    """`(L, rows, columns)`: of each latent what share it gathers from each patch, through all of its layers.

    Each layer reads from the patches and from the latents before it, half of which go on as they are (Abnar and
    Zuidema 2020): R ← ½ R + ½ (A_patches + A_latents R), from R = 0, and rows that sum to 1 at the end.
    """
    given: list[tuple[Any, Tensor, Tensor]] = []
    hooks = [
        block[0].register_forward_pre_hook(lambda module, inputs: given.append((module, *inputs)))
        for block in resampler.blocks
    ]
    try:
        model.encode_image(picture)
    finally:
        for hook in hooks:
            hook.remove()
    flow: np.ndarray | None = None
    for module, context, state in given:
        attention = _perceiver_attention(module, context, state).mean(0)  # (L, P + L)
        count = context.shape[1]
        step = attention[:, :count] + (0 if flow is None else attention[:, count:] @ flow)
        flow = step if flow is None else (flow + step) / 2
    assert flow is not None
    side = model.network.config.vision_config.image_size // model.network.config.vision_config.patch_size
    shown = flow[:, flow.shape[1] - side * side :]  # without the class token before the patches
    shown = shown / np.maximum(shown.sum(1, keepdims=True), 1e-12)
    return shown.reshape(-1, side, side)


@torch.inference_mode()
def _perceiver_attention(module: Any, context: Tensor, state: Tensor) -> np.ndarray:
    """`(H, L, P + L)`: softmax(Q Kᵀ / √d) of a layer of the resampler, whose library does not give it away."""
    context, state = module.context_layer_norm(context), module.latents_layer_norm(state)
    query, key = module.q_proj(state), module.k_proj(torch.cat([context, state], dim=-2))
    query, key = (x.unflatten(-1, (module.n_heads, -1)).transpose(1, 2) for x in (query, key))  # (B, H, N, d)
    if module.qk_layer_norms:
        query, key = module.q_layer_norm(query), module.k_layer_norm(key)
    return (query * module.qk_scale @ key.transpose(-1, -2)).softmax(-1)[0].float().cpu().numpy()


def _cross_attention(prompt: Prompt, keys: int) -> list[np.ndarray]:
    """Of each gated layer `(T, L)`, what the tokens of the last turn and of the answers read from the latents."""
    tap = AttentionTap()
    with torch.inference_mode(), tap:
        prompt.likelihoods(prompt.features)
    maps = [one[0].float().mean(0).cpu().numpy() for one in tap.maps if one.shape[-1] == keys]
    if not maps:
        raise BadInput("The attention of this model's words cannot be seen.")
    return maps


def _words_of(prompt: Prompt, best: int) -> tuple[list[list[int]], tuple[str, ...]]:
    """The words of the last turn and of the answer `best`, as places of their tokens, and in letters."""
    split = prompt.runner.split("picture", prompt.order)
    tokenizer = SimpleNamespace(tokenizer=prompt.runner.model.tokenizer.hub)
    start = len(split.query) + sum(len(answer) for answer in split.answers[:best])
    question = word_groups(tokenizer, split.query)
    answer = [
        (f"answer: {word}", [start + place for place in places])
        for word, places in word_groups(tokenizer, split.answers[best])
    ]
    groups = [(word, places) for word, places in (*question, *answer) if word]
    return [places for _, places in groups], _told_apart([word for word, _ in groups])


def _told_apart(names: Sequence[str]) -> tuple[str, ...]:
    """Words with their number where the same one comes again.

    >>> _told_apart(["is", "it", "is"])
    ('is', 'it', 'is (2)')
    """
    counts: dict[str, int] = {}
    unique = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        unique.append(name if counts[name] == 1 else f"{name} ({counts[name]})")
    return tuple(unique)


@torch.inference_mode()
def gate_strengths(network: Any) -> np.ndarray:
    """`(layers, 2)`: |tanh α| of each gated cross-attention, and of the dense layer behind it."""
    layers = [part for part in network.modules() if hasattr(part, "alpha_cross_attn")]
    return np.array(
        [
            [float(torch.tanh(gate.float()).abs().mean()) for gate in (layer.alpha_cross_attn, layer.alpha_dense)]
            for layer in layers
        ],
        np.float32,
    )


def _places(shape: tuple[int, ...]) -> tuple[Axis, ...]:
    return tuple(
        Axis(name, coordinates=tuple(((np.arange(count) + 0.5) / count).tolist()))
        for name, count in zip(("y", "x"), shape, strict=True)
    )


def _mean_likeness(maps: np.ndarray) -> float:
    """The mean rank correlation of every two of the maps; 1 where there is one alone."""
    pairs = [likeness(maps[one], maps[other]) for one in range(len(maps)) for other in range(one)]
    return float(np.mean(pairs)) if pairs else 1.0
