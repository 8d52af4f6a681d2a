"""The studio's long-lived parts, one of each in a process: library, backend, jobs, analyses.

They are made on first use, so that a page test gets its own from the environment it sets; `stop` ends and forgets them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.jobs.analysis import Analyses
from studio.jobs.backend import Backend, from_environment
from studio.jobs.jobs import Jobs
from studio.library.library import Library, home
from studio.pictures.feature_loader import Lookers
from studio.pictures.inference_client import Errands
from studio.pictures.project import Projects

_lock = threading.RLock()
_made: dict[str, Any] = {}


def library() -> Library:
    with _lock:
        if "library" not in _made:
            shelf = Library()
            shelf.sweep()
            _made["library"] = shelf
        return _made["library"]


def backend() -> Backend:
    with _lock:
        if "backend" not in _made:
            made = from_environment()
            made.start()
            _made["backend"] = made
        return _made["backend"]


def jobs() -> Jobs:
    with _lock:
        if "jobs" not in _made:
            _made["jobs"] = Jobs(library(), backend(), derive)
        return _made["jobs"]


def analyses() -> Analyses:
    with _lock:
        if "analyses" not in _made:
            _made["analyses"] = Analyses(library())
        return _made["analyses"]


def projects() -> Projects:
    with _lock:
        if "projects" not in _made:
            _made["projects"] = Projects(home() / "projects")
        return _made["projects"]


def lookers() -> Lookers:
    with _lock:
        if "lookers" not in _made:
            _made["lookers"] = Lookers(backend())
        return _made["lookers"]


def errands() -> Errands:
    with _lock:
        if "errands" not in _made:
            _made["errands"] = Errands()
        return _made["errands"]


def derive(path: Path, artifact: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
    """A waveform and spectrogram tile for every segment of sound."""
    if artifact["kind"] == "segment":
        from backends.separation.types import PREVIEW_GAIN
        from viz.separation.tiles import tile_of_file

        yield "tile", tile_of_file(path, PREVIEW_GAIN)


def stop() -> None:
    """End every job and the backend that was started here; the next call of a service makes a new one."""
    with _lock:
        for name in ("jobs", "lookers", "errands", "backend", "analyses"):
            if name in _made:
                _made[name].stop()
        _made.clear()
