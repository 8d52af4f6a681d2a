"""`python -m backends run TASK FILE…`: a job for each file, its results in a folder of the user's."""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backends.cli.results import put_in_place, work_folder
from backends.cli.terminal import answer, report, say
from backends.core.errors import BadInput, UserError
from backends.core.events import Artifact, Event, Metric, Notice, Partial, Result
from backends.core.task import Task, task_named
from backends.serving.inputs import check_inputs

if TYPE_CHECKING:
    from backends.serving.host import Host

PREVIEWS = frozenset({"segment"})
"""Kinds of artifacts that only serve players while a run goes on; they are not kept."""


def run_task(arguments: argparse.Namespace) -> int:
    """Do the job that the arguments describe; its files arrive in `--out` once it has succeeded.

    Of several files each is a job of its own, with a folder of its own inside `--out`; one that fails does not stop
    the others.
    """
    from backends.serving.host import Host

    task, host = task_named(arguments.task), Host()
    if not task.inputs:
        _run(host, task, None, arguments.out, arguments)
        return 0
    files = _files(task, arguments.input)
    if files == arguments.input[:1]:
        _run(host, task, files[0], arguments.out, arguments)
        return 0
    failed = 0
    for file, out in zip(files, _folders(files, arguments.out), strict=True):
        say(f"{file}:")
        try:
            _run(host, task, file, out, arguments)
        except UserError as error:
            say(error.sentence)
            failed += 1
    if failed:
        raise BadInput(f"{failed} of {len(files)} files could not be used; the sentences above say why.")
    return 0


@dataclass
class _Outcome:
    """What the events of a job amount to."""

    metrics: dict[str, float] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    artifacts: tuple[Artifact, ...] = ()
    summary: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)
    previews: set[Path] = field(default_factory=set)

    def add(self, event: Event) -> None:
        match event:
            case Metric(name, value) if math.isfinite(value):
                self.metrics[name] = value
            case Notice(sentence):
                self.notices.append(sentence)
            case Partial(artifact) if artifact.kind in PREVIEWS:
                self.previews.add(artifact.path)
            case Result(artifacts):
                self.artifacts, self.summary = artifacts, event.summary()
                for check in (check for checks in self.summary.values() for check in checks):
                    say(f"{check['what'].capitalize()} {check['state']}: {check['sentence']}")


def _run(host: Host, task: Task, file: Path | None, out: Path, arguments: argparse.Namespace) -> None:
    """One job on one file, or on none where the task takes none."""
    from backends.serving.run_job import JobRequest, run_job

    options, inputs = _read_arguments(arguments, task, file)
    check_inputs(task, inputs)
    card, weights = host.choose(task, arguments.engine, arguments.weights, inputs)
    started = time.monotonic()
    outcome = _Outcome()
    with work_folder(out) as work:
        with closing(run_job(host, JobRequest(task, card, weights, inputs, options, work))) as events:
            for event in events:
                report(event)
                outcome.add(event)
        for preview in outcome.previews - {artifact.path for artifact in outcome.artifacts}:
            preview.unlink(missing_ok=True)
        places = put_in_place(work, out)
        paths = [(artifact, places[artifact.path.relative_to(work)]) for artifact in outcome.artifacts]
    if not arguments.json:
        for _, path in paths:
            answer(str(path))
        return
    facts = {"task": task.name, "engine": card.engine, "weights": card.id}
    listed = [{"kind": artifact.kind, "name": artifact.name, "path": str(path)} for artifact, path in paths]
    measured = {"seconds": round(time.monotonic() - started, 3), "artifacts": listed, "metrics": outcome.metrics}
    answer(json.dumps({**facts, **measured, "notices": outcome.notices, **outcome.summary}))


def _files(task: Task, given: Sequence[Path]) -> list[Path]:
    """The files to work on: those that were named, and in place of a folder the files in it that the task reads."""
    files: list[Path] = []
    for path in given:
        if not (task.suffixes and path.is_dir()):
            files.append(path)
            continue
        inside = sorted(file for file in path.iterdir() if file.is_file() and file.suffix.lower() in task.suffixes)
        if not inside:
            raise BadInput(f"There is no {task.noun or task.inputs[0]} in the folder {path}.")
        files += inside
    return files


def _folders(files: Sequence[Path], out: Path) -> list[Path]:
    """A folder inside `out` for each file, called as it is; a number tells two of one name apart."""
    names: list[str] = []
    for file in files:
        name, number = file.stem, 2
        while name in names:
            name, number = f"{file.stem}-{number}", number + 1
        names.append(name)
    return [out / name for name in names]


def _read_arguments(
    arguments: argparse.Namespace, task: Task, file: Path | None
) -> tuple[dict[str, str], dict[str, Path]]:
    """The options and the files that were named."""
    values = {name: value for name, value in vars(arguments).items() if value is not None}
    options = {name: values[f"option {name}"] for name in task.options if f"option {name}" in values}
    inputs = _named(arguments.extra) if file is None else {task.inputs[0]: file, **_named(arguments.extra)}
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
