"""Songs made harder: codecs, noise, clipping, reverb, a narrow band, another speed."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial

import numpy as np
from scipy import signal

from evaluation.conditions.base import Condition
from evaluation.datasets.base import Sample


def noise(sample: Sample, decibels: float, rng: np.random.Generator) -> Sample:
    """White noise that lies `decibels` below the mixture."""
    mixture = np.asarray(sample.inputs["mixture"])
    power = float(np.mean(np.square(mixture)))
    hiss = rng.normal(0, np.sqrt(power * 10 ** (-decibels / 10)), mixture.shape)
    return _with(sample, mixture + hiss)


def clipping(sample: Sample, decibels: float, rng: np.random.Generator) -> Sample:
    """Recorded `decibels` too loud: what is over the old peak is cut, then the level is as before."""
    mixture = np.asarray(sample.inputs["mixture"])
    limit = np.abs(mixture).max() * 10 ** (-decibels / 20)
    return _with(sample, np.clip(mixture, -limit, limit))


def reverb(sample: Sample, seconds: float, rng: np.random.Generator) -> Sample:
    """Played in a room where sound takes `seconds` to fall by 60 dB: half direct, half noise that fades away."""
    mixture, rate = np.asarray(sample.inputs["mixture"]), sample.inputs["samplerate"]
    time = np.arange(round(seconds * rate)) / rate
    tail = rng.normal(size=len(time)) * 10 ** (-3 * time / seconds)
    tail /= np.linalg.norm(tail)
    wet = signal.fftconvolve(np.atleast_2d(mixture), tail[None], axes=1)[:, : mixture.shape[-1]]
    return _with(sample, ((np.atleast_2d(mixture) + wet) / 2).reshape(mixture.shape))


def band(sample: Sample, hertz: float, rng: np.random.Generator) -> Sample:
    """Nothing above `hertz`, as over a telephone or from an old tape."""
    mixture, rate = np.asarray(sample.inputs["mixture"]), sample.inputs["samplerate"]
    if hertz >= 0.49 * rate:
        return sample
    return _with(sample, signal.sosfiltfilt(signal.butter(8, hertz, fs=rate, output="sos"), mixture, axis=-1))


def speed(sample: Sample, semitones: float, rng: np.random.Generator) -> Sample:
    """Played faster, so that all is `semitones` higher; the true stems are played faster with it."""
    import soxr

    rate = sample.inputs["samplerate"]

    def faster(wave: np.ndarray) -> np.ndarray:
        return soxr.resample(np.asarray(wave, np.float64).T, rate * 2 ** (semitones / 12), rate).T

    reference = {name: faster(stem) for name, stem in sample.reference.items()}
    return Sample({**sample.inputs, "mixture": faster(sample.inputs["mixture"])}, reference)


def pitch(sample: Sample, semitones: float, rng: np.random.Generator) -> Sample:
    """Sung and played `semitones` higher in the same time: a phase vocoder stretches it, then it is played faster.

    The true stems are shifted in the same way, with the vocoder's own smearing, so that only the key is new.
    """
    import soxr

    rate, ratio = sample.inputs["samplerate"], 2 ** (semitones / 12)

    def higher(wave: np.ndarray) -> np.ndarray:
        channels = [stretch(channel, ratio) for channel in np.atleast_2d(np.asarray(wave, np.float64))]
        shifted = soxr.resample(np.stack(channels).T, rate * ratio, rate).T[:, : np.shape(wave)[-1]]
        missing = np.shape(wave)[-1] - shifted.shape[1]
        return np.pad(shifted, ((0, 0), (0, missing))).reshape(np.shape(wave))

    stems = {name: higher(stem) for name, stem in sample.reference.items()}
    # The vocoder is not linear: the sum of the shifted stems is the mixture that has them for its truth.
    complete = np.allclose(np.sum(list(sample.reference.values()), axis=0), sample.inputs["mixture"], atol=1e-4)
    mixture = np.sum(list(stems.values()), axis=0) if complete else higher(sample.inputs["mixture"])
    return Sample({**sample.inputs, "mixture": mixture}, stems)


def stretch(wave: np.ndarray, ratio: float, window: int = 2048) -> np.ndarray:
    """`wave` `(T,)` made `ratio` times longer at the same pitch: a phase vocoder (Flanagan and Golden 1966)."""
    hop = window // 4
    transform = signal.ShortTimeFFT(signal.windows.hann(window, sym=False), hop, 1.0, fft_mode="onesided")
    spectrum = transform.stft(wave)  # (F, N)
    places = np.arange(0, spectrum.shape[1] - 1, 1 / ratio)
    left, share = places.astype(int), places % 1
    size = (1 - share) * np.abs(spectrum[:, left]) + share * np.abs(spectrum[:, left + 1])
    steady = 2 * np.pi * hop * np.arange(len(spectrum))[:, None] / window
    turn = np.angle(spectrum[:, left + 1]) - np.angle(spectrum[:, left]) - steady
    turn = steady + turn - 2 * np.pi * np.rint(turn / (2 * np.pi))
    phase = np.angle(spectrum[:, :1]) + np.cumsum(np.concatenate([np.zeros_like(turn[:, :1]), turn[:, :-1]], 1), 1)
    length = round(len(wave) * ratio)
    return transform.istft(size * np.exp(1j * phase), k1=min(length, (len(places) - 1) * hop))[:length]


def codec(name: str, sample: Sample, kilobits: float, rng: np.random.Generator) -> Sample:
    """Encoded and decoded again at so many kbit/s, with the delay of the coder taken out."""
    mixture, rate = np.asarray(sample.inputs["mixture"], np.float32), sample.inputs["samplerate"]
    decoded = decode(encode(np.atleast_2d(mixture), rate, name, round(kilobits * 1000)))
    return _with(sample, aligned(decoded, np.atleast_2d(mixture)).reshape(mixture.shape))


def encode(wave: np.ndarray, rate: int, name: str, bits: int) -> bytes:
    """`wave` `(C, T)` as a file of the codec `name` at `bits` a second."""
    import av

    file, layout = io.BytesIO(), "stereo" if len(wave) == 2 else "mono"
    with av.open(file, "w", format={"mp3": "mp3", "aac": "adts"}[name]) as container:
        stream = container.add_stream({"mp3": "libmp3lame", "aac": "aac"}[name], rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = bits
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(wave), format="fltp", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def decode(data: bytes) -> np.ndarray:
    """`(C, T)` float32 of a file of sound."""
    import av

    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="fltp")
        frames = [frame for packet in container.decode(audio=0) for frame in resampler.resample(packet)]
    return np.concatenate([frame.to_ndarray() for frame in frames], axis=1)


def aligned(decoded: np.ndarray, original: np.ndarray, most: int = 4096) -> np.ndarray:
    """`decoded` shifted to where it is most like `original`, and of its length. Both are `(C, T)`."""
    length = min(original.shape[1], decoded.shape[1], 1 << 17)
    late, true = decoded[:, : length + most].mean(0), original[:, :length].mean(0)
    delay = int(signal.correlate(late, true, "valid", "fft").argmax()) if len(late) >= len(true) else 0
    shifted = decoded[:, delay : delay + original.shape[1]]
    return np.pad(shifted, ((0, 0), (0, original.shape[1] - shifted.shape[1])))


def _with(sample: Sample, mixture: np.ndarray) -> Sample:
    kind = np.asarray(sample.inputs["mixture"]).dtype
    return replace(sample, inputs={**sample.inputs, "mixture": mixture.astype(kind)})


CONDITIONS = (
    Condition("mp3", "MP3", "kbit/s", (128, 96, 64, 48, 32), partial(codec, "mp3")),
    Condition("aac", "AAC", "kbit/s", (128, 96, 64, 48, 32), partial(codec, "aac")),
    Condition("noise", "White noise", "dB below the music", (30, 20, 10, 5, 0), noise),
    Condition("clipping", "Clipping", "dB too loud", (3, 6, 9, 12, 18), clipping),
    Condition("reverb", "Reverb", "s", (0.2, 0.4, 0.8, 1.2, 2.0), reverb),
    Condition("band", "Narrow band", "Hz at most", (12000, 8000, 5500, 4000, 2500), band),
    Condition("pitch", "Another key", "semitones up", (1, 2, 3, 5, 7), pitch),
    Condition("speed", "Played faster", "semitones up", (1, 2, 3, 5, 7), speed),
)
