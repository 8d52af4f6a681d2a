"""Findings and stories: what is claimed stays with its evidence, in order, and comes back after a mistake."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from backends.core.errors import BadInput
from studio.library.findings import Evidence, Findings, Step, UnknownFinding
from studio.library.library import Library


@pytest.fixture
def store(library: Library) -> Findings:
    return Findings(library.database)


def test_a_finding_comes_back_as_it_was_made(store: Findings) -> None:
    shown = Evidence("separation", "r" * 32, {"position": 61.5, "solo": ["vocals"]}, " The\nvoice ", {"sdr": 7.5})
    made = store.create(" The voice\nis clear ", "It holds.", "One song only.", "Ada", [shown])
    assert store.get(made.id) == made
    assert (made.title, made.author, made.evidence[0].caption) == ("The voice is clear", "Ada", "The voice")
    assert made.evidence[0].moment == {"position": 61.5, "solo": ["vocals"]}
    changed = store.update(made.id, claim="It does not.")
    assert (changed.claim, changed.limits) == ("It does not.", "One song only.") and changed.changed > made.changed
    assert [one.id for one in store.list()] == [made.id] and store.total() == 1


def test_what_cannot_be_is_refused(store: Findings) -> None:
    made = store.create("a")
    with pytest.raises(BadInput, match="empty"):
        store.update(made.id, title=" \n")
    with pytest.raises(BadInput, match="say it shorter"):
        store.update(made.id, limits="x" * 4001)
    for _ in range(12):
        store.pin(made.id, Evidence("matting", "r" * 32))
    with pytest.raises(BadInput, match="at most 12"):
        store.pin(made.id, Evidence("matting", "r" * 32))
    with pytest.raises(UnknownFinding):
        store.pin("nothing", Evidence("matting", "r" * 32))


def test_a_deleted_finding_leaves_its_stories_and_returns_to_its_place(store: Findings) -> None:
    first, second = store.create("first"), store.create("second")
    story = store.create_story("talk", steps=[Step("finding", first.id), Step("text", title="then"),
                                              Step("finding", second.id, notes="slowly")])  # fmt: skip
    undo = store.delete(first.id)
    assert [step.title or step.finding for step in store.story(story.id).steps] == ["then", second.id]
    assert store.get(first.id) is None
    undo()
    assert store.story(story.id).steps == story.steps and store.get(first.id) == first
    assert set(store.findings_of(story)) == {first.id, second.id}


def test_stories_are_copied_and_brought_back(store: Findings) -> None:
    story = store.create_story("talk", "Ada", [Step("text", title="one")])
    copy = store.duplicate_story(story.id)
    assert (copy.title, copy.steps) == ("talk (copy)", story.steps) and copy.id != story.id
    undo = store.delete_story(story.id)
    assert [one.id for one in store.stories()] == [copy.id]
    undo()
    assert store.story(story.id) == story
    with pytest.raises(BadInput, match="at most 100"):
        store.update_story(story.id, steps=[Step("text")] * 101)


def test_of_two_versions_the_newer_stands(store: Findings) -> None:
    made = store.create("a", "old")
    newer = replace(made, claim="new", changed=made.changed + timedelta(seconds=5))
    assert store.put([newer], []) == (1, 0) and store.get(made.id).claim == "new"
    assert store.put([made], []) == (0, 0) and store.get(made.id).claim == "new"
