"""The sample song: half a minute of pop with a singing voice, made by synthesis so that its true stems are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from evaluation.synthetic import instruments, score, voice

Stem = NDArray[np.float32]

STEMS = ("drums", "bass", "other", "vocals")
LEVELS_DB = {"drums": -19.0, "bass": -20.0, "other": -22.5, "vocals": -18.5}
"""RMS of each stem where it sounds, before the common gain: the balance of the mix."""
PEAK = 10.0 ** (-1.5 / 20.0)
GRID = 2.0**23
"""Samples lie on the 24-bit grid: stems add up to the mix without any rounding, as float and as FLAC alike."""
FADE_SECONDS = 0.4


@dataclass(frozen=True)
class SampleSong:
    """`stems` are `(2, T)` float32 each; `notes` is what the voice sings and `hits` what the drummer plays."""

    stems: Mapping[str, Stem]
    samplerate: int
    title: str
    tempo: float
    key: str
    notes: tuple[score.Note, ...]
    hits: tuple[score.Hit, ...]

    @property
    def mix(self) -> Stem:
        """`(2, T)` float32, exactly the sum of the stems."""
        return np.sum(list(self.stems.values()), axis=0, dtype=np.float32)


def make_song(seconds: float = 30.0, samplerate: int = 44100, seed: int = 0) -> SampleSong:
    """Play the score of `evaluation.synthetic.score` for `seconds`; the same `seed` gives the same samples.

    Memory grows with `seconds` (about 130 bytes a frame while it is made).
    """
    frames = round(seconds * samplerate)
    if frames < samplerate:
        raise ValueError("the sample song is at least one second long")
    strokes, notes = score.hits(seconds), score.melody(seconds)
    kit, hall, singer = (np.random.default_rng([seed, part]) for part in range(3))
    waves = {
        "drums": instruments.drums(strokes, frames, samplerate, kit),
        "bass": instruments.bass(score.bass_notes(seconds), frames, samplerate),
        "other": instruments.chords(seconds, frames, samplerate, hall),
        "vocals": voice.singing(notes, frames, samplerate, singer),
    }
    stems = master(waves, samplerate)
    return SampleSong(stems, samplerate, score.TITLE, score.TEMPO, score.KEY, tuple(notes), tuple(strokes))


def master(waves: Mapping[str, instruments.Wave], samplerate: int) -> dict[str, Stem]:
    """Balance the stems, fade the end, and give all of them one common gain so that the mix peaks at -1.5 dBFS."""
    frames = next(iter(waves.values())).shape[-1]
    fade = np.clip(np.arange(frames, 0, -1) / (FADE_SECONDS * samplerate), 0.0, 1.0)
    balanced = {name: balance(wave, LEVELS_DB[name], samplerate) * fade for name, wave in waves.items()}
    gain = PEAK / np.abs(sum(balanced.values())).max()
    return {name: (np.round(gain * GRID * wave) / GRID).astype(np.float32) for name, wave in balanced.items()}


def balance(wave: instruments.Wave, level_db: float, samplerate: int) -> instruments.Wave:
    """Scale `wave` `(2, T)` to `level_db` dBFS RMS, counted only where it is within 40 dB of its loudest 50 ms."""
    power = ndimage.uniform_filter1d((wave**2).mean(axis=0), round(0.05 * samplerate))
    if power.max() <= 0.0:  # a cut so short that the part has not come in yet
        return wave
    active = power[power > 1e-4 * power.max()].mean()
    return wave * (10.0 ** (level_db / 20.0) / np.sqrt(active))


def write_sample(folder: Path, song: SampleSong | None = None, suffix: str = ".flac") -> dict[str, Path]:
    """Write the mix and the true stems into `folder` as `mix` and `<stem>`; returns the path of each by name.

    Both kinds hold every bit: ".flac" has 24 bits, ".wav" 32-bit float.
    """
    import soundfile

    song = song or make_song()
    folder.mkdir(parents=True, exist_ok=True)
    subtype = {".flac": "PCM_24", ".wav": "FLOAT"}[suffix]
    paths = {}
    for name, wave in {"mix": song.mix, **song.stems}.items():
        paths[name] = folder / f"{name}{suffix}"
        soundfile.write(paths[name], wave.T, song.samplerate, subtype=subtype)
    return paths
