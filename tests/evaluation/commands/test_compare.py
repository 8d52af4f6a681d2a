"""`python -m evaluation compare` on anyone's numbers: JSON that keeps its promises, one sentence for each fault."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from evaluation.__main__ import main

KEYS = {"a", "b", "n", "difference", "low", "high", "p", "p_holm", "better_on", "verdict"}


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    lines = ["track,model,sdr,artist"]
    for number in range(10):
        lines += [f"t{number},A,{number},x{number // 2}", f"t{number},B,{number + 1 + number / 100},x{number // 2}"]
    path.write_text("\n".join(lines))
    return path


def compare(path: Path, *more: str) -> int:
    return main(["compare", str(path), "--unit", "track", "--system", "model", "--score", "sdr", *more])


def test_json_has_systems_and_every_pair(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(rows, "--json") == 0
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert [system["system"] for system in found["systems"]] == ["B", "A"]
    assert found["systems"][1]["median"] == 4.5
    (pair,) = found["pairs"]
    assert pair.keys() >= KEYS
    assert (pair["a"], pair["n"], pair["better_on"]) == ("B", 10, 10)
    assert pair["low"] <= pair["difference"] <= pair["high"]
    assert pair["p"] == pytest.approx(2 / 2**10)


def test_clusters_count_and_few_of_them_give_no_interval(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(rows, "--cluster", "artist", "--json") == 0
    (pair,) = json.loads(capsys.readouterr().out)["pairs"]
    assert (pair["clusters"], pair["low"], pair["outcome"]) == (5, None, "too few")


def test_the_table_for_people_has_the_verdict(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(rows) == 0
    assert "B is better than A by 1.045" in capsys.readouterr().out


@pytest.mark.parametrize("ending", [".parquet", ".json", ".tsv"])
def test_other_kinds_of_table_say_the_same(
    rows: Path, tmp_path: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(rows, "--json")
    by_csv = capsys.readouterr().out
    frame, path = pd.read_csv(rows), tmp_path / f"rows{ending}"
    {".parquet": frame.to_parquet, ".json": frame.to_json, ".tsv": lambda file: frame.to_csv(file, sep="\t")}[ending](
        path
    )
    compare(path, "--json")
    assert capsys.readouterr().out == by_csv


@pytest.mark.parametrize(
    ("text", "more", "sentence"),
    [
        ("track,model\nt1,A\n", (), "has no column “sdr”; its columns are track, model"),
        ("track,model,sdr\nt1,A,good\n", (), "not one score"),
        ("track,model,sdr\n,A,1\n", (), "no row with both a unit and a system"),
        ("", (), "rows.csv is empty"),
        ("track,model,sdr\nt1,A,good\n", (), "1 score is no number, such as “good”"),
        ("track,model,sdr,artist\nt1,A,1,x\nt1,B,1,y\n", ("--cluster", "artist"), "is in two clusters"),
        ("track,model,sdr,artist\nt1,A,1,\n", ("--cluster", "artist"), "every unit must say"),
        ("track,model,sdr\nt1,A,1\n", ("--level", "2"), "between 0.5 and 1"),
        ("track,model,sdr\nt1,A,1\n", ("--margin", "-1"), "above zero"),
    ],
)
def test_faults_are_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, more: tuple[str, ...], sentence: str
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    assert compare(path, *more) == 2
    errors = capsys.readouterr().err
    assert sentence in errors and errors.count("\n") == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_from_an_office_says_the_same(
    rows: Path, tmp_path: Path, encoding: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Semicolons, decimal commas, and the letters of one's own land."""
    text = rows.read_text().replace("track", "Stück").replace(",", ";").replace(".", ",")
    office = tmp_path / "office.csv"
    office.write_text(text, encoding=encoding)
    compare(rows, "--json")
    expected = capsys.readouterr().out
    arguments = ["--unit", "Stück", "--system", "model", "--score", "sdr", "--json"]
    assert main(["compare", str(office), *arguments]) == 0
    assert capsys.readouterr().out == expected


def test_words_in_place_of_scores_are_told(rows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows.write_text(rows.read_text() + "\nt10,A,5.5 dB,x5\nt10,B,n/a dB,x5\nt11,A,,x5")
    assert compare(rows, "--json") == 0
    notes = json.loads(capsys.readouterr().out)["notes"]
    assert "2 scores are no numbers, such as “5.5 dB”." in notes


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(tmp_path / "none.csv") == 2
    assert "There is no file" in capsys.readouterr().err


def test_numbers_are_never_nan_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("track,model,sdr\nt1,A,1\nt1,B,inf\nt2,A,\nt2,B,3\n")
    assert compare(path, "--json") == 0
    text = capsys.readouterr().out
    assert "NaN" not in text and "Infinity" not in text
    (pair,) = json.loads(text)["pairs"]
    assert (pair["n"], pair["missing"], pair["verdict"]) == (0, 2, "B and A have no units in common.")
    assert math.isfinite(json.loads(text)["systems"][0]["median"])
