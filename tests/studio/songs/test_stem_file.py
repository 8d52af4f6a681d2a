"""One file for DJ programs: what its tracks hold, and what it says of them."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from backends.core.errors import BadInput
from backends.shared.joined_files import boxes
from studio.songs.stem_file import stem_file

RATE, SECONDS = 44_100, 1.5
PITCHES = {"vocals": 880.0, "drums": 220.0, "bass": 110.0, "other": 440.0, "piano": 660.0}


def write_stems(folder: Path, *names: str, level: float = 0.2) -> dict[str, Path]:
    """A tone of its own for each stem."""
    time = np.arange(int(RATE * SECONDS)) / RATE
    stems = {}
    for name in names:
        stems[name] = folder / f"{name}.wav"
        tone = level * np.sin(2 * np.pi * PITCHES[name] * time)
        soundfile.write(stems[name], np.stack([tone, tone], 1).astype(np.float32), RATE, subtype="FLOAT")
    return stems


def tracks(path: Path) -> list[np.ndarray]:
    """The left channel of every track."""
    found = []
    with av.open(str(path)) as box:
        count = len(box.streams.audio)
    for place in range(count):
        with av.open(str(path)) as box:
            parts = [frame.to_ndarray()[0] for frame in box.decode(box.streams.audio[place])]
        found.append(np.concatenate(parts)[: int(RATE * SECONDS)])
    return found


def heard(track: np.ndarray) -> set[str]:
    """Which of the tones a track holds."""
    middle = track[RATE // 4 : RATE // 4 + RATE]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) / (len(middle) / 4)
    return {name for name, pitch in PITCHES.items() if spectrum[round(pitch)] > 0.02}


def description(path: Path) -> dict:
    """What the box `stem` among the user's data says."""
    kind, place = boxes(path)[-1]
    assert kind == b"moov"
    index = path.read_bytes()[place.start : place.stop]
    start = index.index(b"stem{") - 4
    size = int.from_bytes(index[start : start + 4], "big")
    return json.loads(index[start + 8 : start + size])


def test_the_mix_comes_first_and_each_stem_has_its_track(tmp_path: Path) -> None:
    stems = write_stems(tmp_path, "vocals", "drums", "bass", "other", "piano")
    made = stem_file(stems, out=tmp_path / "song.stem.mp4", tags={"title": "A song", "bpm": "120"})
    found = tracks(made.path)
    assert [heard(track) for track in found] == [set(PITCHES), {"drums"}, {"bass"}, {"other", "piano"}, {"vocals"}]
    assert np.abs(found[0] - sum(found[1:]))[RATE // 4 : RATE].max() < 0.02
    assert [one["name"] for one in description(made.path)["stems"]] == ["Drums", "Bass", "Other", "Vocals"]
    with av.open(str(made.path)) as box:
        assert box.metadata["title"] == "A song" and len(box.streams) == 5
        assert [bool(one.disposition & av.stream.Disposition.default) for one in box.streams] == [True] + [False] * 4


def test_two_stems_leave_tracks_empty_and_loud_ones_share_one_gain(tmp_path: Path) -> None:
    stems = write_stems(tmp_path, "vocals", "other", level=0.8)
    made = stem_file(stems, out=tmp_path / "song.stem.mp4", tags={})
    found = tracks(made.path)
    assert [heard(track) for track in found] == [{"vocals", "other"}, set(), set(), {"other"}, {"vocals"}]
    assert [one["name"] for one in description(made.path)["stems"]] == ["(empty)", "(empty)", "Other", "Vocals"]
    loudest = np.abs(sum(soundfile.read(path)[0][:, 0] for path in stems.values())).max()
    assert made.gain_db == pytest.approx(-20 * np.log10(loudest), abs=1e-3) and np.abs(found[0]).max() <= 1.05


def test_without_stems_that_is_a_sentence_and_no_file_is_left(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no stems to export"):
        stem_file({}, out=tmp_path / "song.stem.mp4", tags={})
    assert not list(tmp_path.iterdir())
