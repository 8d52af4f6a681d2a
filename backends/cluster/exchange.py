"""How the files of a job get to a worker and back: a folder that all machines see, or a store that fsspec knows.

With a folder nothing is copied: a worker reads the upload and writes its results where the ingress has them. With a
store, the ingress puts the upload there, a worker fetches it into a folder of its own, and puts each artifact there
as it is made; the ingress fetches it before it tells of it. Paths in events are those of the ingress at either end.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import fsspec

from backends.core.engine import Artifact, Event, Partial, Result
from backends.core.errors import BadInput
from backends.serving.places import Begun, Work
from backends.serving.workdir import WorkDir

log = logging.getLogger(__name__)

STALE_SECONDS = 24 * 3600.0
"""What lies in the store for longer was left by an ingress that was killed."""

WORKER_PREFIX = "fourfold-worker-"


class Exchange:
    """The ingress's end. Without a URL every method leaves things as they are."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        if url:
            self._fs, self._root = _open(url)
            self._sweep()

    def send(self, work: Work) -> Work:
        """Put the files of a job into the store; the work as a worker is to get it."""
        if not self.url:
            return work
        for name, file in work.files.items():
            self._fs.makedirs(f"{self._root}/{work.token}/in/{name}", exist_ok=True)
            self._fs.put_file(str(file), f"{self._root}/{work.token}/in/{name}/{file.name}")
        return work

    def receive(self, event: Begun | Event, work: Work) -> None:
        """Fetch the artifacts of an event into the job's folder."""
        for artifact in _artifacts(event) if self.url else ():
            inner = artifact.path.relative_to(work.out)
            artifact.path.parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(_address(self._root, work, inner), str(artifact.path))

    def forget(self, work: Work) -> None:
        """Delete what lies in the store for a job."""
        if self.url:
            _delete(self._fs, f"{self._root}/{work.token}")

    def _sweep(self) -> None:
        """Delete the files of jobs that no ingress will ask for any more."""
        if not self._fs.exists(self._root):
            return
        for folder in self._fs.ls(self._root, detail=False):
            times = [self._fs.modified(path).timestamp() for path in self._fs.find(folder)]
            if times and time.time() - max(times) > STALE_SECONDS:
                _delete(self._fs, folder)


class WorkerExchange:
    """A worker's end: its own folder, where there is a store."""

    def __init__(self, url: str = "") -> None:
        self.url = url
        self._own: WorkDir | None = None
        if url:
            self._fs, self._root = _open(url)
            self._own = WorkDir(WORKER_PREFIX)
            self._own.make()  # and those of dead workers go

    def take(self, work: Work) -> Work:
        """The work with its files on this machine."""
        if self._own is None:
            work.out.mkdir(parents=True, exist_ok=True)
            return work
        folder, files = self._own.path / work.token, {}
        for name, file in work.files.items():
            files[name] = folder / "in" / name / file.name
            files[name].parent.mkdir(parents=True, exist_ok=True)
            self._fs.get_file(f"{self._root}/{work.token}/in/{name}/{file.name}", str(files[name]))
        out = folder / "out"
        out.mkdir(parents=True, exist_ok=True)
        return replace(work, files=files, out=out)

    def give(self, event: Begun | Event, here: Work, there: Work) -> Begun | Event:
        """Put the artifacts of an event into the store; the event as the ingress is to get it."""
        if self._own is None:
            return event

        def put(artifact: Artifact) -> Artifact:
            inner = artifact.path.resolve().relative_to(here.out.resolve())
            target = _address(self._root, there, inner)
            self._fs.makedirs(str(PurePosixPath(target).parent), exist_ok=True)
            self._fs.put_file(str(artifact.path), target)
            return replace(artifact, path=there.out / inner)

        return _with_artifacts(event, put)

    def end(self, work: Work) -> None:
        """Delete this worker's copies of a job's files."""
        if self._own is not None:
            shutil.rmtree(self._own.path / work.token, ignore_errors=True)


def _open(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Raises BadInput where nothing can be kept there."""
    try:
        fs, root = fsspec.core.url_to_fs(url)
        fs.makedirs(root, exist_ok=True)
    except (ValueError, ImportError, OSError) as error:
        raise BadInput(f"Files cannot be exchanged through {url.partition('?')[0]} ({error}).") from error
    return fs, root.rstrip("/")


def _address(root: str, work: Work, inner: Path) -> str:
    """Where an artifact lies: a second try of a job has a folder of its own, by the name of its `out`."""
    return f"{root}/{work.token}/out/{work.out.name}/{inner.as_posix()}"


def _delete(fs: fsspec.AbstractFileSystem, folder: str) -> None:
    try:
        fs.rm(folder, recursive=True)
    except FileNotFoundError:
        return
    except OSError as error:
        log.warning("the files of a job cannot be deleted from the store (%s)", error)


def _artifacts(event: Begun | Event) -> tuple[Artifact, ...]:
    if isinstance(event, Partial):
        return (event.artifact,)
    return event.artifacts if isinstance(event, Result) else ()


def _with_artifacts(event: Begun | Event, change: Callable[[Artifact], Artifact]) -> Begun | Event:
    if isinstance(event, Partial):
        return replace(event, artifact=change(event.artifact))
    if isinstance(event, Result):
        return replace(event, artifacts=tuple(map(change, event.artifacts)))
    return event
