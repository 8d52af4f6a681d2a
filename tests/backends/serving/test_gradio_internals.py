"""What this server uses of Gradio's insides is there."""

from __future__ import annotations

import pytest
from gradio.queueing import Queue

from backends.serving import gradio_internals


@pytest.mark.slow
def test_this_version_of_gradio_has_every_attribute_that_is_used() -> None:
    assert gradio_internals.missing() == [], (
        "this version of Gradio lacks what backends/serving/gradio_internals.py uses"
    )


@pytest.mark.slow
def test_an_attribute_that_went_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Queue.__init__

    def without(self: Queue, *arguments: object, **named: object) -> None:
        made(self, *arguments, **named)
        del self.event_ids_to_events

    monkeypatch.setattr(Queue, "__init__", without)
    assert gradio_internals.missing() == ["gradio.Blocks()._queue.event_ids_to_events"]
    monkeypatch.setattr(gradio_internals, "EVENT_ATTRIBUTES", ("alive", "gone"))
    assert "gradio.queueing.Event().gone" in gradio_internals.missing()
