"""museval's JSON: median of frames, median of songs, silence counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing
from evaluation.datasets.museval_scores import medians, read_scores


def write(path: Path, values: list[float]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    frames = [
        {"time": t, "duration": 1.0, "metrics": {"SDR": v, "SIR": v + 1, "SAR": v + 2, "ISR": v + 3}}
        for t, v in enumerate(values)
    ]
    data = json.dumps({"targets": [{"name": "vocals", "frames": frames}]}).encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def test_a_song_is_the_median_of_its_frames_and_a_system_that_of_its_songs(tmp_path: Path) -> None:
    write(tmp_path / "UMX" / "test" / "a.json", [1.0, 9.0, float("nan"), 2.0])
    write(tmp_path / "UMX" / "test" / "b.json.gz", [4.0])
    write(tmp_path / "UMX" / "test" / "c.json", [float("nan")])
    scores = list(read_scores(tmp_path))
    first = scores[0]
    assert (first.system, first.song, first.value, first.frames, first.silent) == ("UMX", "a", 2.0, 4, 1)
    assert medians(iter(scores))["UMX", "vocals", "SDR"] == 3.0
    assert medians(iter(scores))["UMX", "vocals", "ISR"] == 6.0


def test_what_is_no_museval_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing):
        list(read_scores(tmp_path))
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(BadInput, match="no JSON of museval"):
        list(read_scores(tmp_path))
