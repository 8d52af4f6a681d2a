"""Events as they travel: one flat JSON object each, the same over Gradio, on the terminal and in tests.

`event_json` writes them, `parse_event` reads them at the other end.

>>> event_json(Progress("Separating", 2, 8, "seconds"), lambda artifact: {})
{'type': 'progress', 'stage': 'Separating', 'done': 2, 'total': 8, 'unit': 'seconds'}
>>> parse_event({"type": "notice", "sentence": "The file ends early."}).sentence
'The file ends early.'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from backends.core.errors import UserError
from backends.core.events import Artifact, Event, Metric, Notice, Partial, Progress, Result

JOB_HEADER = "x-fourfold-job"

VISITOR_HEADER = "x-fourfold-visitor"
"""Where a studio says which of its visitors asks, so that they take turns in the queue. It grants nothing else."""
"""Where a client names its job with 22 to 64 letters, digits, "-" or "_" that nobody can guess, so that it can come
back for the events after a broken connection."""

Locate = Callable[[Artifact], Mapping[str, Any]]
"""Says where a reader finds an artifact: `{"url": …}` over the network, `{"path": …}` on the terminal."""


def artifact_json(artifact: Artifact, locate: Locate) -> dict[str, Any]:
    return {"kind": artifact.kind, "name": artifact.name, "meta": dict(artifact.meta), **locate(artifact)}


def event_json(event: Event, locate: Locate) -> dict[str, Any]:
    """The JSON object of one event; `type` names it."""
    match event:
        case Progress(stage, done, total, unit):
            return {"type": "progress", "stage": stage, "done": done, "total": total, "unit": unit}
        case Partial(artifact):
            return {"type": "partial", "artifact": artifact_json(artifact, locate)}
        case Metric(name, value, unit):
            return {"type": "metric", "name": name, "value": value, "unit": unit}
        case Notice(sentence):
            return {"type": "notice", "sentence": sentence}
        case Result(artifacts):
            files = [artifact_json(artifact, locate) for artifact in artifacts]
            facts = {
                field.name: _plain(getattr(event, field.name)) for field in fields(event) if field.name != "artifacts"
            }
            return {"type": "result", "artifacts": files, "facts": facts}
    raise TypeError(f"not an event: {event!r}")


def _plain(value: Any) -> Any:
    """A fact as JSON has it: what a task puts into a record of its own becomes an object."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def error_json(error: UserError) -> dict[str, Any]:
    return {"type": "error", "code": error.code, "sentence": error.sentence}


class _Message(BaseModel):
    """An event as it arrives; what a newer backend says besides is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class ArtifactMessage(_Message):
    """A file of a run. Over the network it lies at `url`, relative to the backend's address."""

    kind: str
    name: str
    meta: dict[str, Any] = Field(default_factory=dict)
    url: str = ""
    bytes: int = 0


class StartedMessage(_Message):
    """The device is free for this job, which has the token `job` on the backend."""

    type: Literal["started"] = "started"
    job: str
    card: str = ""
    device: str = ""


class ProgressMessage(_Message):
    type: Literal["progress"] = "progress"
    stage: str
    done: int | float
    total: int | float
    unit: str = ""


class PartialMessage(_Message):
    type: Literal["partial"] = "partial"
    artifact: ArtifactMessage


class MetricMessage(_Message):
    type: Literal["metric"] = "metric"
    name: str
    value: int | float
    unit: str = ""


class NoticeMessage(_Message):
    type: Literal["notice"] = "notice"
    sentence: str


class ResultMessage(_Message):
    """The last event of a run: its files, and the other fields of its task's Result."""

    type: Literal["result"] = "result"
    artifacts: tuple[ArtifactMessage, ...] = ()
    facts: dict[str, Any] = Field(default_factory=dict)


class FetchedMessage(_Message):
    """The last event of a download of weights."""

    type: Literal["fetched"] = "fetched"
    card: str = ""
    bytes: int = 0


class ErrorMessage(_Message):
    """The last event of a call that failed."""

    type: Literal["error"] = "error"
    code: str
    sentence: str


class UnknownMessage(_Message):
    """An event of a kind that only a newer backend knows."""

    type: str = ""


_KnownMessage = (
    StartedMessage
    | ProgressMessage
    | PartialMessage
    | MetricMessage
    | NoticeMessage
    | ResultMessage
    | FetchedMessage
    | ErrorMessage
)
EventMessage = _KnownMessage | UnknownMessage

_KNOWN = {message.model_fields["type"].default for message in get_args(_KnownMessage)}
_READER: TypeAdapter[_KnownMessage] = TypeAdapter(Annotated[_KnownMessage, Field(discriminator="type")])


def parse_event(event: Mapping[str, Any]) -> EventMessage:
    """The event of a JSON object. Raises pydantic.ValidationError, a ValueError, where it lacks what its type needs."""
    if event.get("type") not in _KNOWN:
        return UnknownMessage(type=str(event.get("type", "")))
    return _READER.validate_python(event)
