"""What the ingress and its workers say to each other. All of it can be pickled, and none of it holds a file."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from backends.core.engine import Event
from backends.core.errors import UserError
from backends.core.info import DeviceInfo
from backends.serving.places import Begun


@dataclass(frozen=True)
class WorkerSpec:
    """What a worker is to be.

    Attributes:
        packages: of the tasks that it knows, those of the ingress.
        device: "cpu" or "cuda".
        models: how many it keeps loaded.
        folder: of uploads and results, which all machines see; a worker looks whether it does.
        exchange: the URL of a store for files where there is no such folder, or "".
        environment: settings of the ingress that a worker on the same machine shares.
    """

    packages: tuple[str, ...]
    device: str
    models: int
    folder: Path
    exchange: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """How a worker is when it is free.

    Attributes:
        device: that it works on.
        loaded: the ids of the cards that it need not load.
        failures: why the last load of a card failed, by the card's id.
        speeds: (card, seconds, amount of work) of each job since the last report.
        problem: a sentence where it cannot work at all, or "".
        memory: bytes that its process takes.
        device_memory: bytes of its graphics card by kind, as `metrics.device_memory` gives them.
    """

    device: DeviceInfo
    loaded: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    speeds: tuple[tuple[str, float, float], ...] = ()
    problem: str = ""
    memory: int = 0
    device_memory: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """One step of a job: an event, or how the job ended."""

    event: Begun | Event | None = None
    error: Exception | None = None


class WorkerLost(Exception):
    """The worker is no more. `begun` says whether it had begun the job."""

    def __init__(self, begun: bool) -> None:
        super().__init__("a worker was lost")
        self.begun = begun


class WorkerFault(Exception):
    """A fault of ours on a worker: its kind and places, without the text, which may name files of a visitor."""


def portable(error: Exception) -> Exception:
    """The error as it can cross to another process, whatever it holds."""
    if isinstance(error, UserError):
        return type(error)(error.sentence)
    if isinstance(error, MemoryError):
        return MemoryError()
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return OSError(error.errno, error.strerror)
    places = [f"{Path(place.filename).name}:{place.lineno}" for place in traceback.extract_tb(error.__traceback__)]
    return WorkerFault(f"{type(error).__name__} at {' < '.join(reversed(places))}")
