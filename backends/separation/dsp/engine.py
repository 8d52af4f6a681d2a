"""Separation without learning: pitch, repetition, rhythm and place between the speakers, as soft masks that add up.

The song goes through in windows of half a minute, so an hour takes the memory of a minute. In each window:

1. the voice: the pitch of the lead is followed through what lies in the middle and never holds still, a comb at that
   pitch is weighed against a free model of the accompaniment, and what the song repeats exactly is taken out again
   (`pitch.py`, `voice.py`);
2. the drums: of the rest, what is short and broad rather than long and narrow;
3. the bass: of the rest, what lies low;
4. the other instruments: what is left, sample by sample, so that the stems always add up to the song.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from backends.separation.base import SeparationEngine
from backends.separation.dsp import masks
from backends.separation.dsp.pitch import lead_pitch
from backends.separation.dsp.voice import fit_voice
from backends.separation.io.mix import Mix


@dataclass(frozen=True)
class Settings:
    """Times in seconds, frequencies in Hz. The voice's were tuned on singers other than those reported on."""

    core: float = 24.0  # new sound a window
    context: float = 3.0  # heard on either side of it
    fade: float = 1.0  # cross-faded with the window before
    size: int = 4096  # samples a spectrum: 93 ms keeps a sung note's harmonics apart
    hop: int = 1024
    voice_low: float = 90.0
    voice_high: float = 8000.0
    still: float = 1.5  # a voice never holds its pitch for this long
    still_band: float = 100.0
    comb_width: float = 14.0
    comb_widening: float = 0.004
    sure: float = 0.5  # salience from which a frame counts as sung for certain
    repeat_apart: float = 1.0
    repeat_neighbours: int = 10
    repeat_like: tuple[float, float] = (0.9, 0.97)  # similarity at which repetition starts to count, and counts fully
    drum_held: float = 0.25
    drum_band: float = 200.0
    kick_held: float = 0.4
    kick_band: tuple[float, float] = (80.0, 200.0)
    bass_band: tuple[float, float] = (120.0, 300.0)
    wide: float = 0.02  # share of energy out of the middle from which a song counts as stereo


Masks = dict[str, np.ndarray]
Steps = Generator[None, None, np.ndarray]


class DspEngine(SeparationEngine):
    """Splits a song into drums, bass, other and vocals with signal processing alone: no weights, no randomness."""

    name = "dsp"
    sources = ("drums", "bass", "other", "vocals")
    samplerate = 44100
    settings = Settings()

    def load(self, device: str) -> None:
        """Nothing to read: it runs on the processor whatever `device` is."""
        self.device = "cpu"

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        """See `SeparationEngine.chunks`. Empty pieces come between the steps of a window, so that it can be stopped."""
        rate, settings = mix.samplerate, self.settings
        core, context, fade = (round(t * rate) for t in (settings.core, settings.context, settings.fade))
        idle = np.zeros((len(self.sources), 2, 0), np.float32)
        tail = idle  # what the window before made of the sound that this one begins with
        for start in range(0, mix.frames, core):
            begin, end = max(start - context, 0), min(start + core + context, mix.frames)
            block = mix.read(begin, end - begin)  # (2, T)
            work = separate(block, rate, settings)
            while True:
                try:
                    next(work)
                except StopIteration as stop:
                    stems = stop.value[..., start - begin :]  # (S, 2, T)
                    break
                yield idle
            stems = _cross_fade(tail, stems)
            yield stems[..., :core]
            tail = stems[..., core : core + fade].copy()


def _cross_fade(tail: np.ndarray, stems: np.ndarray) -> np.ndarray:
    """Start `stems` (S, 2, T) from the window before. Weights add up to one, so the stems still add up to the song."""
    count = min(tail.shape[-1], stems.shape[-1])
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    stems[..., :count] = tail[..., :count] * (1 - ramp) + stems[..., :count] * ramp
    return stems


def separate(block: np.ndarray, rate: int, settings: Settings) -> Steps:
    """Split (2, T) into (4, 2, T): drums, bass, other, vocals. A generator that pauses between steps, then returns."""
    frames = block.shape[1]
    padded = np.pad(block, ((0, 0), (0, max(settings.size - frames, 0))))
    # scipy's transform rather than librosa's, whose inverse is compiled on first use, for seconds.
    transform = ShortTimeFFT(hann(settings.size, sym=False), settings.hop, rate)
    spectrum = transform.stft(padded).astype(np.complex64)  # (2, F, T)
    yield
    shares = yield from _shares(spectrum, transform.f, transform.delta_t, settings)
    stems = np.zeros((len(DspEngine.sources), *block.shape), np.float32)
    for name, share in shares.items():
        stems[DspEngine.sources.index(name)] = transform.istft(spectrum * share, k1=padded.shape[1])[:, :frames]
        yield
    stems[DspEngine.sources.index("other")] = block - stems.sum(axis=0)
    return stems


def _shares(
    spectrum: np.ndarray, frequencies: np.ndarray, hop: float, settings: Settings
) -> Generator[None, None, Masks]:
    """The share (F, T) of each bin for every stem but "other"; together at most one."""
    magnitude = np.sqrt(np.mean(np.abs(spectrum) ** 2, axis=0))  # (F, T)
    low = int(np.searchsorted(frequencies, settings.voice_high))
    middle = _middle(spectrum[:, :low], settings)
    sung = np.abs(spectrum[:, :low].mean(axis=0))
    vocals = np.zeros_like(magnitude)
    vocals[:low] = yield from _voice(sung, frequencies[:low], hop, middle, settings)
    yield
    drums = (1 - vocals) * _struck(magnitude, frequencies, hop, settings)
    yield
    bass = (1 - vocals - drums) * (1 - masks.rise(frequencies, *settings.bass_band))
    return {"drums": drums, "bass": bass, "vocals": vocals}


def _struck(magnitude: np.ndarray, frequencies: np.ndarray, hop: float, settings: Settings) -> np.ndarray:
    """The share (F, T) of what is hit rather than held.

    A kick drum is as narrow as a bass note, so at the bottom it is told by its length alone: it is over too soon to be
    in the median along time.
    """
    held, struck = masks.sustained_and_struck(magnitude, settings.drum_held / hop, settings.drum_band / frequencies[1])
    broad = masks.wiener(struck, held, power=1.0)
    lasting = masks.running_median(magnitude, masks.odd(settings.kick_held / hop))
    brief = masks.share(magnitude - lasting, magnitude)
    high = masks.rise(frequencies, *settings.kick_band)
    return np.asarray(brief + (broad - brief) * high, dtype=np.float32)


def _middle(spectrum: np.ndarray, settings: Settings) -> np.ndarray:
    """How much each bin (F, T) may belong to a voice in the middle of the stage: all ones where the song is mono."""
    left, right = spectrum
    across, total = float(np.sum(np.abs(left - right) ** 2)) / 2, float(np.sum(np.abs(spectrum) ** 2))
    if across <= settings.wide * total:
        return np.ones(left.shape, np.float32)
    return masks.centred(left, right)


def _voice(
    magnitude: np.ndarray, frequencies: np.ndarray, hop: float, middle: np.ndarray, settings: Settings
) -> Generator[None, None, np.ndarray]:
    """The voice's share (F, T) of `magnitude`, over the frequencies a voice can have."""
    resolution = frequencies[1]
    central = magnitude * middle
    still, struck = masks.sustained_and_struck(central, settings.still / hop, settings.still_band / resolution)
    yield
    pitch, belief = lead_pitch(central * masks.wiener(struck, still), resolution)
    yield
    comb = masks.comb(pitch, frequencies, width=settings.comb_width, widening=settings.comb_widening)
    share = yield from fit_voice(central, comb, frequencies)
    again, likeness = masks.repeating(central, round(settings.repeat_apart / hop), settings.repeat_neighbours)
    yield
    low, high = settings.repeat_like
    repeats = masks.share(again, central) * np.clip((likeness - low) / (high - low), 0, 1)
    sung = np.clip(belief / settings.sure, 0, 1)
    above = masks.rise(frequencies, settings.voice_low - 10, settings.voice_low + 10)
    return np.asarray((comb + share) / 2 * (1 - repeats) * sung * above * middle, dtype=np.float32)
