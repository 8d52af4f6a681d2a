"""The built-in story: it is there, every step of it can be shown, and it stays away once it was deleted."""

from __future__ import annotations

import json
from zipfile import ZipFile

import pytest

from backends.core.task import task_named
from studio import services
from studio.findings import builtin, exhibits
from studio.findings.story_reasons import LIMITS
from studio.library.catalogue import Query

MOST_BYTES = 6_000_000


def test_what_the_built_in_story_shows_was_made_by_the_networks_that_ship() -> None:
    with ZipFile(builtin.BUNDLE) as bundle:
        runs = [json.loads(bundle.read(name)) for name in bundle.namelist() if name.endswith("/run.json")]
    made = {run["weights"]: run["card"]["parameters"] for run in runs}
    assert made.keys() >= {"htdemucs-starter", "modnet-starter", "esmfold-starter", "clip-starter"}
    ships = {card.id: card.parameters for run in runs for card in task_named(run["task"]).cards}
    assert made == {name: ships[name] for name in made}


@pytest.mark.slow
def test_the_built_in_story_enters_once_and_can_be_shown_whole() -> None:
    assert builtin.enter_once() and not builtin.enter_once()
    assert builtin.BUNDLE.stat().st_size < MOST_BYTES
    store = services.findings()
    (story,) = store.stories()
    findings = store.findings_of(story)
    assert len(story.steps) == 10 and sum(step.kind == "finding" for step in story.steps) == len(findings) == 8
    kinds, reasons = set(), {}
    for finding in findings.values():
        assert finding.claim and finding.limits and finding.author
        for one in finding.evidence:
            part = exhibits.part(one, "x")
            kinds.add(part.kind)
            if part.data.get("trust", {}).get("verdict"):
                reasons[one.task] = (finding, part.data)
            assert len(exhibits.of(one.task).cover(one.source)) > 300
    assert kinds == {"stems", "matte", "structure", "answers", "map"}
    assert set(reasons) == {"separation", "matting", "folding", "fewshot"}
    for finding, data in reasons.values():
        verdict = data["trust"]["verdict"]
        assert finding.limits == LIMITS[verdict] and finding.title.endswith("?") and finding.claim == data["alt"]
        assert verdict in data["trust"]["sentence"].lower() and len(data["trust"]["tests"]) > 3
    assert {entry.task for entry in services.catalogue().search(Query())[0]} == {
        "separation",
        "matting",
        "folding",
        "fewshot",
    }
    store.delete_story(story.id)
    assert not builtin.enter_once() and store.stories() == ()
