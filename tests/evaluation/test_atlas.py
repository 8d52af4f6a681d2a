"""The measures of attention against answers known beforehand, and the atlas that ships."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evaluation.atlas import heads
from evaluation.atlas.files import Atlas, load, save, sentences
from evaluation.atlas.measures import NAMES, coarse, measure

PLACES = (np.arange(8) / 8)[:, None]


def test_attention_spread_evenly_reaches_as_far_as_chance_and_says_so() -> None:
    found = measure(np.full((2, 8, 8), 1 / 8), PLACES)
    assert found["entropy"] == pytest.approx(1) and found["reach"] == pytest.approx(1)
    assert found["itself"] == found["first"] == pytest.approx(1 / 8) and found["likeness"] is None


def test_attention_on_itself_reaches_nowhere_and_attention_on_the_first_is_counted() -> None:
    own = measure(np.eye(8)[None], PLACES)
    assert own["entropy"] == pytest.approx(0, abs=1e-9) and own["reach"] == own["distance"] == 0 and own["itself"] == 1
    first = np.zeros((1, 8, 8))
    first[..., 0] = 1
    found = measure(first, PLACES)
    assert found["first"] == 1 and found["distance"] == pytest.approx(PLACES.mean() / PLACES.max())


def test_heads_that_do_the_same_are_alike_and_others_are_not() -> None:
    one, other = np.eye(8), np.eye(8)[::-1]
    assert measure(np.stack([one, one]), PLACES)["likeness"] == pytest.approx(1)
    assert measure(np.stack([one, other]), PLACES)["likeness"] < 0
    across = measure(np.full((1, 3, 8), 1 / 8), None)
    assert across["distance"] is across["reach"] is across["itself"] is None and across["tokens"] == 8


def test_a_small_map_keeps_the_sums_of_its_rows() -> None:
    draw = np.random.default_rng(0).random((2, 50, 37))
    small = coarse(draw / draw.sum(-1, keepdims=True), 24)
    assert small.shape == (24, 24) and np.allclose(small.sum(1), 1)


def test_sentences_follow_from_the_numbers() -> None:
    row = dict.fromkeys(NAMES, 0.5)
    rows = [{**row, "modality": "sound", "entropy": 0.9}, {**row, "modality": "words", "entropy": 0.2}]
    entropy, reach, *_ = sentences(rows)
    assert "between sound and words (sound 0.90, words 0.20)" in entropy and "much the same" in reach


def test_the_atlas_that_ships_covers_sound_residues_and_words(tmp_path: Path) -> None:
    atlas = load()
    assert {"sound", "residues", "words", "words on pictures"} <= {row["modality"] for row in atlas.rows}
    assert len(atlas.maps) == len(atlas.rows) and all(0 <= row["entropy"] <= 1.0001 for row in atlas.rows)
    assert all(np.allclose(one.sum(1), 1, atol=0.02) for one in atlas.maps)
    assert list(atlas.sentences) == sentences(atlas.rows)
    save(atlas, tmp_path)
    again = load(tmp_path)
    assert isinstance(again, Atlas) and again.rows == atlas.rows and np.array_equal(again.maps[0], atlas.maps[0])


def test_heads_are_kept_as_shares_with_the_names_of_what_they_look_at() -> None:
    views = {view["modality"]: view for view in heads.read()}
    assert list(views) == ["sound", "pixels", "residues", "words"]
    assert views["words"]["names"][1:4] == ["a", "photo", "of"] and views["words"]["layers"][0]["causal"]
    assert "".join(views["residues"]["names"]).startswith("MTYKLILNGK") and len(views["sound"]["picture"]) == 48
    rows = {(row["model"], row["layer"]): row for row in load().rows}
    for view in views.values():
        for layer in view["layers"]:
            shares = heads.shares(layer)
            assert shares.shape[-1] == len(view["names"]) and np.allclose(shares.sum(-1), 1, atol=0.05)
            entropies = [head["entropy"] for head in layer["heads"]]
            assert np.mean(entropies) == pytest.approx(rows[view["model"], layer["name"]]["entropy"], abs=1e-3)


def test_what_is_shown_is_kept_as_layers_pass(tmp_path: Path) -> None:
    map_ = np.tril(np.ones((2, 5, 5))) / np.arange(1, 6)[:, None]
    places = np.arange(5)[:, None] / 5
    word: Any = SimpleNamespace(
        modality="words", model="clip-starter", name="text tower 1", attention=map_, places=places, names=tuple("abcde")
    )
    other: Any = SimpleNamespace(**{**vars(word), "model": "another"})
    kept = heads.Collector()
    assert list(kept.through([word, other])) == [word, other]
    heads.save(kept.views.values(), tmp_path)
    (view,) = heads.read(tmp_path)
    assert view["names"] == list("abcde") and len(view["layers"]) == 1 and view["layers"][0]["causal"]
    np.testing.assert_allclose(heads.shares(view["layers"][0]), map_, atol=0.01)


def test_a_page_reads_it_without_torch() -> None:
    code = "import sys, evaluation.atlas.files as files; files.load(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
