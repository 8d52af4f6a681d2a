"""Sound as text inside a document: Opus in Ogg, which every browser plays."""

from __future__ import annotations

import io

import av
import numpy as np
import soxr

from studio.web.urls import data_url

RATE = 48_000
"""Hz; Opus knows no 44.1 kHz."""


def resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    """Sound `(T, 2)` at `rate` Hz as float32 at `RATE`."""
    return np.asarray(soxr.resample(sound, rate, RATE) if rate != RATE else sound, np.float32)


def address(sound: np.ndarray, kbits: int) -> str:
    """Sound `(T, 2)` float32 at `RATE` as a data address, in `kbits` kilobits a second."""
    target = io.BytesIO()
    with av.open(target, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=RATE, layout="stereo")
        stream.bit_rate = kbits * 1000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate = RATE
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return data_url("audio/ogg", target.getvalue())


def stereo_address(samples: np.ndarray, rate: int, kbits: int) -> str:
    """Sound `(C, T)` of any number of channels at `rate` Hz as a data address: one channel on both sides, or two."""
    pair = samples[:2] if len(samples) > 1 else np.repeat(samples[:1], 2, axis=0)
    return address(resampled(pair.T, rate), kbits)
