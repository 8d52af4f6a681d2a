"""Carries the source's sound into the output: packets are copied where the format takes them, else encoded anew."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av

from backends.matting.video.exports import Export
from backends.matting.video.source import open_container, origin

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

BIT_RATES = {"aac": 192_000, "libopus": 128_000}


class Track:
    """Carries one audio stream into the output. `copied` says whether its packets are passed on untouched."""

    def __init__(self, source: AudioStream, out: OutputContainer, export: Export) -> None:
        self.source = source
        self.codec = source.codec_context.codec.canonical_name
        self.copied = self.codec in export.audio
        self.broken = 0
        if self.copied:
            self.stream: AudioStream = out.add_stream_from_template(source)
            return
        rate = 48_000 if export.audio_codec == "libopus" else source.codec_context.sample_rate
        layout = source.codec_context.layout.name if source.codec_context.layout.nb_channels <= 2 else "stereo"
        self.stream = cast(av.AudioStream, out.add_stream(export.audio_codec, rate=rate, layout=layout))
        if export.audio_codec in BIT_RATES:
            self.stream.bit_rate = BIT_RATES[export.audio_codec]
        self._resampler = av.AudioResampler(format=self.stream.codec_context.format, layout=layout, rate=rate)

    def take(self, packet: av.Packet, shift: Fraction) -> list[av.Packet]:
        """The packets to write for one that was read, moved `shift` seconds earlier."""
        if self.copied:
            if packet.dts is None or packet.time_base is None:
                return []
            ticks = round(shift / packet.time_base)
            packet.dts -= ticks
            packet.pts = packet.dts if packet.pts is None else packet.pts - ticks
            packet.stream = self.stream
            return [packet]
        try:
            frames = cast(list[av.AudioFrame], packet.decode())
        except av.error.FFmpegError:
            self.broken += 1
            return []
        packets = []
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(shift / (frame.time_base or Fraction(1)))
            packets += [coded for part in self._resampler.resample(frame) for coded in self.stream.encode(part)]
        return packets

    def finish(self) -> list[av.Packet]:
        """The last packets."""
        if self.copied:
            return []
        rest = [packet for part in self._resampler.resample(None) for packet in self.stream.encode(part)]
        return rest + self.stream.encode(None)


class SoundTracks:
    """Writes all sound of a source into the output, step by step beside the pictures.

    It opens the file a second time, so that the reader of the pictures can run ahead without sound piling up.

    Args:
        source: the file, untrusted.
        out: the output, open for writing.
        export: says which codecs the output takes.
        start: of the part that the pictures cover, in seconds from the beginning of the file.
        end: of the part, in seconds; None for the end of the file.
    """

    def __init__(
        self, source: Path, out: OutputContainer, export: Export, start: Fraction, end: Fraction | None
    ) -> None:
        self._container = open_container(source)
        self._start = start
        self._shift = start + origin(self._container)
        self._length = None if end is None else end - start
        self._out = out
        streams = list(self._container.streams.audio) if export.audio else []
        usable = [stream for stream in streams if stream.codec_context is not None]
        self.tracks = {stream.index: Track(stream, out, export) for stream in usable}
        self._packets = self._container.demux(usable) if usable else iter(())
        if start and usable:
            self._container.seek(int(self._shift * av.time_base), backward=True)
        self._waiting: av.Packet | None = None
        self.broken = 0

    def advance(self, until: Fraction | None) -> None:
        """Write all sound before `until` seconds of the output, or all of it where `until` is None."""
        while (packet := self._next()) is not None:
            time = self._time(packet)
            if until is not None and time is not None and time > until:
                self._waiting = packet
                return
            if time is not None and not self._in_part(time):
                continue
            if packet.dts is not None:
                for coded in self.tracks[packet.stream.index].take(packet, self._shift):
                    self._out.mux(coded)

    def _in_part(self, time: Fraction) -> bool:
        """Whether a packet belongs to the part. A codec's lead-in lies before 0 and is needed."""
        return (time >= 0 or not self._start) and (self._length is None or time < self._length)

    def close(self) -> None:
        """Write the rest, up to the end of the part."""
        self.advance(None)
        for track in self.tracks.values():
            for packet in track.finish():
                self._out.mux(packet)
        self._container.close()

    def abandon(self) -> None:
        self._container.close()

    def _next(self) -> av.Packet | None:
        if self._waiting is not None:
            packet, self._waiting = self._waiting, None
            return packet
        try:
            return next(self._packets, None)
        except av.error.FFmpegError:
            self.broken += 1  # damaged from here on: the pictures stop there too
            return None

    def _time(self, packet: av.Packet) -> Fraction | None:
        stamp = packet.pts if packet.pts is not None else packet.dts
        return None if stamp is None else stamp * packet.time_base - self._shift
