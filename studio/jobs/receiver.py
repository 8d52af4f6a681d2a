"""Taking in what a running call yields: numbers, sentences and files, each kept in the library as it arrives."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx

from backends.core.event_json import (
    ArtifactMessage,
    EventMessage,
    MetricMessage,
    NoticeMessage,
    PartialMessage,
    ProgressMessage,
    ResultMessage,
    StartedMessage,
)
from studio.library.library import Library

COPY_BYTES = 1 << 20

Derive = Callable[[Path, Mapping[str, Any]], Iterator[tuple[str, bytes]]]
"""Makes what the studio adds to a file that arrived, as (kind, content): a waveform tile of a segment, say."""

Tell = Callable[..., None]
"""Called with the changes of a job's view: `tell(stage="Saving", done=1, total=4)`."""


class Intake:
    """The events of one run, from one backend, into the library. `finished` once its result has been kept."""

    def __init__(
        self,
        library: Library,
        run_id: str,
        address: str,
        tell: Tell,
        stopped: threading.Event,
        *,
        derive: Derive | None,
    ) -> None:
        self.finished = False
        self._library = library
        self._run_id = run_id
        self._tell = tell
        self._stopped = stopped
        self._derive = derive
        self._token = ""
        self._files = httpx.Client(base_url=address, timeout=60)

    def take(self, event: EventMessage) -> None:
        """Keep one event. Raises UserError where the library cannot, httpx.HTTPError where a file does not come."""
        match event:
            case StartedMessage(job=token, device=device):
                self._token = token
                self._library.note(self._run_id, facts={"device": device})
                self._tell(state="running", stage="Starting")
            case ProgressMessage(stage=stage, done=done, total=total, unit=unit):
                self._tell(state="running", stage=stage, done=done, total=total, unit=unit)
            case MetricMessage(name=name, value=value, unit=unit):
                self._library.note(self._run_id, metrics={name: {"value": value, "unit": unit}})
            case NoticeMessage(sentence=sentence):
                self._library.note(self._run_id, notices=[sentence])
            case PartialMessage(artifact=artifact):
                self._keep(artifact)
            case ResultMessage():
                self._finish(event)

    def close(self) -> None:
        """Tell the backend that nobody needs the job's files any more. A backend that is gone has none to clear."""
        try:
            if self._token:
                self._files.delete(f"/jobs/{self._token}", timeout=5)
        except httpx.HTTPError:
            self._token = ""
        finally:
            self._files.close()

    def _finish(self, event: ResultMessage) -> None:
        for index, artifact in enumerate(event.artifacts):
            self._tell(stage="Saving the results", done=index, total=len(event.artifacts), unit="files")
            self._keep(artifact)
        self._library.note(self._run_id, facts=event.facts)
        self.finished = not self._stopped.is_set()

    def _keep(self, artifact: ArtifactMessage) -> None:
        """Fetch one artifact, with what the studio derives from it; the derived files first, so that none is missed."""
        kind, name, meta = artifact.kind, artifact.name, artifact.meta
        suffix = Path(artifact.url).suffix
        with tempfile.TemporaryDirectory(prefix="fourfold-file-") as folder:
            path = Path(folder) / f"file{suffix}"
            with self._files.stream("GET", artifact.url) as answer, path.open("wb") as target:
                answer.raise_for_status()
                for block in answer.iter_bytes(COPY_BYTES):
                    if self._stopped.is_set():
                        return
                    target.write(block)
            if self._derive is not None:
                for derived, content in self._derive(path, artifact.model_dump()):
                    self._library.keep(self._run_id, derived, name, content, meta=meta)
            self._library.keep(self._run_id, kind, name, path, file=f"{name}{suffix}", meta=meta, move=True)


def copy_upload(source: IO[bytes] | Path, target: Path) -> tuple[str, int]:
    """Copy in blocks; returns (sha256 in hex, bytes)."""
    if isinstance(source, Path):
        shutil.copyfile(source, target)
        with target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest(), target.stat().st_size
    digest, size = hashlib.sha256(), 0
    source.seek(0)
    with target.open("wb") as file:
        while block := source.read(COPY_BYTES):
            digest.update(block)
            size += len(block)
            file.write(block)
    return digest.hexdigest(), size
