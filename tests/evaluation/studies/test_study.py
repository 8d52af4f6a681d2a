"""Studies as YAML: short forms, shipped studies that hold, and one clear sentence for each fault."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from backends.core.errors import BadInput
from evaluation.__main__ import main
from evaluation.commands.run import SHIPPED, find
from evaluation.datasets.registry import ENTRIES
from evaluation.studies.study import parse_study, read_study
from evaluation.studies.yardsticks import YARDSTICKS

GOOD = "title: A\ntask: separation\ndataset: drawn-songs\ncards: [dsp, mixture]\nmetrics: [si_sdr]\n"


def faulty(tmp_path: Path, text: str) -> str:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        read_study(path)
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_studies_are_valid(path: Path) -> None:
    study = read_study(path)
    assert study.question.endswith("?")
    assert find(path.stem) == path
    assert ENTRIES[study.dataset.id].own == path.stem.endswith("-samples")
    assert any(choice.card in YARDSTICKS[study.task] for choice in study.cards)
    assert all(result.metric in study.metrics for result in study.published)


def test_a_study_of_a_data_set_that_does_not_ship_asks_for_its_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "musdb18", "--out", str(tmp_path / "out")]) == 2
    assert "say in which folder it lies" in capsys.readouterr().err
    assert main(["run", "musdb18", "--out", str(tmp_path / "out"), "--folder", str(tmp_path / "none")]) == 2
    assert "There is no folder of MUSDB18" in capsys.readouterr().err


def test_published_results_name_their_source_and_a_measure(tmp_path: Path) -> None:
    result = "{system: X, metric: sdr, value: 1, source: A paper of 2020}"
    assert parse_study({**_values(), "published": [yaml.safe_load(result)]}).published[0].units is None
    said = faulty(tmp_path, f"{GOOD}published: [{result.replace('sdr', 'sdx')}]\n")
    assert "no measure is called “sdx”" in said
    assert "published.0.source" in faulty(tmp_path, f"{GOOD}published: [{{system: X, metric: sdr, value: 1}}]\n")


def _values() -> dict[str, object]:
    return yaml.safe_load(GOOD)


def test_short_forms(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD + "conditions: [clean, noise, {mp3: [2, 4]}]\n")
    study = read_study(path)
    assert [choice.label for choice in study.cards] == ["dsp", "mixture"]
    assert list(study.levels()) == [
        ("clean", 0), *(("noise", severity) for severity in range(1, 6)), ("mp3", 2), ("mp3", 4),
    ]  # fmt: skip


def test_a_study_survives_json() -> None:
    study = read_study(SHIPPED / "songs-samples.yaml")
    assert parse_study(study.to_json()) == study


def test_a_folder_lies_beside_its_study(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(GOOD.replace("dataset: drawn-songs", "dataset: {id: mir1k, folder: clips}"))
    assert read_study(path).dataset.folder == tmp_path / "clips"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD.replace("[dsp, mixture]", "[dps]"), "no model is called “dps”; did you mean “dsp”?"),
        (GOOD.replace("si_sdr", "sisdr"), "did you mean “si_sdr”?"),
        (GOOD.replace("drawn-songs", "drawn-clips"), "no data set is called “drawn-clips”"),
        (GOOD.replace("task: separation", "task: songs"), "`task` cannot be 'songs'"),
        (GOOD.replace("title: A\n", ""), "has no `title`"),
        (GOOD + "metric: [sdr]\n", "unknown field `metric`; did you mean `metrics`?"),
        (GOOD + "units: 0\n", "`units` cannot be 0"),
        (GOOD + "conditions: [{noise: [9]}]\n", "severities are 1 to 5"),
        (GOOD + "conditions: [rain]\n", "no condition is called “rain”"),
        (GOOD.replace("[dsp, mixture]", "[dsp, dsp]"), "two models have the same name"),
        ("title: [", "no valid YAML near line"),
        ("just words", "holds no study"),
    ],
)
def test_faults_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in faulty(tmp_path, text)


def test_a_name_that_does_not_ship() -> None:
    with pytest.raises(BadInput, match="songs-samples"):
        find("no-such-study")
