"""One track of sound on its way into the output: its packets as they are, or decoded and encoded anew."""

from __future__ import annotations

import re
from abc import ABC
from fractions import Fraction
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from backends.matting.video.sound_blocks import SoundBlock
from backends.matting.video.speakers import QUICKTIME_LANGUAGES, Encoding, sound_info
from backends.matting.video.timeline import MAX_HOLE, RunningTime, Span

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

MIN_HOLE = Fraction(1, 50)
"""Seconds: clocks of milliseconds and encoders' delays stay below it, and ears hear a shift above it."""


MAX_OVERLAP = Fraction(10)


class Track(ABC):
    """Carries one audio stream into the output.

    `lossless` says whether the output has the very samples of the source, `span` when the source's sound plays,
    `dropped` how many damaged packets are left out, `stated_end` when the source says that its sound ends, in seconds
    of its clock; 0 where it does not.
    """

    stream: AudioStream
    lossless = True

    def __init__(self, source: AudioStream, out: OutputContainer) -> None:
        self.source, self._out = source, out
        self.span = Span()
        self.dropped = 0
        self.stated_end = _stated_end(source)

    def _describe(self) -> None:
        """Give the track of the output the name, language and role of the source's."""
        info = sound_info(self.source)
        if info.title:
            self.stream.metadata["title"] = info.title
        if info.language:
            quicktime = self._out.format.name == "mov"
            self.stream.metadata["language"] = (
                QUICKTIME_LANGUAGES.get(info.language, info.language) if quicktime else info.language
            )
        self.stream.disposition = self.source.disposition

    def finish(self) -> list[av.Packet]:
        """The last packets."""
        return []


def _stated_end(source: AudioStream) -> float:
    """When a track ends by its header; Matroska notes that beside it."""
    if source.duration and source.time_base:
        return float(((source.start_time or 0) + source.duration) * source.time_base)
    match = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", source.metadata.get("DURATION", "").strip())
    return 3600 * int(match[1]) + 60 * int(match[2]) + float(match[3]) if match else 0.0


class CopiedTrack(Track):
    """Passes the packets on untouched."""

    def __init__(self, source: AudioStream, out: OutputContainer) -> None:
        super().__init__(source, out)
        self.stream = out.add_stream_from_template(source)
        self._describe()
        self._clock = RunningTime()
        self._last: int | None = None

    def time(self, packet: av.Packet, shift: Fraction) -> Fraction | None:
        """When the next packet in order is heard, in seconds of the output; None where it does not say.

        The packet is moved to the clock of the source from its beginning `shift` on.
        """
        if packet.dts is None or packet.time_base is None:
            return None
        packet.pts = packet.dts if packet.pts is None else packet.pts
        begin = packet.pts * packet.time_base - shift
        moved = self._clock.offset(begin, (packet.duration or 0) * packet.time_base) - shift
        ticks = round(moved / packet.time_base)
        packet.dts, packet.pts = packet.dts + ticks, packet.pts + ticks
        return packet.pts * packet.time_base

    def take(self, packet: av.Packet) -> list[av.Packet]:
        """The packets to write for one that has its time: no earlier than the last one, as no format can hold that."""
        if packet.dts is None or packet.pts is None:
            return []
        if self._last is not None and packet.dts <= self._last:
            packet.pts, packet.dts = max(packet.pts, self._last + 1), self._last + 1
        self._last = packet.dts
        begin = packet.pts * packet.time_base
        self.span.add(begin, begin + (packet.duration or 0) * packet.time_base)
        packet.stream = self.stream
        return [packet]


class EncodedTrack(Track):
    """Decodes the sound and encodes it anew: without gaps, for not every format has a time for each packet.

    Args:
        source: the stream to read.
        out: the output.
        encoding: codec, sampling rate and channels of the output.
        length: of the part in seconds, None for all of it.
    """

    def __init__(
        self, source: AudioStream, out: OutputContainer, encoding: Encoding, length: Fraction | None = None
    ) -> None:
        super().__init__(source, out)
        self.lossless = encoding.lossless
        self._rate, self._layout = encoding.rate, encoding.layout
        self.stream = cast(av.AudioStream, out.add_stream(encoding.codec, rate=encoding.rate, layout=encoding.layout))
        if encoding.bit_rate:
            self.stream.bit_rate = encoding.bit_rate
        self._describe()
        self._channels = self.stream.codec_context.layout.nb_channels
        self._most = None if length is None else round(length * self._rate)
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[str, str, int] | None = None
        self._format = "s16"
        self._position: int | None = None  # samples since the beginning of the output

    def take(self, block: SoundBlock) -> list[av.Packet]:
        """The packets to write for the next block of sound."""
        if block.begin is not None:
            self.span.add(block.begin, block.begin + Fraction(len(block.samples), block.rate))
        kind, packets = (block.format, block.layout, block.rate), []
        if kind != self._kind:  # a broadcast may change it midway
            if self._resampler is not None:
                packets = self._write(self._packed(self._resampler.resample(None)))
            self._kind, self._format = kind, block.format
            self._resampler = av.AudioResampler(format=block.format, layout=self._layout, rate=self._rate)
        assert self._resampler is not None
        samples = self._packed(self._resampler.resample(block.frame()))
        return packets + self._write(samples if block.begin is None else self._in_time(samples, block.begin))

    def finish(self) -> list[av.Packet]:
        packets = []
        if self._resampler is not None:
            packets = self._write(self._packed(self._resampler.resample(None)))
        return packets + (self.stream.encode(None) if self._position is not None else [])

    def _packed(self, frames: list[av.AudioFrame]) -> np.ndarray:
        """The frames' samples `(N, C)`, packed: of many planar channels PyAV hands out one pointer too many."""
        parts = [frame.to_ndarray().reshape(-1, self._channels) for frame in frames]
        return np.concatenate(parts) if parts else np.zeros((0, self._channels), np.int16)

    def _in_time(self, samples: np.ndarray, begin: Fraction) -> np.ndarray:
        """`samples` `(N, C)` so that they follow the last ones: with silence for a hole, without what overlaps.

        Args:
            samples: that play from `begin`.
            begin: in seconds of the output.
        """
        place = round(begin * self._rate)
        if place < 0:
            samples, place = samples[-place:], 0
        if self._position is None:
            if len(samples):
                self._position = place
            return samples
        ahead = place - self._position
        if MIN_HOLE * self._rate < ahead <= MAX_HOLE * self._rate and len(samples):
            rest = ahead if self._most is None else max(0, min(ahead, self._most - self._position))
            quiet = 128 if self._format == "u8" else 0
            return np.concatenate([np.full((rest, self._channels), quiet, samples.dtype), samples])
        if -MAX_OVERLAP * self._rate <= ahead < -MIN_HOLE * self._rate:
            return samples[-ahead:]
        return samples

    def _write(self, samples: np.ndarray) -> list[av.Packet]:
        """The packets of the next samples `(N, C)`."""
        if self._most is not None and self._position is not None:
            samples = samples[: max(0, self._most - self._position)]
        if not len(samples) or self._position is None:
            return []
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), format=self._format, layout=self._layout
        )
        frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._position
        self._position += len(samples)
        return self.stream.encode(frame)
