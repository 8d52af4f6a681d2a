"""The results of several runs as one zip, written while it is sent: no copy on the disk, and no more than a block in
memory.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from studio import tasks
from studio.library.library import Library
from studio.library.models import StoredArtifact
from studio.web.filenames import clean, unique
from studio.web.responses import NotReady

MAX_ZIPPED = 100
"""Runs in one zip."""

BLOCK = 1 << 20


def zip_entries(library: Library, ids: Sequence[str]) -> list[tuple[str, Path]]:
    """The name of each file in the zip, and where it lies. Raises NotReady where none of the runs has any."""
    runs = [run for run in map(library.get, ids) if run is not None and run.status == "done"]
    folders = unique([clean(run.title) or "run" for run in runs])
    entries: list[tuple[str, Path]] = []
    for run, folder in zip(runs, folders, strict=True):
        task = tasks.find(run.task)
        kept = [item for kind in (task.results if task else ()) for item in library.artifacts(run.id, kind)]
        names = unique([_name(item) for item in kept])
        entries += [(f"{folder}/{name}", library.local(run.id, item)) for name, item in zip(names, kept, strict=True)]
    if not entries:
        raise NotReady("None of these runs has finished with a result yet: try again once one has.")
    return entries


def _name(item: StoredArtifact) -> str:
    suffix = PurePath(item.file).suffix
    bare = item.name.removesuffix(suffix) if suffix else item.name
    return f"{clean(bare) or 'file'}{suffix}"


class _Pipe(io.RawIOBase):
    """Where the zip is written to: what has come since it was emptied last. It cannot seek, and says so."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # a zip writes bytes alone
        self.parts.append(bytes(data))
        return len(data)

    def empty(self) -> bytes:
        data = b"".join(self.parts)
        self.parts.clear()
        return data


def zip_stream(entries: Sequence[tuple[str, Path]]) -> Iterator[bytes]:
    """The bytes of the zip; sound, video and structures are compressed already or not worth the time."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, path in entries:
            entry = zipfile.ZipInfo.from_file(path, name)
            with path.open("rb") as file, archive.open(entry, "w", force_zip64=True) as target:
                while block := file.read(BLOCK):
                    target.write(block)
                    yield pipe.empty()
    yield pipe.empty()


def zip_of_parts(parts: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """The bytes of a zip whose files come one after the other, each with its name; pictures are compressed already."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts:
            archive.writestr(name, data)
            yield pipe.empty()
    yield pipe.empty()
