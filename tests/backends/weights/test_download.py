"""The weight store against a server that cuts, lies, changes its mind and refuses."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from backends.core.errors import DownloadFailed, WeightsBroken

# A sound server


def test_a_fetched_card_is_present_whole_and_counted_truly(hub, store, card_of):
    card = card_of(hub.serve("a.th"), hub.serve("b.th", size=120_000))
    assert store.state(card) == "absent"
    steps = store.take(card)
    assert store.state(card) == "present"
    assert [path.read_bytes() for path in store.paths(card)] == [hub.body(file) for file in card.files]
    assert {step.stage for step in steps} == {"Downloading The Net", "Checking The Net"}
    assert all(step.total == 420_000 and step.unit == "bytes" for step in steps)
    for stage in ("Downloading The Net", "Checking The Net"):
        done = [step.done for step in steps if step.stage == stage]
        assert done == sorted(done) and done[-1] == 420_000
    assert not list(store.root.rglob("*.part*"))


def test_fetching_again_asks_the_server_nothing(hub, store, card_of):
    card = card_of(hub.serve("a.th"))
    store.take(card)
    asked = len(hub.log)
    assert [(step.done, step.total) for step in store.take(card)] == [(300_000, 300_000)]
    assert len(hub.log) == asked


def test_only_the_files_that_lack_are_fetched(hub, store, card_of):
    card = card_of(hub.serve("a.th"), hub.serve("b.th"))
    store.take(card)
    store.path(card, card.files[1]).unlink()
    assert store.state(card) == "partial"
    first = store.take(card)[0]
    assert (first.done, first.total) == (300_000, 600_000)
    assert [request.path for request in hub.log] == ["/a.th", "/b.th", "/b.th"]
    assert store.state(card) == "present"


def test_a_hub_file_is_asked_for_by_repository_revision_and_token(hub, store, card_of, monkeypatch):
    file = hub.serve("model.safetensors")
    address = "/some/net/resolve/refs%2Fpr%2F1/deep/model.safetensors"
    hub.files[address] = hub.body(file)
    hub.answer(address[1:], {})
    monkeypatch.setenv("HF_ENDPOINT", hub.address + "/")
    monkeypatch.setenv("HF_TOKEN", "secret")
    card = card_of(replace(file, url="", hub="some/net", path="deep/model.safetensors", revision="refs/pr/1"))
    store.take(card)
    assert store.content(card) == hub.body(file)
    assert [(request.path, request.token) for request in hub.log] == [(address, "Bearer secret")]


def test_the_token_goes_to_the_hub_alone(hub, store, card_of, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret")
    plain = hub.serve("plain.th")
    hub.serve("stored.th")
    elsewhere = hub.address.replace("127.0.0.1", "localhost") + "/stored.th"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    hub.answer("some/net/resolve/main/stored.th", {"redirect": elsewhere})
    stored = hub.files["/stored.th"]
    redirected = replace(plain, name="stored.th", sha256=sha256(stored).hexdigest(), url="", hub="some/net")
    store.take(card_of(plain, redirected))
    assert {request.path: request.token for request in hub.log} == {
        "/plain.th": "",
        "/some/net/resolve/main/stored.th": "Bearer secret",
        "/stored.th": "",
    }


def test_a_file_of_unknown_size_is_fetched_and_told_by_the_first_digits_of_its_digest(hub, store, card_of):
    file = hub.serve("a.th", {"length": False})
    card = card_of(replace(file, bytes=0, sha256=file.sha256[:8]))
    steps = store.take(card)
    assert store.content(card) == hub.body(file)
    assert steps[-1].done == steps[-1].total == 300_000


def test_a_digest_too_short_to_tell_anything_is_refused(hub, store, card_of):
    file = hub.serve("a.th")
    with pytest.raises(ValueError, match="digest"):
        store.take(card_of(replace(file, sha256=file.sha256[:7])))


# Cuts


def test_a_cut_download_goes_on_where_it_stopped(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"cut": 100_000}, {}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert [(request.range, request.condition) for request in hub.log] == [("", ""), ("bytes=100000-", '"one"')]
    assert hub.sent == 300_000


def test_what_came_before_a_lasting_cut_is_kept_for_another_day(hub, store, patience, card_of):
    card = card_of(hub.serve("a.th", {"cut": 30_000}))
    with pytest.raises(DownloadFailed, match="goes on from there"):
        store.take(card)
    assert len(hub.log) == patience.tries
    assert store.state(card) == "partial"
    kept = store.part(card).stat().st_size
    assert kept == 30_000 * patience.tries

    hub.answer("a.th")
    later = store.renewed()
    assert later.take(card)[1].done == kept
    assert later.content(card) == hub.body(card.files[0])
    assert hub.sent == 300_000


def test_a_server_without_length_that_stops_early_is_a_cut(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"length": False, "cut": 100_000}, {}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert hub.log[1].range == "bytes=100000-"


def test_cuts_are_borne_as_long_as_each_try_gains_a_mebibyte(hub, store, card_of):
    card = card_of(hub.serve("big.th", {"cut": 1_100_000}, size=9_000_000))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert len(hub.log) == 9


def test_a_server_that_starts_over_and_cuts_at_the_same_place_is_given_up(hub, store, card_of, patience):
    card = card_of(hub.serve("big.th", {"cut": 2_000_000, "ranges": False}, size=3_000_000))
    with pytest.raises(DownloadFailed):
        store.take(card)
    assert len(hub.log) <= patience.tries + 1


def test_a_silent_server_is_a_cut(hub, store, card_of, patience):
    store.patience = replace(patience, read=0.2)
    card = card_of(hub.serve("a.th", {"drip": (100_000, 1.0)}, {}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert hub.log[1].range == "bytes=100000-"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(hub, store, card_of, status):
    card = card_of(hub.serve("a.th", {"status": status}, {"status": status}, {}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])


# Servers that resume badly


def test_a_server_that_ignores_ranges_restarts_cleanly(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"cut": 100_000}, {"ranges": False}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert hub.log[1].range == "bytes=100000-" and hub.sent == 400_000


@pytest.mark.parametrize("conditions", [True, False])
def test_a_file_replaced_between_two_tries_is_not_mixed_with_the_old_one(hub, store, card_of, conditions):
    file = hub.serve("a.th")
    old = bytes(300_000)
    again = {"etag": '"two"', "conditions": conditions}
    hub.answer("a.th", {"cut": 100_000, "body": old, "etag": '"old"'}, again, again)
    store.take(card_of(file))
    assert store.content(card_of(file)) == hub.body(file)
    assert hub.log[1].condition == '"old"'


def test_a_range_from_another_place_than_asked_for_is_refused(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"cut": 100_000}, {"shift": 7}, {}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert [request.range for request in hub.log] == ["", "bytes=100000-", ""]


def test_a_weak_tag_is_no_condition_for_a_range(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"cut": 100_000, "etag": 'W/"one"'}, {"etag": 'W/"one"'}))
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert (hub.log[1].range, hub.log[1].condition) == ("bytes=100000-", "")


def test_a_damaged_part_of_an_earlier_run_gets_a_second_chance_from_zero(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    kept = store.begin(card)
    store.part(card).write_bytes(bytes(kept))  # what a power cut leaves of a file that was not flushed
    hub.answer("a.th")
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])
    assert [request.range for request in hub.log] == ["", f"bytes={kept}-", ""]


def test_the_part_of_another_version_of_the_file_is_not_continued(hub, store, card_of, slow):
    old = hub.serve("a.th", slow)
    store.begin(card_of(old))
    hub.files["/a.th"] = new = hub.body(old)[::-1]
    hub.answer("a.th", {"etag": '"one"'})
    card = card_of(replace(old, sha256=sha256(new).hexdigest()))
    store.take(card)
    assert store.content(card) == new
    assert [request.range for request in hub.log] == ["", ""]


# Lies


@pytest.mark.parametrize("promise", [-1000, 1000])
def test_a_promise_of_another_size_is_refused_before_anything_is_taken(hub, store, card_of, promise):
    card = card_of(hub.serve("a.th", {"promise": promise}))
    with pytest.raises(DownloadFailed, match="300,000 bytes was published"):
        store.take(card)
    assert store.state(card) == "absent" and len(hub.log) == 1


def test_a_sign_in_page_instead_of_the_file_leaves_what_was_there(hub, store, card_of, slow):
    card = card_of(hub.serve("a.th", slow))
    kept = store.begin(card)
    hub.answer("a.th", {"body": b"<html>Welcome to the hotel</html>", "ranges": False})
    with pytest.raises(DownloadFailed, match="sign-in page"):
        store.take(card)
    assert store.part(card).stat().st_size == kept
    hub.answer("a.th")
    store.take(card)
    assert store.content(card) == hub.body(card.files[0])


def test_a_short_promise_about_a_file_of_unknown_size_is_caught_by_its_digest(hub, store, card_of):
    file = hub.serve("a.th", {"promise": -1000})
    card = card_of(replace(file, bytes=0))
    with pytest.raises(WeightsBroken):
        store.take(card)
    assert store.state(card) == "absent"


def test_a_long_promise_about_a_file_of_unknown_size_is_a_cut(hub, store, card_of):
    file = hub.serve("a.th", {"promise": 1000})
    card = card_of(replace(file, bytes=0))
    with pytest.raises(DownloadFailed):
        store.take(card)
    assert not store.path(card, file).exists()


def test_more_than_the_file_holds_is_thrown_away(hub, store, card_of):
    file = hub.serve("a.th")
    hub.answer("a.th", {"body": hub.body(file) + b"more", "length": False})
    with pytest.raises(DownloadFailed, match="more than"):
        store.take(card_of(file))
    assert store.state(card_of(file)) == "absent"


def test_a_file_with_another_digest_is_deleted_and_named(hub, store, card_of):
    card = card_of(hub.serve("a.th", {"body": bytes(300_000)}))
    with pytest.raises(WeightsBroken, match=r"a\.th .*deleted"):
        store.take(card)
    assert store.state(card) == "absent"
    assert not list(store.root.rglob("*a.th*.part*"))
    assert len(hub.log) == 1
