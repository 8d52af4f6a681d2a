"""What a visitor is told of a source that is damaged, odd or cut short."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backends.matting.video.reader import IsolatedReader
from backends.matting.video.sound_tracks import Track
from backends.matting.video.timeline import Timeline
from backends.matting.video.writers import SourcePart, Writer
from backends.shared.cut_files import lacks_end
from backends.shared.joined_files import another_follows


def sentences_on_source(
    source: SourcePart, reader: IsolatedReader, timeline: Timeline, writers: Sequence[Writer]
) -> Iterator[str]:
    """One sentence for each thing, once the job is done.

    Args:
        source: the part that was asked for.
        reader: that has read it to its end.
        timeline: of the frames that were written.
        writers: of all outputs, with the sound that they carried.
    """
    if reader.broken:
        yield "Parts of this video are damaged; what could not be read was left out."
    if reader.restarts:
        times = "once" if reader.restarts == 1 else f"{reader.restarts} times"
        yield (
            f"The clock of this video starts anew {times}, as where recordings were joined: the parts follow each "
            "other, and sound and picture may be a little apart there."
        )
    if another_follows(source.path):
        yield (
            "Another file follows in this one, as where files were joined by copying, and not all of it could be "
            "read. Join them in a video editor to have it all."
        )
    yield from _cut_short(source, timeline, writers)
    if reader.untimed:
        yield f"{reader.untimed} frames carried no usable time and were placed by the frame rate."
    if reader.reshaped:
        yield "The picture changes its size midway; all of it was brought to the first size."
    if source.info.colour.hdr:
        yield "This is an HDR video; its brightness was brought down to ordinary screens."
    if reader.deinterlaced:
        yield "This video was interlaced; its half pictures were joined into whole ones."


def _cut_short(source: SourcePart, timeline: Timeline, writers: Sequence[Writer]) -> Iterator[str]:
    """A sentence where a file ends long before the end that it announces."""
    sounds = [track.span.end for writer in writers for track in writer.tracks]
    stated, start = source.info.seconds, float(source.start)
    if source.end is not None:
        return
    reached = start + float(max([timeline.end, *sounds]))
    if lacks_end(source.path):
        yield f"The file breaks off after {reached:.3g} s: its end is missing, as after a download that broke off."
    elif source.info.tracks and not sounds:
        return  # without its sound, a file whose sound is longer cannot be told from one that was cut
    elif _is_early(reached, stated):
        yield (
            f"The file ends early: it announces {stated:.3g} s, of which the first {reached:.3g} s could be read. "
            "Copy it again from the camera or the web, if the rest matters."
        )
    elif early := [track for writer in writers for track in writer.tracks if _ends_early(track, source)]:
        stated, reached = early[0].stated_end, start + float(early[0].span.end)
        yield (
            f"The sound ends early: the file announces {stated:.3g} s of it, of which the first {reached:.3g} s could "
            "be read. Copy it again from the camera or the web, if the rest matters."
        )


def _is_early(reached: float, stated: float) -> bool:
    return reached < stated - max(0.5, 0.02 * stated)


def _ends_early(track: Track, source: SourcePart) -> bool:
    """Whether the sound of a track ends long before its stated end."""
    return track.stated_end > 0 and _is_early(
        float(source.start + track.span.end), track.stated_end - float(source.info.origin)
    )
