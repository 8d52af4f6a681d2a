"""The examples of the README and of the guides in docs/, run as they stand there."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from backends.cli import main
from evaluation.synthetic.pictures import write_sample
from tests.support import http
from tests.support.clips import Small
from tests.support.clusters import AT_ONCE
from tests.support.waiting import PATIENCE, answers, wait_for

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "training/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language: str, *names: str) -> list[str]:
    """The code blocks of these pages, in order."""
    texts = [(ROOT / name).read_text("utf-8") for name in names]
    return [block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)]


@pytest.fixture
def desk(tmp_path: Path, short_song: Path, small: Small, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a song, a video and pictures in it, the way a reader's would be."""
    shutil.copyfile(short_song, tmp_path / "song.wav")
    shutil.copyfile(small.video, tmp_path / "clip.mp4")
    Image.new("RGB", (64, 48), (240, 220, 180)).save(tmp_path / "beach.jpg")
    write_sample(tmp_path / "pictures", 3)
    for name, made in (("examples", "shots"), ("questions", "questions"), ("classes.txt", "classes.txt")):
        (tmp_path / "pictures" / made).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_python_example_splits_a_song(desk: Path, server_address: str) -> None:
    (code,) = blocks("python", "docs/server.md")
    (desk / "example.py").write_text(code.replace("http://127.0.0.1:7860", server_address))
    subprocess.run([sys.executable, "example.py"], check=True, timeout=120)
    assert {path.name for path in desk.glob("*.wav")} == {"song.wav", "vocals.wav", "everything but vocals.wav"}


@pytest.mark.slow
@pytest.mark.flaky(reruns=1)  # a busy machine may not start Ray in the time that Ray gives itself
def test_the_python_example_splits_a_song_on_a_cluster(desk: Path) -> None:
    """The same client, to the letter; only the server was started another way."""
    (code,) = blocks("python", "docs/server.md")
    words = ["--ray", "--workers", "1", "--port", "0", "--supervised", "--root", str(desk / "jobs")]
    command = [sys.executable, "-m", "backends", "serve", *words]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | AT_ONCE,
    ) as server:
        assert server.stdout is not None
        address = json.loads(server.stdout.readline())["address"]
        try:
            wait_for(lambda: answers(f"{address}/readyz"), 2 * PATIENCE)
            assert "fourfold_workers" in http.get(f"{address}/metrics").text
            (desk / "example.py").write_text(code.replace("http://127.0.0.1:7860", address))
            subprocess.run([sys.executable, "example.py"], check=True, timeout=120)
        finally:
            server.terminate()
    assert {path.name for path in desk.glob("*.wav")} == {"song.wav", "vocals.wav", "everything but vocals.wav"}


def exit_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as end:  # of `--help`
        return int(end.code or 0)


@pytest.mark.slow
def test_the_commands_do_what_they_say(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In this process, for each of its own would import the models again."""
    found = [line for block in blocks("sh", "README.md", "docs/command-line.md") for line in block.splitlines()]
    lines = list(dict.fromkeys(line for line in found if line.startswith("python -m backends")))
    guide = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    Path("hints.json").write_text(f"[{re.search('`({.frame.*?})`', guide)[1]}]")
    assert len(lines) >= 8
    for line in lines:
        if " serve " in line:
            continue  # The server is what every other test of this folder talks to.
        read = re.sub(
            r'"\$\(cat (\S+)\)"', lambda name: shlex.quote(Path(name[1]).read_text()), line
        )  # as a shell does
        code = exit_code(shlex.split(read)[3:])
        printed = capsys.readouterr()
        assert code == 0, printed.err
        if "--json" in line:
            summary = json.loads(printed.out)
            assert summary["task"] == "separation" and all(Path(item["path"]).exists() for item in summary["artifacts"])
            assert Path("stems_of_song/stems/vocals.wav") in {Path(item["path"]) for item in summary["artifacts"]}
    assert sorted(path.name for path in (desk / "karaoke/stems").iterdir()) == [
        "everything but vocals.wav",
        "vocals.wav",
    ]
    assert (desk / "cut/webm.webm").stat().st_size and (desk / "cut/composite.mp4").stat().st_size
    assert (desk / "again/luma.mp4").stat().st_size and (desk / "corrected/matte.mkv").stat().st_size
    for folder in ("answers", "nearest"):
        rows = list(csv.DictReader((desk / folder / "predictions.csv").open(encoding="utf-8")))
        assert len(rows) == len(list((desk / "questions").iterdir())) and "ball" in rows[0]


def test_the_two_commands_exist() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    assert {"app", "test", "setup", "lint", "bench", "screenshots"} <= set(targets)
    named = re.findall(r"(?:^|`)make\s+([a-z-]+)", README, re.M)
    assert {"app", "test", "setup", "screenshots"} <= set(named) <= set(targets)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_picture_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        assert target.startswith("http") or (page.parent / target).exists(), target
