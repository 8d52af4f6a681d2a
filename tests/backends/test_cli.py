"""`python -m backends` on the terminal: one JSON line, progress beside it, one sentence for bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.__main__ import main
from backends.folding.structure.reader import read_structure
from backends.folding.structure.writer import to_pdb
from tests.support.folding import helix


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.slow
def test_one_job_gives_one_json_line_and_stems_that_add_up(
    capsys: pytest.CaptureFixture[str], short_song: Path, tmp_path: Path
) -> None:
    code, out, err = run(
        capsys, "run", "separation", str(short_song), "--engine", "dsp", "--out", str(tmp_path), "--json"
    )
    assert code == 0, err
    (line,) = out.splitlines()
    told = json.loads(line)
    assert (told["task"], told["engine"], told["weights"]) == ("separation", "dsp", "dsp")
    assert told["seconds"] > 0 and told["metrics"]["residual"] < -60
    stems = {item["name"]: soundfile.read(item["path"])[0] for item in told["artifacts"] if item["kind"] == "stem"}
    assert {path.name for path in (tmp_path / "stems").iterdir()} == {f"{name}.wav" for name in stems}
    song = soundfile.read(short_song)[0]
    assert np.abs(sum(stems.values()) - song).max() < 1e-3
    assert "Separating" in err and "100 %" in err


@pytest.mark.slow
def test_everything_but_vocals_comes_from_one_option(
    capsys: pytest.CaptureFixture[str], short_song: Path, tmp_path: Path
) -> None:
    code, _, err = run(capsys, "run", "separation", str(short_song), "--out", str(tmp_path), "--stems", "vocals")
    assert code == 0, err
    assert {path.stem for path in (tmp_path / "stems").iterdir()} == {"vocals", "everything but vocals"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "cooking", "SONG", "--out", "OUT"], "no task called “cooking”"),
        (["run", "separation", "no-such.wav", "--out", "OUT"], "There is no file no-such.wav"),
        (["run", "separation", "SONG", "--engine", "magic", "--out", "OUT"], "no engine called “magic”"),
        (["run", "separation", "SONG", "--weights", "nowhere.th", "--out", "OUT"], "no file or folder there"),
        (["run", "separation", "SONG", "--weights", "htdemucs", "--out", "OUT"], "python -m backends fetch htdemucs"),
        (["run", "separation", "SONG", "--engine", "dsp", "--weights", "htdemucs", "--out", "OUT"], "belong to"),
        (["run", "separation", "SONG", "--stems", "kazoo", "--out", "OUT"], "no stem called “kazoo”"),
        (["run", "separation", "SONG", "--export", "webm", "--out", "OUT"], "no option called “export”"),
        (["run", "separation", "TEXT", "--out", "OUT"], "choose a"),
        (["run", "matting", "TEXT", "--out", "OUT"], "."),
        (["run", "separation", "SONG", "--out", "TEXT/deeper"], "Cannot write to"),
        (["run", "matting", "TEXT", "--input", "beach.jpg", "--out", "OUT"], "NAME=FILE"),
        (["run", "matting", "TEXT", "--input", "sound=TEXT", "--out", "OUT"], "no file called “sound”"),
        (["run", "matting", "TEXT", "--input", "background=no-such.jpg", "--out", "OUT"], "no file no-such.jpg"),
        (["run", "separation", "SONG", "--support", "TEXT", "--out", "OUT"], "no file called “support”"),
        (["run", "fewshot", "TEXT", "--support", "TEXT", "--out", "OUT"], "no picture that can be read"),
        (["run", "fewshot", "TEXT", "--support", "no-such-folder", "--out", "OUT"], "no file no-such-folder"),
        (["fetch", "unheard-of"], "no model called “unheard-of”"),
        (["import", "htdemucs", "TEXT"], "."),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    capsys: pytest.CaptureFixture[str], short_song: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    text = tmp_path / "text.mp3"
    text.write_text("not a song")
    names = {"SONG": short_song, "TEXT": text, "OUT": tmp_path / "out"}
    code, out, err = run(capsys, *(place(word, names) for word in words))
    assert code == 2 and out == ""
    last = err.strip().splitlines()[-1]
    assert said in last and last.endswith((".", ")")) and "Traceback" not in err


def place(word: str, names: dict[str, Path]) -> str:
    first, _, rest = word.partition("/")
    return str(names[first] / rest if rest else names[first]) if first in names else word


def help_of(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_the_help_of_a_task_shows_its_own_options_with_range_unit_default_and_engine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = help_of(capsys, "run", "separation")
    assert "--overlap NUMBER Overlap. " in text and "(from 0 to 0.9; default 0.25; engine demucs)" in text
    assert "--precision full|half" in text and "advanced options" in text
    for foreign in ("--recycles", "--export", "--support"):
        assert foreign not in text
    text = help_of(capsys, "run", "folding")
    assert "--chunk N|auto|off" in text and "--language on|off" in text and "--pae PATH" in text
    assert "--stems" not in text and "default contacts;" in text
    assert "split a song into stems" in help_of(capsys, "run")


@pytest.mark.slow
def test_options_may_stand_before_the_task(
    capsys: pytest.CaptureFixture[str], short_song: Path, tmp_path: Path
) -> None:
    out = tmp_path / "separation"
    before = ("run", "--stems", "vocals", "--out", str(out), "--json", "separation", str(short_song))
    code, _, err = run(capsys, *before, "--engine", "dsp")
    assert code == 0, err
    assert {path.stem for path in (out / "stems").iterdir()} == {"vocals", "everything but vocals"}
    code, _, err = run(capsys, "run", "--out", "x", "cooking", "--engine", "separation")
    assert code == 2 and "no task called “cooking”" in err


def test_a_word_that_no_task_takes_is_explained_by_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["run", "separation", "a.wav", "--out", "x", "--flavour", "red"])
    assert ended.value.code == 2 and "unrecognized arguments: --flavour red" in capsys.readouterr().err


@pytest.mark.slow
def test_previews_go_and_everything_that_lay_in_the_folder_is_safe(
    capsys: pytest.CaptureFixture[str], short_song: Path, tmp_path: Path
) -> None:
    own = tmp_path / "segments" / "notes.txt"
    own.parent.mkdir()
    own.write_text("mine")
    words = ("run", "separation", str(short_song), "--engine", "dsp", "--out", str(tmp_path))
    code, _, err = run(capsys, *words)
    assert code == 0 and "already held" not in err
    assert own.read_text() == "mine" and [path.name for path in own.parent.iterdir()] == ["notes.txt"]
    assert {path.name for path in tmp_path.iterdir()} >= {"stems", "segments"}
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".run-")]
    earlier = (tmp_path / "stems" / "vocals.wav").read_bytes()

    code, _, err = run(capsys, *words, "--stems", "kazoo")  # a run that fails leaves the earlier one's files alone
    assert code == 2 and (tmp_path / "stems" / "vocals.wav").read_bytes() == earlier
    code, out, err = run(capsys, *words)  # and so does one that succeeds
    assert code == 0 and "already held mix.wav, stems" in err and str(tmp_path / "stems-2" / "vocals.wav") in out
    assert (tmp_path / "stems" / "vocals.wav").read_bytes() == earlier and own.read_text() == "mine"


def test_offline_fetch_says_so(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOURFOLD_OFFLINE", "1")
    code, _, err = run(capsys, "fetch", "htdemucs")
    assert code == 2 and "offline" in err.lower()


def test_the_list_says_what_is_here(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "list", "--json")
    cards = {card["id"]: card for card in json.loads(out)["tasks"]["separation"]["cards"]}
    assert code == 0 and cards["htdemucs"]["state"] == "absent" and cards["htdemucs"]["download_bytes"] == 84141911
    assert cards["dsp"]["state"] == "present"
    code, out, _ = run(capsys, "list")
    assert code == 0 and "htdemucs" in out and "84 MB" in out


def test_a_folder_of_structures_is_a_job_each(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = tmp_path / "proteins"
    folder.mkdir()
    for name, letters in (("one", "AEAAAK" * 3), ("two", "AAAAEK" * 4)):
        (folder / f"{name}.pdb").write_text(to_pdb(helix(letters)))
    (folder / "README.txt").write_text("Two helices.")
    words = ["run", "folding", str(folder), "--engine", "structure", "--out", str(tmp_path / "out"), "--json"]
    code, out, err = run(capsys, *words)
    assert code == 0, err
    assert len(out.splitlines()) == 2
    read = {name: read_structure(tmp_path / "out" / name / "model.pdb").sequence for name in ("one", "two")}
    assert read == {"one": "AEAAAK" * 3, "two": "AAAAEK" * 4}
    (tmp_path / "empty").mkdir()
    code, _, err = run(capsys, "run", "folding", str(tmp_path / "empty"), "--out", str(tmp_path / "out"))
    assert code == 2 and "There is no protein in the folder" in err
