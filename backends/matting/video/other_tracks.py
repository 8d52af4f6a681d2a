"""What a file holds beside its main picture and its sound: further pictures, subtitles, positions, fonts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

if TYPE_CHECKING:
    from av.container import InputContainer

OF_THE_FILE = ("timecode", "time code", "core media", "hint")
"""How handlers of data tracks are called that tell of the file and not of what was filmed."""

CHAPTER_TRACK = "text"
"""The codec tag of the track in which MOV and MP4 files hold the names of their chapters."""

OF_CHAPTERS = ("subtitle", "text", "chapter")
"""How the handler of that track is called, which FFmpeg takes for data once it has read the chapters from it."""


def count_further_pictures(container: InputContainer) -> int:
    """Video tracks but the one that is cut out; cover pictures do not count."""
    attached = av.stream.Disposition.attached_pic
    return max(0, sum(attached not in stream.disposition for stream in container.streams.video) - 1)


def count_subtitles(container: InputContainer) -> int:
    """Tracks of subtitles, without that of the chapters."""
    has_chapters = bool(container.chapters())
    return sum(
        not (has_chapters and stream.codec_context is not None and stream.codec_tag == CHAPTER_TRACK)
        for stream in container.streams.subtitles
    )


def count_data(container: InputContainer) -> int:
    """Tracks of data, such as the positions of a camera, and attached files, such as fonts."""
    data = [stream.metadata for stream in container.streams.data if "timecode" not in stream.metadata]
    names = (said.get("handler_name", "").lower() for said in data)
    known = (*OF_THE_FILE, *OF_CHAPTERS) if container.chapters() else OF_THE_FILE
    tracks = sum(not any(word in name for word in known) for name in names)
    return tracks + len(container.streams.attachments)
