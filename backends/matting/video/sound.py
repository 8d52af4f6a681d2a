"""Carries the source's sound into the output: packets are copied where the format takes them, else encoded anew."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av

from backends.core.errors import BadInput
from backends.matting.video.exports import Export
from backends.matting.video.sound_blocks import LEAD_IN, SoundBlock, read_blocks
from backends.matting.video.sound_tracks import CopiedTrack, EncodedTrack, Track
from backends.matting.video.source import open_container, origin
from backends.matting.video.speakers import choose_encoding

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer

WEBM_ROUNDING = Fraction(1, 500)
"""Seconds: WebM's clock has ticks of a millisecond."""

OPUS_RATE = 48_000
"""Samples a second of the clock of Opus, whatever the sound's own rate was."""


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
