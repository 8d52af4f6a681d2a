"""What was made before there was a log-in goes to the visitor whom the operator names, whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio import handover, services, visitors
from studio.library import manifest
from studio.pictures.schema import ProjectState
from studio.pictures.task import projects
from tests.support.findings import song, told
from tests.support.pages import fresh_services

ADA, BOB = "https://id.example|ada", "https://id.example|bob"


def test_the_older_rows_go_to_one_visitor(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        run = song("From before")
        finding, story = told(run)
        project = projects().create(ProjectState(name="Birds"))
        for visitor in (ADA, BOB):
            with visitors.acting(visitor):
                song(f"Of {visitor}")
        assert handover.main([]) == 0
        listed = capsys.readouterr().out
        assert f"{ADA}: 1 results" in listed and "(from before there was a log-in): 1 results" in listed
        assert handover.main(["--to", "https://id.example|eve"]) == 2 and handover.main(["--to", ""]) == 2
        assert "Nobody of that name" in capsys.readouterr().err
        assert services.library().visitor_of(run.id) == ""

        assert handover.main(["--to", ADA]) == 0
        assert capsys.readouterr().out == "5 rows and projects are theirs now.\n"
        with visitors.acting(ADA):
            assert {one.title for one in services.library().list()} == {"From before", f"Of {ADA}"}
            assert services.findings().get(finding.id) == finding and services.findings().story(story.id) == story
            assert [token for token, _ in projects().recent()] == [project.token]
        with visitors.acting(BOB):
            assert [one.title for one in services.library().list()] == [f"Of {BOB}"] and projects().recent() == []
        whole = json.loads((Path(services.library().storage.root) / run.id / manifest.FILE).read_text())
        assert whole["visitor"] == ADA and whole["title"] == "From before"
