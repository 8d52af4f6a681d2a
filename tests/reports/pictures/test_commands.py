"""What the card of a classifier tells people to type runs, and answers as the project does."""

from __future__ import annotations

import csv
import io
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backends.cli import main
from backends.core.info import CardInfo
from backends.fewshot.classifier import Classifier
from backends.fewshot.classifier_code import classifier_code
from studio.pictures.model_card import features_command
from tests.support import pictures
from tests.support.pictures import COLOURS, shade


def command(card: str, asked: Path, out: Path) -> list[str]:
    words = shlex.split(features_command(CardInfo(id=card), str(asked), str(out)))
    assert words[:3] == ["python", "-m", "backends"]
    return words[3:]


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    path = tmp_path / "support.zip"
    path.write_bytes(pictures.zipped({f"{kind}/{n}.png": shade(kind, n) for kind in COLOURS for n in range(3)}))
    return path


def test_the_command_of_the_card_makes_features_that_the_exported_script_answers(
    tmp_path: Path, examples: Path
) -> None:
    asked = tmp_path / "who.png"
    asked.write_bytes(shade("blue", 9))
    assert main(["run", "fewshot", str(asked), "--weights", "prototypes", "--support", str(examples),
                 "--out", str(tmp_path / "job")]) == 0  # fmt: skip
    assert main(command("prototypes", asked, tmp_path / "features")) == 0
    (tmp_path / "classify.py").write_text(classifier_code(), encoding="utf-8")
    words = [sys.executable, "classify.py", "job/head.npz", "features/features.npz"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, encoding="utf-8-sig", check=True)
    with (tmp_path / "job" / "predictions.csv").open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(io.StringIO(done.stdout))) == list(csv.reader(file))
    saved = Classifier.load(tmp_path / "job" / "head.npz")
    with np.load(tmp_path / "features" / "features.npz") as features:
        assert saved.space == str(features["space"]) != ""


def test_words_can_be_switched_off_on_the_command_line(
    tmp_path: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked, classes = tmp_path / "who.png", tmp_path / "classes.txt"
    asked.write_bytes(shade("red", 9))
    classes.write_text("violet")
    words = ["run", "fewshot", str(asked), "--weights", "prototypes", "--support", str(examples)]
    code = main([*words, "--classes", str(classes), "--words", "off", "--out", str(tmp_path / "out")])
    assert code != 0 and "words do not count" in capsys.readouterr().err


def test_the_command_line_names_a_picture_of_two_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = tmp_path / "support.zip"
    red = shade("red", 0)
    names = {"cat/a.png": red, "dog/b.png": red, "cat/c.png": shade("red", 1), "dog/d.png": shade("blue", 1)}
    twice.write_bytes(pictures.zipped(names))
    asked = tmp_path / "who.png"
    asked.write_bytes(shade("blue", 9))
    assert main(["run", "fewshot", str(asked), "--weights", "prototypes", "--support", str(twice),
                 "--out", str(tmp_path / "out")]) == 0  # fmt: skip
    assert "“cat/a.png” and “dog/b.png” are the same picture" in capsys.readouterr().err
