"""Memory: a long video takes no more than a short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.matting import scene, write_video
from tests.support.memory import lengths

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SIDE = (400, 300)
SHARE = 0.25  # of the frames that a long video has more


@lengths((40, 240), nightly=(60, 600))
def test_a_longer_video_takes_no_more_memory(tmp_path: Path, small: int, large: int) -> None:
    pictures = [scene(index % 40, *SIDE) for index in range(large)]
    short, long = tmp_path / "short.mp4", tmp_path / "long.mp4"
    write_video(short, pictures[:small], options={"preset": "ultrafast"}, sound="aac", seconds=small / 30)
    write_video(long, pictures, options={"preset": "ultrafast"}, sound="aac", seconds=large / 30)
    more = sum(picture.nbytes for picture in pictures[small:]) / 2**20
    # A process of its own: the peak of this one is that of all the tests before. A second video takes some memory more
    # whatever its length, as what the first has freed lies in pieces.
    command = [sys.executable, "-m", "tests.support.matting_peak", str(short), str(short), str(long)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    _, (few, before), (many, after) = (map(float, line.split()) for line in done.stdout.splitlines())
    assert (few, many) == (small, large)
    assert after - before < SHARE * more, done.stdout
