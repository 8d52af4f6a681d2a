"""What FFmpeg does not write into M4A files, as iTunes lays it out: the cover, the tempo, and tags of other names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from backends.separation.io.cover import Cover
from backends.shared.joined_files import boxes

FFMPEG_TAGS = frozenset(
    {"title", "artist", "album", "album_artist", "composer", "date", "genre", "track", "disc", "comment", "copyright"}
    | {"lyrics", "grouping", "description", "synopsis", "show", "network"}
)
"""The tags that FFmpeg itself writes into such a file."""

NAMES = {"publisher": "LABEL", "key": "initialkey", "isrc": "ISRC", "bpm": "BPM"}
"""How iTunes and programs for DJs call them."""

LIST = (b"moov", b"udta", b"meta", b"ilst")
"""The boxes that hold each other down to the list of tags (ISO/IEC 14496-12; Apple, QuickTime File Format)."""

TEXT, JPEG, PNG, WHOLE_NUMBER = 1, 13, 14, 21
"""Types of values in that list."""


def add_tags(path: Path, tags: Mapping[str, str], cover: Cover | None = None) -> None:
    """Add to a file, whose index lies at its end, the tags that it lacks, and a cover."""
    more = b"".join(_item(name, value) for name, value in tags.items() if value and name not in FFMPEG_TAGS)
    if cover is not None:
        more += _box(b"covr", _value(PNG if cover.type == "image/png" else JPEG, cover.data))
    kind, place = boxes(path)[-1]
    if not more or kind != LIST[0]:  # what lies behind the index would move
        return
    with path.open("rb+") as file:
        file.seek(place.start)
        index = file.read(len(place))
        file.seek(place.start)
        file.write(_grown(index, LIST, more))


def add_stem_list(path: Path, description: bytes) -> None:
    """Add to a file, whose index lies at its end, what it says of its stems: the box `stem` among the user's data."""
    kind, place = boxes(path)[-1]
    if kind != LIST[0]:
        raise ValueError(f"the index of {path.name} does not lie at its end")
    with path.open("rb+") as file:
        file.seek(place.start)
        index = file.read(len(place))
        more = _box(b"stem", description)
        grown = _grown(index, LIST[:2], more)
        file.seek(place.start)
        file.write(grown if grown != index else _box(LIST[0], index[8:] + _box(LIST[1], more)))


def _grown(box: bytes, path: tuple[bytes, ...], more: bytes) -> bytes:
    """A box with `more` at the end of the innermost of the boxes `path`; as it was where one of them is not there."""
    if len(path) == 1:
        return _box(path[0], box[8:] + more)
    head = 12 if path[0] == b"meta" else 8  # with a version, unlike the others
    place = head
    while place + 8 <= len(box):
        size = int.from_bytes(box[place : place + 4], "big")
        if box[place + 4 : place + 8] == path[1]:
            inner = _grown(box[place : place + size], path[1:], more)
            return _box(path[0], box[8:place] + inner + box[place + size :])
        if size < 8:
            break
        place += size
    return box


def _item(name: str, value: str) -> bytes:
    tempo = _tempo(value) if name == "bpm" else b""  # in two places, as some programs read one and some the other
    parts = ((b"mean", b"com.apple.iTunes"), (b"name", NAMES.get(name, name).encode()))
    return tempo + _box(
        b"----", b"".join(_box(kind, bytes(4) + text) for kind, text in parts) + _value(TEXT, value.encode())
    )


def _tempo(value: str) -> bytes:
    try:
        beats = round(float(value))
    except (ValueError, OverflowError):
        return b""
    return _box(b"tmpo", _value(WHOLE_NUMBER, beats.to_bytes(2, "big"))) if 0 < beats < 1 << 16 else b""


def _value(kind: int, content: bytes) -> bytes:
    return _box(b"data", kind.to_bytes(4, "big") + bytes(4) + content)


def _box(kind: bytes, content: bytes) -> bytes:
    return (8 + len(content)).to_bytes(4, "big") + kind + content
