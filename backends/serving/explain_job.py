"""An explanation from request to last event, the same for the terminal and for the server."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from backends.core.engine import Engine, Event, Progress
from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.task import Task
from backends.serving.host import Host
from backends.weights.digests import hash_file, outcome


@dataclass(frozen=True)
class ExplainRequest:
    """One question about an answer: of which task and model, on which files, into which folder."""

    task: Task
    card: ModelCard
    weights: tuple[Path, ...]
    inputs: Mapping[str, Path]
    question: Mapping[str, Any]
    out: Path


def explain_job(host: Host, job: ExplainRequest) -> Generator[Event, None, None]:
    """Load the engine if it is not loaded, read what is asked about, and explain it.

    Raises:
        BadInput: the question makes no sense for this task, model or file; the sentence says why.
    """
    from backends.attribution.explain import explain, look_into
    from backends.attribution.probe import ProbeRequest
    from backends.attribution.question import Question
    from backends.attribution.types import Meter

    explainable = job.task.load_explainable()
    question = Question.read(job.question)
    if job.card.engine not in explainable.offers:
        raise BadInput(f"“{job.card.title}” cannot be asked why it answered so; choose another model.")
    offer = explainable.offers[job.card.engine]
    offer.check_baseline(question.baseline)
    engine = yield from _engine(host, job)
    about = {"card": job.card.id, "weights_sha256": weights_digest(job.card, job.weights)}
    probe = explainable.probe(question.method)
    if probe is not None:
        with closing(look_into(probe, ProbeRequest(engine, job.inputs, question, job.out, Meter()), about)) as events:
            yield from events
        return
    yield Progress("Reading the file", 0, 1)
    subject = explainable.load()(engine, job.inputs, question)
    with closing(explain(subject, offer, question, about, job.out)) as events:
        yield from events


def weights_digest(card: ModelCard, paths: tuple[Path, ...]) -> str:
    """The sha256 of the weights: the card's own, or else that of the file; of several, joined by “+”."""
    if card.files:
        return "+".join(file.sha256 for file in card.files)
    return "+".join(_hash(path, path.stat().st_mtime_ns) for path in paths if path.is_file())


@cache
def _hash(path: Path, changed: int) -> str:
    """The sha256 of a file that was last changed at `changed`."""
    return outcome(hash_file(path))


def _engine(host: Host, job: ExplainRequest) -> Generator[Event, None, Engine]:
    for step in host.engine(job.task, job.card, job.weights):
        if not isinstance(step, Progress):
            return step
        yield step
    raise AssertionError("a host gives an engine or raises")
