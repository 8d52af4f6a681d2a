"""Events as they travel: one flat JSON object each, the same over Gradio, on the terminal and in tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from backends.core.engine import Artifact, Event, Metric, Notice, Partial, Progress, Result
from backends.core.errors import UserError

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
            found = [artifact_json(artifact, locate) for artifact in artifacts]
            facts = {field.name: getattr(event, field.name) for field in fields(event) if field.name != "artifacts"}
            return {"type": "result", "artifacts": found, "facts": facts}
    raise TypeError(f"not an event: {event!r}")


def error_json(error: UserError) -> dict[str, Any]:
    return {"type": "error", "code": error.code, "sentence": error.sentence}
