"""Which model a page starts with."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from backends.core.info import CardInfo, Info, TaskInfo
from studio import launch, services
from studio.jobs.backend import BackendState


class SlowBackend:
    """A model server that answers once somebody has waited for it."""

    def __init__(self, state: str) -> None:
        self._state = state

    def info(self) -> Info:
        return Info()

    def state(self) -> BackendState:
        return BackendState(self._state, "")

    def wait_ready(self, seconds: float, wanted: Callable[[], bool]) -> BackendState:
        if not wanted():
            return self.state()
        cards = [CardInfo(id="dsp", here=True), CardInfo(id="spleeter", here=True, preference=15)]
        return BackendState("ready", "", info=Info(tasks={"separation": TaskInfo(cards=cards, default="spleeter")}))


@pytest.mark.parametrize(("state", "chosen"), [("starting", "spleeter"), ("down", "dsp")])
def test_a_sample_that_is_started_before_the_server_answers_gets_its_best_model(
    monkeypatch: pytest.MonkeyPatch, state: str, chosen: str
) -> None:
    monkeypatch.setattr(services, "backend", lambda: SlowBackend(state))
    assert launch.best_card("separation") == chosen
