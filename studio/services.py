"""The studio's long-lived objects, one of each in a process: library, backend, jobs, and what the tasks register.

They are made on first use, so that a page test gets its own from the environment it sets; `stop` ends and forgets them.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

from studio import tasks, visitors
from studio.jobs.backend import Backend, from_environment
from studio.jobs.background import Analysis, BackgroundTasks, LibraryStore, MemoryStore
from studio.jobs.jobs import Jobs
from studio.library import maintenance
from studio.library.catalogue import Catalogue
from studio.library.findings import Findings
from studio.library.library import Library

_lock = threading.RLock()
_instances: dict[str, Any] = {}


def get(name: str) -> Any:
    """The service of that name, made now if it is not there yet. Raises KeyError for a name that nobody registered."""
    with _lock:
        if name not in _instances:
            # One that needs another asks for it while it is made, and so comes after it in `_instances`.
            # Whoever asks first, it is everybody's.
            with visitors.acting(visitors.EVERYBODY):
                _instances[name] = _factories()[name]()
        return _instances[name]


def library() -> Library:
    return get("library")


def backend() -> Backend:
    return get("backend")


def jobs() -> Jobs:
    return get("jobs")


def analyses() -> BackgroundTasks[Analysis, bytes]:
    """What is worked out about finished runs beside the jobs; kept in the library."""
    return get("analyses")


def catalogue() -> Catalogue:
    """Search and labels over everything that was made."""
    return get("catalogue")


def findings() -> Findings:
    """Findings and stories."""
    return get("findings")


def stop() -> None:
    """Stop every service, each before those that it needs; the next call of one makes a new one."""
    with _lock:
        for service in reversed(_instances.values()):
            if hasattr(service, "stop"):
                service.stop()
        _instances.clear()


def _factories() -> Mapping[str, Callable[[], Any]]:
    own: dict[str, Callable[[], Any]] = {
        "library": _make_library,
        "backend": _make_backend,
        "jobs": _make_jobs,
        "analyses": _make_analyses,
        "catalogue": lambda: Catalogue(library()),
        "findings": lambda: Findings(library().database),
        "story_files": lambda: BackgroundTasks(MemoryStore(8), name="story file"),
    }
    return own | {name: make for task in tasks.registered().values() for name, make in task.services.items()}


def _make_library() -> Library:
    library = Library()
    maintenance.repair(library)
    return library


def _make_backend() -> Backend:
    backend = from_environment()
    backend.start()
    return backend


def _make_jobs() -> Jobs:
    derivers = {name: task.derive for name, task in tasks.registered().items() if task.derive}
    return Jobs(library(), backend(), derivers, _visitor)


def _visitor() -> str:
    """Whose turn it is in the queue of the model server: a person's, or else a browser's."""
    from studio import streamlit_patches

    person = visitors.current()
    return hashlib.sha256(person.encode()).hexdigest()[:32] if person else streamlit_patches.browser()


def _make_analyses() -> BackgroundTasks[Analysis, bytes]:
    return BackgroundTasks(LibraryStore(library()), group=lambda key: key.kind, name="analysis")
