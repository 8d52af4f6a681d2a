"""Events there and back: what the server writes, the studio reads, of this version and of others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError

from backends.core.errors import TooLarge
from backends.core.event_json import (
    ArtifactMessage,
    ErrorMessage,
    FetchedMessage,
    MetricMessage,
    NoticeMessage,
    PartialMessage,
    ProgressMessage,
    ResultMessage,
    StartedMessage,
    UnknownMessage,
    error_json,
    event_json,
    parse_event,
)
from backends.core.events import Artifact, Event, Metric, Notice, Partial, Progress, Result


@dataclass(frozen=True)
class Counted(Result):
    count: int = 0


FILE = Artifact("stem", "vocals", Path("vocals.wav"), {"index": 1})
ARRIVED = ArtifactMessage(kind="stem", name="vocals", meta={"index": 1}, url="/jobs/x/vocals.wav", bytes=44)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Progress("Separating", 2, 8, "s"), ProgressMessage(stage="Separating", done=2, total=8, unit="s")),
        (Partial(FILE), PartialMessage(artifact=ARRIVED)),
        (Metric("residual", -70.5, "dB"), MetricMessage(name="residual", value=-70.5, unit="dB")),
        (Notice("The file ends early."), NoticeMessage(sentence="The file ends early.")),
        (Counted((FILE,), count=3), ResultMessage(artifacts=(ARRIVED,), facts={"count": 3})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_engine_yields_arrives(event: Event, message: object) -> None:
    sent = event_json(event, lambda artifact: {"url": f"/jobs/x/{artifact.path.name}", "bytes": 44})
    assert parse_event(json.loads(json.dumps(sent))) == message


def test_what_the_server_says_besides_arrives() -> None:
    assert parse_event({"type": "started", "job": "t", "card": "dsp", "device": "cpu"}) == StartedMessage(
        job="t", card="dsp", device="cpu"
    )
    assert parse_event({"type": "fetched", "card": "net", "bytes": 5}) == FetchedMessage(card="net", bytes=5)
    assert parse_event(error_json(TooLarge("It is too long."))) == ErrorMessage(
        code="too_large", sentence="It is too long."
    )


def test_another_versions_words_are_passed_over_and_a_broken_event_is_not() -> None:
    assert parse_event({"type": "weather", "sun": True}) == UnknownMessage(type="weather")
    assert parse_event({}) == UnknownMessage()
    assert parse_event({"type": "notice", "sentence": "Yes.", "since": 2}) == NoticeMessage(sentence="Yes.")
    with pytest.raises(ValidationError):
        parse_event({"type": "progress", "stage": "Separating"})


def test_a_count_stays_a_whole_number() -> None:
    event = parse_event({"type": "progress", "stage": "Reading", "done": 3, "total": 4})
    assert isinstance(event, ProgressMessage) and repr(event.done) == "3" and event.unit == ""


def test_records_among_the_facts_travel_over_plain_json_too() -> None:
    """Events that a broken stream did not bring are asked for again, and come as plain JSON."""

    @dataclass(frozen=True)
    class Check:
        what: str

    @dataclass(frozen=True)
    class Checked(Result):
        kept: tuple[Check, ...] = ()

    event = event_json(Checked((), kept=(Check("size"),)), lambda artifact: {})
    assert json.loads(json.dumps(event))["facts"] == {"kept": [{"what": "size"}]}
