"""The preservation report: which properties of the source are in the exports, checked by opening the written files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from fractions import Fraction

import av
import cv2
import numpy as np

from backends.matting.types import Colour, MediaInfo, PreservationCheck
from backends.matting.video import preserved_words
from backends.matting.video.animation import TICK, open_output_frames
from backends.matting.video.colour import UNSPECIFIED
from backends.matting.video.exports import EXPORTS
from backends.matting.video.frames import VideoReader
from backends.matting.video.preserved_sound import check_sound
from backends.matting.video.timeline import Timeline, WrittenTimes, read_times
from backends.matting.video.transparency import SeeThrough, check_transparency
from backends.matting.video.writers import VideoWriter, Writer

RATE_TOLERANCE = 1e-4
"""29.97 and 30 frames a second differ by ten times as much."""

END_TOLERANCE = Fraction(1, 100)
"""Seconds by which the end of the last frame may be off, beside the ticks of both clocks."""


@dataclass(frozen=True)
class OutputVideo:
    """A written video with what it says of itself, and the colours of its first frame, which editors go by."""

    writer: VideoWriter
    info: MediaInfo
    times: WrittenTimes
    colour: Colour


def preservation_report(
    info: MediaInfo, timeline: Timeline, writers: Sequence[Writer], see_through: SeeThrough | None = None
) -> Iterator[PreservationCheck]:
    """One report for all exports together: what is the same in all of them is said once, else with their titles.

    Args:
        info: of the source.
        timeline: of the frames that were given to the writers.
        writers: closed; those whose file is no export of the user's are passed over.
        see_through: a frame of the source with transparency of its own, if there is one.
    """
    exports = [writer for writer in writers if writer.export.kind in EXPORTS]
    titles_by_check: dict[str, dict[tuple[str, str], list[str]]] = {}
    for writer in exports:
        for check in _checks(info, timeline, writer, see_through):
            by_outcome = titles_by_check.setdefault(check.what, {})
            by_outcome.setdefault((check.state, check.sentence), []).append(writer.export.title)
    for what, by_outcome in titles_by_check.items():
        for (state, sentence), titles in by_outcome.items():
            prefix = "" if len(titles) == len(exports) else f"{', '.join(titles)}: "
            yield PreservationCheck(what, state, prefix + sentence)


def _checks(
    info: MediaInfo, timeline: Timeline, writer: Writer, see_through: SeeThrough | None
) -> Iterator[PreservationCheck]:
    """The checks of one written file."""
    if isinstance(writer, VideoWriter) and writer.export.max_seconds:
        yield from _animation_checks(info, timeline, writer)
    elif isinstance(writer, VideoWriter):
        written = open_output(writer)
        yield _times(info, timeline, written.times, written.info.rate)
        yield _size(info, written.info, writer)
        yield from _orientation(info, written.info)
        yield from check_sound(info, written.info, writer.tracks, written.times.sounds)
        yield from _pixel_shape(info, written.info)
        yield _colour(info, written.colour, writer)
        yield from _colour_detail(info, written.info.chroma, writer)
        yield from _depth(info, min(written.info.depth, writer.bits, _bits_of(writer.export.pix_fmt)), writer)
        yield from preserved_words.check_words(info, written.info)
    else:
        yield _picture_times(timeline)
        if info.audio:
            yield PreservationCheck("sound", "lost", "Pictures hold no sound: take it from the original.")
        yield from _depth(info, min(writer.bits, _png_bits(writer)), writer)
        yield from preserved_words.check_words(info, None)
    if see_through is not None:
        yield from check_transparency(see_through, writer)


def _animation_checks(info: MediaInfo, timeline: Timeline, writer: VideoWriter) -> Iterator[PreservationCheck]:
    """The checks of an animated picture, which FFmpeg may write and not read."""
    frames = Timeline()
    with closing(open_output_frames(writer.path)) as reader:
        for frame in iter(reader.read, None):
            frames.add(frame.pts * reader.info.time_base)
        frames.end = reader.end * reader.info.time_base
    yield _times(info, timeline, WrittenTimes(frames, TICK, ()), info.rate)
    yield _size(info, reader.info, writer)
    if info.audio:
        yield PreservationCheck("sound", "lost", "An animated picture holds no sound: take it from the original.")
    yield from _depth(info, min(writer.bits, _bits_of(writer.export.pix_fmt)), writer)
    yield from preserved_words.check_words(info, None)


def open_output(writer: VideoWriter) -> OutputVideo:
    """What a closed writer's file holds."""
    with closing(VideoReader(writer.path)) as reader:
        info = reader.info
    with av.open(str(writer.path)) as container:
        frame = next(container.decode(video=0))
        colour = Colour(int(frame.colorspace), int(frame.color_primaries), int(frame.color_trc), info.colour.full)
    return OutputVideo(writer, info, read_times(writer.path), colour)


def _times(info: MediaInfo, timeline: Timeline, written: WrittenTimes, rate: Fraction) -> PreservationCheck:
    frames, tick = written.frames, max(written.tick, info.time_base)
    if not frames.agrees(timeline, tick):
        sentence = f"{frames.count} of {timeline.count} frames are in it, some at other times."
        return PreservationCheck("times", "changed", sentence)
    # A clock that has a whole number of ticks for a frame rounds nothing.
    rounding = info.tick if (1 / (info.rate * info.tick)).denominator != 1 else Fraction(0)
    if timeline.has_rate(info.rate, rounding):
        if not frames.has_rate(info.rate, written.tick):
            sentence = f"Every frame lasted 1/{float(info.rate):.4g} s; now some last a little longer than others."
            return PreservationCheck("times", "changed", sentence)
        if abs(float(rate / info.rate) - 1) > RATE_TOLERANCE:
            sentence = f"{float(info.rate):.4g} frames a second became {float(rate):.4g}, at nearly the same times."
            return PreservationCheck("times", "changed", sentence)
    if abs(frames.end - timeline.end) > END_TOLERANCE + 2 * tick:
        shown, was = float(frames.end - frames.last), float(timeline.end - timeline.last)
        return PreservationCheck("times", "changed", f"The last frame stays for {shown:.2f} s instead of {was:.2f} s.")
    words = "a frame rate that varies" if timeline.varies else "the frame rate"
    precision = "to the millisecond" if written.tick >= Fraction(1, 1000) > info.time_base else "exactly"
    return PreservationCheck("times", "kept", f"All {frames.count} frames and {words}, {precision}.")


def _picture_times(timeline: Timeline) -> PreservationCheck:
    """A sequence of pictures has their times beside it, and no end."""
    sentence = "The time of every frame is in times.csv beside the pictures."
    stays = timeline.end - timeline.last
    if timeline.count > 1 and stays > timeline.longest + END_TOLERANCE:
        return PreservationCheck("times", "changed", f"{sentence} That the last stays for {float(stays):.2f} s is not.")
    return PreservationCheck("times", "kept", sentence)


def _size(info: MediaInfo, written: MediaInfo, writer: VideoWriter) -> PreservationCheck:
    if (written.width, written.height) == (info.width, info.height):
        return PreservationCheck("size", "kept", f"{info.width} × {info.height} pixels.")
    why = "pixels are square here" if writer.export.square else "this format needs even numbers"
    sizes = f"{info.width} × {info.height} became {written.width} × {written.height}"
    return PreservationCheck("size", "changed", f"{sizes}: {why}.")


def _orientation(info: MediaInfo, written: MediaInfo) -> Iterator[PreservationCheck]:
    if info.turned:
        state = "changed" if written.turned else "kept"
        yield PreservationCheck("orientation", state, "The picture is turned the way it was filmed, in every player.")


def _pixel_shape(info: MediaInfo, written: MediaInfo) -> Iterator[PreservationCheck]:
    if info.sar == 1:
        return
    if written.sar == info.sar:
        sentence = f"Pixels {info.sar.numerator}:{info.sar.denominator}, as in the source."
        yield PreservationCheck("pixel shape", "kept", sentence)
    else:
        sentence = "The picture was stretched to square pixels; it looks the same."
        yield PreservationCheck("pixel shape", "changed", sentence)


def _colour(info: MediaInfo, written: Colour, writer: VideoWriter) -> PreservationCheck:
    if info.colour.hdr:
        return PreservationCheck("colour", "changed", "HDR became ordinary BT.709 colour.")
    if writer.export is EXPORTS["luma"]:
        return PreservationCheck("colour", "kept", "The matte is gray; the original keeps its own colours.")
    source, written = _canonical(info.colour), _canonical(written)
    same_tags = (source.primaries, source.transfer) == (written.primaries, written.transfer)
    if source.matrix == 0 and same_tags and "444" in writer.export.pix_fmt:
        return PreservationCheck("colour", "kept", "The colours of the source, held as luma and chroma.")
    same_tags = same_tags and source.matrix == written.matrix
    if source.full == written.full and _only_adds(source, written):
        sentence = "The source does not name all of its colours; this file names those that players assume."
        return PreservationCheck("colour", "kept", sentence)
    if same_tags and source.full == written.full:
        return PreservationCheck("colour", "kept", "Range, primaries and transfer are those of the source.")
    if same_tags or _only_adds(source, written):
        bits = _bits_of(writer.export.pix_fmt)
        if bits > info.depth:  # 219 of 255 steps, each of them split in four: no two levels become one
            sentence = f"Full range became video range, which editors expect; {bits} bits keep every level apart."
            return PreservationCheck("colour", "kept", sentence)
        sentence = "Full range became video range, which editors expect; it looks the same."
        return PreservationCheck("colour", "changed", sentence)
    if source.matrix == 0:
        return PreservationCheck("colour", "changed", "RGB became luma and chroma.")
    sentence = "The source's colour description could not be written into this format."
    return PreservationCheck("colour", "changed", sentence)


def _colour_detail(info: MediaInfo, written: tuple[int, int], writer: VideoWriter) -> Iterator[PreservationCheck]:
    """Nothing is said of the usual 4:2:0, nor of a matte alone."""
    if writer.export is EXPORTS["luma"] or info.chroma not in CHROMA:
        return
    if written[0] > info.chroma[0] or written[1] > info.chroma[1]:
        sentence = f"{CHROMA[info.chroma]} became {CHROMA.get(written, '4:2:0')}: edges between colours are softer."
        yield PreservationCheck("colour detail", "changed", sentence)
    else:
        yield PreservationCheck("colour detail", "kept", f"{CHROMA[info.chroma]}, as fine as in the source.")


CHROMA = {(1, 1): "4:4:4", (2, 1): "4:2:2"}
"""What editors call it where so many pixels, across and down, share one sample of colour."""

SAME_MATRIX = {5: 6}
SAME_TRANSFER = {6: 1, 14: 1, 15: 1}
"""Numbers of H.273 that stand for one and the same (tables 3 and 4); MOV has but one of each."""


def _canonical(colour: Colour) -> Colour:
    return replace(
        colour,
        matrix=SAME_MATRIX.get(colour.matrix, colour.matrix),
        transfer=SAME_TRANSFER.get(colour.transfer, colour.transfer),
    )


def _only_adds(source: Colour, written: Colour) -> bool:
    """Whether a file says more than its source, and nothing else."""
    pairs = (
        (source.matrix, written.matrix),
        (source.primaries, written.primaries),
        (source.transfer, written.transfer),
    )
    differing = [was for was, became in pairs if was != became]
    return bool(differing) and all(was == UNSPECIFIED for was in differing)


def _depth(info: MediaInfo, bits: int, writer: Writer) -> Iterator[PreservationCheck]:
    """Nothing is said of the usual 8 bits, nor of a matte alone, whose bits are not those of the source."""
    if info.depth <= 8 or writer.export is EXPORTS["luma"]:
        return
    if bits >= info.depth:
        yield PreservationCheck("bit depth", "kept", f"{info.depth} bits a colour.")
    else:
        yield PreservationCheck("bit depth", "changed", f"{info.depth} bits a colour became {bits}.")


def _bits_of(pix_fmt: str) -> int:
    """The bits that are written: a decoder may name more, as that of ProRes 4444 does."""
    return max(component.bits for component in av.VideoFormat(pix_fmt).components)


def _png_bits(writer: Writer) -> int:
    with zipfile.ZipFile(writer.path) as archive:
        first = cv2.imdecode(np.frombuffer(archive.read("000000.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert first is not None
    return 8 * first.itemsize
