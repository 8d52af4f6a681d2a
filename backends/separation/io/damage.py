"""How much of a file's sound is lost where single packets of it cannot be decoded."""

from __future__ import annotations

from pathlib import Path

import av

from backends.shared.joined_files import tag_length

TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
"""How the tags begin that programs write into MP3 and AAC files; one in the middle was a file's end or beginning."""

UNFRAMED = ("mp3", "aac")
"""Demuxers of files without a container: what is damaged there is a packet of any length, or is passed over."""


class Damage:
    """Counts bytes of packets, to tell how many seconds those were that could not be read.

    Args:
        path: the file.
        demuxer: the name of its demuxer.
    """

    def __init__(self, path: Path, demuxer: str) -> None:
        self._unframed = demuxer in UNFRAMED
        with path.open("rb") as file:
            self._other = tag_length(file.read(10))
        self._size = path.stat().st_size
        self._good = self._lost = self._tag = 0
        self._seconds = 0.0
        self.tag_seconds = 0.0

    def add_sound(self, size: int, seconds: float) -> None:
        """A packet of so many bytes gave sound of this length."""
        self._good += size
        self._seconds += seconds

    def add_unreadable(self, packet: av.Packet) -> bool:
        """A packet could not be decoded. Returns whether that is damage, and not a tag that is no sound."""
        head = bytes(packet)[:11]
        if self._unframed and head.startswith(TAGS):
            self._tag = max(tag_length(head), packet.size)
        if within := self._tag > 0:
            self._other += packet.size
            self._tag = max(self._tag - packet.size, 0)
            self.tag_seconds += float((packet.duration or 0) * (packet.time_base or 0))
        else:
            self._lost += packet.size
        return not within

    def seconds(self) -> float:
        """About how much sound is lost; 0 for containers, whose time stamps tell it."""
        if not self._unframed or not self._good or not self._lost:
            return 0.0
        passed_over = self._size - self._good - self._other
        return self._seconds * max(self._lost, passed_over) / self._good
