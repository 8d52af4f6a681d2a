"""The samples that are drawn in a process of their own: it ends with the studio, and leaves nothing half made."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio import make_samples
from studio.samples import SampleFolder
from studio.videos.sample import existing_clip
from tests.support.waiting import PATIENCE, wait_for

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_process_that_draws_ends_with_its_parent_and_leaves_no_half_sample(own_home: Path) -> None:
    command = [sys.executable, "-m", "studio.make_samples"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: list((own_home / "samples").glob("tmp*/clip/clip.mp4")), 2 * PATIENCE)  # in the middle of it
    process.communicate(timeout=PATIENCE)  # closes its standard input, as the end of the parent does
    assert process.returncode == 0
    assert not make_samples.all_exist() and existing_clip() is None


def test_a_sample_made_by_another_process_is_found(own_home: Path) -> None:
    making = SampleFolder("pictures", lambda folder: folder.mkdir()).make()
    assert SampleFolder("pictures", lambda folder: folder.joinpath("again").mkdir(parents=True)).make() == making
    assert not list(making.iterdir())
