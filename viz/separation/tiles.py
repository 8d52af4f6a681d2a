"""One small picture file a playable segment: waveform peaks and a log-mel spectrogram on one fixed scale.

A tile is little-endian and starts with 32 bytes:

| offset | type | meaning |
| --- | --- | --- |
| 0 | 4 bytes | `FTIL` |
| 4 | u8, u8 | version (1), zero |
| 6 | u16, u16 | peak columns in a full segment, columns that hold sound |
| 10 | u16 | mel bands |
| 12 | u16, u16 | spectrogram columns in a full segment, columns that hold sound |
| 16 | u32 | frames of sound in this segment |
| 20 | f32, f32 | lowest and highest frequency of the mel scale in Hz |
| 28 | i16, i16 | level in dB of spectrogram value 0 and of 255 |

then `columns` pairs of i16 (lowest, highest sample over all channels, 16384 = full scale), then `spectrogram columns`
runs of `mel bands` u8, lowest band first. Columns past the sound are zero.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from backends.core.errors import BadInput
from backends.separation.io.levels import decibels
from viz.separation.mel import LOWEST_HZ, full_scale_window, highest_hz, mel_filters
from viz.separation.palette import DECIBEL_CEILING, DECIBEL_FLOOR

PEAK_COLUMNS = 512
SPECTROGRAM_COLUMNS = 128
MEL_BANDS = 64
FULL_SCALE = 16384
"""Peaks are 16-bit with 6 dB of head-room: a stem may be louder than the mix it came from."""

_HEADER = struct.Struct("<4sBBHHHHHIffhh")
_MAGIC = b"FTIL"
_VERSION = 1


@dataclass(frozen=True)
class Tile:
    """A decoded tile: `peaks` is (columns, 2) in full-scale units, `spectrogram` (columns, mels) in dB; sound only."""

    frames: int
    peaks: np.ndarray
    spectrogram: np.ndarray
    lowest_hz: float
    highest_hz: float


def encode_tile(samples: np.ndarray, samplerate: int, frames_per_segment: int) -> bytes:
    """The tile of one segment, `samples` (C, T) in full-scale units with T <= `frames_per_segment`, as bytes.

    Raises ValueError for another shape, no sound at all, or more frames than a segment holds.
    """
    if samples.ndim != 2 or not 0 < samples.shape[1] <= frames_per_segment:
        raise ValueError(f"a tile takes (C, T) with 0 < T <= {frames_per_segment}, got {samples.shape}")
    samples = np.nan_to_num(samples.astype(np.float32, copy=False), posinf=0.0, neginf=0.0)
    peaks = _peaks(samples, -(-frames_per_segment // PEAK_COLUMNS))  # (columns, 2)
    mel = _log_mel(samples, samplerate, -(-frames_per_segment // SPECTROGRAM_COLUMNS))  # (columns, M)
    header = _HEADER.pack(
        _MAGIC, _VERSION, 0, PEAK_COLUMNS, len(peaks), MEL_BANDS, SPECTROGRAM_COLUMNS, len(mel),
        samples.shape[1], LOWEST_HZ, highest_hz(samplerate), int(DECIBEL_FLOOR), int(DECIBEL_CEILING),
    )  # fmt: skip
    return header + _padded(peaks, PEAK_COLUMNS) + _padded(mel, SPECTROGRAM_COLUMNS)


def decode_tile(data: bytes) -> Tile:
    """Reads a tile back. Raises BadInput for anything that is not one."""
    wrong = BadInput("This picture of the sound is damaged; run the separation again to draw it anew.")
    if len(data) < _HEADER.size:
        raise wrong
    magic, version, _, columns, valid, mels, spectra, drawn, frames, *rest = _HEADER.unpack_from(data)
    low, high, floor, ceiling = rest
    if magic != _MAGIC or version != _VERSION or len(data) != _HEADER.size + columns * 4 + spectra * mels:
        raise wrong
    peaks = np.frombuffer(data, "<i2", columns * 2, _HEADER.size).reshape(columns, 2)[:valid]
    levels = np.frombuffer(data, np.uint8, spectra * mels, _HEADER.size + columns * 4).reshape(spectra, mels)[:drawn]
    spectrogram = floor + levels.astype(np.float32) * ((ceiling - floor) / 255)
    return Tile(frames, peaks.astype(np.float32) / FULL_SCALE, spectrogram, low, high)


def tile_of_file(path: Path, gain: float, frames_per_segment: int = 1 << 18) -> bytes:
    """The tile of a stored segment (FLAC, samples scaled by the preview `gain`). Raises BadInput if unreadable."""
    try:
        samples, samplerate = soundfile.read(path, dtype="float32", always_2d=True, frames=frames_per_segment)  # (T, C)
    except (soundfile.LibsndfileError, OSError) as error:
        raise BadInput("A part of this song could not be read back; run the separation again.") from error
    if not len(samples):
        raise BadInput("A part of this song is empty; run the separation again.")
    return encode_tile(samples.T / np.float32(gain), samplerate, frames_per_segment)


def _peaks(samples: np.ndarray, width: int) -> np.ndarray:
    """(C, T) -> (columns, 2) i16, rounded outwards so that a peak is never drawn smaller than it is."""
    starts = np.arange(0, samples.shape[1], width)
    low = np.minimum.reduceat(samples.min(axis=0), starts)
    high = np.maximum.reduceat(samples.max(axis=0), starts)
    steps = np.stack([np.floor(low * FULL_SCALE), np.ceil(high * FULL_SCALE)], axis=1)
    return np.clip(steps, -32768, 32767).astype("<i2")


def _log_mel(samples: np.ndarray, samplerate: int, hop: int) -> np.ndarray:
    """(C, T) -> (columns, M) u8: power of the channels' mean over mel triangles of height 1, in dB of a full sine."""
    window, filters = _window_and_filters(samplerate, hop)
    size = len(window)
    columns = -(-samples.shape[1] // hop)
    before = (size - hop) // 2  # the window is centred on its column
    # Mirrored ends: a steady tone cut by a border would otherwise light up every band there.
    padded = np.pad(samples, ((0, 0), (before, before)), mode="reflect")
    padded = np.pad(padded, ((0, 0), (0, columns * hop + size - padded.shape[1])))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, : columns * hop : hop]  # (C, columns, N)
    spectrum = np.fft.rfft(frames * window, axis=-1)  # (C, columns, N / 2 + 1)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0)
    mel = power.astype(np.float32) @ filters.T  # (columns, M)
    levels = (decibels(mel) - DECIBEL_FLOOR) / (DECIBEL_CEILING - DECIBEL_FLOOR) * 255
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


@cache
def _window_and_filters(samplerate: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """A window of at least two hops, `(N,)`, and the mel filters for its bins, `(M, N / 2 + 1)`."""
    size = max(1024, 1 << (2 * hop - 1).bit_length())
    return full_scale_window(size), mel_filters(samplerate, size, MEL_BANDS)


def _padded(values: np.ndarray, columns: int) -> bytes:
    return np.pad(values, ((0, columns - len(values)), (0, 0))).tobytes()
