"""Demucs to one's own stems: it learns the voice, and all but the voice, of songs whose voice is known apart.

Where a song's drums, bass and other are known as well it learns them too; where they are not, drums and bass are held
where the base has them, so that they do not drift while the voice is learned.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from backends.core.errors import BadInput
from backends.separation.demucs.checkpoints import NETWORKS, load_bag
from backends.separation.demucs.overlap import segment_frames
from backends.separation.io.audio import open_song, read_mix
from backends.separation.io.mix import Mix
from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from training.adapt.base import Adaptation, Measure, Split, Unit, Values, halves
from training.htdemucs.recipe import VOICE, WEIGHTS, distance, losses
from training.htdemucs.store import STEMS
from training.loop import Recipe, optimizer, warm_then_linear

VOCALS, MIXTURE, ACCOMPANIMENT = "vocals", "mixture", "accompaniment"
SONG_SECONDS = 600.0
MEASURED_SECONDS = 20.0
"""Of each song kept apart: the stretch in which the voice is loudest."""
MAX_MISMATCH = 0.5
"""Seconds by which the files of one song may differ in length."""
SILENT = 1e-3
"""Root mean square of a voice below which there is nothing to learn."""

BATCH, RATE, DECAY = 4, 2e-4, 0.01
HOLD_WEIGHT = 0.5
"""How much drums and bass count that are held where the base has them."""
RECOMBINED = 0.4
"""Share of examples in which a voice meets the accompaniment of another song."""


@dataclass(frozen=True)
class Song:
    """`stems` `(4, 2, T)` int16 in the order of STEMS; where not `split`, other holds all of the accompaniment."""

    stems: np.ndarray
    split: bool

    def piece(self, start: int, frames: int) -> np.ndarray:
        """`(4, 2, frames)` float32; zeros beyond the end."""
        found = np.zeros((4, 2, frames), np.float32)
        part = self.stems[..., start : start + frames]
        found[..., : part.shape[-1]] = part / np.float32(32767)
        return found


class SeparationAdaptation(Adaptation):
    """All of one network learns."""

    measures = (
        Measure("the voice's gain over the mixture (SI-SDR)", "dB", 2),
        Measure("the accompaniment's gain", "dB", 2),
    )

    def units(self) -> list[Unit]:
        bag = load_bag(self.weights)
        if len(bag.models) > 1 or bag.sources != STEMS:
            raise BadInput(
                f"“{self.card.title}” cannot be adapted: it takes a single Demucs network with drums, bass, other and "
                "vocals, such as htdemucs or htdemucs-starter (--base)."
            )
        self.rate = bag.samplerate
        units = []
        for folder in self.folders():
            files = {path.stem.lower(): path for path in self.files_in(folder)}
            beside = [name for name in (MIXTURE, ACCOMPANIMENT, *STEMS[:VOICE]) if name in files]
            if VOCALS not in files or not beside:
                self.notices.append(f"“{folder.name}” was left out: it needs vocals and something beside it.")
                continue
            units.append(Unit(folder.name, tuple(files[name] for name in (VOCALS, *beside))))
        return units

    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        network = load_bag(self.weights).models[0]
        return Voice(network, [self.song(unit) for unit in learned], self.seed)

    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        """With class and arguments as the engine reads them, in half precision, as Demucs is published."""
        network: Any = recipe.network
        args, kwargs = network._init_args_kwargs
        about = {
            "klass": next(name for name, kind in NETWORKS.items() if type(network) is kind),
            "args": json.dumps([list(value) if isinstance(value, tuple) else value for value in args]),
            "kwargs": json.dumps(kwargs, default=_fraction),
        }
        path = out / "demucs.safetensors"
        save_file(halves(averaged), path, about)
        return path

    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        for unit in split.apart:
            yield self._gains(engine, self.song(unit))

    def _gains(self, engine: Any, song: Song) -> Values:
        frames = min(round(MEASURED_SECONDS * self.rate), song.stems.shape[-1])
        true = song.piece(_loudest(song.stems[VOICE], frames), frames)  # (4, 2, T)
        mixture = true.sum(axis=0)
        path = self.scratch / "measured.wav"
        mix = Mix.from_samples(mixture, self.rate, path)
        found = np.concatenate(list(engine.chunks(mix)), axis=-1)[list(engine.sources).index(VOCALS)]
        path.unlink()
        pairs = ((found, true[VOICE]), (mixture - found, mixture - true[VOICE]))
        voice, rest = (si_sdr_improvement(guess.T, truth.T, mixture.T) for guess, truth in pairs)
        return voice, rest

    def song(self, unit: Unit) -> Song:
        """Decoded once, then read from the disk as it is needed."""
        stored = self.scratch / f"{unit.name}.npy"
        if not stored.exists():
            self.scratch.mkdir(parents=True, exist_ok=True)
            part = stored.with_suffix(".part.npy")
            np.save(part, self._decoded(unit))
            part.replace(stored)
        stems = np.load(stored, mmap_mode="r")
        return Song(stems, split={file.stem.lower() for file in unit.files} >= set(STEMS))

    def _decoded(self, unit: Unit) -> np.ndarray:
        sounds = {file.stem.lower(): self._read(file) for file in unit.files}
        lengths = [sound.shape[1] for sound in sounds.values()]
        if max(lengths) - min(lengths) > MAX_MISMATCH * self.rate:
            raise BadInput(f"The files of “{unit.name}” differ in length: export them from the same start to the end.")
        sounds = {name: sound[:, : min(lengths)] for name, sound in sounds.items()}
        voice = sounds[VOCALS]
        if np.sqrt(np.mean(voice**2)) < SILENT:
            raise BadInput(f"The vocals of “{unit.name}” are silent: leave this song out.")
        stems = np.zeros((4, *voice.shape), np.float32)
        stems[VOICE] = voice
        known = [name for name in STEMS[:VOICE] if name in sounds]
        if len(known) == VOICE:
            for place, name in enumerate(STEMS[:VOICE]):
                stems[place] = sounds[name]
        elif MIXTURE in sounds:
            stems[VOICE - 1] = sounds[MIXTURE] - voice
        elif ACCOMPANIMENT in sounds:
            stems[VOICE - 1] = sounds[ACCOMPANIMENT]
        else:
            stems[VOICE - 1] = sum(sounds[name] for name in known)
        loudest = max(1.0, float(np.abs(stems).max()))
        return np.rint(stems / loudest * 32767).astype(np.int16)

    def _read(self, path: Path) -> np.ndarray:
        """`(2, T)` float32 at the network's rate."""
        wav = self.scratch / "decoded.wav"
        reading = read_mix(open_song(path, SONG_SECONDS), self.rate, wav, SONG_SECONDS)
        while True:
            try:
                next(reading)
            except StopIteration as end:
                mix: Mix = end.value
                break
        sound = mix.read(0, mix.frames)
        wav.unlink()
        return sound


class Voice(Recipe):
    """The recipe of the starter's training on the user's songs, with drums and bass held where nobody knows them."""

    ema_decay, log_every = 0.95, 10

    def __init__(self, network: Any, songs: Sequence[Song], seed: int) -> None:
        self.network = network.requires_grad_(True)
        self.base = copy.deepcopy(network).eval().requires_grad_(False)
        self.songs, self.seed = songs, seed
        self.frames = segment_frames(network, None)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, RATE, DECAY, betas=(0.9, 0.98))]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=5, fall=0.5)

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Stems `(B, 4, 2, T)`, and which of them are known apart `(B,)`."""
        while True:
            rng = np.random.default_rng([self.seed, step])
            drawn = [self._draw(rng) for _ in range(BATCH)]
            yield torch.from_numpy(np.stack([stems for stems, _ in drawn])), torch.tensor([split for _, split in drawn])
            step += 1

    def _draw(self, rng: np.random.Generator) -> tuple[np.ndarray, bool]:
        song = self.songs[int(rng.integers(len(self.songs)))]
        stems = song.piece(_start(song, self.frames, rng), self.frames)
        if rng.random() < RECOMBINED:
            other = self.songs[int(rng.integers(len(self.songs)))]
            stems[VOICE] = other.piece(_start(other, self.frames, rng), self.frames)[VOICE]
        stems[VOICE] *= 10 ** (rng.uniform(-4, 4) / 20)
        if rng.random() < 0.5:
            stems = stems[:, ::-1]
        scale = 1 / (float(stems.sum(axis=0).mean(axis=0).std()) + 1e-4)
        return (stems * np.float32(scale)).astype(np.float32), song.split

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        stems, split = batch
        mixture = stems.sum(dim=1)
        found = self.network(mixture)
        terms = {name: WEIGHTS[name] * value for name, value in losses(found, stems, split).items()}
        if not bool(split.all()):
            with torch.no_grad():
                before = self.base(mixture[~split])[:, : VOICE - 1]
            held = distance(found[~split, : VOICE - 1].flatten(0, 1), before.flatten(0, 1))
            terms["held"] = HOLD_WEIGHT * held.mean()
        return torch.stack(list(terms.values())).sum(), terms


def _start(song: Song, frames: int, rng: np.random.Generator) -> int:
    return int(rng.integers(max(1, song.stems.shape[-1] - frames + 1)))


def _loudest(voice: np.ndarray, frames: int) -> int:
    """Where the stretch of `frames` with the loudest voice `(2, T)` begins, to a quarter of its length."""
    step = max(1, frames // 4)
    starts = range(0, max(1, voice.shape[-1] - frames + 1), step)
    return max(starts, key=lambda start: float(np.square(voice[:, start : start + frames], dtype=np.float32).sum()))


def _fraction(value: Any) -> Any:
    """An exact fraction, in which published networks state their length, as the engine reads it."""
    return {"_type": "fraction", "numerator": value.numerator, "denominator": value.denominator}
