"""What the pictures starter is taught is true: drawn scenes and their sentences, classes and their kinds."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from pathlib import Path

import numpy as np
import pytest

from training.captions import caption, held_out, read_entries, with_article
from training.scenes import COLOURS, Claim, Thing, draw, make_scene, untrue

ROWS = [
    ("tiny_imagenet/a_1.jpg", "Persian cat", "Persian cat"),
    ("tiny_imagenet/a_2.jpg", "koala", "koala, koala bear, Phascolarctos cinereus"),
    ("catalogue/1.jpg", "Acme Men Checked Blue Shirt", "men's blue casual shirts"),
    ("garments_cc0/1.jpg", "children's shirt", "children's shirt"),
    *((f"caltech101/{name}_1.jpg", name, name) for name in ("anchor", "koala", "emu", "ibis", "lamp", "okapi", "tick")),
]


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    table = io.StringIO()
    csv.writer(table).writerows([("file", "caption", "alt"), *ROWS])
    with zipfile.ZipFile(tmp_path / "pictures.zip", "w") as pictures:
        pictures.writestr("captions.csv", table.getvalue())
    return tmp_path / "pictures.zip"


def test_a_picture_is_called_by_its_name_its_synonyms_and_its_kinds(archive: Path):
    cat, koala, shirt, small, *_ = read_entries(archive)
    assert [concept.key for concept in cat.concepts] == ["Persian cat", "kind of cat", "kind of animal"]
    assert set(koala.concepts[0].words) == {"koala", "koala bear"}, "its Latin name is left out"
    assert shirt.label == small.label == "shirt"
    assert "men's blue casual shirts" in shirt.concepts[0].words
    rng = random.Random(0)
    said = {caption(cat, rng) for _ in range(4000)}
    assert {"Persian cat", "kind of cat", "kind of animal"} == {key for key, _ in said}
    assert ("kind of cat", "a photo of a cat") in said and ("kind of cat", "a photo of a cat.") in said
    assert not any("koala" in sentence for _, sentence in said)


def test_classes_kept_apart_go_by_a_fixed_rule(archive: Path):
    assert held_out(read_entries(archive)) == ("okapi",), "every fifth by name of those only Caltech has"


def test_articles():
    words = ("ant", "goldfish", "sunglasses", "school bus", "clothing")
    assert [with_article(word) for word in words] == ["an ant", "a goldfish", "sunglasses", "a school bus", "clothing"]


def test_claims_are_true_and_their_near_misses_false_of_every_scene():
    rng = random.Random(1)
    for _ in range(300):
        scene, claim = make_scene(rng)
        assert claim.holds(scene) and not untrue(scene, claim, rng).holds(scene)


def test_a_claim_says_what_is_there():
    left = Thing("red", "square", 0.2, 0.5, 0.15)
    scene = (left, Thing("blue", "circle", 0.8, 0.5, 0.15))
    related = Claim("red", "square", 1, "to the left of", ("blue", "circle"))
    assert related.holds(scene) and related.words(random.Random(0)) == "a red square to the left of a blue circle"
    assert not Claim("blue", "circle", 1, "to the left of", ("red", "square")).holds(scene)
    assert Claim("red", "square").holds(scene) and not Claim("red", "circle").holds(scene)
    assert not Claim("red", "square", 2).holds(scene)


def test_what_is_drawn_has_the_colour_and_lies_where_the_scene_says():
    pixels = draw((Thing("red", "square", 0.25, 0.75, 0.15),), random.Random(0)).astype(float)
    red = np.abs(pixels - COLOURS["red"]).sum(axis=2) < 90
    rows, columns = np.nonzero(red)
    assert rows.mean() / 64 == pytest.approx(0.75, abs=0.03) and columns.mean() / 64 == pytest.approx(0.25, abs=0.03)
    assert red.sum() == pytest.approx((2 * 0.88 * 0.15 * 64) ** 2, rel=0.15)
