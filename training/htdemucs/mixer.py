"""Mixtures made on the fly from a store of sounds: which sounds meet, and what a studio would have done to them.

Three sorts: *karaoke*, a voice over an accompaniment of MIR-1K, whose drums, bass and other are not known apart;
*songs*, the stems of sung songs recombined; *bands*, a voice over a band that was made by synthesis. All changes of
tone are made at once in the frequency domain, where rooms are periodic: their end sounds on at the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.htdemucs.store import RATE, STEMS, Sound, Sounds

LOW_PASS = 8_000.0
"""Hz: MIR-1K holds nothing above. Other sounds meet it cut off there, lest bandwidth give a voice away."""

SILENT = 0.01
"""Root mean square below which a piece of a stem does not count as playing; stems are near 0.1."""

SORTS, CHANCES = ("karaoke", "songs", "bands"), (0.6, 0.2, 0.2)
SPEEDS = (0.8, 1.12)


@dataclass(frozen=True)
class Example:
    """`stems` `(4, 2, T)` float32 in the order of STEMS, whose sum is the mixture.

    Where not `split`, other holds all of the accompaniment, and drums and bass hold nothing.
    """

    stems: np.ndarray
    split: bool


class Mixer:
    """Draws examples of `frames` from `sounds`; the same `seed`, the same examples."""

    def __init__(self, sounds: Sounds, frames: int, seed: int | list[int]) -> None:
        self.sounds, self.frames, self.rng = sounds, frames, np.random.default_rng(seed)
        self.voices, self.backings = sounds.of("voice"), sounds.of("accompaniment")
        self.singing, self.rooms = sounds.of("singing"), sounds.of("room")
        self.songs, self.bands = sounds.groups("stem"), sounds.groups("band")
        self.of_clip = {item.group: item for item in self.backings}

    def batch(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        """`(B, 4, 2, T)` float32 stems of mixtures with a standard deviation of 1, and `(B,)` whether split."""
        examples = [self.draw() for _ in range(size)]
        return np.stack([one.stems for one in examples]), np.array([one.split for one in examples])

    def draw(self) -> Example:
        sort = self.rng.choice(SORTS, p=CHANCES)
        parts = {"karaoke": self._karaoke, "songs": self._songs, "bands": self._bands}[sort]()
        stems = np.zeros((4, 2, self.frames), np.float32)
        for name, sound in parts.items():
            stems[STEMS.index(name)] = sound
        self._balance(stems, split="drums" in parts)
        if stems.sum(axis=0).mean(axis=0).std() < 1e-4:
            return self.draw()
        if self.rng.random() < (0.6 if sort == "karaoke" else 0.25):
            stems[:] = stems.mean(axis=1, keepdims=True)
        if self.rng.random() < 0.5:
            stems = stems[:, ::-1]
        scale = (1 if self.rng.random() < 0.5 else -1) / (float(stems.sum(axis=0).mean(axis=0).std()) + 1e-4)
        return Example(stems * np.float32(scale), "drums" in parts)

    def _karaoke(self) -> dict[str, np.ndarray]:
        if self.rng.random() < 0.75:
            voice = self._one(self.voices)
            own = self.rng.random() < 0.5
            backing = self.of_clip[voice.group] if own else self._one(self.backings)
        else:
            voice, backing, own = self._one(self.singing), self._one(self.backings), False
        span = self._span(voice)
        sung = self._piece(voice, *span)
        played = self._piece(backing, *(span if own else self._span(backing)))
        low = LOW_PASS if self.rng.random() < 0.85 else None
        return {"vocals": self._shaped(sung, low, voice=True), "other": self._shaped(played, None)}

    def _songs(self) -> dict[str, np.ndarray]:
        """Stems of one song in step, or each from where it likes; a song without all four gives only its voice."""
        whole = [song for song in self.songs if len(song) == len(STEMS)]
        song, low = whole[self.rng.integers(len(whole))], self._band_limit()
        together = self.rng.random() < 0.4
        span = self._span(song["other"])
        found = {}
        for name in STEMS:
            pool = self.songs if name == "vocals" else whole
            item = song[name] if together else pool[self.rng.integers(len(pool))][name]
            sound = self._piece(item, *span) if together and name != "vocals" else self._playing(item)
            found[name] = self._shaped(sound, low, voice=name == "vocals")
        return found

    def _bands(self) -> dict[str, np.ndarray]:
        band, low = self.bands[self.rng.integers(len(self.bands))], self._band_limit()
        span = self._span(band["other"])
        found = {name: self._shaped(self._piece(item, *span), low) for name, item in band.items()}
        voice = self._one(self.voices if self.rng.random() < 0.5 else self.singing)
        return found | {"vocals": self._shaped(self._playing(voice), low, voice=True)}

    def _balance(self, stems: np.ndarray, split: bool) -> None:
        """The voice at some level over the rest; sometimes there is none, or nothing else, or a stem is missing."""
        if split:
            stems[:3] *= 10 ** (self.rng.uniform(-6, 6, (3, 1, 1)) / 20) * (self.rng.random((3, 1, 1)) > 0.07)
        voice, rest = stems[3], stems[:3].sum(axis=0)
        if rest.any() and voice.any():
            wanted = self.rng.normal(0.5, 3.5)
            stems[3] = voice * (np.std(rest) / (np.std(voice) + 1e-6)) * 10 ** (wanted / 20)
        chance = self.rng.random()
        if chance < 0.08:
            stems[3] = 0
        elif chance < 0.11:
            stems[:3] = 0

    def _one(self, items: list[Sound]) -> Sound:
        return items[self.rng.integers(len(items))]

    def _band_limit(self) -> float | None:
        return LOW_PASS if self.rng.random() < 0.4 else None

    def _span(self, item: Sound) -> tuple[float, float]:
        """A speed, and where in the sound to start, as a share of what is possible."""
        return float(np.exp(self.rng.uniform(*np.log(SPEEDS)))), float(self.rng.random())

    def _piece(self, item: Sound, speed: float, where: float) -> np.ndarray:
        """`(C, frames)` of the sound, faster and higher by `speed`; a shorter sound is followed by silence."""
        needed = int(self.frames * speed) + 2
        start = int(where * max(item.frames - needed, 0))
        sound = self.sounds.read(item, start, needed)
        at = np.arange(self.frames, dtype=np.float32) * np.float32(speed)
        left = at.astype(np.int64)
        sound = np.pad(sound, ((0, 0), (0, max(needed - sound.shape[1], 0))))
        return sound[:, left] + (at - left) * (sound[:, left + 1] - sound[:, left])

    def _playing(self, item: Sound) -> np.ndarray:
        """A piece in which the sound plays, if a few tries find one."""
        for _ in range(6):
            piece = self._piece(item, *self._span(item))
            if piece.std() > SILENT:
                break
        return piece

    def _shaped(self, sound: np.ndarray, low: float | None, voice: bool = False) -> np.ndarray:
        """`(2, T)` from `(1 or 2, T)`: tone, place, room and the cut at `low` Hz."""
        spectrum = np.fft.rfft(sound.astype(np.float32))
        frequency = np.fft.rfftfreq(self.frames, 1 / RATE).astype(np.float32)
        shared = self._tone(frequency)
        if low is not None:
            shared = shared * (frequency < low * self.rng.uniform(0.9, 1))
        spectrum = np.broadcast_to(spectrum * shared, (2, len(frequency))).astype(np.complex64)
        if self.rng.random() < (0.3 if voice else 0.5):  # a place between the speakers, or a width
            gains = 10 ** (self.rng.uniform(-4, 4, (2, 1)) / 20)
            delays = self.rng.uniform(0, 0.0006 if voice else 0.012, (2, 1))
            spectrum = spectrum * (gains * np.exp(-2j * np.pi * frequency * delays)).astype(np.complex64)
        if self.rng.random() < (0.35 if voice else 0.15):
            spectrum = spectrum * self._room()
        return np.fft.irfft(spectrum, self.frames).astype(np.float32)

    def _tone(self, frequency: np.ndarray) -> np.ndarray:
        """A smooth equaliser, `(F,)`: a few decibels up and down, from octave to octave."""
        octaves = np.log2(np.maximum(frequency, 20) / 20)
        bends = self.rng.normal(0, 3 * (self.rng.random() < 0.7), 6)
        return (10 ** (np.interp(octaves, np.linspace(1, 10, 6), bends) / 20)).astype(np.float32)

    def _room(self) -> np.ndarray:
        """`(2, F)`: the sound itself and, quieter, a room around it."""
        room = self.sounds.read(self._one(self.rooms))
        wet = np.fft.rfft(room / (np.linalg.norm(room, axis=1, keepdims=True) + 1e-6), self.frames)
        return (1 + self.rng.uniform(0.1, 0.6) * wet).astype(np.complex64)
