"""Decoding an untrusted sound file frame by frame, and mixing its channels down to stereo.

The format is detected from the bytes, not from the name, among the demuxers listed below. Playlists, manifests and
other formats that refer to further files are not among them, so a crafted file cannot make the decoder read anything
else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np

from backends.core.errors import BadInput

DEMUXERS = "wav,w64,aiff,caf,mp3,flac,ogg,mov,matroska,aac"
FORMATS = "WAV, MP3, FLAC, M4A, OGG or Opus file, or a video with sound"
RATES = range(1_000, 768_001)
MAX_CHANNELS = 64

PLANE_POINTERS = 8
"""An FFmpeg frame has this many pointers to planes. PyAV finds the last plane by the null pointer behind it, which is
not there where all are taken, and so reads wild memory."""

HALF_POWER = 2**-0.5
DOWNMIX: dict[str, tuple[float, float]] = {
    "FL": (1.0, 0.0),
    "FR": (0.0, 1.0),
    "FC": (HALF_POWER, HALF_POWER),
    "BL": (HALF_POWER, 0.0),
    "BR": (0.0, HALF_POWER),
    "SL": (HALF_POWER, 0.0),
    "SR": (0.0, HALF_POWER),
    "BC": (0.5, 0.5),
    "FLC": (1.0, 0.0),
    "FRC": (0.0, 1.0),
    "LFE": (0.0, 0.0),
    "DL": (1.0, 0.0),
    "DR": (0.0, 1.0),
}
"""Gain of each speaker into (left, right) after ITU-R BS.775, which leaves out the low-frequency effects channel."""

FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "s64": 2.0**63, "flt": 1.0, "dbl": 1.0}


@dataclass
class DecodeReport:
    """Counts kept while a file is decoded; `decode_frames` and `to_stereo` update it."""

    packets: int = 0
    """Packets read from the container."""
    unreadable: int = 0
    """Packets that could not be decoded and were left out."""
    invalid: int = 0
    """Samples that were not finite numbers and became silence."""
    seconds: float = 0.0
    """Sound that was decoded."""
    channels: list[int] = field(default_factory=list)
    """Every number of channels that occurred."""

    def update(self, facts: Mapping[str, Any]) -> None:
        """Take over the counts of a report that was made in another process."""
        for name, value in facts.items():
            setattr(self, name, value)


def open_container(path: Path) -> av.container.InputContainer:
    """Open `path` for reading, or raise BadInput."""
    options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
    try:
        container = av.open(f"file:{path.resolve()}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        raise BadInput(f"This file could not be read as sound: choose a {FORMATS}.") from error
    return container


def first_audio_stream(container: av.container.InputContainer) -> av.AudioStream:
    """The first audio stream; every other stream is skipped while report."""
    if not container.streams.audio:
        what = "This video has no sound" if container.streams.video else "There is no sound in this file"
        raise BadInput(f"{what}: choose a {FORMATS}.")
    chosen = container.streams.audio[0]
    for stream in container.streams:
        if stream is not chosen:
            stream.discard = av.stream.Discard.all
    return chosen


def decode_frames(path: Path, report: DecodeReport) -> Iterator[av.AudioFrame]:
    """The frames that can be decoded, in order. Unreadable packets are counted and left out.

    Closing the iterator closes the file.
    """
    pack = _Packer()
    with open_container(path) as container:
        packets = container.demux(first_audio_stream(container))
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError:
                report.unreadable += 1  # the container itself is damaged here: nothing after this point can be found
                return
            report.packets += 1
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                report.unreadable += 1
                continue
            for frame in frames:
                if isinstance(frame, av.AudioFrame) and frame.samples and frame.sample_rate in RATES:
                    report.seconds += frame.samples / frame.sample_rate
                    yield pack(frame)


class _Packer:
    """Gives frames of many planes with their samples channel by channel in turn, in one plane."""

    def __init__(self) -> None:
        self._resampler: av.AudioResampler | None = None
        self._format: tuple[str, str, int] | None = None

    def __call__(self, frame: av.AudioFrame) -> av.AudioFrame:
        if not frame.format.is_planar or frame.layout.nb_channels < PLANE_POINTERS:
            return frame
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or self._format != kind:
            packed = frame.format.name.removesuffix("p")
            self._resampler = av.AudioResampler(format=packed, layout=frame.layout, rate=frame.sample_rate)
            self._format = kind
        return self._resampler.resample(frame)[0]


def to_stereo(frame: av.AudioFrame, report: DecodeReport) -> np.ndarray:
    """The samples of `frame` as (2, T) float32 with full scale 1. Values that are not finite become silence."""
    channels = frame.layout.nb_channels
    if channels > MAX_CHANNELS:
        raise BadInput(f"This file has {channels} channels; up to {MAX_CHANNELS} can be mixed down to stereo.")
    if channels not in report.channels:
        report.channels.append(channels)
    samples = _to_float(frame, channels)
    finite = np.isfinite(samples)
    if not finite.all():
        report.invalid += int((~finite).sum())
        samples = np.where(finite, samples, np.float32(0))
    if channels == 2:
        return samples
    return _downmix_gains(tuple(channel.name for channel in frame.layout.channels)) @ samples


def _to_float(frame: av.AudioFrame, channels: int) -> np.ndarray:
    samples = frame.to_ndarray()  # planar (C, T), packed (1, T * C)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    scale = FULL_SCALE[frame.format.name.removesuffix("p")]
    floats = samples.astype(np.float32) / np.float32(scale)
    return floats - np.float32(1) if frame.format.name.startswith("u8") else floats  # (C, T)


def _downmix_gains(names: tuple[str, ...]) -> np.ndarray:
    """Gains (2, C) into left and right, scaled so that the sum cannot exceed full scale; mono keeps its level."""
    if len(names) == 1:
        return np.ones((2, 1), np.float32)
    known = all(name in DOWNMIX for name in names)
    gains = np.array([DOWNMIX[name] if known else (1.0, 1.0) for name in names]).T
    return (gains / max(gains.sum(axis=1).max(), 1.0)).astype(np.float32)
