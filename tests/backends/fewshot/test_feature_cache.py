"""Features are kept by content: found again, bounded, and never worth a failed job."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from backends.fewshot.feature_cache import FeatureCache


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "features" / "features.sqlite")


def some(count: int, dimensions: int = 16, seed: int = 0) -> dict[str, np.ndarray]:
    rows = np.random.default_rng(seed).normal(size=(count, dimensions)).astype(np.float32)
    return {f"{seed}-{index}": row for index, row in enumerate(rows)}


def test_rows_are_found_again_exactly_and_only_in_their_space(cache: FeatureCache) -> None:
    rows = some(1_200)
    cache.put("one", rows)
    found = FeatureCache(cache.path).rows("one", [*rows, "unknown"])
    assert found.keys() == rows.keys() and all(np.array_equal(found[key], row) for key, row in rows.items())
    assert cache.rows("two", rows) == {} and cache.rows("one", []) == {}
    found["0-0"][0] = 7.0  # a copy that its owner may change
    assert cache.rows("one", ["0-0"])["0-0"][0] == rows["0-0"][0]


def test_a_damaged_row_is_not_found_and_can_be_put_anew(cache: FeatureCache) -> None:
    rows = some(2)
    cache.put("one", rows)
    with sqlite3.connect(cache.path) as database:
        database.execute("update features set row = x'00000000' where key = '0-0'")
    assert cache.rows("one", rows).keys() == {"0-1"}
    cache.put("one", rows)
    assert cache.rows("one", rows).keys() == rows.keys()


def test_a_damaged_file_is_begun_anew(cache: FeatureCache, caplog: pytest.LogCaptureFixture) -> None:
    cache.path.parent.mkdir()
    cache.path.write_bytes(b"this is no database" * 1000)
    rows = some(2)
    assert cache.rows("one", rows) == {} and "begun anew" in caplog.text
    cache.put("one", rows)
    assert cache.rows("one", rows).keys() == rows.keys()


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "features").write_text("a file where the folder should be")
    cache = FeatureCache(tmp_path / "features" / "features.sqlite")
    cache.put("one", some(2))
    assert cache.rows("one", some(2)) == {} and "cannot be kept" in caplog.text


def test_what_nobody_asked_for_the_longest_goes_first(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path / "features.sqlite", max_bytes=400_000)
    old, used = some(40, 1_000, seed=1), some(40, 1_000, seed=2)
    cache.put("one", old)
    cache.put("one", used)
    cache.rows("one", used)
    for seed in range(3, 8):
        cache.put("one", some(10, 1_000, seed))
        cache.rows("one", used)
    assert len(cache.rows("one", used)) == 40
    assert len(cache.rows("one", old)) < 20
    assert sum(len(cache.rows("one", some(10, 1_000, seed))) for seed in range(3, 8)) >= 20


def test_threads_can_share_it(cache: FeatureCache) -> None:
    def work(seed: int) -> int:
        cache.put("one", some(50, seed=seed))
        return len(FeatureCache(cache.path).rows("one", some(50, seed=seed)))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(8))) == [50] * 8
