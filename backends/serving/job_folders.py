"""The folders of jobs on a backend: one unguessable token each, files served by registered name, swept when old."""

from __future__ import annotations

import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.engine import Artifact
from backends.serving.running_jobs import ID, RunningJob

KEEP_SECONDS = 3600
"""How long a job's files wait for their reader after the job's last event."""


@dataclass
class JobFolder:
    """`files` maps a public name to the file; a request names a file only through this table. `job` is its work."""

    token: str
    path: Path
    files: dict[str, Path] = field(default_factory=dict)
    touched: float = field(default_factory=time.monotonic)
    running: bool = True
    discarded: bool = False
    job: RunningJob | None = None


class JobFolders:
    """All job folders under one root. Safe to use from several threads."""

    def __init__(self, root: Path, keep: float = KEEP_SECONDS) -> None:
        self.root = root
        self.keep = keep
        self._jobs: dict[str, JobFolder] = {}
        self._lock = threading.Lock()

    def open(self, token: str = "") -> JobFolder:
        """A new folder, under the token that its client chose where that is long enough and new."""
        with self._lock:
            if not ID.fullmatch(token) or token in self._jobs:
                token = secrets.token_urlsafe(24)
            folder = self._jobs[token] = JobFolder(token, self.root / token)
        folder.path.mkdir(parents=True, mode=0o700)
        return folder

    def job(self, token: str) -> RunningJob | None:
        """The work of a folder, or None where there is no such folder."""
        with self._lock:
            folder = self._jobs.get(token)
        if folder is None or folder.discarded:
            return None
        folder.touched = time.monotonic()
        return folder.job

    def locate(self, job: JobFolder, artifact: Artifact) -> dict[str, object]:
        """Register an artifact and say where it can be fetched, relative to the server's address."""
        path = artifact.path.resolve()
        if not path.is_relative_to(job.path.resolve()):
            raise ValueError(f"{path} is outside the folder of its job")
        public = "-".join(path.relative_to(job.path.resolve()).parts).replace(" ", "_")
        job.files[public] = path
        job.touched = time.monotonic()
        return {"url": f"/jobs/{job.token}/{public}", "bytes": path.stat().st_size}

    def find(self, token: str, name: str) -> Path | None:
        with self._lock:
            job = self._jobs.get(token)
        if job is None or job.discarded:
            return None
        job.touched = time.monotonic()
        return job.files.get(name)

    def close(self, job: JobFolder) -> None:
        """The job has ended: its files stay for `keep` seconds, or go now if they were discarded meanwhile."""
        with self._lock:
            job.running, job.touched = False, time.monotonic()
        if job.discarded:
            self.discard(job.token)

    def discard(self, token: str) -> bool:
        """Delete a job's folder; a running job ends, and its folder goes with its last event."""
        with self._lock:
            job = self._jobs.get(token)
            if job is None:
                return False
            if job.running:
                job.discarded = True
                if job.job is not None:
                    job.job.cancel()
                return True
            del self._jobs[token]
        shutil.rmtree(job.path, ignore_errors=True)
        return True

    def sweep(self) -> None:
        now = time.monotonic()
        with self._lock:
            old = [job.token for job in self._jobs.values() if not job.running and now - job.touched > self.keep]
            known = set(self._jobs)
        for token in old:
            self.discard(token)
        for path in self.root.iterdir() if self.root.is_dir() else ():
            if path.name not in known and time.time() - path.stat().st_mtime > self.keep:
                shutil.rmtree(path, ignore_errors=True)  # of a server that had this folder before
