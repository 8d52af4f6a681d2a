"""Looks into a Hybrid Transformer Demucs: its two branches, how far it listens, and what its attention joins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soundfile
import torch
from demucs.htdemucs import HTDemucs
from torch import Tensor

from backends.attribution.costs import BACKWARD
from backends.attribution.methods.attention import AttentionTap
from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.types import Attribution, Axis
from backends.core.errors import BadInput
from backends.core.events import Artifact
from backends.separation.explanation.passage import Passage, read_passage
from backends.separation.explanation.subject import passage_network, passage_seconds

STEPS = 48
"""Steps of time to which a map of attention is averaged: a page can draw no more, and 2,688 tokens squared are much."""

REACH_EDGES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4)
"""Distances in seconds from the stretch that is asked about."""


def branches(asked: ProbeRequest) -> Findings:
    """Which half heard it: of each stem the waveform branch and the spectrogram branch alone, whose sum it is.

    The values are the correlation of each half with the whole stem; the sounds are the halves of the target.
    """
    network, passage, target = _read_request(asked)
    waves: list[Tensor] = []
    with _spectrogram_half(network, waves), torch.inference_mode():
        whole = _forward(network, passage)
    asked.meter.add(1)
    spectral = waves[-1][0, ..., : passage.samples.shape[1]]
    halves = torch.stack([whole - spectral, spectral], 1).numpy()  # (S, 2, 2, T)
    stems = whole.numpy()
    place = slice(passage.first, passage.last)
    values = np.array(
        [
            [_correlation(half[:, place], stem[:, place]) for half in pair]
            for pair, stem in zip(halves, stems, strict=True)
        ]
    )
    names = ("waveform", "spectrogram")
    index = asked.engine.sources.index(target)
    scale = float(passage.samples.mean(0).std())
    artifacts = []
    for name, half in zip(names, halves[index], strict=True):
        path = asked.out / f"{target}-{name}.wav"
        soundfile.write(path, scale * half.T, passage.samplerate, subtype="FLOAT")
        artifacts.append(Artifact("half", name, path, {"start": passage.start, "stem": target}))
    axes = (Axis("stem", labels=tuple(asked.engine.sources)), Axis("branch", labels=names))
    better = int(values[index].argmax())
    sentence = (
        f"The {names[better]} branch alone is nearest to the stem “{target}” (correlation {values[index, better]:.2f}, "
        f"the other {values[index, 1 - better]:.2f})."
    )
    found = Attribution(values.astype(np.float32), axes, target, "branches", float(values[index, better]))
    return Findings(found, tuple(artifacts), sentence)


def reach(asked: ProbeRequest) -> Findings:
    """How far it listens: the share of the gradient's energy by its distance from the stretch, in seconds."""
    _, passage, target = _read_request(asked)
    described = passage_network(asked.engine, passage, target)
    inputs = described.inputs.detach().requires_grad_(True)
    with torch.enable_grad():
        score = described.score(described.forward(described.module, inputs))
        (gradient,) = torch.autograd.grad(score.sum(), inputs)
    asked.meter.add(BACKWARD)
    energy = gradient[0].square().sum((0, 1, 3)).numpy()  # (N,) over frames
    times = np.arange(len(energy)) * passage.seconds / max(1, len(energy) - 1)
    first, last = passage.first / passage.samplerate, passage.last / passage.samplerate
    distance = np.maximum(0, np.maximum(first - times, times - last))
    edges = [edge for edge in REACH_EDGES if edge < passage.seconds] or [0.0]
    sums = np.array([energy[distance <= edge].sum() for edge in edges]) / max(energy.sum(), 1e-30)
    axes = (Axis("distance", "s", coordinates=tuple(edges)),)
    far = next((edge for edge, share in zip(edges, sums, strict=True) if share >= 0.9), edges[-1])
    sentence = f"{100 * sums[0]:.0f} % of its listening lies in the stretch itself, and 90 % within {far:g} s of it."
    return Findings(Attribution(sums.astype(np.float32), axes, target, "reach", float(score.detach())), (), sentence)


def attention(asked: ProbeRequest) -> Findings:
    """What each layer of the transformer between the branches joins: attention from time to time, head by head.

    Attention says where numbers flow, not why. Tokens of the spectrogram are added up over frequency.
    """
    passage, target, maps, labels, _ = _attended(asked, _coarse)
    values = np.stack(maps)  # (layers, H, STEPS, STEPS)
    axes = (*_heads_of(labels, values), _steps("from", passage), _steps("to", passage))
    return Findings(Attribution(values.astype(np.float32), axes, target, "attention_maps", 0.0))


def attention_bands(asked: ProbeRequest) -> Findings:
    """From which moment to which band of frequency: the layers that look at the spectrogram, added up over time."""
    passage, target, maps, labels, bands = _attended(asked, _banded)
    seen = [place for place, label in enumerate(labels) if label.endswith("spectrogram")]
    values = np.stack([maps[place] for place in seen])  # (layers, H, STEPS, bands)
    labels = [labels[place] for place in seen]
    middles = (np.arange(bands) + 0.5) * passage.samplerate / 2 / bands
    band = Axis("band", "Hz", coordinates=tuple(middles.tolist()))
    found = Attribution(
        values.astype(np.float32),
        (*_heads_of(labels, values), _steps("from", passage), band),
        target,
        "attention_bands",
        0.0,
    )
    shares = values.mean((0, 1, 2))
    strongest = int(shares.argmax())
    sentence = (
        f"Of all it looks at in the spectrogram, {100 * shares[strongest]:.0f} % lies in the band around "
        f"{middles[strongest]:,.0f} Hz."
    )
    return Findings(found, (), sentence)


def _attended(
    asked: ProbeRequest, coarse: Callable[[Tensor, int], np.ndarray]
) -> tuple[Passage, str, list[np.ndarray], list[str], int]:
    """The passage, the stem, the maps of all layers as coarse as `coarse` makes them of `(H, Q, K)` and the number of
    bands, what each layer looks from and at, and the number of bands that the spectrogram has in the transformer."""
    network, passage, target = _read_request(asked)
    transformer = getattr(network, "crosstransformer", None)
    if transformer is None:
        raise BadInput("This network has no transformer, so it has no attention to look at.")
    tap, bands = AttentionTap(), [1]

    def note_bands(_: Any, inputs: tuple[Tensor, ...]) -> None:
        bands[0] = inputs[0].shape[-2]  # (B, C, bands, steps)

    tap.maps = CoarseMaps(lambda one: coarse(one, bands[0]))
    hook = transformer.register_forward_pre_hook(note_bands)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.inference_mode(), tap:
            _forward(network, passage)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        hook.remove()
    asked.meter.add(1)
    labels = []
    for number in range(len(tap.maps)):
        kind = "spectrogram" if number % 2 == 0 else "waveform"
        other = {"spectrogram": "waveform", "waveform": "spectrogram"}[kind]
        crossed = (number // 2) % 2 != transformer.classic_parity
        labels.append(f"{number // 2 + 1}: {kind} → {other if crossed else kind}")
    return passage, target, [layer.numpy() for layer in tap.maps], labels, bands[0]


def _heads_of(labels: list[str], values: np.ndarray) -> tuple[Axis, Axis]:
    heads = tuple(float(head + 1) for head in range(values.shape[1]))
    return Axis("layer", labels=tuple(labels)), Axis("head", coordinates=heads)


def _steps(name: str, passage: Passage) -> Axis:
    seconds = passage.start + (np.arange(STEPS) + 0.5) * passage.seconds / STEPS
    return Axis(name, "s", coordinates=tuple(seconds.tolist()))


def _read_request(asked: ProbeRequest) -> tuple[HTDemucs, Passage, str]:
    """The first network of the bag, the passage and the stem. Raises BadInput where it is no hybrid."""
    engine = asked.engine
    network: Any = engine.bag.models[0]
    if not isinstance(network, HTDemucs):
        raise BadInput("Only a Hybrid Transformer Demucs has these parts; choose another model.")
    target = asked.question.target or ("vocals" if "vocals" in engine.sources else engine.sources[0])
    if target not in engine.sources:
        raise BadInput(f"This model has no stem called “{target}”; it has {', '.join(engine.sources)}.")
    return network, read_passage(engine, asked.inputs["song"], asked.question, passage_seconds(engine)), target


def _forward(network: HTDemucs, passage: Passage) -> Tensor:
    """`(S, 2, T)` of the passage, at a standard deviation of 1."""
    samples = torch.from_numpy(passage.samples)
    normal = (samples - samples.mean(1, keepdim=True)) / (samples.mean(0).std() + 1e-8)
    return network(normal[None])[0].float().cpu()


@contextmanager
def _spectrogram_half(network: Any, waves: list[Tensor]) -> Iterator[None]:
    """Keep what the spectrogram branch gives, as sound: the network adds it to that of the other branch."""
    inverse = network._ispec

    def inverse_and_keep(*arguments: Any, **named: Any) -> Tensor:
        waves.append(inverse(*arguments, **named))
        return waves[-1]

    network._ispec = inverse_and_keep
    try:
        yield
    finally:
        del network._ispec


class CoarseMaps(list[Tensor]):
    """Maps of attention that are made coarse as they come: those of one layer of the published network have 289 MB."""

    def __init__(self, coarse: Callable[[Tensor], np.ndarray]) -> None:
        super().__init__()
        self._coarse = coarse

    def append(self, attention: Tensor) -> None:
        super().append(torch.from_numpy(self._coarse(attention[0])))


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    norms = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / norms if norms > 1e-12 else 0.0


def _coarse(layer: Tensor, _: int) -> np.ndarray:
    """`(H, Q, K)` to `(H, STEPS, STEPS)`: the mean over the queries of a step, of the sum over its keys. Tokens come in
    the order of time, those of one moment together."""
    keys = torch.arange(layer.shape[-1]) * STEPS // layer.shape[-1]
    summed = torch.zeros(*layer.shape[:2], STEPS).index_add_(2, keys, layer.float().cpu())
    return _mean_over_steps(summed)


def _banded(layer: Tensor, bands: int) -> np.ndarray:
    """`(H, Q, K)` to `(H, STEPS, bands)`: the mean over the queries of a step, of the sum over the keys of a band.

    Only of keys that are tokens of the spectrogram, whose bands lie side by side within a moment; what it gives for
    others, which have no bands, says nothing.
    """
    keys = torch.arange(layer.shape[-1]) % bands
    summed = torch.zeros(*layer.shape[:2], bands).index_add_(2, keys, layer.float().cpu())
    return _mean_over_steps(summed)


def _mean_over_steps(summed: Tensor) -> np.ndarray:
    """`(H, Q, n)` to `(H, STEPS, n)`: queries in the order of time, averaged within each step."""
    heads, count, width = summed.shape
    queries = torch.arange(count) * STEPS // count
    rows = torch.zeros(heads, STEPS, width).index_add_(1, queries, summed)
    return (rows / torch.bincount(queries, minlength=STEPS).clamp(min=1)[:, None]).numpy()
