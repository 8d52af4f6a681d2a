"""A singer without words: a glottal pulse train shaped by the formants of vowels, with consonants and breath.

Source and filter are kept apart (Fant 1960): Rosenberg's glottal pulse (1971, type B) gives pitch and effort, a cascade
of second-order resonators (Klatt 1980) that glide from vowel to vowel gives the words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

from evaluation.synthetic.instruments import butterworth, reverb, to_stereo
from evaluation.synthetic.score import Note

Wave = NDArray[np.float64]

VOWELS = {  # centre frequencies of the first five formants of an alto, in Hz
    "a": (820.0, 1250.0, 2800.0, 3700.0, 4700.0),
    "e": (560.0, 2050.0, 2750.0, 3750.0, 4700.0),
    "i": (330.0, 2600.0, 3150.0, 3900.0, 4800.0),
    "o": (520.0, 920.0, 2750.0, 3600.0, 4600.0),
    "u": (360.0, 800.0, 2650.0, 3600.0, 4600.0),
}
BANDWIDTHS = (75.0, 95.0, 130.0, 190.0, 260.0)
UPPER_POLES = (5400.0, 6200.0, 7100.0, 8100.0, 9200.0, 10400.0, 11800.0, 13400.0, 15500.0)
"""Resonances above the fifth, the same for every vowel; without them the voice would be muffled above 5 kHz.
Their bandwidths are 7 % of their frequency."""


@dataclass(frozen=True)
class Consonant:
    """`noise` is a burst around `hz` (±half of it) for `seconds` before the vowel; `voiced` is how much voice
    goes on through it; `murmur` holds the formants of a closed mouth for nasals and l."""

    seconds: float
    noise: float = 0.0
    hz: float = 4000.0
    voiced: float = 0.0
    murmur: tuple[float, ...] = ()


CONSONANTS = {
    "s": Consonant(0.11, 0.28, 7000.0),
    "t": Consonant(0.05, 0.35, 4500.0),
    "d": Consonant(0.04, 0.14, 3500.0, voiced=0.15),
    "m": Consonant(0.07, voiced=0.45, murmur=(270.0, 1100.0, 2200.0, 3300.0, 4400.0)),
    "n": Consonant(0.06, voiced=0.45, murmur=(280.0, 1500.0, 2400.0, 3400.0, 4500.0)),
    "l": Consonant(0.06, voiced=0.6, murmur=(380.0, 1250.0, 2800.0, 3500.0, 4600.0)),
}

FRAME = 1024
HOP = 512
LEAD = 0.4
"""Seconds before a phrase's first note that hold the breath taken."""


def phrases(notes: list[Note], rest: float = 0.2) -> list[list[Note]]:
    """Split where the singer rests for at least `rest` seconds."""
    found: list[list[Note]] = []
    for note in notes:
        if found and note.start - (found[-1][-1].start + found[-1][-1].seconds) < rest:
            found[-1].append(note)
        else:
            found.append([note])
    return found


def pitch_curve(notes: list[Note], time: Wave, samplerate: int, rng: np.random.Generator) -> Wave:
    """The sung pitch as MIDI numbers `(T,)`: portamento, a scoop into the phrase, vibrato that grows, and jitter."""
    target = np.full(time.size, float(notes[0].pitch))
    depth = np.zeros(time.size)
    for note in notes:
        since = time - note.start
        target[since >= 0] = note.pitch
        here = (since >= 0) & (since < note.seconds)
        depth[here] = 0.38 * np.clip((since[here] - 0.22) / 0.3, 0.0, 1.0)
    target -= 0.9 * np.exp(-np.maximum(time - notes[0].start, 0.0) / 0.05)
    smooth = round_corners(target, 0.022 * samplerate)
    rate = 5.6 + 0.25 * rng.standard_normal()
    vibrato = ndimage.uniform_filter1d(depth, round(0.04 * samplerate)) * np.sin(2.0 * np.pi * rate * time)
    return smooth + vibrato + random_drift(time, 0.06, rng) * 0.05


def round_corners(steps: Wave, sigma: float) -> Wave:
    """`steps` `(T,)` smoothed by three running means: near a Gaussian of `sigma` frames, but far faster."""
    for _ in range(3):
        steps = ndimage.uniform_filter1d(steps, round(2.0 * sigma), mode="nearest")
    return steps


def random_drift(time: Wave, step: float, rng: np.random.Generator) -> Wave:
    """Slow random drift `(T,)`, linear between normal knots `step` seconds apart: nobody holds a note still."""
    knots = np.arange(time[0], time[-1] + 2.0 * step, step)
    return np.interp(time, knots, rng.standard_normal(knots.size))


def envelope(notes: list[Note], time: Wave, samplerate: int) -> Wave:
    """Loudness of the voiced part `(T,)`: closures at consonants, an arch over each note, released at the end."""
    level = np.zeros(time.size)
    for note in notes:
        consonant = CONSONANTS[note.syllable[0]]
        since = (time - note.start) / note.seconds
        here = (since >= 0.0) & (since < 1.0)
        high = 1.0 + 0.02 * (note.pitch - 64)
        level[here] = high * (0.82 + 0.25 * np.sin(np.pi * since[here]) - 0.15 * since[here])
        closed = (time >= note.start - consonant.seconds) & (time < note.start)
        level[closed] = consonant.voiced
    return np.maximum(round_corners(level, 0.014 * samplerate), 0.0)


def glottal_source(pitch: Wave, samplerate: int, rng: np.random.Generator) -> Wave:
    """The derivative of Rosenberg's glottal flow `(T,)` for a pitch curve in MIDI numbers `(T,)`.

    Made at twice the rate and brought down, because the closing of the glottis is a corner that would alias. Each cycle
    is slightly louder or softer than the last (shimmer); air rushes through while the glottis is open (aspiration).
    """
    hz = 440.0 * 2.0 ** ((np.repeat(pitch, 2) - 69.0) / 12.0)
    cycles = np.cumsum(hz / (2.0 * samplerate))
    phase = cycles % 1.0
    rise, fall = 0.42, 0.18  # shares of the cycle in which the glottis opens and closes
    opening = phase / rise
    closing = (phase - rise) / fall
    slope = np.where(phase < rise, 6.0 * opening * (1.0 - opening) / rise, 0.0)
    slope = np.where((phase >= rise) & (closing < 1.0), -2.0 * closing / fall, slope)
    flow = np.where(phase < rise, 3.0 * opening**2 - 2.0 * opening**3, np.maximum(0.0, 1.0 - closing**2))
    shimmer = 1.0 + 0.025 * rng.standard_normal(int(cycles[-1]) + 2)
    pulse = slope / (2.0 / fall) * shimmer[cycles.astype(np.int64)]
    air = 0.045 * rng.standard_normal(pulse.size) * (0.15 + flow)
    return signal.resample_poly(pulse + air, 1, 2)[: pitch.size]


def formant_track(notes: list[Note], pitch: Wave, times: Wave) -> Wave:
    """Formant frequencies `(M, 5)` in Hz at `times` `(M,)`, gliding from syllable to syllable.

    Where the pitch rises above the first formant the singer opens the mouth until the two meet (Sundberg 1987).
    """
    track = np.empty((times.size, 5))
    track[:] = VOWELS[notes[0].syllable[1]]
    for note in notes:
        consonant = CONSONANTS[note.syllable[0]]
        track[times >= note.start] = VOWELS[note.syllable[1]]
        if consonant.murmur:
            track[(times >= note.start - consonant.seconds) & (times < note.start)] = consonant.murmur
    step = times[1] - times[0]
    track = ndimage.gaussian_filter1d(track, 0.022 / step, axis=0, mode="nearest")
    hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    track[:, 0] = np.maximum(track[:, 0], 1.04 * hz)
    return track


def resonator(turn: Wave, hz: Wave, bandwidth: float, samplerate: int) -> NDArray[np.complex128]:
    """Response of one resonance on the unit circle at `turn` (bins,) for centres `hz` `(M, 1)`; gain 1 at 0 Hz."""
    radius = np.exp(-np.pi * bandwidth / samplerate)
    first = -2.0 * radius * np.cos(2.0 * np.pi * hz / samplerate)
    second = radius**2
    delay = np.exp(-1j * turn)
    return (1.0 + first + second) / (1.0 + first * delay + second * delay**2)


def vocal_tract(source: Wave, track: Wave, samplerate: int) -> Wave:
    """`source` `(T,)` through the moving formants `track` `(M, 5)`, frame m centred on sample m * HOP.

    Each frame is filtered as a whole (Hann frames at half overlap add up to one); frames are padded to twice their
    length so that the ringing of a resonance does not wrap round.
    """
    count = track.shape[0]
    padded = np.pad(source, (FRAME // 2, count * HOP + FRAME - source.size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]  # (M, FRAME)
    spectra = fft.rfft(frames * signal.windows.hann(FRAME, sym=False), 2 * FRAME, axis=1)  # (M, FRAME + 1)
    turn = np.pi * np.arange(FRAME + 1) / FRAME
    for number, bandwidth in enumerate(BANDWIDTHS):
        spectra *= resonator(turn, track[:, number, None], bandwidth, samplerate)
    upper = [resonator(turn, np.array(hz), 0.07 * hz, samplerate) for hz in UPPER_POLES if hz < 0.45 * samplerate]
    spectra *= np.prod(upper, axis=0)
    rung = fft.irfft(spectra, axis=1)  # (M, 2 FRAME)
    out = np.zeros((count + 4, HOP))
    for quarter in range(4):
        out[quarter : quarter + count] += rung[:, quarter * HOP : (quarter + 1) * HOP]
    return out.ravel()[FRAME // 2 : FRAME // 2 + source.size]


def consonant_noise(notes: list[Note], time: Wave, samplerate: int, rng: np.random.Generator) -> Wave:
    """Bursts and hisses of the consonants `(T,)`, and the breath taken before the phrase."""
    out = np.zeros(time.size)
    bursts = [(CONSONANTS[note.syllable[0]], note.start) for note in notes]
    breath = Consonant(0.28, 0.035, 2400.0)
    for sound, start in [*bursts, (breath, notes[0].start - 0.1)]:
        if not sound.noise:
            continue
        first = max(0, int(np.searchsorted(time, start - sound.seconds)))
        length = min(round(sound.seconds * samplerate), time.size - first)
        noise = butterworth(rng.standard_normal(length), samplerate, "bandpass", (0.5 * sound.hz, 1.5 * sound.hz))
        sharp = 3.0 if sound.seconds < 0.06 else 0.0  # a stop bursts and dies; a fricative or a breath swells
        shape = signal.windows.tukey(length, 0.6) * np.exp(-sharp * np.arange(length) / max(1, length))
        out[first : first + length] += sound.noise * noise * shape
    return out


def phrase(notes: list[Note], samplerate: int, rng: np.random.Generator) -> tuple[float, Wave]:
    """One phrase as `(start in seconds, mono wave (T,))`."""
    start = max(0.0, notes[0].start - LEAD)
    end = notes[-1].start + notes[-1].seconds + 0.1
    time = start + np.arange(round((end - start) * samplerate)) / samplerate
    pitch = pitch_curve(notes, time, samplerate, rng)
    source = glottal_source(pitch, samplerate, rng)
    source *= envelope(notes, time, samplerate) * (1.0 + 0.04 * random_drift(time, 0.08, rng))
    track = formant_track(notes, pitch[::HOP], time[::HOP])
    sung = vocal_tract(source, track, samplerate)
    sung /= np.sqrt(np.mean(sung**2)) * 4.0  # phrases of dark vowels are sung as loud as bright ones
    return start, sung + consonant_noise(notes, time, samplerate, rng)


def singing(notes: list[Note], frames: int, samplerate: int, rng: np.random.Generator) -> Wave:
    """The lead voice `(2, frames)`, in the middle, in a light plate reverb."""
    dry = np.zeros(frames)
    for group in phrases(notes):
        start, wave = phrase(group, samplerate, rng)
        first = round(start * samplerate)
        length = min(wave.size, frames - first)
        dry[first : first + length] += wave[:length]
    dry = butterworth(dry, samplerate, "highpass", 90.0)
    dry += 0.9 * butterworth(dry, samplerate, "highpass", 3500.0, order=1)  # the "air" a mixing desk adds to a voice
    return reverb(to_stereo(dry, 0.0), samplerate, rng, decay=1.1, wet=0.11)
