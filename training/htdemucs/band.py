"""Bands that play by dice: drums from recorded hits, bass, chords and a lead made by adding up partials.

They give the songs starter what MIR-1K lacks: drums, bass and the rest apart. Nothing here sings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 44_100
SECONDS = 16.0
BANDS = 40
NYQUIST = 20_000.0

KINDS = {
    "kick": ("kick_", "bd_", "drum_heavy_kick", "drum_bass_hard"),
    "snare": (
        "snare_",
        "sn_",
        "drum_snare",
        "elec_hi_snare",
        "elec_lo_snare",
        "elec_mid_snare",
        "sidestick",
        "perc_snap",
    ),
    "hat": ("hihat_", "hat_", "drum_cymbal_closed", "drum_cymbal_pedal", "elec_cymbal"),
    "ring": ("crash_", "ride_", "drum_cymbal_open", "drum_splash", "drum_cymbal_hard"),
    "drum": ("toms_", "drum_tom", "tabla_", "drum_cowbell", "perc_", "elec_wood", "elec_fuzz_tom"),
    "loop": ("loop_amen", "loop_breakbeat", "loop_compus", "loop_perc", "loop_tabla", "loop_mehackit", "arovane_beat"),
}
"""How the names of recorded hits begin; what is named otherwise is not used."""

SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 3, 4, 3), (0, 5, 3, 4), (1, 4, 0, 0), (0, 6, 5, 4))
"""Degrees of the scale, one a bar."""


@dataclass(frozen=True)
class Timbre:
    """Partials fall off as `1 / n ** slope`, only odd ones where `hollow`; `decay` is per second, 0 for an organ.

    Higher partials die sooner by `damping`. `vibrato` is in semitones.
    """

    slope: float
    hollow: bool
    attack: float
    decay: float
    damping: float
    vibrato: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Timbre:
        struck = rng.random() < 0.5
        return cls(
            slope=rng.uniform(0.7, 2.2),
            hollow=rng.random() < 0.25,
            attack=rng.uniform(0.002, 0.01) if struck else rng.uniform(0.01, 0.15),
            decay=rng.uniform(1.5, 8) if struck else rng.uniform(0, 0.5),
            damping=rng.uniform(0, 0.6) if struck else 0.0,
            vibrato=0.0 if struck or rng.random() < 0.5 else rng.uniform(0.05, 0.3),
        )


@dataclass(frozen=True)
class Shots:
    """Recorded hits `(2, T)` by kind."""

    kinds: Mapping[str, list[np.ndarray]]

    @classmethod
    def of(cls, sounds: Mapping[str, np.ndarray]) -> Shots:
        kinds: dict[str, list[np.ndarray]] = {kind: [] for kind in KINDS}
        for name, sound in sounds.items():
            for kind, starts in KINDS.items():
                if Path(name).name.startswith(starts):
                    kinds[kind].append(np.broadcast_to(sound, (2, sound.shape[1])) / (np.abs(sound).max() + 1e-9))
        return cls(kinds)

    def draw(self, kind: str, rng: np.random.Generator) -> np.ndarray:
        return self.kinds[kind][rng.integers(len(self.kinds[kind]))]


def bands(shots: Shots, count: int = BANDS, seconds: float = SECONDS) -> Iterator[dict[str, np.ndarray]]:
    """`count` bands, each its drums, bass and other, `(2, T)`."""
    for number in range(count):
        rng = np.random.default_rng([6, number])
        tempo, key = rng.uniform(70, 150), int(rng.integers(12))
        scale, progression = SCALES[rng.choice(list(SCALES))], PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
        step = 15 / tempo  # seconds: a sixteenth
        degrees = [progression[bar % 4] for bar in range(int(seconds / (16 * step)) + 1)]
        pitches = [[key + _degree(scale, degree + third) for third in (0, 2, 4)] for degree in degrees]
        yield {
            "drums": _levelled(_drums(shots, step, seconds, rng)),
            "bass": _levelled(_bass(pitches, step, seconds, rng)),
            "other": _levelled(_chords(pitches, step, seconds, rng) + _lead(scale, key, step, seconds, rng)),
        }


def _degree(scale: tuple[int, ...], degree: int) -> int:
    return scale[degree % 7] + 12 * (degree // 7)


def _levelled(sound: np.ndarray) -> np.ndarray:
    return sound * (0.1 / (np.sqrt(np.mean(sound**2)) + 1e-9))


def _put(track: np.ndarray, sound: np.ndarray, second: float) -> None:
    """Add `sound` to `track`, both `(2, T)`; what reaches beyond the end is cut off."""
    start = round(second * RATE)
    stop = min(start + sound.shape[1], track.shape[1])
    if start < stop:
        track[:, start:stop] += sound[:, : stop - start]


def _drums(shots: Shots, step: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    track = np.zeros((2, round(seconds * RATE)))
    if rng.random() < 0.15:
        loop = shots.draw("loop", rng)
        return np.tile(loop, track.shape[1] // loop.shape[1] + 1)[:, : track.shape[1]]
    chances = {kind: np.zeros(16) for kind in ("kick", "snare", "hat", "ring", "drum")}
    chances["kick"][[0, 8]], chances["kick"][rng.integers(1, 16, 2)] = 1, rng.uniform(0.2, 1)
    chances["snare"][[4, 12]], chances["snare"][rng.integers(16)] = rng.choice([0.0, 1.0], p=[0.1, 0.9]), 0.3
    chances["hat"][:: rng.choice([1, 2, 4])] = 0.95
    chances["ring"][0] = 0.3
    chances["drum"][rng.integers(0, 16, 3)] = rng.choice([0.0, 0.4])
    levels = {"kick": 1.0, "snare": 0.8, "hat": 0.3, "ring": 0.3, "drum": 0.5}
    for kind, steps in chances.items():
        hit, loudness = shots.draw(kind, rng), levels[kind] * rng.uniform(0.5, 1.3)
        for number in range(int(seconds / step)):
            if rng.random() < steps[number % 16]:
                _put(track, hit * loudness * rng.uniform(0.6, 1), number * step + rng.uniform(0, 0.006))
    return track


def _bass(pitches: list[list[int]], step: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    track, timbre = np.zeros((2, round(seconds * RATE))), Timbre.random(rng)
    rhythm = [at for at in range(16) if at == 0 or rng.random() < rng.choice([0.15, 0.4])]
    for bar, chord in enumerate(pitches):
        for at, until in zip(rhythm, [*rhythm[1:], 16], strict=True):
            pitch = 24 + chord[0] % 12 + int(rng.choice([0, 12, 7], p=[0.6, 0.25, 0.15]))
            note = tone(pitch, (until - at) * step * rng.uniform(0.6, 1), timbre, partials=12, rng=rng)
            _put(track, np.stack([note, note]), (16 * bar + at) * step)
    return track


def _chords(pitches: list[list[int]], step: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    track, timbre = np.zeros((2, round(seconds * RATE))), Timbre.random(rng)
    split, octave = int(rng.choice([2, 4, 8, 16])), int(rng.choice([48, 48, 60]))
    arpeggio, width = rng.random() < 0.3, rng.uniform(0, 1)
    for bar, chord in enumerate(pitches):
        for place, at in enumerate(range(0, 16, split)):
            notes = [chord[place % 3]] if arpeggio else chord
            for pitch in notes:
                # Two slightly different sounds left and right are a wide one.
                left, right = (
                    tone(octave + pitch + detune, split * step * 1.05, timbre, partials=16, rng=rng)
                    for detune in (0, 0.06 * width)
                )
                _put(track, np.stack([left, (1 - width) * left + width * right]), (16 * bar + at) * step)
    return track


def _lead(scale: tuple[int, ...], key: int, step: float, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A tune on an instrument, in half of the bands: what a network must not take for a voice."""
    track, timbre = np.zeros((2, round(seconds * RATE))), Timbre.random(rng)
    loudness, at, degree = rng.choice([0.0, 1.0]) * rng.uniform(0.5, 2), 0, 7
    while loudness and at * step < seconds:
        length = int(rng.choice([1, 2, 2, 4, 6]))
        degree = int(np.clip(degree + rng.integers(-3, 4), 0, 14))
        note = loudness * tone(60 + key + _degree(scale, degree), length * step, timbre, partials=14, rng=rng)
        if rng.random() < 0.85:
            _put(track, np.stack([note, note]), at * step)
        at += length
    return track


def tone(pitch: float, seconds: float, timbre: Timbre, partials: int, rng: np.random.Generator) -> np.ndarray:
    """`(T,)`: a note of that MIDI pitch, as a sum of partials below what can be heard."""
    time = np.arange(round((seconds + 0.05) * RATE), dtype=np.float32) / RATE
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    bend = timbre.vibrato / 12 * np.log(2) * np.sin(2 * np.pi * 5.5 * time)
    phase = 2 * np.pi * frequency * np.cumsum(1 + bend) / RATE
    sound = np.zeros_like(time)
    for n in range(1, partials + 1, 2 if timbre.hollow else 1):
        if n * frequency > NYQUIST:
            break
        fading = np.exp(-timbre.decay * (1 + timbre.damping * n) * time)
        sound += n**-timbre.slope * fading * np.sin(n * phase + rng.uniform(0, 2 * np.pi))
    rise = np.minimum(time / timbre.attack, 1)
    return sound * rise * np.clip((seconds + 0.05 - time) / 0.05, 0, 1)
