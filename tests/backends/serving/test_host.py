"""What a machine says of its cards, what it chooses, and how long it keeps an engine."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backends.core.engine import Progress, Result
from backends.core.errors import BadInput, EngineFailed, UserError, WeightsMissing
from backends.core.task import EngineSpec, Task
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from backends.serving.speeds import Speeds
from backends.weights.store import WeightStore
from tests.support.ticking import TASK, Ticking


class Picky(Ticking):
    """An engine that needs its weights to hold the right word."""

    def load(self, device: str) -> None:
        super().load(device)
        if not self.weights[0].read_bytes():
            raise EngineFailed("These weights are empty.")


@pytest.fixture
def task(hub, monkeypatch: pytest.MonkeyPatch) -> Task:
    """The counting task with a second card, better than the first, whose weights have to be fetched."""
    learned = replace(
        TASK.cards[0], id="learned", engine="picky", tier="full", files=(hub.serve("net.th"),), preference=10
    )
    picky = EngineSpec("tests.backends.serving.test_host:Picky")
    made = replace(TASK, engines={**TASK.engines, "picky": picky}, cards=(*TASK.cards, learned))
    monkeypatch.setattr("backends.serving.host.tasks", lambda: {"ticking": made})
    monkeypatch.setattr(Task, "engine_class", lambda _, name: {"ticking": Ticking, "picky": Picky}[name])
    return made


@pytest.fixture
def host(store) -> Host:
    return Host(store, "cpu")


def state(host: Host, task: Task, card_id: str) -> str:
    return host.state(host.card(task, card_id)).state


def shown(host: Host, card_id: str) -> dict[str, Any]:
    """What /info says of a card."""
    return next(card for card in host.info().model_dump()["tasks"]["ticking"]["cards"] if card["id"] == card_id)


def loaded(host: Host, task: Task, card_id: str = "") -> Ticking:
    steps = list(host.engine(task, *host.choose(task, weights=card_id)))
    assert all(isinstance(step, Progress) for step in steps[:-1])
    return steps[-1]


def test_a_card_goes_from_absent_through_downloading_to_ready(host: Host, task: Task) -> None:
    learned = host.card(task, "learned")
    assert state(host, task, "learned") == "absent"
    fetching = host.fetch(learned)
    next(fetching)
    shown = host.state(learned)
    assert shown.state == "downloading" and shown.total == learned.download_bytes
    list(fetching)
    assert state(host, task, "learned") == "present"
    loaded(host, task, "learned")
    assert state(host, task, "learned") == "ready"


def test_the_best_card_that_is_present_is_chosen(host: Host, task: Task) -> None:
    assert host.choose(task)[0].id == "ticker" and host.info().model_dump()["tasks"]["ticking"]["default"] == "ticker"
    list(host.fetch(host.card(task, "learned")))
    assert host.choose(task)[0].id == "learned" and host.info().model_dump()["tasks"]["ticking"]["default"] == "learned"
    assert host.choose(task, engine="ticking")[0].id == "ticker"


def test_a_card_that_is_not_here_says_how_to_get_it(host: Host, task: Task) -> None:
    with pytest.raises(WeightsMissing, match="fetch learned"):
        host.choose(task, weights="learned")
    with pytest.raises(BadInput, match="belong to the engine picky"):
        host.choose(task, engine="ticking", weights="learned")


def test_own_weights_become_a_card_of_their_own(host: Host, task: Task, tmp_path: Path) -> None:
    mine = tmp_path / "mine.th"
    mine.write_bytes(b"weights")
    card, paths = host.choose(task, "picky", str(mine))
    assert (card.id, card.tier, card.title, paths) == ("mine", "yours", "mine.th", (mine,))
    with pytest.raises(BadInput, match="has no weights"):
        host.choose(task, "ticking", str(mine))


def test_a_failed_load_is_a_state_with_its_reason_and_can_be_tried_again(host: Host, task: Task) -> None:
    learned = host.card(task, "learned")
    with pytest.raises(EngineFailed):
        list(host.engine(task, learned, (Path("/dev/null"),)))
    about = shown(host, "learned")
    assert (about["state"], about["reason"], about["here"]) == ("failed", "These weights are empty.", False)
    list(host.fetch(learned))
    assert shown(host, "learned")["state"] == "present"
    loaded(host, task, "learned")
    about = shown(host, "learned")
    assert (about["state"], about["reason"], about["here"]) == ("ready", "", True)


def test_a_failed_load_does_not_look_like_missing_weights(
    host: Host, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned = host.card(task, "learned")
    list(host.fetch(learned))
    with monkeypatch.context() as patch:
        patch.setattr(Picky, "load", broken)
        with pytest.raises(RuntimeError):
            loaded(host, task, "learned")
    assert host.state(learned).state == "present" and host.state(learned).reason.endswith("says more.")
    about = shown(host, "learned")
    assert (about["state"], about["here"], about["stored"]) == ("failed", True, "present")
    assert host.choose(task)[0].id == "learned"
    loaded(host, task, "learned")
    assert (shown(host, "learned")["state"], host.state(learned).reason) == ("ready", "")
    assert shown(host, "ticker")["here"] and shown(host, "ticker")["stored"] == "builtin"


def broken(engine: Picky, device: str) -> None:
    raise RuntimeError("a fault of ours")


def test_own_weights_of_the_same_name_do_not_fail_a_published_card(host: Host, task: Task, tmp_path: Path) -> None:
    (tmp_path / "learned.th").write_bytes(b"")
    with pytest.raises(EngineFailed):
        list(host.engine(task, *host.choose(task, "picky", str(tmp_path / "learned.th"))))
    assert shown(host, "learned")["reason"] == ""


def test_an_engine_stays_loaded_until_another_is_wanted(host: Host, task: Task) -> None:
    first = loaded(host, task, "ticker")
    assert loaded(host, task, "ticker") is first
    list(host.fetch(host.card(task, "learned")))
    loaded(host, task, "learned")
    assert state(host, task, "ticker") == "present" and loaded(host, task, "ticker") is not first


def test_the_speed_measured_here_replaces_the_card_s(host: Host, task: Task, tmp_path: Path) -> None:
    text = tmp_path / "input.txt"
    text.write_text("hello")
    card, weights = host.choose(task, weights="ticker")
    began = time.monotonic()
    list(run_job(host, JobRequest(task, card, weights, {"file": text}, {"ticks": 4, "delay": 0.05}, tmp_path)))
    most = (time.monotonic() - began) / 4
    about = next(item for item in host.info().model_dump()["tasks"]["ticking"]["cards"] if item["id"] == "ticker")
    assert about["speed_measured_here"] and 0.05 <= about["speed"] <= most
    restarted = shown(Host(host.store, "cpu"), "ticker")
    assert (restarted["speed"], restarted["speed_measured_here"]) == (about["speed"], True)
    assert not Speeds(host.store.root / "speeds.json").get("cuda", "ticker")
    assert [path.name for path in host.store.root.iterdir()] == ["speeds.json"]


def test_speeds_of_two_processes_are_both_kept(store) -> None:
    one, two = Speeds(store.root / "speeds.json"), Speeds(store.root / "speeds.json")
    one.note("cpu", "ticker", 0.5)
    two.note("cuda", "ticker", 0.01)
    one.note("cpu", "learned", 2.0)
    kept = Speeds(store.root / "speeds.json")
    assert [kept.get(*key) for key in (("cpu", "ticker"), ("cuda", "ticker"), ("cpu", "learned"))] == [0.5, 0.01, 2.0]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"version": 2, "speeds": []}',
        '{"version": 2, "speeds": {"cpu": 3}}',
        '{"version": 2, "speeds": {"cpu": {"ticker": "fast"}}}',
        '{"version": 2, "speeds": {"cpu": {"ticker": NaN}}}',
        '{"cpu": {"ticker": 7.0}}',  # in the units of an earlier version
    ],
)
def test_a_broken_file_of_speeds_is_done_without(
    store, task: Task, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = store.root / "speeds.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert not shown(Host(store, "cpu"), "ticker")["speed_measured_here"]
    assert content not in ("{", "[]", '{"version": 2, "speeds": []}') or "speeds.json" in caplog.text
    Host(store, "cpu").note_speed(task.cards[0], 1.0, 4.0)
    assert shown(Host(store, "cpu"), "ticker")["speed"] == 0.25


def test_a_short_run_counts_only_until_there_is_a_long_one(host: Host, task: Task) -> None:
    host.note_speed(task.cards[0], 1.0, 2.0)
    assert shown(host, "ticker")["speed"] == 0.5
    host.note_speed(task.cards[0], 4.0, 40.0)
    host.note_speed(task.cards[0], 1.0, 2.0)
    assert shown(host, "ticker")["speed"] == 0.1


def test_a_job_that_can_do_without_the_model_loads_none(
    host: Host, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "input.txt"
    text.write_text("hello")
    monkeypatch.setattr(Ticking, "needs_model", lambda inputs: False)
    monkeypatch.setattr(Ticking, "load", broken)
    card, weights = host.choose(task, weights="ticker")
    events = list(run_job(host, JobRequest(task, card, weights, {"file": text}, {"ticks": 1}, tmp_path)))
    assert isinstance(events[-1], Result) and state(host, task, "ticker") == "present"


def test_speeds_that_cannot_be_written_stop_nothing(
    tmp_path: Path, task: Task, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "weights").write_text("a file where the folder should be")
    host = Host(WeightStore(tmp_path / "weights"), "cpu")
    host.note_speed(task.cards[0], 1.0, 4.0)
    assert shown(host, "ticker")["speed"] == 0.25 and "cannot be kept" in caplog.text


def test_a_fetch_that_fails_leaves_its_reason(host: Host, task: Task, hub) -> None:
    hub.answer("net.th", {"status": 404})
    learned = host.card(task, "learned")
    with pytest.raises(UserError):
        list(host.fetch(learned))
    assert host.state(learned).state == "absent" and host.state(learned).reason.endswith(".")
    about = shown(host, "learned")
    assert (about["state"], about["here"], about["stored"]) == ("failed", False, "absent")
    hub.answer("net.th")
    fetching = host.fetch(learned)
    next(fetching)
    assert (shown(host, "learned")["state"], shown(host, "learned")["reason"]) == ("downloading", "")
    list(fetching)
    assert (shown(host, "learned")["state"], shown(host, "learned")["reason"]) == ("present", "")
