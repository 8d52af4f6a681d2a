"""Answers to questions about a run: asked once, kept with the run in the library, found again by whoever opens it next.

An answer is one zip among the run's files, of the kind `inside` and named by a key of the run, the question and the
model. Asking is a job (`studio.jobs`): it has a place in the queue, progress and a cancel, and goes on while nobody
looks at it.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from backends.core.errors import BadInput
from backends.core.info import Info
from studio import services
from studio.findings import shelves
from studio.jobs import question
from studio.jobs.receiver import Update
from studio.jobs.view import JobView
from studio.library.library import Run

KIND = "inside"
ABOUT = "answer.json"
PREVIEW_FILES = ("preview.npz", "preview.json")
"""A first map and what is known of it, as the model server names them."""

MAX_FILES, MAX_BYTES = 400, 400_000_000


@dataclass(frozen=True)
class Content:
    """A file that does not lie in the library, such as a changed song; `suffix` is the ending of its name."""

    data: bytes
    suffix: str


@dataclass(frozen=True)
class Inquiry:
    """One question as it goes to the model server.

    Attributes:
        run: the run that it is about.
        title: what is asked, in words.
        task: whose models are asked.
        card: the id of the model's card.
        options: what the server is told: the question, or the options of the engine.
        files: by the names of the task's inputs; those of the run itself as paths.
        explains: whether the model is to be explained; else it does its usual work.
        wanted: whether the answer needs a file of this kind and name.
    """

    run: Run
    title: str
    task: str
    card: str
    options: Mapping[str, Any]
    files: Mapping[str, Path | Content]
    explains: bool = True
    wanted: Callable[[str, str], bool] = lambda kind, name: True

    @cached_property
    def key(self) -> str:
        """The same question on the same files and model has the same key."""
        contents = {
            name: hashlib.sha256(file.data).hexdigest()
            for name, file in self.files.items()
            if isinstance(file, Content)
        }
        asked = [self.run.id, self.explains, self.task, self.card, dict(self.options), contents]
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def job(self) -> str:
        return f"inside-{self.run.id}-{self.key}"

    def request(self, info: Info, files: Mapping[str, Path]) -> tuple[str, list[Any]]:
        """The endpoint and its arguments; `files` are all on the disk."""
        task = info.tasks[self.task]
        file = files[task.inputs[0]]
        if not self.explains:
            return task.endpoint, [file, self.card, dict(self.options), *map(files.get, task.optional)]
        explained = [each.explain for each in info.tasks.values() if each.explain.endpoint]
        names = dict.fromkeys(name for each in explained for name in each.optional)
        options = {"task": self.task, **self.options}
        return task.explain.endpoint, [file, self.card, options, *map(files.get, names)]


@dataclass(frozen=True)
class Answer:
    """What came of an inquiry: files by name, sentences, and what the server said of the result."""

    files: Mapping[str, bytes]
    notices: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def file(self, name: str) -> bytes:
        """Raises BadInput where the answer has no such file."""
        if name not in self.files:
            raise BadInput("This answer is not complete: ask again.")
        return self.files[name]


def ask(inquiry: Inquiry, address: Mapping[str, str] | None = None) -> None:
    """Ask, unless that is under way already.

    Args:
        inquiry: the question.
        address: query parameters of the page that shows its answer, to be found there again.
    """

    def work(call: question.Ask, update: Update) -> None:
        with tempfile.TemporaryDirectory(prefix="fourfold-inside-") as folder:
            files = _on_disk(inquiry, Path(folder))
            running = call(lambda info: inquiry.request(info, files))
            first = _FIRST.setdefault(inquiry.job, {})
            try:
                found = question.receive(running, update, inquiry.wanted, lambda file: first.update({file.name: file}))
            finally:
                del _FIRST[inquiry.job]
        content = pack(found)
        cost = {name: found.facts.get(name) for name in ("seconds", "evaluations")}
        meta = {"title": inquiry.title, "card": inquiry.card, "options": dict(inquiry.options), **cost}
        meta |= {"asked": time.time(), "address": dict(address or {})}
        _remember(meta)
        kept = services.library().keep(inquiry.run.id, KIND, inquiry.key, content, file="answer.zip", meta=meta)
        shelves.enter_reason(kept)

    services.jobs().ask(inquiry.job, inquiry.title, inquiry.card, work)


def _on_disk(inquiry: Inquiry, folder: Path) -> dict[str, Path]:
    """Every file of an inquiry as a path; those that lie nowhere are written into `folder`."""
    paths = {}
    for name, file in inquiry.files.items():
        if isinstance(file, Content):
            paths[name] = folder / f"{name}{file.suffix}"
            paths[name].write_bytes(file.data)
        else:
            paths[name] = file
    return paths


_FIRST: dict[str, dict[str, question.AnswerFile]] = {}
"""Files of the first, coarse answers of jobs that are at work, by the job."""


def first_look(inquiry: Inquiry) -> Answer | None:
    """A first, coarse answer while the whole one is being worked on; None where there is none yet."""
    files = dict(_FIRST.get(inquiry.job, {}))
    return Answer({name: file.content for name, file in files.items()}) if len(files) == len(PREVIEW_FILES) else None


_PACES: dict[str, float] = {}


MIN_EVALUATIONS = 8
"""Of an answer with fewer, the most time went into something else, such as loading what a look into the model needs."""


def _remember(meta: Mapping[str, Any]) -> None:
    if meta.get("seconds") and (meta.get("evaluations") or 0) >= MIN_EVALUATIONS:
        _PACES[meta["card"]] = meta["seconds"] / meta["evaluations"]


def pace(run_id: str, card: str) -> float:
    """Seconds for one evaluation of a model, by its last answer, or by those of this run; 0 where none is known."""
    if card not in _PACES:
        for stored in services.library().artifacts(run_id, KIND):
            if stored.meta.get("card") == card:
                _remember(stored.meta)
    return _PACES.get(card, 0.0)


def watch(inquiry: Inquiry) -> JobView | None:
    """The job that asks, where this studio has or had one."""
    return services.jobs().get(inquiry.job)


def find(inquiry: Inquiry) -> Answer | None:
    """The answer where it is in the library."""
    library = services.library()
    for stored in library.artifacts(inquiry.run.id, KIND):
        if stored.name == inquiry.key:
            with library.open(inquiry.run.id, stored) as file:
                return unpack(file.read())
    return None


def pack(answer: question.Answer) -> bytes:
    """An answer as one zip: each file under its name, or its kind where that has no ending."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as bundle:
        for file in answer.files:
            name = file.name if file.name.endswith(file.suffix) else f"{file.name}{file.suffix}"
            if name not in bundle.namelist():
                bundle.writestr(name, file.content)
        about = {"notices": list(answer.notices), "facts": dict(answer.facts)}
        bundle.writestr(ABOUT, json.dumps(about))
    return buffer.getvalue()


def unpack(content: bytes) -> Answer:
    """The answer in a zip that `pack` wrote. Raises BadInput for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            entries = bundle.infolist()
            if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
                raise BadInput("This answer is too large to be shown.")
            files = {entry.filename: bundle.read(entry) for entry in entries}
        about = json.loads(files.pop(ABOUT))
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadInput("This answer is damaged: ask again.") from error
    return Answer(files, about.get("notices", ()), about.get("facts", {}))
