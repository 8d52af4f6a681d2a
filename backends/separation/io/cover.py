"""The picture of a song: what a sound file brings along as its cover."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from backends.core.errors import UserError
from backends.separation.io.tracks import open_container
from backends.shared.isolation import isolated_call

READ = "backends.separation.io.cover:read_cover"

MAX_COVER_BYTES = 16 << 20
"""A FLAC block holds no more."""

MAX_COVER_SIDE = 10_000
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
"""What MP3 and FLAC files can hold and every player shows, by Pillow's name."""


@dataclass(frozen=True)
class Cover:
    """A picture as the file has it: its bytes, media type, and width and height in pixels."""

    data: bytes
    type: str
    width: int
    height: int


def cover_of(path: Path) -> Cover | None:
    """The cover of a sound file, None where it has none that can be shown."""
    try:
        fields = isolated_call(READ, path=path)
    except UserError:  # which is told of where the song itself is read
        return None
    return Cover(**fields) if fields else None


def read_cover(path: str) -> Iterator[dict[str, Any]]:
    """The fields of the first attached picture that is sound, or nothing. Called in a process of its own."""
    with open_container(Path(path)) as container:
        streams = [each for each in container.streams.video if av.stream.Disposition.attached_pic in each.disposition]
        streams.sort(key=lambda each: "front" not in each.metadata.get("comment", "").lower())
        for stream in streams:
            data = next((bytes(packet) for packet in container.demux(stream) if packet.size), b"")
            if fields := _checked(data):
                yield fields
                return
            container.seek(0)
    yield {}


def _checked(data: bytes) -> dict[str, Any]:
    """The fields of a picture, {} where it is damaged, too large, or of a kind that exports cannot hold."""
    from PIL import Image

    if not data or len(data) > MAX_COVER_BYTES - 1000:
        return {}
    try:
        with Image.open(io.BytesIO(data), formats=tuple(TYPES)) as picture:
            kind, (width, height) = TYPES[picture.format or ""], picture.size
            if max(width, height) > MAX_COVER_SIDE:
                return {}
            picture.load()
    except (OSError, ValueError, SyntaxError, KeyError, Image.DecompressionBombError):
        return {}
    return {"data": data, "type": kind, "width": width, "height": height}
