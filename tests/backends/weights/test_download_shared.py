"""Fetching that is cancelled, killed, carried on elsewhere, or done twice at once."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from backends.core.engine import Progress
from backends.core.errors import UserError
from tests.support.waiting import wait_for


def test_cancelling_keeps_the_part_and_the_next_fetch_goes_on(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    kept = store.begin(card)
    assert 50_000 <= kept < 300_000 and store.state(card) == "partial"
    hub.answer("a.th")
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert hub.log[1].range == f"bytes={kept}-"


def test_cancelling_stops_the_transfer_and_frees_the_file(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    store.begin(card)
    wait_for(lambda: hub.log[-1].over)
    assert hub.sent < 300_000
    store.remove(card)
    assert store.state(card) == "absent"


def test_cancelling_while_it_waits_to_try_again_takes_no_longer_than_a_moment(hub, store, card_of, patience):
    store.patience = replace(patience, pause=600.0)  # far longer than a test may take
    card = card_of(hub.serve("a.th", {"cut": 60_000}))
    store.begin(card, least=60_000)
    steps = store.fetch(card)
    waiting = [next(steps) for _ in range(5)]
    steps.close()
    assert waiting[-1].done >= 60_000 and len(hub.log) == 2  # it has not asked a third time
    assert store.state(card) == "partial"


def test_a_fetch_may_be_carried_on_by_another_thread(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    steps = store.fetch(card)
    caught: list[Exception] = []

    def one():
        try:
            next(steps)
        except Exception as error:
            caught.append(error)

    for _ in range(4):
        thread = threading.Thread(target=one)
        thread.start()
        thread.join()
    steps.close()
    assert not caught
    hub.answer("a.th")
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])


def test_two_threads_that_fetch_one_card_download_it_once(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    seen: list[list[Progress]] = []

    def one():
        seen.append(store.renewed().take(card))

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 3 and len(hub.log) == 1
    assert all(steps[-1].done == 300_000 for steps in seen)
    assert all(any(0 < step.done < 300_000 for step in steps) for steps in seen)  # those who wait see it grow
    assert store.renewed().content(card) == hub.body(card.files[0])


def test_a_killed_process_leaves_a_part_that_another_continues(hub, store, card_of, slow, program):
    card = card_of(hub.serve("a.th", slow))
    code = program(card.files[0], store.root)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        while int(child.stdout.readline()) < 50_000:
            pass
        with pytest.raises(UserError, match="being downloaded right now"):
            store.remove(card)
        child.send_signal(signal.SIGKILL)
    kept = store.part(card).stat().st_size
    hub.answer("a.th")
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert hub.log[1].range == f"bytes={kept}-" and kept >= 50_000


@pytest.mark.slow
def test_two_processes_that_fetch_one_card_download_it_once(hub, store, card_of, slow, program):
    card = card_of(hub.serve("a.th", slow))
    code = program(card.files[0], store.root)
    children = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [child.communicate()[0].split() for child in children]
    assert [child.returncode for child in children] == [0, 0]
    assert [lines[-1] for lines in told] == ["300000", "300000"]
    assert len(hub.log) == 1
    assert store.content(card) == hub.body(card.files[0])
