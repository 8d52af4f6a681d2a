"""`python -m backends run TASK FILE`: one job, its results in a folder of the user's."""

from __future__ import annotations

import argparse
import json
import math
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from backends.cli.terminal import answer, report, say
from backends.core.errors import BadInput
from backends.core.events import Artifact, Metric, Partial, Result
from backends.core.task import Task, task_named
from backends.serving.inputs import check_inputs

PREVIEWS = frozenset({"segment"})
"""Kinds of artifacts that only serve players while a run goes on; they are not kept."""

NAMED = 3
"""Replaced files that are named in the sentence about them."""


def run_task(arguments: argparse.Namespace) -> int:
    """Do the job that the arguments describe; its files arrive in `--out` once it has succeeded."""
    from backends.serving.host import Host
    from backends.serving.run_job import JobRequest, run_job

    task, host = task_named(arguments.task), Host()
    options, inputs = _given(arguments, task)
    check_inputs(task, inputs)
    card, weights = host.choose(task, arguments.engine, arguments.weights)
    started = time.monotonic()
    metrics: dict[str, float] = {}
    artifacts: tuple[Artifact, ...] = ()
    previews: set[Path] = set()
    with _folder(arguments.out) as work:
        with closing(run_job(host, JobRequest(task, card, weights, inputs, options, work))) as events:
            for event in events:
                report(event)
                if isinstance(event, Metric) and math.isfinite(event.value):
                    metrics[event.name] = event.value
                elif isinstance(event, Partial) and event.artifact.kind in PREVIEWS:
                    previews.add(event.artifact.path)
                elif isinstance(event, Result):
                    artifacts = event.artifacts
        for preview in previews - {artifact.path for artifact in artifacts}:
            preview.unlink(missing_ok=True)
        _move(work, arguments.out)
    files = [(artifact, arguments.out / artifact.path.relative_to(work)) for artifact in artifacts]
    if arguments.json:
        facts = {"task": task.name, "engine": card.engine, "weights": card.id}
        listed = [{"kind": artifact.kind, "name": artifact.name, "path": str(path)} for artifact, path in files]
        seconds = round(time.monotonic() - started, 3)
        answer(json.dumps({**facts, "seconds": seconds, "artifacts": listed, "metrics": metrics}))
    else:
        for _, path in files:
            answer(str(path))
    return 0


@contextmanager
def _folder(out: Path) -> Iterator[Path]:
    """A folder of the run's own inside `out`, so that what lies there is safe until the run has succeeded."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".run-", dir=out))
    except OSError as error:
        raise BadInput(f"Cannot write to {out} ({error.strerror}).") from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(work: Path, out: Path) -> None:
    """Move every file of the run to its place, and say which files of an earlier run it replaces."""
    replaced = []
    try:
        for file in sorted(path for path in work.rglob("*") if path.is_file()):
            target = out / file.relative_to(work)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                replaced.append(str(target.relative_to(out)))
            file.replace(target)
    except OSError as error:
        raise BadInput(f"Cannot write to {out} ({error.strerror}).") from error
    if replaced:
        more = f" and {len(replaced) - NAMED} more" if len(replaced) > NAMED else ""
        say(f"Replaced files of an earlier run in {out}: {', '.join(replaced[:NAMED])}{more}.")


def _given(arguments: argparse.Namespace, task: Task) -> tuple[dict[str, str], dict[str, Path]]:
    """The options and the files that were named."""
    values = {name: value for name, value in vars(arguments).items() if value is not None}
    options = {name: values[f"option {name}"] for name in task.options if f"option {name}" in values}
    inputs = {task.inputs[0]: arguments.input, **_named(arguments.extra)}
    for name in task.optional:
        if f"file {name}" in values:
            inputs[name] = values[f"file {name}"]
        # `--background beach.jpg` means the file, `--background green` the colour.
        elif name in options and name not in inputs and Path(options[name]).is_file():
            inputs[name] = Path(options.pop(name))
    return options, inputs


def _named(pairs: list[str]) -> dict[str, Path]:
    """`["background=beach.jpg"]` as names and files."""
    split = [pair.partition("=") for pair in pairs]
    for name, equals, file in split:
        if not (name and equals and file):
            raise BadInput("Give a further file as NAME=FILE, such as --input background=beach.jpg.")
    return {name: Path(file) for name, _, file in split}
