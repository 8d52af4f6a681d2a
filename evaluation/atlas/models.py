"""Attention of the models at hand on the tasks' own samples, layer by layer."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.attribution.methods.attention import AttentionTap
from backends.core.task import task_named
from backends.serving.host import Host

SECONDS = 3.0
"""Of the sample song: the passage that the smallest network takes."""

SENTENCE = "a photo of a red car in front of a blue house"


@dataclass(frozen=True)
class Layer:
    """The attention of a layer.

    Attributes:
        model: id of the card.
        modality: sound, pixels, residues, words, or “words on pictures”.
        name: of the layer.
        depth: from 0 for the first layer of its network to 1 for the last.
        attention: `(H, Q, K)`.
        places: `(K, d)`, where the tokens lie; None where queries and keys are different things.
        names: of the tokens, where they have some.
    """

    model: str
    modality: str
    name: str
    depth: float
    attention: np.ndarray
    places: np.ndarray | None
    names: tuple[str, ...] = ()


def layers_at_hand(published: bool = True) -> Iterator[Layer]:
    """Every attention layer of the models that can run here: of each engine its starter, and where `published` the
    best that is present."""
    host = Host(device="cpu")
    for task, engine, look in LOOKS:
        cards = [card for card in host.cards(task_named(task)) if card.engine == engine]
        here = [card for card in cards if host.can_run(card)]
        starters = [card for card in here if card.tier == "starter"]
        best = sorted((card for card in here if card.tier == "full"), key=lambda card: -card.preference)
        for card in (*starters, *(best[:1] if published else ())):
            *_, loaded = host.engine(task_named(task), card, host.paths(card))
            yield from look(loaded, card.id)


def song_layers(engine: Any, title: str) -> Iterator[Layer]:
    """The transformer between the branches of a Hybrid Transformer Demucs: two sequences, alone and across."""
    network = engine.bag.models[0]
    transformer = getattr(network, "crosstransformer", None)
    if transformer is None:
        return
    samples = torch.from_numpy(sample_sound(engine.samplerate))
    maps = _tapped(lambda: network((samples / samples.std())[None]))
    shapes: list[tuple[int, int]] = []  # of the spectrogram's tokens: rows of frequency, steps of time
    hook = transformer.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape[-2:])))
    with torch.inference_mode():
        network((samples / samples.std())[None])
    hook.remove()
    rows, steps = shapes[-1]
    of_time = np.repeat(np.arange(steps) / steps, rows)[:, None]  # tokens of one moment lie together
    for number, attention in enumerate(maps):
        spectral, layer = number % 2 == 0, number // 2
        crossed = layer % 2 != transformer.classic_parity
        kind = "spectrogram" if spectral else "waveform"
        other = "waveform" if spectral else "spectrogram"
        places = of_time if spectral else (np.arange(attention.shape[-1]) / attention.shape[-1])[:, None]
        name = f"{layer + 1}, {kind} → {other if crossed else kind}"
        depth = layer / max(1, transformer.num_layers - 1)
        yield Layer(title, "sound", name, depth, attention, None if crossed else places)


def fold_layers(engine: Any, title: str) -> Iterator[Layer]:
    """The language model of ESMFold, and the attention over the sequence in its trunk."""
    from backends.folding.engines import esm_trunk, language
    from evaluation.synthetic.proteins import KNOWN

    network = engine.network
    sequence = next(known for known in KNOWN if known.id == "gb1").chains[0]
    aatype = esm_trunk.tokens(sequence, engine.device)
    found: list[np.ndarray] = []

    def keep(_: Any, __: Any, output: Any) -> None:
        found.append(output[1][0].permute(1, 2, 0).float().cpu().numpy())

    hooks = [block.seq_attention.register_forward_hook(keep) for block in network.trunk.blocks]
    try:
        with language.record_attention(network.esm) as recorder:
            single = esm_trunk.embed(network, aatype)
        list(esm_trunk.passes(network, single, aatype, 1, engine.chunk("auto", len(sequence))))
    finally:
        for hook in hooks:
            hook.remove()
    assert recorder is not None
    places = (np.arange(len(sequence)) / len(sequence))[:, None]
    parts = {"language model": list(recorder.maps().astype(np.float32)), "trunk": found}
    for part, maps in parts.items():
        for number, raw in enumerate(maps):
            attention = raw / np.maximum(raw.sum(-1, keepdims=True), 1e-9)
            depth = number / max(1, len(maps) - 1)
            yield Layer(title, "residues", f"{part} {number + 1}", depth, attention, places, tuple(sequence))


def clip_layers(engine: Any, title: str) -> Iterator[Layer]:
    """Both towers of a CLIP, as far as they are transformers."""
    from backends.fewshot.clip.explainable import vit_layout

    layout = vit_layout(engine.tower)
    if layout is not None:
        pixels = engine.pixels(engine.prepare(sample_picture())[None])
        maps = _tapped(lambda: engine.network.encode_image(pixels))
        _, prefix, (rows, columns) = layout
        grid = np.stack(np.meshgrid(np.arange(rows) / rows, np.arange(columns) / columns, indexing="ij"), -1)
        places = np.concatenate([np.full((prefix, 2), 0.5), grid.reshape(-1, 2)])
        yield from _numbered(
            title, "pixels", "picture tower", maps, lambda keys: places if keys == len(places) else None
        )
    if engine.tokenizer is not None:
        tokens = engine.tokenizer([SENTENCE])
        maps = _tapped(lambda: engine.network.encode_text(tokens))
        words = int((tokens[0] != 0).sum()) if int(tokens[0, -1]) == 0 else tokens.shape[1]
        cut = [attention[:, :words, :words] for attention in maps]
        cut = [attention / np.maximum(attention.sum(-1, keepdims=True), 1e-9) for attention in cut]
        names = ("start", *SENTENCE.split(), "end")
        yield from _numbered(title, "words", "text tower", cut, _in_a_row, names=names if len(names) == words else ())


def flamingo_layers(engine: Any, title: str) -> Iterator[Layer]:
    """A Flamingo's picture tower, and its language model: words among themselves, and words on pictures."""
    model, picture = engine.model, sample_picture()
    maps = _tapped(lambda: model.encode_image(picture))
    square = [one for one in maps if one.shape[-1] == one.shape[-2]]
    yield from _numbered(title, "pixels", "picture tower", square, _with_class_token)
    runner = _prompt(engine)
    features = model.encode_image(picture)
    maps = _tapped(lambda: runner.score("picture", features, np.arange(len(runner.shots))))
    words = [one for one in maps if one.shape[-1] == one.shape[-2]]
    across = [one for one in maps if one.shape[-1] != one.shape[-2]]
    yield from _numbered(title, "words", "language model", words, _in_a_row)
    yield from _numbered(title, "words on pictures", "cross-attention", across[: len(words)], lambda keys: None)


LOOKS = (
    ("separation", "demucs", song_layers),
    ("folding", "esmfold", fold_layers),
    ("fewshot", "clip", clip_layers),
    ("fewshot", "flamingo", flamingo_layers),
)
"""Task, engine, and what looks into it."""


def _tapped(work: Any) -> list[np.ndarray]:
    """The attention `(H, Q, K)` of every layer that runs in `work`."""
    tap = AttentionTap()
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.inference_mode(), tap:
            work()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return [attention[0].float().cpu().numpy() for attention in tap.maps]


def _numbered(
    title: str, modality: str, part: str, maps: list[np.ndarray], places: Any, *, names: tuple[str, ...] = ()
) -> Iterator[Layer]:
    for number, attention in enumerate(maps):
        depth = number / max(1, len(maps) - 1)
        where = places(attention.shape[-1]) if attention.shape[-1] == attention.shape[-2] else None
        yield Layer(title, modality, f"{part} {number + 1}", depth, attention, where, names)


def _in_a_row(keys: int) -> np.ndarray:
    return (np.arange(keys) / keys)[:, None]


def _with_class_token(keys: int) -> np.ndarray | None:
    """Places of square patches behind a class token; None where they are no square."""
    side = round((keys - 1) ** 0.5)
    if side * side != keys - 1:
        return None
    grid = np.stack(np.meshgrid(np.arange(side) / side, np.arange(side) / side, indexing="ij"), -1)
    return np.concatenate([[[0.5, 0.5]], grid.reshape(-1, 2)])


def sample_picture() -> np.ndarray:
    """The first of the drawn sample pictures, `(H, W, 3)`."""
    from evaluation.synthetic.pictures import shots

    return shots("ball", 1)[0].rgb


def sample_sound(rate: int) -> np.ndarray:
    """The passage of the sample song that is listened to, `(2, T)`."""
    from evaluation.synthetic.song import make_song

    return make_song(SECONDS, rate).mix


def _prompt(engine: Any) -> Any:
    """A prompt with an example of each of two classes of the drawn sample."""
    from backends.fewshot.explanation.flamingo import read_prompt
    from evaluation.synthetic.pictures import write_sample

    with tempfile.TemporaryDirectory() as folder:
        write_sample(Path(folder), 1)
        shots = Path(folder) / "shots"
        query = sorted(sorted(shots.iterdir())[0].iterdir())[0]
        return read_prompt(engine, {"query": query, "support": shots}).runner
