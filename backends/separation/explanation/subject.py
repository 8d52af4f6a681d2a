"""Separation engines as the methods of attribution see them.

The score is the level of a stem in the stretch that is asked about, in dB over silence; against another stem it is the
difference of the two levels.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.attribution.baselines import SOUND, usual
from backends.attribution.question import Question
from backends.attribution.sanity import shuffle_weights
from backends.attribution.types import Axis, Network, Parts, Subject
from backends.core.errors import BadInput
from backends.separation.base import SeparationEngine
from backends.separation.explanation import EXPLAINABLE
from backends.separation.explanation.map_sounds import write_sounds
from backends.separation.explanation.passage import DSP_SECONDS, FLOOR_DB, Passage, read_passage, separate

SILENCE = "silence"
QUIETER_DB = -12.0
"""Of a cell that is made quieter instead of silent."""

MAX_THREADS = 4
"""Variants of a passage that are separated at once."""


def make_subject(engine: SeparationEngine, inputs: Mapping[str, Path], question: Question) -> Subject:
    """A stretch of a song with the level of a stem as its score. Raises BadInput."""
    target = question.target or ("vocals" if "vocals" in engine.sources else engine.sources[0])
    for name in (target, question.against):
        if name and name not in engine.sources:
            raise BadInput(f"This model has no stem called “{name}”; it has {', '.join(engine.sources)}.")
    passage = read_passage(engine, inputs["song"], question, passage_seconds(engine))
    return passage_subject(engine, passage, target, question.against, question.baseline)


def passage_seconds(engine: SeparationEngine) -> float:
    """The seconds that the engine takes at once."""
    bag = getattr(engine, "bag", None)
    return DSP_SECONDS if bag is None else min(float(model.segment) for model in bag.models)


def passage_subject(
    engine: SeparationEngine, passage: Passage, target: str, against: str = "", baseline: str = ""
) -> Subject:
    """A passage with the level of the stem `target`, or its distance to that of `against`, as its score.

    Args:
        engine: what separates.
        passage: of a song.
        target, against: names of stems; "" for nothing to compare with.
        baseline: what a cell becomes that is taken away, of `baselines.SOUND`.
    """
    bag = getattr(engine, "bag", None)
    return Subject(
        target,
        contrast=against,
        given_cells=_cells(engine, passage, target, against, usual(SOUND, baseline)),
        players=_sources(engine, passage, target, against),
        unit="dB",
        network=None if bag is None else passage_network(engine, passage, target, against),
        control=None
        if bag is None
        else lambda share, seed=0: passage_subject(_shuffled(engine, share, seed), passage, target, against, baseline),
        reasons=EXPLAINABLE.offers[engine.name].reasons,
        illustrate=partial(write_sounds, passage),
    )


def _level(engine: SeparationEngine, passage: Passage, samples: np.ndarray, target: str, against: str) -> float:
    stems = separate(engine, samples)
    level = passage.level(stems[engine.sources.index(target)])
    return level - passage.level(stems[engine.sources.index(against)]) if against else level


def _cells(engine: SeparationEngine, passage: Passage, target: str, against: str, baseline: str) -> Parts:
    least = 0.0 if baseline == "silence" else 10 ** (QUIETER_DB / 20)

    def one(cells: np.ndarray) -> float:
        return _level(engine, passage, passage.filtered(least + (1 - least) * cells), target, against)

    def score(keep: np.ndarray) -> np.ndarray:
        if len(keep) == 1:
            return np.array([one(keep[0])])
        with ThreadPoolExecutor(len(keep)) as pool:
            return np.array(list(pool.map(one, keep)))

    loudness = passage.summed(passage.spectrum.abs().square().mean(0).numpy())
    return Parts(
        passage.axes,
        (passage.detail, passage.detail),
        score,
        SOUND[baseline],
        window=(1, 1),
        stride=(1, 1),
        # What has no network runs on one core, however many there are; a network takes all of them by itself.
        batch=min(MAX_THREADS, os.cpu_count() or 1) if engine.name == "dsp" else 1,
        plain=10 * np.log10(loudness + 1e-9),
        plain_name="how loud it is",
    )


def _sources(engine: SeparationEngine, passage: Passage, target: str, against: str) -> Parts:
    """The sounds of the passage as players: what the engine itself tells apart, and the rest with the last of them."""
    known: list[np.ndarray] = []

    def score(keep: np.ndarray) -> np.ndarray:
        if not known:
            stems = separate(engine, passage.samples)
            rest = engine.sources.index("other") if "other" in engine.sources else len(stems) - 1
            stems[rest] += passage.samples - stems.sum(axis=0)
            known.append(stems)
        mixes = np.einsum("bs,sct->bct", keep.astype(np.float32), known[0])
        return np.array([_level(engine, passage, mix, target, against) for mix in mixes])

    axes = (Axis("part", labels=tuple(engine.sources)),)
    return Parts(axes, (len(engine.sources),), score, SILENCE)


def passage_network(engine: Any, passage: Passage, target: str, against: str = "") -> Network:
    """The networks of a Demucs bag with the spectrum of the passage as their input, `(1, 2, F, N, 2)` real numbers."""
    bag = engine.bag
    weights = torch.tensor(bag.weights)  # (M, S)
    scale = float(passage.samples.mean(0).std()) + 1e-8
    offset = torch.from_numpy(passage.samples.mean(1, keepdims=True))

    def forward(module: nn.Module, inputs: Tensor) -> Tensor:  # -> (1, S, 2, T)
        sound = passage.sound(torch.view_as_complex(inputs[0].contiguous()))[None]
        normal = ((sound - offset) / scale).to(engine.device)
        stems = [model(normal).float().cpu() for model in module]  # type: ignore[attr-defined]
        total = sum((row[:, None, None] * one for row, one in zip(weights, stems, strict=True)), torch.zeros(()))
        return scale * total / weights.sum(0)[:, None, None]

    def level(stem: Tensor) -> Tensor:
        power = stem[..., passage.first : passage.last].square().mean((-1, -2))
        return 10 * torch.log10(power + 10 ** (FLOOR_DB / 10)) - FLOOR_DB

    def score(stems: Tensor) -> Tensor:
        own = level(stems[:, bag.sources.index(target)])
        return own - level(stems[:, bag.sources.index(against)]) if against else own

    def arrange(bins: Tensor) -> np.ndarray:
        return passage.summed(bins[0].sum((0, -1)).numpy())

    spectrum = torch.view_as_real(passage.spectrum)[None]
    return Network(nn.ModuleList(bag.models), spectrum, forward, score, arrange=arrange)


def _shuffled(engine: Any, share: float, seed: int) -> Any:
    """The same engine with networks that know nothing in the last `share` of their layers."""
    control = copy.copy(engine)
    control.bag = replace(engine.bag, models=tuple(shuffle_weights(model, seed, share) for model in engine.bag.models))
    return control
