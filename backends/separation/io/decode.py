"""Decoding one sound track frame by frame, in stereo and on the file's own timeline.

Called only in a process of its own: the file is untrusted, and decoders are native code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import av
import numpy as np

from backends.core.errors import BadInput
from backends.separation.io.damage import Damage
from backends.separation.io.downmix import downmix_gains
from backends.separation.io.timeline import Timeline, demuxer, stated_end, without_padding
from backends.separation.io.tracks import only_stream, open_container
from backends.shared.cut_files import lacks_end
from backends.shared.joined_files import another_follows, joined_parts
from backends.shared.media import Packer, packets_until_damage

RATES = range(1_000, 768_001)
MAX_CHANNELS = 64

MAX_SAMPLE = 1e10
"""Beyond this a sample is damage. Floats that some program wrote on the scale of 32-bit integers reach 2e9."""

FULL_SCALE = {"u8": 2.0**7, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}

SILENCE_FRAMES = 1 << 16
"""The longest piece of silence that is given at once."""

Piece = tuple[np.ndarray, int]
"""Samples (2, T) float32 with full scale 1, and their rate in Hz."""


@dataclass
class DecodeReport:
    """What was met with while a file was decoded."""

    packets: int = 0
    """Packets read from the container."""
    unreadable: int = 0
    """Packets that could not be decoded and were left out."""
    breaks_off: bool = False
    """Whether the container itself was damaged at some point, so that nothing after it could be found."""
    lost: float = 0.0
    """About how many seconds those were, in files whose time stamps do not tell."""
    another: bool = False
    """Whether another file follows in this one, which is not read."""
    cut: bool = False
    """Whether the end of the file is missing, by its own word."""
    soundless: int = 0
    """Packets of an Ogg file that were sound but gave none, as the time stamps say that they are over."""
    invalid: int = 0
    """Samples that were not finite numbers and became silence."""
    seconds: float = 0.0
    """Where the sound ends, from the beginning of the file, with the silence that keeps its time."""
    late: float = 0.0
    """Seconds by which the sound begins after the picture."""
    holes: list[tuple[float, float]] = field(default_factory=list)
    """Where sound is missing, in seconds from the beginning, and how much."""
    layouts: list[tuple[str, ...]] = field(default_factory=list)
    """The names of the channels, for every layout that occurred."""

    def update(self, facts: Mapping[str, Any]) -> None:
        """Take over a report that was made in another process."""
        for name, value in facts.items():
            setattr(self, name, [tuple(item) for item in value] if isinstance(value, list) else value)


def decode_pieces(path: Path, track: int, report: DecodeReport) -> Iterator[Piece]:
    """The sound of a track in order. Silence stands where the file's time stamps say that sound is missing.

    Args:
        path: the file.
        track: its number among the sound tracks, from 1.
        report: is filled in.

    Raises:
        BadInput: the file does not open, or has too many channels.
    """
    report.another, report.cut = another_follows(path), lacks_end(path)
    for part in joined_parts(path) or (None,):
        begin, holes, report.seconds = report.seconds, len(report.holes), 0.0
        container = open_container(path, part) if part is None or not part.start else _open_further(path, part)
        if container is None:
            report.breaks_off, report.seconds = True, begin
            return
        with container:
            stream = only_stream(container, track if part is None else min(track, len(container.streams.audio)))
            if stream.codec_context.name == "alac":
                # FFmpeg takes the unused part of the last packet off twice; the stated length is cut to below.
                stream.codec_context.options = {"flags2": "+skip_manual"}
            damage = Damage(path, demuxer(container))
            pieces, stated = _pieces(container, stream, report, damage), stated_end(container, stream)
            yield from pieces if stated is None else without_padding(pieces, stated, report)
        report.seconds += begin
        report.holes[holes:] = [(begin + start, length) for start, length in report.holes[holes:]]
        report.lost = max(damage.seconds() - sum(length for _, length in report.holes[holes:]), 0.0)


def _open_further(path: Path, part: range) -> av.container.InputContainer | None:
    """A later part of a file; None where it cannot be read or holds no sound."""
    try:
        container = open_container(path, part)
    except BadInput:
        return None
    if any(stream.codec_context is not None for stream in container.streams.audio):
        return container
    container.close()
    return None


def _pieces(
    container: av.container.InputContainer, stream: av.AudioStream, report: DecodeReport, damage: Damage
) -> Iterator[Piece]:
    timeline = Timeline(container, stream, report)
    for frame in _frames(container, stream, report, damage):
        rate, silent = frame.sample_rate, round(timeline.silence_before(frame, damage.tag_seconds) * frame.sample_rate)
        for start in range(0, silent, SILENCE_FRAMES):
            yield np.zeros((2, min(SILENCE_FRAMES, silent - start)), np.float32), rate
        report.seconds = timeline.end
        yield to_stereo(frame, report), rate


def _frames(
    container: av.container.InputContainer, stream: av.AudioStream, report: DecodeReport, damage: Damage
) -> Iterator[av.AudioFrame]:
    """The frames that can be decoded, in order, and safe to read. Unreadable packets are counted and left out."""
    pack = Packer()
    ogg = demuxer(container) == "ogg"
    for packet in packets_until_damage(container, stream, on_damage=lambda: report.update({"breaks_off": True})):
        report.packets += 1
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            report.unreadable += damage.add_unreadable(packet)
            continue
        report.soundless += ogg and not frames and packet.size > 0
        sound = [frame for frame in cast(list[av.AudioFrame], frames) if isinstance(frame, av.AudioFrame)]
        heard = [frame for frame in sound if frame.samples and frame.sample_rate in RATES]
        damage.add_sound(packet.size, sum(frame.samples / frame.sample_rate for frame in heard))
        yield from map(pack, heard)


def to_stereo(frame: av.AudioFrame, report: DecodeReport) -> np.ndarray:
    """The samples of `frame` as (2, T) float32 with full scale 1. Values that can be no sound become silence."""
    channels = frame.layout.nb_channels
    if channels > MAX_CHANNELS:
        raise BadInput(f"This file has {channels} channels; up to {MAX_CHANNELS} can be mixed down to stereo.")
    names = tuple(channel.name for channel in frame.layout.channels)
    if names not in report.layouts:
        report.layouts.append(names)
    samples = _to_float(frame, channels)
    sound = np.abs(samples) < MAX_SAMPLE  # which NaN is not either
    if not sound.all():
        report.invalid += int((~sound).sum())
        samples = np.where(sound, samples, np.float32(0))
    return samples if channels == 2 else downmix_gains(names) @ samples


def _to_float(frame: av.AudioFrame, channels: int) -> np.ndarray:
    samples = frame.to_ndarray()  # planar (C, T), packed (1, T * C)
    if not frame.format.is_planar:
        samples = samples.reshape(-1, channels).T
    scale = FULL_SCALE[frame.format.name.removesuffix("p")]
    floats = samples.astype(np.float32) / np.float32(scale)
    return floats - np.float32(1) if frame.format.name.startswith("u8") else floats  # (C, T)
