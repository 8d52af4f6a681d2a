"""A video with several sound tracks: the right one is used, another can be chosen, a silent one gives way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from studio.songs.probe import probe
from tests.support.separation import level, read_song, tone
from tests.support.sound_tracks import video

SILENT = np.zeros((44100, 2))


def low() -> np.ndarray:
    return tone(1.0)  # 220 Hz left, 440 Hz right


def high() -> np.ndarray:
    return tone(1.0)[:, ::-1].copy()


def test_the_track_with_the_default_flag_is_used_and_named(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mkv", [high(), low()], default=1, languages=("eng", "jpn"))
    mix, heard = read_song(path, tmp_path)
    assert level(heard[0], 220) == pytest.approx(0.3, abs=0.03) and level(heard[0], 440) < 0.01
    assert mix.notices == ("The file has 2 sound tracks, of which track 2 (jpn) was used, the file's default.",)


@pytest.mark.parametrize("container", ["matroska", "mp4", "mpegts"])
def test_without_a_flag_it_is_the_first(tmp_path: Path, container: str) -> None:
    path = video(tmp_path / "v", [low(), high()], container=container)
    _, heard = read_song(path, tmp_path)
    assert level(heard[0], 220) == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("wanted", ["1", "eng", " ENG "])
def test_a_track_can_be_asked_for(tmp_path: Path, wanted: str) -> None:
    path = video(tmp_path / "v.mkv", [low(), high()], default=1, languages=("eng", "jpn"))
    mix, heard = read_song(path, tmp_path, track=wanted)
    assert level(heard[0], 220) == pytest.approx(0.3, abs=0.03) and mix.notices == ()


def test_a_track_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mkv", [low(), high()], languages=("eng", "jpn"))
    with pytest.raises(BadInput, match=r"no sound track “3”; it has 1 \(eng\), 2 \(jpn\)"):
        read_song(path, tmp_path, track="3")


def test_a_silent_track_gives_way_to_the_next(tmp_path: Path) -> None:
    path = video(tmp_path / "v.mkv", [SILENT, low()], default=0, languages=("eng", "jpn"))
    mix, heard = read_song(path, tmp_path)
    assert level(heard[0], 220) == pytest.approx(0.3, abs=0.03)
    assert "track 2 (jpn) was used; 1 (eng) is silent" in mix.notices[0]
    with pytest.raises(BadInput, match=r"Sound track 1 of this file is silent .* choose another of its sound tracks"):
        read_song(path, tmp_path, track="1")
    both = video(tmp_path / "w.mkv", [SILENT, SILENT])
    with pytest.raises(BadInput, match="Every sound track of this file is silent"):
        read_song(both, tmp_path)


def test_the_page_knows_the_tracks_before_the_run(tmp_path: Path) -> None:
    several = probe(video(tmp_path / "v.mkv", [SILENT, low()], default=1, languages=("eng", "jpn")))
    assert several.tracks == {"1": "1 (eng)", "2": "2 (jpn)"} and several.track == "2"
    assert "2 sound tracks" in several.text
    assert probe(video(tmp_path / "w.mkv", [low()])).tracks == {}
