"""Data sets yield the units that are there, read them when they are asked for, and keep their splits apart."""

from __future__ import annotations

import csv
import io
import pickle
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
from PIL import Image

from evaluation.datasets.base import Dataset, DatasetMissing, Sample, Unit
from evaluation.datasets.captioned_pictures import CaptionedPictures
from evaluation.datasets.class_folders import cifar10
from evaluation.datasets.mir1k import Mir1k
from evaluation.datasets.multitrack import RecordedBand
from evaluation.datasets.omniglot import OmniglotRuns
from evaluation.datasets.portraits import Portraits, held_out

SINGERS = ("ann", "bob", "cid", "dan", "eve", "flo")
"""By name every third is held out: cid and flo."""


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def grey(level: int, side: int = 8) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def test_a_unit_is_read_once_and_only_when_it_is_asked_for() -> None:
    reads = []

    def load() -> Sample:
        reads.append(1)
        return Sample({"sound": 1.0}, 2.0)

    unit = Unit("clip", "singer", load)
    assert not reads
    assert (unit.inputs["sound"], unit.reference, unit.inputs["sound"]) == (1.0, 2.0, 1.0)
    assert len(reads) == 1


@pytest.fixture
def mir1k(tmp_path: Path) -> Mir1k:
    for level, name in enumerate(SINGERS, 1):
        clip = np.stack([np.full(160, level / 10), np.full(160, -level / 10)], axis=1)
        soundfile.write(tmp_path / f"{name}_1_01.wav", clip, 16_000, subtype="FLOAT")
    (tmp_path / "notes.txt").write_text("not a clip")
    return Mir1k(tmp_path)


def test_every_third_singer_of_mir1k_is_held_out(mir1k: Mir1k) -> None:
    assert isinstance(mir1k, Dataset)
    assert [unit.group for unit in mir1k.units("held-out")] == ["cid", "flo"]
    assert [unit.group for unit in mir1k.units("tuning")] == ["ann", "bob", "dan", "eve"]
    assert [unit.id for unit in mir1k.units("all")] == [f"{name}_1_01" for name in SINGERS]
    with pytest.raises(ValueError, match="no split “test”"):
        list(mir1k.units("test"))


def test_of_a_clip_the_left_channel_is_the_accompaniment_and_the_right_the_voice(mir1k: Mir1k) -> None:
    unit = pickle.loads(pickle.dumps(next(mir1k.units("held-out"))))  # as another process gets it
    assert unit.inputs["samplerate"] == 16_000
    assert unit.reference["accompaniment"] == pytest.approx(np.full(160, 0.15))
    assert unit.reference["vocals"] == pytest.approx(np.full(160, -0.15))
    assert unit.inputs["mixture"] == pytest.approx(np.zeros(160), abs=1e-9)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetMissing, match="no clips for “held-out”"):
        list(Mir1k(tmp_path / "empty").units("held-out"))
    for dataset in (Mir1k(tmp_path / "none"), OmniglotRuns(tmp_path / "none"), cifar10(tmp_path / "none")):
        with pytest.raises(DatasetMissing, match="none"):
            list(dataset.units(dataset.splits[0]))
    (tmp_path / "empty" / "of no class.png").write_bytes(png(grey(1)))
    with pytest.raises(DatasetMissing, match="no folders of pictures"):
        list(cifar10(tmp_path / "empty").units())


def test_stems_of_a_recorded_band_sum_to_its_mixture_and_what_nobody_played_is_silent(tmp_path: Path) -> None:
    rate = 8_000
    for name, level in {"kick": 0.2, "bass": 0.1, "organ": 0.3}.items():
        soundfile.write(tmp_path / f"{name}.mp3", level * np.sin(np.arange(3 * rate) / 9), rate)
    tracks = {"drums": ("kick",), "bass": ("bass",), "other": ("organ",)}
    (unit,) = RecordedBand(tmp_path, tracks, start=1, seconds=1).units("all")
    assert set(unit.reference) == {"drums", "bass", "other", "vocals"}
    assert all(stem.shape == (2, rate) and stem.dtype == np.float32 for stem in unit.reference.values())
    assert not unit.reference["vocals"].any()
    assert np.abs(unit.inputs["mixture"]).max() == pytest.approx(0.9, rel=1e-4)
    assert sum(unit.reference.values()) == pytest.approx(unit.inputs["mixture"], abs=1e-6)


def test_pictures_in_folders_are_of_the_class_that_their_folder_names(tmp_path: Path) -> None:
    for name in ("dog", "cat"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.png").write_bytes(png(grey(number)))
    units = list(cifar10(tmp_path).units())
    assert [(unit.group, unit.reference) for unit in units] == [("cat", "cat")] * 2 + [("dog", "dog")] * 2
    assert len({unit.id for unit in units}) == 4
    assert units[1].inputs["picture"] == (tmp_path / "cat" / "1.png").read_bytes()


def test_a_run_of_omniglot_says_which_shot_each_query_is_like(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all_runs.zip", "w") as archive:
        for letter in "ab":
            archive.writestr(f"run01/training/{letter}.png", png(grey(ord(letter))))
            archive.writestr(f"run01/test/{letter}.png", png(grey(ord(letter) + 10)))
        pairs = "run01/test/a.png run01/training/b.png\nrun01/test/b.png run01/training/a.png\n"
        archive.writestr("run01/class_labels.txt", pairs)
    (unit,) = OmniglotRuns(tmp_path / "all_runs.zip").units()
    assert unit.id == "run01"
    assert unit.inputs["names"] == ["run01/training/a.png", "run01/training/b.png"]
    assert unit.inputs["shots"] == [png(grey(ord("a"))), png(grey(ord("b")))]
    assert unit.inputs["queries"][0] == png(grey(ord("a") + 10))
    assert unit.reference == [1, 0]


def test_the_portraits_held_out_do_not_depend_on_their_order() -> None:
    names = [str(number) for number in range(290)]
    apart = held_out(names)
    assert len(set(apart)) == 60 and apart == held_out(reversed(names))
    assert len(set(apart) & set(held_out(names[:200]))) > 20, "taking some away does not draw all anew"


def test_a_portrait_has_its_mask_as_alpha(tmp_path: Path) -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:4] = 255
    with zipfile.ZipFile(tmp_path / "people.zip", "w") as archive:
        for number in range(62):
            archive.writestr(f"portraits/photos/{number}.jpg", cv2.imencode(".jpg", grey(200)[..., ::-1])[1].tobytes())
            archive.writestr(f"portraits/masks/{number}.png", cv2.imencode(".png", mask)[1].tobytes())
    portraits = Portraits(tmp_path / "people.zip")
    apart, others = list(portraits.units("held-out")), list(portraits.units("training"))
    assert (len(apart), len(others)) == (60, 2)
    assert not {unit.id for unit in apart} & {unit.id for unit in others}
    assert np.array_equal(apart[0].reference, mask / np.float32(255))
    assert np.abs(apart[0].inputs["photo"].astype(int) - 200).max() <= 3


def test_every_fifth_class_that_only_caltech_has_is_held_out(tmp_path: Path) -> None:
    rows = [
        ("tiny_imagenet/a_2.jpg", "koala", "koala, koala bear"),
        *((f"caltech101/{name}_1.jpg", name, name) for name in ("anchor", "koala", "emu", "ibis", "lamp", "okapi")),
        ("caltech101/tick_1.jpg", "tick", "tick"),
        ("catalogue/1.jpg", "Acme Men Checked Blue Shirt", "men's blue casual shirts"),
    ]
    table = io.StringIO()
    csv.writer(table).writerows([("file", "caption", "alt"), *rows])
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as archive:
        archive.writestr("captions.csv", table.getvalue())
        archive.writestr("caltech101/okapi_1.jpg", png(grey(7)))
    (unit,) = CaptionedPictures(tmp_path / "pictures.zip").units()
    assert (unit.group, unit.reference, unit.inputs["picture"]) == ("okapi", "okapi", png(grey(7)))
