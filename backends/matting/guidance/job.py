"""A video job with hints: the mattes before any hint first, then their correction, then the job itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from backends.core.engine import Artifact, Event, Progress
from backends.matting.guidance.correction import Correction
from backends.matting.guidance.footage import Footage
from backends.matting.options import MattingOptions
from backends.matting.types import Matting
from backends.matting.video.job import VideoJob

MakeJob = Callable[[Path, MattingOptions, Path | None, Correction | None], VideoJob]
"""A job from its folder, its options, and, where they are there, the raw mattes to work from and their correction."""

BASE = "base.mkv"


def guided_events(
    path: Path, out: Path, options: MattingOptions, make: MakeJob, *, matte: Path | None, max_pixels: int
) -> Iterator[Event]:
    """Cut out of a video what its hints say.

    Args:
        path: the video.
        out: the folder to write into.
        options: with hints.
        make: makes the job.
        matte: the raw mattes before any hint, if an earlier run found them; else they are found first, and are
            an artifact "base", from which other hints on the same video can be worked out.
        max_pixels: the largest picture that is read.
    """
    found = matte is None
    if matte is None:
        matte = out / BASE
        yield from _find_base(out, options, matte, make)
    footage = Footage(path, matte, options.start, options.end_seconds, max_pixels)
    with closing(Correction(footage, options.hints, out, options.person)) as correction:
        yield from correction.events()
        for event in make(out, options, matte, correction).events():
            if found and isinstance(event, Matting):
                yield replace(event, artifacts=(*event.artifacts, Artifact("base", "base", matte)))
            else:
                yield event


def _find_base(out: Path, options: MattingOptions, target: Path, make: MakeJob) -> Iterator[Progress]:
    """The raw mattes before any hint, by a job that makes the smallest export there is."""
    folder = out / "base"
    folder.mkdir(exist_ok=True)
    try:
        plain = options.model_copy(update={"export": ("luma",), "hints": ()})
        with closing(make(folder, plain, None, None).events()) as events:
            yield from (event for event in events if isinstance(event, Progress))
        (folder / "matte.mkv").replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
