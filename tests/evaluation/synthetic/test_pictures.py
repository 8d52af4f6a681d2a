"""The sample pictures: repeatable, different from each other, and so drawn that their kind can be told."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.measure import euler_number, label, regionprops

from evaluation.synthetic import pictures
from evaluation.synthetic.pictures import SENTENCES, SIDE, STRANGERS, Grid, queries, shots, write_sample


def cover_of(kind: str, seed: int = 3) -> np.ndarray:
    """The outline of a thing that fills the picture, upright."""
    across, down = np.meshgrid(np.linspace(-1.3, 1.3, 200), np.linspace(-1.3, 1.3, 200))
    grid = Grid(across.astype(np.float32), down.astype(np.float32), np.random.default_rng(seed))
    return pictures._KINDS[kind](grid)[1] > 0.5


@pytest.mark.slow
def test_the_same_arguments_give_the_same_pixels_and_no_two_pictures_are_alike() -> None:
    first, again = shots("star", 3), shots("star", 3)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(first, again, strict=True))
    assert first[0].rgb.shape == (SIDE, SIDE, 3) and first[0].rgb.dtype == np.uint8
    assert not np.array_equal(first[0].rgb, shots("star", 1, seed=1)[0].rgb)
    everything = [picture.png() for kind in SENTENCES for picture in shots(kind, 2)] + [q.png() for q in queries(1)]
    assert len(set(everything)) == len(everything) == 2 * len(SENTENCES) + len(SENTENCES) + STRANGERS
    assert np.array_equal(np.asarray(Image.open(BytesIO(first[0].png()))), first[0].rgb)


def test_every_kind_has_the_outline_that_its_name_says() -> None:
    props = {kind: regionprops(label(cover_of(kind)))[0] for kind in SENTENCES}
    roundness = {kind: 4 * np.pi * one.area / one.perimeter**2 for kind, one in props.items()}
    assert roundness["ball"] > 0.88 and roundness["ball"] == max(roundness.values())
    assert euler_number(cover_of("ring")) == 0 and euler_number(cover_of("star")) == 1  # only the ring has a hole
    assert props["star"].solidity < 0.72 and props["box"].solidity > 0.97  # the star's notches, the box's corners
    assert props["leaf"].eccentricity > 0.8
    mushroom = cover_of("mushroom")
    assert mushroom[70].sum() > 2 * mushroom[140].sum() > 0  # a wide cap on a narrow stem


@pytest.mark.slow
def test_questions_do_not_tell_their_kind_by_name_and_some_are_none_of_the_kinds() -> None:
    asked = queries(2)
    assert [one.name for one in asked] == [f"question {number}.png" for number in range(1, len(asked) + 1)]
    assert sum(one.kind == "" for one in asked) == STRANGERS
    assert {one.kind for one in asked} == {*SENTENCES, ""}
    taught = {picture.png() for kind in SENTENCES for picture in shots(kind)}
    assert not taught & {one.png() for one in asked}


@pytest.mark.slow
def test_the_folder_is_as_the_command_line_takes_it(tmp_path: Path) -> None:
    write_sample(tmp_path / "sample", count=2)
    folders = sorted(path.name for path in (tmp_path / "sample" / "shots").iterdir())
    assert folders == sorted(SENTENCES)
    with zipfile.ZipFile(tmp_path / "sample" / "shots.zip") as bundle:
        assert sorted(bundle.namelist()) == sorted(f"{kind}/{kind} {n}.png" for kind in SENTENCES for n in (1, 2))
    lines = (tmp_path / "sample" / "classes.txt").read_text().splitlines()
    assert lines == [f"{kind}: {said}" for kind, said in SENTENCES.items()]
