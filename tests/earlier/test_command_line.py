"""Recorded command lines of version 0.1.0 give the lines they gave."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from backends.__main__ import main
from backends.matting.video.colour import matrix, value_range
from backends.matting.video.conversion import Converter
from backends.matting.video.frames import VideoReader
from tests.support.earlier import EARLIER, RECORDS, TIMINGS


def see_as_version_0_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Decode videos by FFmpeg's quick way to RGB, a level too dark, and find people without the fetched detectors.

    The built-in cut-out draws its edge by the colours around a face, so its numbers follow both; with both as they
    were, everything after them gives what it gave.
    """

    def quickly(converter: Converter, frame: av.VideoFrame, deep: bool) -> tuple[np.ndarray, None]:
        space, levels = matrix(converter._colour, frame.height), value_range(converter._colour)
        return frame.to_ndarray(format="rgb24", src_colorspace=space, src_color_range=levels, dst_color_range=2), None

    monkeypatch.setattr(Converter, "_from_yuv", quickly)
    monkeypatch.setattr("backends.matting.video.job.IsolatedReader", VideoReader)  # where it can be patched
    monkeypatch.setenv("FOURFOLD_WEIGHTS", str(tmp_path / "no-weights"))


@pytest.mark.parametrize("job", RECORDS["command line"], ids=lambda job: job["arguments"][0])
def test_a_recorded_command_line_gives_the_line_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], job: Mapping[str, Any]
) -> None:
    with zipfile.ZipFile(EARLIER / "inputs.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    see_as_version_0_1(monkeypatch, tmp_path)
    expected = dict(job["answer"])
    assert main(["run", *job["arguments"], "--out", f"out-{expected['task']}", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert expected.keys() <= answer.keys()
    for name in ("task", "engine", "weights", "artifacts"):
        assert answer[name] == expected[name]
    assert all((tmp_path / artifact["path"]).is_file() for artifact in answer["artifacts"])
    assert expected["metrics"].keys() <= answer["metrics"].keys()
    for name, number in expected["metrics"].items():
        if not name.endswith(TIMINGS):
            assert answer["metrics"][name] == pytest.approx(number, rel=1e-3, abs=1e-3), name
