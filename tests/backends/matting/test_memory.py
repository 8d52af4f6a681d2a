"""Memory: a long video takes no more than a short one."""

from __future__ import annotations

import resource
from pathlib import Path

from tests.backends.matting.conftest import RedEngine, finish, scene, write_video

SIDE = (400, 300)
GROWTH_MB = 25  # all frames of the long video together would be 108 MB


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_ten_times_as_long_takes_no_more_memory(engine: RedEngine, tmp_path: Path) -> None:
    pictures = [scene(index % 40, *SIDE) for index in range(300)]
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    write_video(short, pictures[:30], options={"preset": "ultrafast"}, sound="aac", seconds=1.0)
    write_video(long, pictures, options={"preset": "ultrafast"}, sound="aac", seconds=10.0)
    assert sum(picture.nbytes for picture in pictures) / 2**20 > 4 * GROWTH_MB
    del pictures
    finish(engine.run({"media": short}, {"export": "luma"}, tmp_path / "a"))
    before = peak_mb()
    result, _ = finish(engine.run({"media": long}, {"export": "luma"}, tmp_path / "b"))
    assert result.frames == 300
    assert peak_mb() - before < GROWTH_MB
