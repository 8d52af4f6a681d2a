"""Some seconds of sound as text inside a document: Opus in Ogg, and the tile that draws them."""

from __future__ import annotations

import base64
import io

import av
import numpy as np
import soxr

from viz.separation.tiles import encode_tile

RATE = 48_000
"""Hz; Opus knows no 44.1 kHz."""

GAIN = 0.5
"""What the samples of a stored segment were scaled by."""

KBITS = (96, 64, 48)
"""Kilobits a second of a stereo lane, best first."""

GOOD_SECONDS, MOST_SECONDS, LEAST_SECONDS = 12.0, 30.0, 4.0
BASE64 = 4 / 3


def frames(seconds: float) -> int:
    """How many frames an excerpt of so many seconds has."""
    return round(seconds * RATE)


def quality(lanes: int, budget: int) -> tuple[int, float]:
    """Kilobits a second and seconds that fit into `budget` bytes: good sound first, then more of it."""
    for kbits in KBITS:
        seconds = budget / (lanes * kbits * 125 * BASE64)
        if seconds >= GOOD_SECONDS:
            return kbits, min(MOST_SECONDS, seconds)
    return KBITS[-1], max(LEAST_SECONDS, seconds)


def encode(sound: np.ndarray, rate: int, kbits: int) -> tuple[str, str]:
    """The sound, and the tile of its waveform and spectrogram, as data addresses.

    Args:
        sound: `(T, 2)` float32 as a segment holds it, scaled by `GAIN`.
        rate: of it in Hz.
        kbits: kilobits a second.
    """
    resampled = np.asarray(soxr.resample(sound, rate, RATE) if rate != RATE else sound, np.float32)
    tile = encode_tile(resampled.T / GAIN, RATE, len(resampled))
    return _address("audio/ogg", _opus(resampled, kbits)), _address("application/octet-stream", tile)


def sound_address(sound: np.ndarray, rate: int, kbits: int) -> str:
    """Sound `(T, 2)` float32 as it is, at `rate` Hz, as a data address."""
    resampled = np.asarray(soxr.resample(sound, rate, RATE) if rate != RATE else sound, np.float32)
    return _address("audio/ogg", _opus(resampled, kbits))


def _opus(sound: np.ndarray, kbits: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = kbits * 1000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def _address(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
