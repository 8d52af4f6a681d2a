"""Tar shards of pictures as img2dataset and CLIP Benchmark write them, read through fsspec without copying them.

The members of one sample share a key and follow each other: `KEY.jpg KEY.txt KEY.json` or `KEY.webp KEY.cls`. A shard
is gone through once for its names and small members; a picture is read at its place in the shard when it is needed.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing

MAX_MEMBER = 64 << 20
MAX_TEXT = 1 << 20
PICTURES = (".jpg", ".jpeg", ".png", ".webp")
TEXTS = (".txt", ".json", ".cls")


@dataclass(frozen=True)
class Entry:
    """One picture of a shard.

    Args:
        key: its name.
        shard: the address of the shard.
        place: where its file begins there, and its bytes.
        texts: the small members by ending.
    """

    key: str
    shard: str
    place: tuple[int, int]
    texts: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def captions(self) -> list[str]:
        """One a line, as CLIP Benchmark has them; LAION's are of one line."""
        lines = self.texts.get(".txt", b"").decode("utf-8", "replace").splitlines()
        return [line.strip() for line in lines if line.strip()]

    @property
    def about(self) -> Mapping[str, Any]:
        """The JSON beside the picture; empty where it is missing or damaged, as the picture is there all the same."""
        try:
            values = json.loads(self.texts.get(".json", b"{}"))
        except ValueError:
            return {}
        return values if isinstance(values, dict) else {}


def list_files(place: str, ending: str) -> list[str]:
    """The files with this ending at an address that fsspec knows. Raises DatasetMissing where there is nothing."""
    import fsspec

    system, path = fsspec.core.url_to_fs(place)
    if not system.exists(path):
        raise DatasetMissing(f"There is nothing at {place}.")
    found = [path] if system.isfile(path) else sorted(system.find(path))
    return [system.unstrip_protocol(name) for name in found if name.endswith(ending)]


def index_shard(address: str) -> Iterator[Entry]:
    """The pictures of a shard in their order. Raises BadInput where it is damaged."""
    import fsspec

    with fsspec.open(address, "rb") as file:
        try:
            yield from _entries(address, file)
        except tarfile.TarError as error:
            raise BadInput(f"{Path(address).name} is no tar file, or it is damaged.") from error


def _entries(address: str, file: IO[bytes]) -> Iterator[Entry]:
    key, places, texts = "", dict[str, tuple[int, int]](), dict[str, bytes]()
    with tarfile.open(fileobj=file, mode="r:") as archive:
        for member in archive:
            stem, dot, rest = Path(member.name).name.partition(".")
            ending = f".{rest.lower()}"
            if not member.isfile() or not dot or member.size > MAX_MEMBER:
                continue
            if stem != key:
                yield from _entry(address, key, places, texts)
                key, places, texts = stem, {}, {}
            if ending in PICTURES:
                places[ending] = (member.offset_data, member.size)
            elif ending in TEXTS and member.size <= MAX_TEXT and (content := archive.extractfile(member)) is not None:
                texts[ending] = content.read()
    yield from _entry(address, key, places, texts)


def _entry(
    address: str, key: str, places: Mapping[str, tuple[int, int]], texts: Mapping[str, bytes]
) -> Iterator[Entry]:
    place = next((places[ending] for ending in PICTURES if ending in places), None)
    if place is not None:
        yield Entry(key, address, place, dict(texts))


def read_pictures(entries: Sequence[Entry]) -> list[bytes]:
    """The encoded files of some pictures, each shard opened once for those that follow each other."""
    import fsspec

    found: list[bytes] = []
    file: Any = None
    shard = ""
    try:
        for entry in entries:
            if entry.shard != shard:
                if file is not None:
                    file.close()
                shard, file = entry.shard, fsspec.open(entry.shard, "rb").open()
            file.seek(entry.place[0])
            found.append(file.read(entry.place[1]))
    finally:
        if file is not None:
            file.close()
    return found


def pools(entries: Iterator[Entry], size: int) -> Iterator[list[Entry]]:
    """`size` entries at a time, the last rest left out unless there is no other."""
    pool, whole = list[Entry](), False
    for entry in entries:
        pool.append(entry)
        if len(pool) == size:
            whole = True
            yield pool
            pool = []
    if pool and not whole:
        yield pool
