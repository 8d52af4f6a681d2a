"""Separation without learning: pitch, repetition, rhythm and stereo position, as soft masks that add up.

The song is processed in blocks of half a minute, so an hour takes as much memory as a minute. In each block:

1. the voice: the pitch of the lead is tracked in what lies in the centre and never holds still, a comb at that pitch is
   fitted beside a free model of the accompaniment, and what the song repeats exactly is taken out again (`pitch.py`,
   `voice.py`);
2. the drums: of the rest, what is short and broadband rather than long and narrow;
3. the bass: of the rest, what lies low;
4. the other instruments: the remainder, sample by sample, so that the stems always add up to the song.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from backends.separation.base import SeparationEngine
from backends.separation.dsp.masks import (
    centre_mask,
    harmonic_and_percussive,
    harmonic_comb,
    high_pass,
    odd_width,
    ratio_mask,
    repeating_background,
    running_median,
    wiener_mask,
)
from backends.separation.dsp.pitch import lead_pitch
from backends.separation.dsp.stereo import StereoImage, stereo_image
from backends.separation.dsp.voice import ITERATIONS, fit_source_filter
from backends.separation.io.mix import Mix

BLOCK = 1 << 18
"""Frames read at once while the whole song is measured."""

STEPS_WITHOUT_VOICE = 6
STEPS = STEPS_WITHOUT_VOICE + 3 + ITERATIONS
"""Pauses that `separate` makes."""


@dataclass(frozen=True)
class DspParameters:
    """Parameters of the separator. Those of the voice were tuned on singers other than those reported on."""

    # Blocks, in seconds.
    block_seconds: float = 24.0
    """New sound in each block."""
    context_seconds: float = 3.0
    """Sound on either side of a block that its masks also see."""
    crossfade_seconds: float = 1.0
    """How long a block fades in over the block before."""

    # The short-time Fourier transform, in samples.
    fft_size: int = 4096
    """93 ms at 44.1 kHz: long enough to resolve the harmonics of a sung note."""
    hop_length: int = 1024

    # The voice.
    voice_low_hz: float = 90.0
    voice_high_hz: float = 8000.0
    steady_note_seconds: float = 1.5
    """A voice never holds one pitch for this long, so what does is accompaniment."""
    percussive_width_hz: float = 100.0
    """Width of the median along frequency that a sound must fill to count as percussive."""
    comb_width_hz: float = 14.0
    comb_widening: float = 0.004
    voicing_threshold: float = 0.5
    """Pitch salience from which a frame counts as fully voiced."""
    repeat_distance_seconds: float = 1.0
    repeat_neighbours: int = 10
    repeat_similarity: tuple[float, float] = (0.9, 0.97)
    """Similarity at which repetition starts to count as accompaniment, and from which it counts fully."""

    # The drums.
    drum_median_seconds: float = 0.25
    drum_width_hz: float = 200.0
    kick_median_seconds: float = 0.4
    kick_crossover_hz: tuple[float, float] = (80.0, 200.0)
    """Below, drums are told apart by their duration alone; above, by their shape."""

    # The bass.
    bass_crossover_hz: tuple[float, float] = (120.0, 300.0)


Masks = dict[str, np.ndarray]


class DspEngine(SeparationEngine):
    """Splits a song into drums, bass, other and vocals with signal processing alone: no weights, no randomness."""

    name = "dsp"
    sources = ("drums", "bass", "other", "vocals")
    samplerate = 44100
    parameters = DspParameters()

    def load(self, device: str) -> None:
        """There is nothing to load; it runs on the processor whatever `device` is."""
        self.device = "cpu"

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        """See `SeparationEngine.chunks`. Empty pieces come between the steps of a block, so that it can be stopped."""
        empty = np.zeros((len(self.sources), 2, 0), np.float32)
        image = StereoImage()
        for measured in stereo_image(mix.blocks(BLOCK)):
            image = measured or image
            yield empty

        splitter = BlockSplitter(mix.samplerate, self.parameters, image)
        for span in splitter.spans(mix.frames):
            for stems in splitter.split(span, mix.read(span.begin, span.end - span.begin)):
                self.ahead = splitter.ahead
                yield empty if stems is None else stems


@dataclass(frozen=True)
class Span:
    """Where a block lies in the song, in frames: new sound from `start` to `stop`, heard from `begin` to `end`."""

    begin: int
    start: int
    stop: int
    end: int


class BlockSplitter:
    """Splits a song block by block, each faded in over the one before.

    Attributes:
        ahead: frames of the next piece that have been worked through so far.
    """

    def __init__(self, samplerate: int, parameters: DspParameters, image: StereoImage | None) -> None:
        """
        Args:
            samplerate: of the song, in Hz.
            parameters: see `DspParameters`.
            image: how the whole song uses its channels; None for a song without a voice, whose stem is then silent.
        """
        self.ahead = 0
        self._samplerate, self._parameters, self._image = samplerate, parameters, image
        self._tail = np.zeros((len(DspEngine.sources), 2, 0), np.float32)  # the block before, where this one begins

    def spans(self, frames: int) -> Iterator[Span]:
        """The blocks of a song of `frames`, in order."""
        core = self._frames(self._parameters.block_seconds)
        context = self._frames(self._parameters.context_seconds)
        for start in range(0, frames, core):
            stop = min(start + core, frames)
            yield Span(max(start - context, 0), start, stop, min(stop + context, frames))

    def split(self, span: Span, block: np.ndarray) -> Iterator[np.ndarray | None]:
        """The stems (4, 2, T) of `span`, whose sound from begin to end is `block`, after a None for each pause."""
        length = span.stop - span.start
        steps = STEPS_WITHOUT_VOICE if self._image is None else STEPS
        work = separate(block, self._samplerate, self._parameters, self._image)
        for step in itertools.count(1):
            try:
                next(work)
            except StopIteration as stop:
                stems = stop.value[..., span.start - span.begin :]  # (S, 2, T)
                break
            self.ahead = length * min(step, steps) // (steps + 1)
            yield None
        self.ahead = 0
        stems = _cross_fade(self._tail, stems)
        yield stems[..., :length]
        self._tail = stems[..., length : length + self._frames(self._parameters.crossfade_seconds)].copy()

    def _frames(self, seconds: float) -> int:
        return round(seconds * self._samplerate)


def _cross_fade(tail: np.ndarray, stems: np.ndarray) -> np.ndarray:
    """Fade from `tail` (S, 2, N) into `stems` (S, 2, T), with weights that add up to one at every sample."""
    count = min(tail.shape[-1], stems.shape[-1])
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    stems[..., :count] = tail[..., :count] * (1 - ramp) + stems[..., :count] * ramp
    return stems


def separate(
    block: np.ndarray, samplerate: int, parameters: DspParameters, image: StereoImage | None
) -> Generator[None, None, np.ndarray]:
    """Split `block` (2, T) into (4, 2, T): drums, bass, other, vocals. Pauses between its steps, then returns."""
    frames = block.shape[1]
    padded = np.pad(block, ((0, 0), (0, max(parameters.fft_size - frames, 0))))
    transform = ShortTimeFFT(hann(parameters.fft_size, sym=False), parameters.hop_length, samplerate)
    spectrum = transform.stft(padded).astype(np.complex64)  # (2, F, T)
    yield
    masks = yield from _masks(spectrum, transform.f, transform.delta_t, parameters, image)
    stems = np.zeros((len(DspEngine.sources), *block.shape), np.float32)
    for name, mask in masks.items():
        stems[DspEngine.sources.index(name)] = transform.istft(spectrum * mask, k1=padded.shape[1])[:, :frames]
        yield
    stems[DspEngine.sources.index("other")] = block - stems.sum(axis=0)
    return stems


def _masks(
    spectrum: np.ndarray,
    frequencies: np.ndarray,
    frame_seconds: float,
    parameters: DspParameters,
    image: StereoImage | None,
) -> Generator[None, None, Masks]:
    """Masks (F, T) of every stem but "other"; together they are at most one.

    Args:
        spectrum: complex, `(2, F, T)`.
        frequencies: centre of each bin in Hz, `(F,)`.
        frame_seconds: time from one frame to the next.
        parameters: see `DspParameters`.
        image: how the whole song uses its channels; None where there is no voice.
    """
    magnitude = np.sqrt(np.mean(np.abs(spectrum) ** 2, axis=0))  # (F, T)
    vocals = np.zeros_like(magnitude)
    if image is not None:
        bins = int(np.searchsorted(frequencies, parameters.voice_high_hz))  # those in which a voice can be
        alike = spectrum[:, :bins] * np.array(image.weights, np.float32)[:, None, None]  # (2, F, T)
        centre = np.ones(alike.shape[1:], np.float32) if image.single else centre_mask(*alike)
        mono = np.abs(alike.mean(axis=0))
        vocals[:bins] = yield from _vocals(mono, centre, frequencies[:bins], frame_seconds, parameters)
    yield
    drums = (1 - vocals) * _percussion(magnitude, frequencies, frame_seconds, parameters)
    yield
    bass = (1 - vocals - drums) * (1 - high_pass(frequencies, *parameters.bass_crossover_hz))
    return {"drums": drums, "bass": bass, "vocals": vocals}


def _percussion(
    magnitude: np.ndarray, frequencies: np.ndarray, frame_seconds: float, parameters: DspParameters
) -> np.ndarray:
    """The mask (F, T) of what is struck rather than held.

    A kick drum is as narrow in frequency as a bass note, so below the crossover it is recognised by its duration alone:
    it is over too soon to remain in a median along time.
    """
    harmonic, percussive = harmonic_and_percussive(
        magnitude, parameters.drum_median_seconds / frame_seconds, parameters.drum_width_hz / frequencies[1]
    )
    broadband = wiener_mask(percussive, harmonic, power=1.0)
    held = running_median(magnitude, odd_width(parameters.kick_median_seconds / frame_seconds))
    transient = ratio_mask(magnitude - held, magnitude)
    above = high_pass(frequencies, *parameters.kick_crossover_hz)
    return np.asarray(transient + (broadband - transient) * above, dtype=np.float32)


def _vocals(
    magnitude: np.ndarray, centre: np.ndarray, frequencies: np.ndarray, frame_seconds: float, parameters: DspParameters
) -> Generator[None, None, np.ndarray]:
    """The mask (F, T) of the voice:

        ½ (comb + source-filter) · (1 - repetition) · voicing · high-pass · centre

    It is the mean of two estimates of where the voice's harmonics are, weakened wherever one of four observations says
    that there is no voice. Each factor is a mask of its own, 0 to 1.

    Args:
        magnitude: of the mono sum, `(F, T)`, over the frequencies that a voice can have.
        centre: mask of what lies in the centre of the stereo image, `(F, T)`.
        frequencies: centre of each bin in Hz, `(F,)`.
        frame_seconds: time from one frame to the next.
        parameters: see `DspParameters`.
    """
    resolution = frequencies[1]
    central = magnitude * centre

    # A singer's pitch always moves, so over a second and a half the voice is on the "percussive" side of the medians.
    # Pitch is tracked in that part alone: chords and held basses would otherwise win against the voice.
    steady, moving = harmonic_and_percussive(
        central, parameters.steady_note_seconds / frame_seconds, parameters.percussive_width_hz / resolution
    )
    yield
    pitch, confidence = lead_pitch(central * wiener_mask(moving, steady), resolution)
    yield

    # Two estimates of the voice at that pitch. The comb takes everything near a harmonic; the source-filter model
    # leaves to the accompaniment what a fixed set of spectra explains better. Their mean is better than either.
    comb = harmonic_comb(pitch, frequencies, width=parameters.comb_width_hz, widening=parameters.comb_widening)
    source_filter = yield from fit_source_filter(central, comb, frequencies)

    # Loops come back exactly, a singer never does: where the frames are similar enough, the repeated part is removed.
    background, similarity = repeating_background(
        central, round(parameters.repeat_distance_seconds / frame_seconds), parameters.repeat_neighbours
    )
    yield
    low, high = parameters.repeat_similarity
    repetition = ratio_mask(background, central) * np.clip((similarity - low) / (high - low), 0, 1)

    voicing = np.clip(confidence / parameters.voicing_threshold, 0, 1)  # (T,) frames without a clear pitch are not sung
    audible = high_pass(frequencies, parameters.voice_low_hz - 10, parameters.voice_low_hz + 10)
    return np.asarray(
        (comb + source_filter) / 2 * (1 - repetition) * voicing * audible * centre,
        dtype=np.float32,
    )
