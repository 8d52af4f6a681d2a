"""One explanation from the question to its files: the map, and where asked for the tests of whether it can be believed.

It is a generator of events like a job of an engine; closing it stops the work within one evaluation of the model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from backends.attribution import record, trust
from backends.attribution.offer import Offer
from backends.attribution.probe import Findings, Probe, ProbeRequest
from backends.attribution.question import Question
from backends.attribution.registry import METHODS, attribute
from backends.attribution.types import Attribution, Meter, Subject, Unsupported
from backends.core.errors import BadInput
from backends.core.events import Artifact, Event, Metric, Notice, Partial, Progress, Result
from backends.shared.disk_errors import writing
from backends.shared.interruptible import run_interruptible

PREVIEW = "preview"
"""Kind and name of a first, coarse map, which is shown until the whole one is there."""

STAGE, TESTING = "Looking for reasons", "Testing the map"


@dataclass(frozen=True)
class Explanation(Result):
    """A finished explanation.

    `artifacts` holds one "attribution" (npz), its "about" (json), and where the map was tested one "control": the map
    of a network with shuffled weights, in the same form. `checks` are the tests as data, see `trust.Checks`.
    """

    method: str = ""
    target: str = ""
    contrast: str = ""
    score: float = 0.0
    unit: str = ""
    seconds: float = 0.0
    evaluations: int = 0
    verdict: str = ""
    sentence: str = ""


def explain(
    subject: Subject, offer: Offer, question: Question, about: Mapping[str, Any], out: Path
) -> Generator[Event, None, None]:
    """Explain the score of a subject.

    Args:
        subject: what is explained.
        offer: what can be asked of its engine.
        question: what is asked.
        about: `card` and `weights_sha256` of the model.
        out: folder for the files.

    Yields:
        Metrics with the cost in evaluations before anything is done, Progress, the map as a Partial, and last an
        Explanation.

    Raises:
        BadInput: the method makes no sense for this model; the sentence says why.
    """
    method = question.method or offer.default
    if method not in METHODS:
        raise BadInput(f"There is no method called “{method}”; there is {', '.join(METHODS)}.")
    if reason := offer.reason(method):
        raise BadInput(reason)
    cost = METHODS[method].cost(subject.size)
    yield Metric("evaluations", cost, "")
    started = time.monotonic()
    with writing():
        out.mkdir(parents=True, exist_ok=True)
    attribution: Attribution = yield from _followed(
        subject, STAGE, cost, lambda counted: attribute(counted, [method], question.seed), out
    )
    seconds = round(time.monotonic() - started, 3)
    attribution = replace(attribution, seed=question.seed, seconds=seconds, **about)
    with writing():
        npz, text = record.save(attribution, out)
        artifacts = [Artifact("attribution", npz.name, npz, {"method": method}), Artifact("about", text.name, text)]
        if subject.illustrate is not None:
            artifacts += subject.illustrate(attribution, out)
    yield Partial(artifacts[0])
    yield Metric("seconds", seconds, "s")
    yield Metric("score", attribution.score, subject.unit)
    verdict = {}
    if question.check != "off":
        checks, controls = yield from _tested(subject, attribution, question, about, out)
        artifacts += controls
        verdict = {"verdict": checks.verdict, "sentence": checks.sentence}
    yield Explanation(
        tuple(artifacts),
        method=method,
        target=attribution.target,
        contrast=attribution.contrast,
        score=attribution.score,
        unit=subject.unit,
        seconds=seconds,
        evaluations=attribution.evaluations,
        **verdict,
    )


def _tested(
    subject: Subject, attribution: Attribution, question: Question, about: Mapping[str, Any], out: Path
) -> Generator[Event, None, tuple[trust.Checks, list[Artifact]]]:
    """Test a map and write down what came of it; returns the checks, and the map of the shuffled network as a file.

    Arguments are those of `explain`, and the map.
    """
    artifacts = []
    cost = trust.cost(subject, attribution.method, question.check)
    checks: trust.Checks = yield from _followed(subject, TESTING, cost, partial_check(attribution, question))
    with writing():
        record.save(attribution, out, checks=checks.to_json())
        if checks.control is not None:
            control, _ = record.save(replace(checks.control, **about), out, "control")
            artifacts.append(Artifact("control", control.name, control))
    yield Notice(checks.sentence)
    return checks, artifacts


def look_into(probe: Probe, asked: ProbeRequest, about: Mapping[str, Any]) -> Generator[Event, None, None]:
    """Answer a question that looks into the model; the events are those of `explain`, without tests of a map.

    Raises:
        BadInput: this engine cannot be asked that; the sentence says which can.
    """
    if reason := probe.described(asked.engine.name)["reason"]:
        raise BadInput(reason)
    yield Metric("evaluations", probe.evaluations, "")
    with writing():
        asked.out.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    work = lambda report: probe.load()(replace(asked, meter=Meter(report)))  # noqa: E731
    findings: Findings = yield from _with_progress(work, STAGE, probe.evaluations)
    seconds = round(time.monotonic() - started, 3)
    attribution = replace(findings.attribution, seed=asked.question.seed, seconds=seconds, **about)
    with writing():
        npz, text = record.save(attribution, asked.out, sentence=findings.sentence)
    artifacts = [Artifact("attribution", npz.name, npz, {"method": probe.id}), Artifact("about", text.name, text)]
    if findings.sentence:
        yield Notice(findings.sentence)
    yield Explanation(
        (*artifacts, *findings.artifacts),
        method=probe.id,
        target=attribution.target,
        score=attribution.score,
        seconds=seconds,
        evaluations=probe.evaluations,
    )


def partial_check(attribution: Attribution, question: Question) -> Callable[[Subject], trust.Checks]:
    return lambda subject: trust.check(subject, attribution, question.check, question.seed)


@dataclass(frozen=True)
class _Preview:
    """A first map, on its way out of the thread that works."""

    attribution: Attribution


def _followed(
    subject: Subject, stage: str, cost: int, work: Callable[[Subject], Any], previews: Path | None = None
) -> Generator[Event, None, Any]:
    """Do `work` on the subject in a thread and yield its progress; returns what it gives.

    Args:
        subject: what is explained.
        stage: what is being done, in words.
        cost: in evaluations.
        work: takes the subject whose evaluations are counted.
        previews: folder for first maps; None where nobody looks at them.

    Raises:
        BadInput: the method does not apply.
    """

    def counted(report: Callable[[Any], None]) -> Any:
        meter = Meter(report)
        done = work(replace(subject, meter=meter, preview=lambda first: report(_Preview(first))))
        return replace(done, evaluations=meter.count) if isinstance(done, Attribution) else done

    return (yield from _with_progress(counted, stage, cost, previews))


def _with_progress(
    work: Callable[[Callable[[Any], None]], Any], stage: str, cost: int, previews: Path | None = None
) -> Generator[Event, None, Any]:
    """Do `work`, which reports evaluations and first maps, in a thread and yield its progress; returns what it gives.

    Arguments are those of `_followed`.
    """
    done, result = 0, None
    yield Progress(stage, done, cost, "evaluations")
    try:
        for item in run_interruptible(work):
            if isinstance(item, int):
                done = item
            if item is None or isinstance(item, int):
                yield Progress(stage, done, max(done, cost), "evaluations")
            if isinstance(item, _Preview) and previews is not None:
                with writing():
                    files = record.save(item.attribution, previews, PREVIEW)
                yield from (Partial(Artifact(PREVIEW, file.name, file)) for file in files)
            result = item
    except Unsupported as reason:
        raise BadInput(str(reason)) from reason
    return result
