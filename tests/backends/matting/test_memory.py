"""Memory: a long video takes no more than a short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.matting import scene, write_video

ROOT = Path(__file__).parents[3]
SIDE = (400, 300)
GROWTH_MB = 40  # all frames of the long video together would be 206 MB


def test_ten_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    pictures = [scene(index % 40, *SIDE) for index in range(600)]
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    write_video(short, pictures[:60], options={"preset": "ultrafast"}, sound="aac", seconds=2.0)
    write_video(long, pictures, options={"preset": "ultrafast"}, sound="aac", seconds=20.0)
    assert sum(picture.nbytes for picture in pictures) / 2**20 > 5 * GROWTH_MB
    # A process of its own: the peak of this one is that of all the tests before.
    command = [sys.executable, "-m", "tests.backends.matting.peak", str(short), str(long)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (few, before), (many, after) = (map(float, line.split()) for line in done.stdout.splitlines())
    assert (few, many) == (60, 600)
    assert after - before < GROWTH_MB, done.stdout
