"""Runs that version 0.1.0 left on disk: in the database, in their manifests, in their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio.library.library import Library
from studio.library.maintenance import repair
from tests.support.earlier import DONE, FINISHED, PROJECTS, RUNS, kinds, written


@pytest.mark.parametrize("label", FINISHED)
def test_a_run_in_the_database_says_what_its_manifest_says_and_has_its_files(home: Path, library: Library, label: str):
    manifest, run = written(home, label), library.get(RUNS[label])
    assert manifest.pop("format") == 1 and run is not None
    files = manifest.pop("artifacts")
    assert run.created.isoformat() == manifest.pop("created")
    assert {name: getattr(run, name) for name in manifest} == manifest
    stored = library.artifacts(run.id)
    assert [{name: getattr(each, name) for name in files[0]} for each in stored] == files
    assert all(library.local(run.id, each).stat().st_size == each.bytes for each in stored)


def test_the_library_lists_the_runs_newest_first_with_what_they_are(library: Library) -> None:
    listed = library.list()
    assert [run.id for run in listed] == list(RUNS.values())[::-1] and library.total() == len(RUNS)
    assert [run.title for run in library.list("matting")] == ["halves", "me", "walk", "walk"]
    by_label = {label: library.get(run_id) for label, run_id in RUNS.items()}
    assert {label: run.weights for label, run in by_label.items()} == {
        "song": "dsp", "failed": "dsp", "trial": "classical", "matte-again": "classical", "picture": "classical",
        "own-weights": "yours/red net.onnx", "structure": "structure", "sequence": "esmfold-starter",
        "alignment": "coevolution", "sorted": "prototypes", "cut-short": "dsp",
    }  # fmt: skip
    assert by_label["failed"].status == "failed" and "could not be read as sound" in by_label["failed"].error
    song, trial = by_label["song"], by_label["trial"]
    assert song.facts["stems"] == ["vocals", "everything but vocals"] and song.facts["samplerate"] == 44_100
    assert song.options == {"stems": "vocals"} and song.metrics["residual"] == {"value": -120.0, "unit": "dB"}
    assert song.inputs[0]["name"] == "A short *song*.wav" and song.title == "A short *song*"
    assert trial.facts["asked"] == {"trial": {"start": 0.0, "end": 0.0}} and trial.facts["frames"] == 5
    assert [entry["what"] for entry in trial.facts["kept"]] == ["times", "times", "size", "colour"]
    assert by_label["own-weights"].card["tier"] == "yours"
    assert (
        by_label["sequence"].facts["sequence"] == "NLYIQWLKDGGPSS" and by_label["sequence"].facts["sanity"] == "broken"
    )
    assert by_label["alignment"].options == {"seed": 3} and by_label["alignment"].facts["method"] == "coevolution"
    assert by_label["sorted"].facts["asked"] == {"project": PROJECTS["prototypes"]["token"]}
    assert library.usage().total == sum(each.bytes for run in listed for each in library.artifacts(run.id))


def test_the_files_of_the_runs_have_their_kinds_and_names(library: Library) -> None:
    def of(label: str) -> dict[str, list[str]]:
        return kinds(library, RUNS[label])

    lanes = ["everything but vocals", "mix", "vocals"]
    song = of("song")
    assert song["stem"] == ["everything but vocals", "vocals"] and song["mix"] == ["mix"]
    assert song["segment"] == song["tile"] == lanes and song["reference"] == ["vocals"]
    previews = [f"{frame:06d}.webp" for frame in range(5)]
    assert of("trial") == {
        "input": ["background", "input"], "export": ["composite", "webm"], "matte": ["matte"], "frames": ["frames"],
        "proxy": ["proxy"], "preview": previews,
    }  # fmt: skip
    assert of("matte-again")["input"] == ["input", "matte"] and of("matte-again")["export"] == ["luma"]
    assert of("matte-again")["alpha"] == ["alpha"] and of("matte-again")["reference"] == ["mattes"]
    assert of("picture")["export"] == of("own-weights")["export"] == ["cutout"]
    fold = {"structure": ["model.cif", "model.pdb"], "confidence": ["confidence.json"], "sanity": ["sanity.json"]}
    assert fold.items() <= of("structure").items() and of("structure")["input"] == ["input", "pae"]
    kept = {"contacts": ["contacts.npz"], "distogram": ["distogram.npz"], "attention": ["attention.npz"]}
    assert (fold | kept | {"recycle": ["00"], "heads": ["heads"]}).items() <= of("sequence").items()
    assert of("alignment")["recycle"] == [f"{turn:02d}" for turn in range(1, 8)]
    assert of("sorted")["input"] == ["input", "support"] and of("sorted")["predictions"] == ["predictions.csv"]


def test_runs_come_back_from_their_manifests_alone(home: Path, library: Library) -> None:
    before = {label: (library.get(RUNS[label]), library.artifacts(RUNS[label])) for label in FINISHED}
    fresh = Library(f"sqlite:///{home / 'another.sqlite'}")
    report = repair(fresh)
    assert set(report.adopted) == {RUNS[label] for label in FINISHED} and report.unknown == () and report.missing == 0
    for label, (run, stored) in before.items():
        assert (fresh.get(RUNS[label]), fresh.artifacts(RUNS[label])) == (run, stored)


def test_a_run_that_a_killed_studio_left_is_said_to_be_interrupted_and_nothing_else_changes(library: Library) -> None:
    report = repair(library)
    assert report.interrupted == (RUNS["cut-short"],) and (report.leftovers, report.missing) == (0, 0)
    assert library.get(RUNS["cut-short"]).status == "interrupted"
    assert [library.get(RUNS[label]).status for label in DONE] == ["done"] * len(DONE)
