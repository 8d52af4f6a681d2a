"""What a run yields while it works: progress, finished parts, numbers, sentences, and last its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Artifact:
    """One file that a run made. `name` is unique within its kind; `path` lies in the job's own folder."""

    kind: str
    name: str
    path: Path
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of `stage` are finished. Only true counts: an engine that cannot count stays silent."""

    stage: str
    done: float
    total: float
    unit: str = ""


@dataclass(frozen=True)
class Partial:
    """An artifact that is finished and usable before the run ends."""

    artifact: Artifact


@dataclass(frozen=True)
class Metric:
    """One measured number about this run."""

    name: str
    value: float
    unit: str = ""


@dataclass(frozen=True)
class Notice:
    """One sentence the user should read beside the result, such as "the file ends early"."""

    sentence: str


@dataclass(frozen=True)
class Result:
    """The last event of a run. Each task has its own frozen subclass; `artifacts` is common to all."""

    artifacts: tuple[Artifact, ...]

    def summary(self) -> Mapping[str, Sequence[Mapping[str, str]]]:
        """What the command line says beside the files: named lists of checks, each with `what`, `state`, `sentence`."""
        return {}


Event = Progress | Partial | Metric | Notice | Result
