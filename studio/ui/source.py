"""The file that a page is about before a job: an upload, a text, or the file of an earlier run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from studio import services
from studio.library.library import Run
from studio.ui.session_files import cached, save_upload, temporary_file


class Probe(Protocol):
    """What is known of a file before it is run: `text` in one line, or `problem`, one sentence why it cannot be run."""

    @property
    def text(self) -> str: ...

    @property
    def problem(self) -> str: ...


ProbeType = TypeVar("ProbeType", bound=Probe)


@dataclass
class Source(Generic[ProbeType]):
    """A file on this machine with what is known of it.

    Attributes:
        key: tells it from others; part of the keys of the form's widgets.
        name: what the visitor calls it; shown, never used as a path.
        path: where it lies.
        probe: what is known of it.
        run: the earlier run that it comes from, if any.
        folder: the temporary folder of an upload or a text: it is deleted with the visitor's session, or when another
            file takes its place.
        others: further files that are to be worked on alike, each in a run of its own.
    """

    key: str
    name: str
    path: Path
    probe: ProbeType
    run: Run | None = None
    folder: Any = None
    others: Sequence[Source[ProbeType]] = field(default_factory=tuple)

    @property
    def all(self) -> list[Source[ProbeType]]:
        """This file and the further ones."""
        return [self, *self.others]


def of_upload(upload: Any, types: Collection[str], probe: Callable[[Path], ProbeType], slot: str) -> Source[ProbeType]:
    """An upload, copied to disk and probed once a session.

    Args:
        upload: as Streamlit gives it.
        types: endings that are kept, without the dot.
        probe: reads the file; never raises for a bad one.
        slot: of the session, which holds one source at a time.
    """
    key = f"upload-{upload.file_id}"

    def make() -> Source[ProbeType]:
        folder, path = save_upload(upload, types)
        return Source(key, upload.name, path, probe(path), folder=folder)

    return cached(slot, key, make)


def of_text(text: str, name: str, probe: Callable[[Path], ProbeType], slot: str) -> Source[ProbeType]:
    """A text that was typed, pasted or comes with the project; the arguments are as for `of_upload`."""
    key = f"text-{hashlib.sha256(text.encode()).hexdigest()[:16]}"

    def make() -> Source[ProbeType]:
        folder, path = temporary_file(".txt")
        path.write_text(text, encoding="utf-8")
        return Source(key, name, path, probe(path), folder=folder)

    return cached(slot, key, make)


def of_run(run: Run, probe: Callable[[Path], ProbeType], slot: str) -> Source[ProbeType]:
    """The file of an earlier run; the arguments are as for `of_upload`. Raises UserError where it is gone."""
    key = f"run-{run.id}"

    def make() -> Source[ProbeType]:
        path = services.library().only(run.id, "input", "input")
        return Source(key, run.inputs[0]["name"], path, probe(path))

    source = cached(slot, key, make)
    source.run = run  # which may have gone on since it was read last
    return source
