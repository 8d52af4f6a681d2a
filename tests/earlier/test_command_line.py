"""Recorded command lines of version 0.1.0 give the lines they gave."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from backends.__main__ import main
from tests.support.earlier import EARLIER, RECORDS, TIMINGS


@pytest.mark.parametrize("job", RECORDS["command line"], ids=lambda job: job["arguments"][0])
def test_a_recorded_command_line_gives_the_line_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], job: Mapping[str, Any]
) -> None:
    with zipfile.ZipFile(EARLIER / "inputs.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    expected = dict(job["answer"])
    assert main(["run", *job["arguments"], "--out", f"out-{expected['task']}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert expected.keys() <= answer.keys()
    for name in ("task", "engine", "weights", "artifacts"):
        assert answer[name] == expected[name]
    assert all((tmp_path / artifact["path"]).is_file() for artifact in answer["artifacts"])
    assert expected["metrics"].keys() <= answer["metrics"].keys()
    # Frames of videos were once decoded a level too dark, and the built-in cut-out draws its edge by their colours.
    near = 0.1 if expected["task"] == "matting" else 1e-3
    for name, number in expected["metrics"].items():
        if not name.endswith(TIMINGS):
            assert answer["metrics"][name] == pytest.approx(number, rel=near, abs=1e-3), name
