"""The band: drum kit, bass guitar, pad and plucked strings, and the rooms they stand in; stereo `(2, T)` float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from evaluation.synthetic.score import PLUCKS, SECONDS_A_BEAT, Chord, Hit, Note, bars, hertz, seconds_at

Wave = NDArray[np.float64]

PANS = {"hat": 0.3, "open hat": 0.3, "crash": -0.45, "high tom": -0.3, "low tom": 0.35, "snare": 0.05}
VARIANTS = 3
"""How many different takes of each drum are drawn, so that a row of hits is not one sample repeated."""


def to_stereo(wave: Wave, pan: float) -> Wave:
    """Mono `(T,)` to stereo `(2, T)` at constant power; `pan` from -1 (left) to 1 (right)."""
    angle = (pan + 1.0) * np.pi / 4.0
    return np.stack([np.cos(angle) * wave, np.sin(angle) * wave])  # (2, T)


def add_at(canvas: Wave, wave: Wave, start: float, samplerate: int) -> None:
    """Add `wave` `(2, n)` to `canvas` `(2, T)` from `start` seconds; what runs over the end is cut off."""
    first = round(start * samplerate)
    length = min(wave.shape[-1], canvas.shape[-1] - first)
    if length > 0:
        canvas[:, first : first + length] += wave[:, :length]


def reverb(dry: Wave, samplerate: int, rng: np.random.Generator, decay: float, wet: float) -> Wave:
    """`dry` with a room around it: convolved with exponentially decaying noise h(t) = n(t) · 10^(−3 t / RT60).

    The two ears get independent noise (Moorer 1979), darkened because air and walls swallow treble.

    Args:
        dry: `(2, T)`.
        samplerate: in hertz.
        rng: draws the noise.
        decay: RT60, the seconds in which the room falls by 60 dB.
        wet: root of the energy of the response, where the direct sound has 1.
    """
    time = np.arange(round(decay * samplerate)) / samplerate
    noise = rng.standard_normal((2, time.size)) * 10.0 ** (-3.0 * time / decay)
    response = butterworth(noise, samplerate, "bandpass", (180.0, 5500.0))
    response *= wet / np.sqrt((response**2).sum(axis=1, keepdims=True))
    delay = round(0.012 * samplerate)
    wet_part = signal.oaconvolve(dry, response, axes=-1)[:, : dry.shape[-1] - delay]
    out = dry.copy()
    out[:, delay:] += wet_part
    return out


def butterworth(wave: Wave, samplerate: int, kind: str, hz: float | tuple[float, float], order: int = 2) -> Wave:
    """Butterworth filter along the last axis.

    Args:
        wave: `(..., T)`.
        samplerate: in hertz.
        kind: "lowpass", "highpass" or "bandpass".
        hz: corner, or both corners of a band; limited to below the Nyquist frequency.
        order: of the filter.
    """
    corners = np.minimum(hz, 0.45 * samplerate)
    sos = signal.butter(order, corners, kind, fs=samplerate, output="sos")
    return signal.sosfilt(sos, wave, axis=-1)


# --- drums ---------------------------------------------------------------------------------------------------------


def swept_tone(time: Wave, start_hz: float, end_hz: float, sweep: float, decay: float) -> Wave:
    """A drum skin: a sine whose frequency falls exponentially while it dies away.

    Its phase is the integral of f(t) = f₁ + (f₀ − f₁) · e^(−t / sweep).

    Args:
        time: `(T,)` in seconds.
        start_hz, end_hz: f₀ and f₁.
        sweep: time constant of the fall, in seconds.
        decay: time constant of the amplitude, in seconds.
    """
    phase = end_hz * time + (start_hz - end_hz) * sweep * (1.0 - np.exp(-time / sweep))
    return np.sin(2.0 * np.pi * phase) * np.exp(-time / decay)


def kick(time: Wave, samplerate: int, rng: np.random.Generator) -> Wave:
    beater = butterworth(rng.standard_normal(time.size), samplerate, "bandpass", (1500.0, 6000.0)) * np.exp(
        -time / 0.004
    )
    return np.tanh(1.6 * swept_tone(time, 190.0, 49.0, 0.028, 0.13)) + 0.25 * beater


def snare(time: Wave, samplerate: int, rng: np.random.Generator) -> Wave:
    skin = swept_tone(time, 240.0, 182.0, 0.02, 0.07) + 0.5 * swept_tone(time, 400.0, 332.0, 0.02, 0.045)
    wires = butterworth(rng.standard_normal(time.size), samplerate, "bandpass", (1200.0, 9000.0))
    return 0.6 * skin + 0.75 * wires * (np.exp(-time / 0.075) + 0.6 * np.exp(-time / 0.012))


def cymbal(time: Wave, samplerate: int, rng: np.random.Generator, low_hz: float, decay: float) -> Wave:
    """Noise above `low_hz` with a few inharmonic partials, the sound of struck metal."""
    partials = np.minimum(low_hz * np.array([0.71, 0.98, 1.17, 1.43, 1.83, 2.31]), 0.4 * samplerate)
    ring = np.sin(2.0 * np.pi * partials[:, None] * time + rng.uniform(0, 6.28, (6, 1))).mean(axis=0)
    hiss = butterworth(rng.standard_normal(time.size), samplerate, "highpass", low_hz, order=3)
    return (hiss + ring) * np.exp(-time / decay) * np.minimum(1.0, time / 0.0008)


def tom(time: Wave, samplerate: int, rng: np.random.Generator, hz: float) -> Wave:
    stick = butterworth(rng.standard_normal(time.size), samplerate, "bandpass", (800.0, 4000.0)) * np.exp(-time / 0.008)
    return swept_tone(time, 1.7 * hz, hz, 0.04, 0.16) + 0.15 * stick


Drum = Callable[[Wave, int, np.random.Generator], Wave]
KIT: dict[str, tuple[float, float, Drum]] = {  # name: (seconds, gain, sound)
    "kick": (0.5, 1.0, kick),
    "snare": (0.4, 0.8, snare),
    "hat": (0.15, 0.32, lambda t, sr, rng: cymbal(t, sr, rng, 7500.0, 0.028)),
    "open hat": (0.6, 0.28, lambda t, sr, rng: cymbal(t, sr, rng, 7000.0, 0.14)),
    "crash": (2.4, 0.3, lambda t, sr, rng: cymbal(t, sr, rng, 3800.0, 0.6)),
    "high tom": (0.6, 0.8, lambda t, sr, rng: tom(t, sr, rng, 138.0)),
    "low tom": (0.6, 0.9, lambda t, sr, rng: tom(t, sr, rng, 92.0)),
}


def drums(strokes: list[Hit], frames: int, samplerate: int, rng: np.random.Generator) -> Wave:
    """The whole kit `(2, frames)`, in a small room."""
    takes = {}
    for name, (seconds, gain, sound) in KIT.items():
        time = np.arange(round(seconds * samplerate)) / samplerate
        takes[name] = [gain * to_stereo(sound(time, samplerate, rng), PANS.get(name, 0.0)) for _ in range(VARIANTS)]
    canvas = np.zeros((2, frames))
    for number, hit in enumerate(strokes):
        human = max(0.0, hit.start + rng.normal(0.0, 0.0015))
        add_at(canvas, hit.velocity * rng.uniform(0.93, 1.07) * takes[hit.drum][number % VARIANTS], human, samplerate)
    return np.tanh(reverb(canvas, samplerate, rng, decay=0.45, wet=0.16))


# --- bass ----------------------------------------------------------------------------------------------------------


def bass_note(note: Note, samplerate: int) -> Wave:
    """A saw through a low-pass whose corner closes as the note decays; additive, so that nothing aliases."""
    release = 0.04
    time = np.arange(round((note.seconds + release) * samplerate)) / samplerate
    corner = 180.0 + 900.0 * note.velocity * np.exp(-time / 0.16)
    wave = np.zeros_like(time)
    for harmonic in range(1, 25):
        hz = harmonic * note.hertz
        if hz > 0.45 * samplerate:
            break
        wave += np.sin(2.0 * np.pi * hz * time) / harmonic / (1.0 + (hz / corner) ** 4) ** 0.5
    attack = np.minimum(1.0, time / 0.006)
    fade = np.clip((note.seconds + release - time) / release, 0.0, 1.0)
    return np.tanh(1.4 * note.velocity * wave * attack * fade * (0.45 + 0.55 * np.exp(-time / 0.5)))


def bass(notes: list[Note], frames: int, samplerate: int) -> Wave:
    """The bass guitar `(2, frames)`, in the middle and without a room, as it is recorded."""
    canvas, notes_played = np.zeros((2, frames)), dict[tuple[int, float, float], Wave]()
    for note in notes:
        sound = (note.pitch, note.seconds, note.velocity)
        if sound not in notes_played:
            notes_played[sound] = to_stereo(bass_note(note, samplerate), 0.0)
        add_at(canvas, notes_played[sound], note.start, samplerate)
    return canvas


# --- pad and plucked strings -----------------------------------------------------------------------------------------


def pad_chord(chord: Chord, seconds: float, samplerate: int, rng: np.random.Generator) -> Wave:
    """A warm string pad `(2, n)`: each note twice, detuned apart by 8 cents, one toward each ear."""
    time = np.arange(round((seconds + 0.35) * samplerate)) / samplerate
    swell = np.sin(0.5 * np.pi * np.clip(np.minimum(time / 0.18, (seconds + 0.35 - time) / 0.35), 0.0, 1.0)) ** 2
    ears = []
    for side in (-1.0, 1.0):
        wave = np.zeros_like(time)
        for pitch in chord.voicing:
            turn = np.exp(2j * np.pi * (hertz(pitch + 0.04 * side) * time + rng.uniform()))
            partial = np.ones_like(turn)
            for harmonic in range(1, 9):
                partial = partial * turn  # the next harmonic by one product: far cheaper than another sine
                wave += partial.imag / harmonic**1.5
        ears.append(wave * swell * (1.0 + 0.12 * np.sin(2.0 * np.pi * 0.7 * time + side)))
    return np.stack(ears) / len(chord.voicing)


def pluck(pitch: int, samplerate: int) -> Wave:
    """A plucked string `(n,)`: partials of a string struck at a fifth of its length; the high ones die first."""
    time = np.arange(round(1.1 * samplerate)) / samplerate
    wave = np.zeros_like(time)
    for harmonic in range(1, 19):
        hz = hertz(pitch) * harmonic * np.sqrt(1.0 + 0.00012 * harmonic**2)
        if hz > 0.45 * samplerate:
            break
        strength = np.sin(np.pi * harmonic / 5.0) / harmonic
        wave += strength * np.sin(2.0 * np.pi * hz * time) * np.exp(-time * (3.2 + 1.1 * harmonic))
    return wave * np.minimum(1.0, time / 0.002) * np.clip((1.1 - time) / 0.2, 0.0, 1.0)


def chords(seconds: float, frames: int, samplerate: int, rng: np.random.Generator) -> Wave:
    """Pad and arpeggio `(2, frames)` in a hall."""
    canvas, pads, strings = np.zeros((2, frames)), dict[str, Wave](), dict[int, Wave]()
    length = seconds_at(4.0)
    for first, bar, chord in bars(seconds):
        if chord.name not in pads:
            pads[chord.name] = pad_chord(chord, length, samplerate, rng)
        add_at(canvas, 0.55 * pads[chord.name], seconds_at(first), samplerate)
        for number, (beat, voice) in enumerate(PLUCKS if bar else PLUCKS[:1]):
            pitch = chord.voicing[voice] + 12
            if pitch not in strings:
                strings[pitch] = pluck(pitch, samplerate)
            gain = rng.uniform(0.42, 0.55) * (1.0 if beat % 1 == 0 else 0.8)
            late = rng.uniform(0.0, 0.008) * SECONDS_A_BEAT
            side = 0.55 if number % 2 else -0.55
            add_at(canvas, gain * to_stereo(strings[pitch], side), seconds_at(first + beat) + late, samplerate)
    return reverb(canvas, samplerate, rng, decay=1.7, wet=0.3)
