"""Records the events of a running call in the library: numbers, notices and files, each as it arrives."""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from backends.core import access
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

log = logging.getLogger(__name__)

RETRY_PAUSES = (0.2, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds before each further try to fetch a file: a network may be away for half a minute, while the file waits."""

TRY_LATER = (429, 502, 503, 504)
"""What a proxy or a busy server answers when the same request may succeed a moment later."""

Derive = Callable[[Path, Mapping[str, Any]], Iterator[tuple[str, bytes]]]
"""Makes what the studio adds to a file that arrived, as (kind, content): a waveform tile of a segment, say."""


def fetch_bytes(url: str) -> bytes:
    """The content of a small file of a job. Raises httpx.HTTPError where it stays away for longer than RETRY_PAUSES."""
    for pause in (*RETRY_PAUSES, None):
        try:
            answer = httpx.get(url, timeout=60, headers=access.headers())
            answer.raise_for_status()
            return answer.content
        except httpx.TransportError:
            if pause is None:
                raise
            time.sleep(pause)
    raise AssertionError("the last try returns or raises")


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
        alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """
        Args:
            library: that holds the run.
            run_id: the run, which has begun.
            address: of the backend, where the files lie.
            update: called with what changes of the job's view.
            stopped: set once the job is cancelled.
            derive: makes further files from one that arrived.
            alive: says cheaply whether the server that has the files is still there.
        """
        self.finished = False
        self._library = library
        self._run_id = run_id
        self._update = update
        self._stopped = stopped
        self._derive = derive
        self._alive = alive
        self._token = ""
        self._files = httpx.Client(base_url=address, timeout=60, headers=access.headers())

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
        """Delete the job's files on the backend. Once the job was cancelled, nobody waits for the answer."""
        if self._stopped.is_set():
            threading.Thread(target=self._discard, name="discard files", daemon=True).start()
        else:
            self._discard()

    def _discard(self) -> None:
        """A backend that is gone has no files to delete."""
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
            self._fetch(artifact.url, path)
            if self._stopped.is_set():
                return
            if self._derive is not None:
                for derived, content in self._derive(path, artifact.model_dump()):
                    self._library.keep(self._run_id, derived, name, content, meta=meta)
            self._library.keep(self._run_id, kind, name, path, file=f"{name}{suffix}", meta=meta, move=True)

    def _fetch(self, url: str, path: Path) -> None:
        """Fetch one file. Where the connection breaks, the file is asked for again from the byte where it broke.

        Raises httpx.HTTPError once the server is gone, refuses, or stays away for longer than RETRY_PAUSES.
        """
        for pause in (*RETRY_PAUSES, None):
            try:
                return self._fetch_rest(url, path)
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                later = isinstance(error, httpx.TransportError) or error.response.status_code in TRY_LATER
                if not later or pause is None or not self._alive():
                    raise
                log.info("a file did not arrive whole, asking again in %.1f s: %r", pause, error)
                if self._stopped.wait(pause):
                    return

    def _fetch_rest(self, url: str, path: Path) -> None:
        """Append what is missing of a file; from the start where the server does not give parts."""
        offset = path.stat().st_size if path.exists() else 0
        # Part of what was compressed on the way could not be unpacked.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        with self._files.stream("GET", url, headers=headers) as answer:
            if offset and answer.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                return  # It is whole already: the connection broke after the last byte.
            answer.raise_for_status()
            with path.open("ab" if answer.status_code == httpx.codes.PARTIAL_CONTENT else "wb") as target:
                for block in answer.iter_bytes():
                    if self._stopped.is_set():
                        return
                    target.write(block)
