"""Reads a video frame by frame: upright, progressive, in RGB, with the source's own times."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av

from backends.core.errors import BadInput
from backends.matting.types import Colour, Frame, MediaInfo
from backends.matting.video.clock import FrameClock, usual_rate
from backends.matting.video.colour import UNSPECIFIED
from backends.matting.video.conversion import UPRIGHT, Converter, bit_depth, has_alpha, orientation
from backends.matting.video.other_tracks import count_data, count_further_pictures, count_subtitles
from backends.matting.video.preprocessing import FramePreprocessor
from backends.matting.video.source import (
    CLOCK_FORMATS,
    MAX_VIDEO_PIXELS,
    check_size,
    open_container,
    origin,
    select_video_stream,
)
from backends.matting.video.speakers import sound_info
from backends.matting.video.tags import chapters_of, start_timecode, tags_of
from backends.shared.media import packets_until_damage

ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""FFmpeg's own decoders of these codecs leave out transparency, which lies in packets beside the picture's."""


SEEK_BACK = (Fraction(1), Fraction(4), Fraction(20))
"""Seconds before the wanted start at which a key frame is looked for in turn."""


class VideoReader:
    """The frames of a video, upright RGB, with the source's own times.

    Args:
        path: the file, untrusted.
        start: where to begin, in seconds from the beginning of the file.
        end: where to stop, in seconds; None for the end of the file.
        max_pixels: the largest picture that is read.

    `end` is when the last frame stops being shown, in ticks; it is known after that frame was read.

    Raises:
        BadInput: nothing in it can be decoded as video.
        TooLarge: its pictures are larger than `max_pixels`.
    """

    def __init__(
        self, path: Path, start: float = 0.0, end: float | None = None, max_pixels: int = MAX_VIDEO_PIXELS
    ) -> None:
        self._container = open_container(path)
        self.broken = 0
        self.untimed = 0
        self.end = 0
        self._media_end: int | None = None
        try:
            self._stream = select_video_stream(self._container)
            codec = self._stream.codec_context
            if codec.width and codec.height:
                check_size(codec.width, codec.height, max_pixels)
            codec.options = {"max_pixels": str(max_pixels)}  # a header may lie: the decoder checks before it allocates
            codec.thread_type, codec.thread_count = "AUTO", 2
            self._decoder = _alpha_decoder(self._stream, max_pixels) or codec
            self._start = Fraction(start).limit_denominator(1000)
            self._end = None if end is None else Fraction(end).limit_denominator(1000)
            first = self._first_picture()
            if first is None:
                raise BadInput("Not one picture in this video could be read; the file is empty or damaged.")
            check_size(first.width, first.height, max_pixels)
            self._signs = orientation(first)
            self.info = self._describe(first)
            self._clock = FrameClock(self._stream, self.info.rate, self.info.origin + self._start)
            self.info = replace(self.info, time_base=self._clock.base)
            self._preprocessor = FramePreprocessor(self.info.colour, first.height)
            size = (first.width, first.height)
            self._converter = Converter(self.info.colour, size, self._signs, deep=self.info.depth > 8)
            self._frames: Generator[Frame, None, None] = self._with_times(first)
        except BaseException:
            self._container.close()
            raise

    @property
    def deinterlaced(self) -> bool:
        return self._preprocessor.interlaced

    @property
    def restarts(self) -> int:
        """How often the file's clock started anew."""
        return self._clock.running.restarts

    @property
    def reshaped(self) -> bool:
        """Whether the picture changed its size midway."""
        return self._converter.reshaped

    def read(self) -> Frame | None:
        """The next frame between start and end, or None after the last."""
        return next(self._frames, None)

    def close(self) -> None:
        self._frames.close()
        self._packets.close()
        self._preprocessor.close()
        self._container.close()

    def _describe(self, first: av.VideoFrame) -> MediaInfo:
        stream, codec = self._stream, self._stream.codec_context
        rate = stream.average_rate or stream.guessed_rate or stream.base_rate or Fraction(25)
        rate = usual_rate(Fraction(rate)) if 0 < rate <= 1000 else Fraction(25)
        seconds = self._seconds()
        sideways = self._signs[0] == 0
        sar = Fraction(stream.sample_aspect_ratio or codec.sample_aspect_ratio or 1)
        sar = sar if Fraction(1, 10) < sar < 10 else Fraction(1)
        width, height = (first.height, first.width) if sideways else (first.width, first.height)
        sounds = self._container.streams.audio
        tracks = tuple(sound_info(sound) for sound in sounds if sound.codec_context is not None)
        return MediaInfo(
            kind="video",
            width=width,
            height=height,
            frames=stream.frames or round(seconds * rate),
            seconds=seconds,
            rate=rate,
            tick=Fraction(stream.time_base or Fraction(1, 90_000)),
            origin=origin(self._container),
            sar=1 / sar if sideways else sar,
            colour=_colour_of(first, codec),
            depth=bit_depth(first.format),
            chroma=_chroma_of(first),
            turned=self._signs != UPRIGHT,
            interlaced=first.interlaced_frame,
            audio=tuple(track.codec for track in tracks),
            tracks=tracks,
            unknown_tracks=len(self._container.streams.audio) - len(tracks),
            subtitles=count_subtitles(self._container),
            further_pictures=count_further_pictures(self._container),
            data_tracks=count_data(self._container),
            chapters=chapters_of(self._container, self._start, self._end),
            codec=codec.codec.canonical_name,
            alpha=has_alpha(first.format),
            timecode=start_timecode(self._container, self._start, rate),
            tags=tags_of(self._container),
        )

    def _first_picture(self) -> av.VideoFrame | None:
        """The first picture that can be decoded, at `start` or before it; None where there is none.

        Broadcasts have no index, so that a seek may end behind the last key frame: then it is tried from further back,
        and at last from the beginning.
        """
        begin = origin(self._container) + self._start
        for back in (Fraction(0), *SEEK_BACK, self._start) if self._start else (Fraction(0),):
            self._seek(max(Fraction(0), self._start - back))
            self.broken, self._media_end = 0, None
            self._packets = self._decode()
            first = next(self._packets, None)
            if not self._start or back >= self._start:
                return first
            if first is not None and first.pts is not None and first.pts * Fraction(first.time_base or 1) <= begin:
                return first
            self._packets.close()
            self._decoder.flush_buffers()
        return first

    def _seek(self, start: Fraction) -> None:
        """Seek to the last key frame before `start`; a file without an index is read from its beginning."""
        if self._start:
            try:
                if start:
                    self._container.seek(int((origin(self._container) + start) * av.time_base), backward=True)
                else:
                    self._container.seek(min(0, self._container.start_time or 0), backward=True)
            except av.error.FFmpegError:
                self._container.seek(0, any_frame=True)

    def _seconds(self) -> float:
        whole = self._container.duration / av.time_base if self._container.duration else 0.0
        if self._stream.duration and self._stream.time_base:
            own = float(self._stream.duration * self._stream.time_base)
            # Streams of a clock that runs on state no length: it is guessed by the last stamp that is near the end.
            return max(own, whole) if self._container.format.name in CLOCK_FORMATS else own
        return whole

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        """Every frame that can be decoded. Packets that cannot are counted and left out."""
        damage: list[None] = []
        for packet in packets_until_damage(self._container, self._stream, on_damage=lambda: damage.append(None)):
            self._note_end(packet)
            try:
                yield from self._decoder.decode(packet)
            except av.error.FFmpegError:
                self.broken += 1
        if damage:  # nothing after this point can be read, but what the decoder still holds can
            self.broken += 1
            yield from self._decoder.decode(None)

    def _preprocessed(self, first: av.VideoFrame) -> Iterator[av.VideoFrame]:
        yield from self._preprocessor.push(first)
        for frame in self._packets:
            yield from self._preprocessor.push(frame)
        yield from self._preprocessor.push(None)

    def _with_times(self, first: av.VideoFrame) -> Generator[Frame, None, None]:
        """Frames with strictly increasing times, counted from `start`."""
        base, index, last = self.info.time_base, 0, -1
        step = max(1, round(1 / (self.info.rate * base)))
        for frame in self._preprocessed(first):
            pts = self._clock.ticks(frame)
            if pts is None:
                self.untimed += 1
                pts = last + step if last >= 0 else 0
            if pts < 0:
                continue  # between the key frame and the start of the part
            if self._end is not None and pts * base >= self._end - self._start:
                # The last frame keeps the usual length, so that a constant rate stays one, and no more.
                self.end = min(self.end, max(last + step, round((self._end - self._start) / base)))
                return
            if pts <= last:
                self.untimed += 1
                pts = last + 1
            self.end = pts + self._clock.length(frame)
            picture = self._converter.convert(frame)
            yield Frame(picture.rgb, pts, index, picture.deep, picture.alpha)
            index, last = index + 1, pts
        if self._media_end is not None and self._container.format.name.startswith("mov") and last >= 0:
            end = self._clock.at(self._media_end)
            self.end = end if end > last else self.end

    def _note_end(self, packet: av.Packet) -> None:
        """Remember when the packets so far end: MP4 has lengths in decoding order, so that a frame has not its own."""
        if packet.pts is not None and packet.dts is not None and packet.duration:
            if self._media_end is None:
                self._reordering = packet.pts - packet.dts
            self._media_end = packet.dts + packet.duration + self._reordering


def _alpha_decoder(stream: av.VideoStream, max_pixels: int) -> av.VideoCodecContext | None:
    """The decoder of a stream with transparency that FFmpeg's usual one leaves out; None for all others."""
    name = ALPHA_DECODERS.get(stream.codec_context.codec.canonical_name)
    if name is None or stream.metadata.get("alpha_mode", stream.metadata.get("ALPHA_MODE")) != "1":
        return None
    decoder = cast(av.VideoCodecContext, av.CodecContext.create(name, "r"))
    decoder.extradata = stream.codec_context.extradata
    decoder.options = {"max_pixels": str(max_pixels)}
    return decoder


def _chroma_of(frame: av.VideoFrame) -> tuple[int, int]:
    """How many pixels across and down share one sample of colour."""
    planes = frame.format.components
    if frame.format.is_rgb or frame.format.has_palette:
        return 1, 1
    if len(planes) < 3:
        return 2, 2
    return round(frame.width / planes[1].width), round(frame.height / planes[1].height)


def _colour_of(frame: av.VideoFrame, codec: av.VideoCodecContext) -> Colour:
    """What the frame says, or where it says nothing, the container."""
    full = frame.color_range == 2 or frame.format.name.startswith("yuvj") or frame.format.is_rgb
    if frame.color_range == 0 and codec.color_range == 2:
        full = True

    def either(said: int, otherwise: int) -> int:
        return int(otherwise) if int(said) == UNSPECIFIED and int(otherwise) else int(said)

    return Colour(
        matrix=either(frame.colorspace, codec.colorspace),
        primaries=either(frame.color_primaries, codec.color_primaries),
        transfer=either(frame.color_trc, codec.color_trc),
        full=full,
    )
