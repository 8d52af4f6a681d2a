"""Records the events of a running call in the library: numbers, notices and files, each as it arrives."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

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

BLOCK_BYTES = 1 << 20

Derive = Callable[[Path, Mapping[str, Any]], Iterator[tuple[str, bytes]]]
"""Makes what the studio adds to a file that arrived, as (kind, content): a waveform tile of a segment, say."""

Update = Callable[..., None]
"""Called with the changes of a job's view: `update(stage="Saving", done=1, total=4)`."""


class RunRecorder:
    """Records one run from one backend. `finished` is true once its result is in the library."""

    def __init__(
        self,
        library: Library,
        run_id: str,
        address: str,
        update: Update,
        stopped: threading.Event,
        *,
        derive: Derive | None,
    ) -> None:
        """
        Args:
            library: that holds the run.
            run_id: the run, which has begun.
            address: of the backend, where the files lie.
            update: called with what changes of the job's view.
            stopped: set once the job is cancelled.
            derive: makes further files from one that arrived.
        """
        self.finished = False
        self._library = library
        self._run_id = run_id
        self._update = update
        self._stopped = stopped
        self._derive = derive
        self._token = ""
        self._files = httpx.Client(base_url=address, timeout=60)

    def record(self, event: EventMessage) -> None:
        """Record one event. Raises UserError where the library cannot, httpx.HTTPError where a file does not arrive."""
        match event:
            case StartedMessage(job=token, device=device):
                self._token = token
                self._library.note(self._run_id, facts={"device": device})
                self._update(state="running", stage="Starting")
            case ProgressMessage(stage=stage, done=done, total=total, unit=unit):
                self._update(state="running", stage=stage, done=done, total=total, unit=unit)
            case MetricMessage(name=name, value=value, unit=unit):
                self._library.note(self._run_id, metrics={name: {"value": value, "unit": unit}})
            case NoticeMessage(sentence=sentence):
                self._library.note(self._run_id, notices=[sentence])
            case PartialMessage(artifact=artifact):
                self._keep(artifact)
            case ResultMessage():
                self._finish(event)

    def close(self) -> None:
        """Delete the job's files on the backend. A backend that is gone has none to delete."""
        try:
            if self._token:
                self._files.delete(f"/jobs/{self._token}", timeout=5)
        except httpx.HTTPError:
            self._token = ""
        finally:
            self._files.close()

    def _finish(self, event: ResultMessage) -> None:
        for index, artifact in enumerate(event.artifacts):
            self._update(stage="Saving the results", done=index, total=len(event.artifacts), unit="files")
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
                for block in answer.iter_bytes(BLOCK_BYTES):
                    if self._stopped.is_set():
                        return
                    target.write(block)
            if self._derive is not None:
                for derived, content in self._derive(path, artifact.model_dump()):
                    self._library.keep(self._run_id, derived, name, content, meta=meta)
            self._library.keep(self._run_id, kind, name, path, file=f"{name}{suffix}", meta=meta, move=True)
