"""Carries the source's sound into the output: packets are copied where the format takes them, else encoded anew."""

from __future__ import annotations

from abc import ABC
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np

from backends.core.errors import BadInput
from backends.matting.video.exports import Export
from backends.matting.video.sound_blocks import LEAD_IN, SoundBlock, read_blocks
from backends.matting.video.source import open_container, origin
from backends.matting.video.speakers import QUICKTIME_LANGUAGES, Encoding, choose_encoding, sound_info
from backends.matting.video.timeline import MAX_HOLE, RunningTime, Span

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer

WEBM_ROUNDING = Fraction(1, 500)
"""Seconds: WebM's clock has ticks of a millisecond."""

OPUS_RATE = 48_000
"""Samples a second of the clock of Opus, whatever the sound's own rate was."""

MIN_HOLE = Fraction(1, 50)
"""Seconds: clocks of milliseconds and encoders' delays stay below it, and ears hear a shift above it."""

MAX_OVERLAP = Fraction(10)


class Track(ABC):
    """Carries one audio stream into the output.

    `lossless` says whether the output has the very samples of the source, `span` when the source's sound plays,
    `dropped` how many damaged packets are left out.
    """

    stream: AudioStream
    lossless = True

    def __init__(self, source: AudioStream, out: OutputContainer) -> None:
        self.source, self._out = source, out
        self.span = Span()
        self.dropped = 0

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


class SoundTracks:
    """Writes all sound of a source into the output, step by step beside the pictures.

    It opens the file a second time, so that the reader of the pictures can run ahead without sound piling up. What has
    to be decoded is decoded in a process of its own.

    Args:
        source: the file, untrusted.
        out: the output, open for writing.
        export: says which codecs the output takes.
        start: of the part that the pictures cover, in seconds from the beginning of the file.
        end: of the part, in seconds; None for the end of the file.
        copy: whether packets are passed on where the format takes them.
    """

    def __init__(
        self,
        source: Path,
        out: OutputContainer,
        export: Export,
        start: Fraction,
        end: Fraction | None,
        *,
        copy: bool = True,
    ) -> None:
        self._container = open_container(source)
        self._start, self._out = start, out
        self._shift = start + origin(self._container)
        self._length = None if end is None else end - start
        self._webm = export.suffix == ".webm"
        self.tracks: dict[int, Track] = {}
        self._copied: dict[int, CopiedTrack] = {}
        self._encoded: dict[int, EncodedTrack] = {}
        try:
            for stream in self._container.streams.audio:
                if stream.codec_context is not None:
                    self._open_track(stream, export, copy)
        except BaseException:
            self._container.close()
            raise
        self._blocks = read_blocks(source, list(self._encoded), start, self._length)
        if start and self._copied:
            self._container.seek(int((self._shift - LEAD_IN) * av.time_base), backward=True)
        self._packets = self._container.demux([track.source for track in self._copied.values()])
        self._next_packet: tuple[av.Packet, Fraction | None] | None = None
        self._next_block: SoundBlock | None = None
        self.broken = 0

    def _open_track(self, stream: AudioStream, export: Export, copy: bool) -> None:
        codec = stream.codec_context.codec.canonical_name
        # Uncompressed sound has no time of its own in some formats, so that holes in it would close up.
        if copy and codec in export.audio and not codec.startswith("pcm_") and self._keeps_beginning(stream):
            self.tracks[stream.index] = self._copied[stream.index] = CopiedTrack(stream, self._out)
            return
        encoding = choose_encoding(stream, export)
        if encoding is None:
            raise BadInput(
                f"The sound of this video ({codec}) cannot be written as {export.title}: choose another export."
            )
        track = EncodedTrack(stream, self._out, encoding, self._length)
        self.tracks[stream.index] = self._encoded[stream.index] = track

    def _keeps_beginning(self, stream: AudioStream) -> bool:
        """Whether copied packets sound from the first moment on.

        Most codecs need a packet of lead-in before 0. MOV and MP4 hide it by an edit list; WebM has a word for it that
        players heed for Opus alone, and moves pictures and all to where the first packet of another codec begins.
        """
        if not self._webm or stream.codec_context.codec.canonical_name == "opus":
            return True
        return not self._start and _first_time(self._container, stream) >= self._shift - WEBM_ROUNDING

    def advance(self, until: Fraction | None) -> None:
        """Write all sound before `until` seconds of the output, or all of it where `until` is None."""
        self._copy(until)
        while self._encoded:
            block = self._next_block or next(self._blocks, None)
            self._next_block = None
            if block is None:
                return
            if until is not None and block.begin is not None and block.begin > until:
                self._next_block = block
                return
            track = self._encoded[block.track]
            if block.damaged:
                track.dropped += 1
            else:
                self._mux(track.take(block))

    def _copy(self, until: Fraction | None) -> None:
        while self._copied:
            if (following := self._next_packet or self._read()) is None:
                return
            packet, time = following
            self._next_packet = None
            if until is not None and time is not None and time > until:
                self._next_packet = following
                return
            track, source = self._copied[packet.stream.index], packet.stream
            if time is not None and self._in_part(time, source):
                try:
                    self._mux(track.take(packet))
                except (av.error.InvalidDataError, av.error.ArgumentError):  # damaged beyond what a format can hold
                    track.dropped += 1

    def _mux(self, packets: list[av.Packet]) -> None:
        for packet in packets:
            self._out.mux(packet)

    def _in_part(self, time: Fraction, stream: AudioStream) -> bool:
        """Whether a packet belongs to the part. A codec's lead-in lies before 0 and is needed."""
        lead_in = _opus_delay(stream) if self._webm else LEAD_IN
        return time >= -lead_in and (self._length is None or time < self._length)

    def close(self) -> None:
        """Write the rest, up to the end of the part."""
        self.advance(None)
        for track in self.tracks.values():
            self._mux(track.finish())
        self.abandon()

    def abandon(self) -> None:
        self._container.close()
        self._blocks.close()

    def _read(self) -> tuple[av.Packet, Fraction | None] | None:
        """The next packet to copy and when it is heard; None at the end, or where the file is damaged from there on."""
        try:
            packet = next(self._packets, None)
        except av.error.FFmpegError:
            self.broken += 1  # the pictures stop there too
            return None
        return None if packet is None else (packet, self._copied[packet.stream.index].time(packet, self._shift))


def _first_time(container: InputContainer, stream: AudioStream) -> Fraction:
    """When the first packet of a track begins, in seconds of the file; 0 where no packet says."""
    first = Fraction(0)
    for packet in container.demux(stream):
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is not None:
            first = stamp * packet.time_base
            break
    container.seek(0)
    return first


def _opus_delay(stream: AudioStream) -> Fraction:
    """The lead-in that Opus announces in its header, in seconds; nothing for other codecs (RFC 7845, section 5.1)."""
    header = stream.codec_context.extradata or b""
    samples = int.from_bytes(header[10:12], "little") if header[:8] == b"OpusHead" else 0
    return Fraction(samples, OPUS_RATE) + WEBM_ROUNDING


class NoSound:
    """Stands for the sound of an output that has none."""

    def __init__(self) -> None:
        self.tracks: dict[int, Track] = {}
        self.broken = 0

    def advance(self, until: Fraction | None) -> None:
        return

    def close(self) -> None:
        return

    def abandon(self) -> None:
        return
