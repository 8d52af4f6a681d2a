"""Recorded events of version 0.1.0 become the runs that they were."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from backends.core.event_json import parse_event
from studio.jobs.receiver import RunRecorder
from studio.library.library import Library
from studio.tasks import registered
from tests.support.earlier import ANALYSES, DONE, EARLIER, GIVEN, RUNS


class Files(BaseHTTPRequestHandler):
    """Serves `content` by address, as a model server serves the files of its jobs."""

    content: Mapping[str, bytes]

    def do_GET(self) -> None:
        data = self.content[self.path]
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal of the tests."""


@pytest.fixture
def file_server() -> Iterator[tuple[str, type[Files]]]:
    handler = type("TheseFiles", (Files,), {"content": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("label", DONE)
def test_recorded_events_become_the_run_that_they_were(
    library: Library, file_server: tuple[str, type[Files]], label: str
) -> None:
    address, handler = file_server
    events = [json.loads(line) for line in (EARLIER / "events" / f"{label}.jsonl").read_text("utf-8").splitlines()]
    before = library.get(RUNS[label])
    stored = {(each.kind, each.name, each.index): each for each in library.artifacts(before.id)}
    sent = [artifact for event in events for artifact in artifacts_of(event)]
    places = [(artifact["kind"], artifact["name"], artifact["meta"].get("index", 0)) for artifact in sent]
    handler.content = {
        artifact["url"]: library.local(before.id, stored[place]).read_bytes()
        for artifact, place in zip(sent, places, strict=True)
    }
    run = library.begin(task=before.task, title="again", engine=before.engine, weights=before.weights)
    changes: list[dict[str, Any]] = []
    receiver = RunRecorder(
        library,
        run.id,
        address,
        lambda **change: changes.append(change),
        threading.Event(),
        derive=registered()[run.task].derive,
    )
    for event in events:
        receiver.record(parse_event(event))
    receiver.close()
    assert receiver.finished and changes[0]["state"] == "running"
    run = library.get(run.id)
    assert (run.metrics, run.notices) == (before.metrics, before.notices)
    assert run.facts == {name: fact for name, fact in before.facts.items() if name != "asked"}
    got = {(each.kind, each.name, each.index): (each.bytes, each.meta) for each in library.artifacts(run.id)}
    made = {place: (each.bytes, each.meta) for place, each in stored.items() if place[0] not in ANALYSES | GIVEN}
    assert got == made and set(places) <= set(got)


def artifacts_of(event: Mapping[str, Any]) -> list[dict[str, Any]]:
    if event["type"] == "partial":
        return [event["artifact"]]
    return event["artifacts"] if event["type"] == "result" else []


def test_the_recorded_stream_of_a_failed_run_names_its_model_and_no_result() -> None:
    (line,) = (EARLIER / "events" / "failed.jsonl").read_text("utf-8").splitlines()
    event = json.loads(line)
    assert (event["type"], event["card"], event["device"]) == ("started", "dsp", "cpu") and event["job"]
