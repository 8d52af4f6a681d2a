"""The small picture of each result: made when it is first asked for, then kept with its run."""

from __future__ import annotations

import threading

from backends.core.errors import UserError
from studio import services
from studio.findings import exhibits, numbers
from studio.library.catalogue import WITH_ORIGIN, Entry
from studio.library.models import UnknownRun
from viz import covers

KIND = "cover"
"""Of the artifact that keeps the picture of a run."""

COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#0072b2")
"""Of the systems of a study: those of Okabe and Ito."""

MAX_AT_ONCE = 2
_making = threading.BoundedSemaphore(MAX_AT_ONCE)
"""A list asks for two dozen pictures at a time; a job that is running keeps its share of the processor."""


def picture(entry: Entry) -> bytes:
    """The WebP that stands for a run or a project; a neutral one where there is nothing to draw."""
    if entry.kind in WITH_ORIGIN:
        return _of_origin(entry)
    library = services.library()
    stored = library.artifacts(entry.id, KIND) if entry.kind == "run" else ()
    if stored:
        return library.local(entry.id, stored[0]).read_bytes()
    if entry.status == "running":
        return covers.blank()
    with _making:
        try:
            made = exhibits.of(entry.task).cover(entry.id)
        except UserError:  # nothing to draw: a run that failed early, or one without its files
            return covers.blank()
    if entry.kind == "run":
        try:
            library.keep(entry.id, KIND, KIND, made, file="cover.webp")
        except UnknownRun:  # deleted while its picture was drawn
            return covers.blank()
    return made


def _of_origin(entry: Entry) -> bytes:
    """A reason looks like the run that it explains, a study like its scores: the longest bar is the highest."""
    if entry.kind == "reason":
        run = services.catalogue().get(entry.origin)
        return covers.blank() if run is None else picture(run)
    rows = numbers.numbers(entry.id, {numbers.STUDY: {"name": entry.origin, "measure": ""}}) or {}
    values = {name: float(row["value"]) for name, row in rows.items() if row["value"] is not None}
    if not values:
        return covers.blank()
    low, high = min(0.0, *values.values()), max(values.values())
    return covers.bars({name: (value - low) / ((high - low) or 1) for name, value in values.items()}, COLOURS)
