"""What the pictures starter is taught is true: classes, their kinds and the words for them."""

from __future__ import annotations

import csv
import io
import random
import zipfile
from pathlib import Path

import pytest

from training.clip.captions import caption, read_entries, with_article

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


def test_articles():
    words = ("ant", "goldfish", "sunglasses", "school bus", "clothing")
    assert [with_article(word) for word in words] == ["an ant", "a goldfish", "sunglasses", "a school bus", "clothing"]
