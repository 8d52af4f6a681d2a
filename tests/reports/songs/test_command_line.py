"""The command line never writes over what it did not make, and takes several songs, or a folder of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from backends.cli import main
from tests.support.separation import tone


def song(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, tone(0.4), 44100)
    return path


def separate(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[dict], str]:
    """Exit code, the JSON lines about the results, and what was said."""
    code = main(["run", "separation", *map(str, words), "--engine", "dsp", "--json"])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def stems(answer: dict) -> list[Path]:
    return [Path(each["path"]) for each in answer["artifacts"] if each["kind"] == "stem"]


def test_a_song_called_as_a_result_is_not_written_over(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    mix = song(tmp_path / "mix.wav")
    before = mix.read_bytes()
    code, [answer], said = separate(capsys, mix, "--out", tmp_path)
    assert code == 0 and mix.read_bytes() == before
    assert all(path.is_file() and path.parent == tmp_path / "stems" for path in stems(answer))
    assert (tmp_path / "mix-2.wav").is_file() and "already held mix.wav" in said and "in mix-2.wav" in said


def test_a_stem_that_is_split_again_stays(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, [first], _ = separate(capsys, song(tmp_path / "song.wav"), "--out", tmp_path / "out")
    files = {path: path.read_bytes() for path in stems(first)}
    other = tmp_path / "out" / "stems" / "other.wav"
    code, [second], _ = separate(capsys, other, "--out", tmp_path / "out", "--stems", "vocals")
    assert code == 0 and {path: path.read_bytes() for path in files} == files
    assert sorted(path.name for path in stems(second)[0].parent.iterdir()) == [
        "everything but vocals.wav",
        "vocals.wav",
    ]


def test_a_file_where_a_folder_would_be_stays(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    own = tmp_path / "stems"
    own.write_text("a list of mine")
    code, [answer], _ = separate(capsys, song(tmp_path / "a" / "song.wav"), "--out", tmp_path)
    assert code == 0 and own.read_text() == "a list of mine" and stems(answer)[0].parent == tmp_path / "stems-2"


def test_stems_of_two_runs_do_not_get_between_each_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = song(tmp_path / "song.wav")
    separate(capsys, path, "--out", tmp_path / "out", "--stems", "vocals")
    _, [answer], _ = separate(capsys, path, "--out", tmp_path / "out", "--stems", "bass")
    assert {each.name for each in stems(answer)[0].parent.iterdir()} == {"bass.wav", "everything but bass.wav"}
    assert {each.name for each in (tmp_path / "out" / "stems").iterdir()} == {"vocals.wav", "everything but vocals.wav"}


def test_several_songs_and_a_folder_each_get_a_folder_of_their_own(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    one, two = song(tmp_path / "songs" / "one.wav"), song(tmp_path / "songs" / "two.oga.wav")
    (tmp_path / "songs" / "cover.txt").write_text("no song")
    code, answers, _ = separate(capsys, one, two, "--out", tmp_path / "out")
    assert code == 0 and [stems(answer)[0].parts[-3] for answer in answers] == ["one", "two.oga"]
    code, answers, _ = separate(capsys, tmp_path / "songs", "--out", tmp_path / "again")
    assert code == 0 and [stems(answer)[0].parts[-3] for answer in answers] == ["one", "two.oga"]


def test_a_song_that_fails_does_not_stop_the_others(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    empty = tmp_path / "empty.wav"
    empty.touch()
    code, answers, said = separate(capsys, empty, song(tmp_path / "good.wav"), "--out", tmp_path / "out")
    assert code == 2 and len(answers) == 1 and "This file is empty" in said and "1 of 2 files" in said


def test_a_folder_without_songs_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, answers, said = separate(capsys, tmp_path, "--out", tmp_path / "out")
    assert code == 2 and not answers and f"There is no song in the folder {tmp_path}" in said


def test_notices_are_in_the_answer(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shifted = tmp_path / "song.wav"
    soundfile.write(shifted, 0.5 * tone(0.4) + 0.1, 44100)
    _, [answer], _ = separate(capsys, shifted, "--out", tmp_path / "out")
    assert any("constant level" in sentence for sentence in answer["notices"])
