"""Mattes each of the given videos in a process of its own, and prints its peak memory in MB after each."""

from __future__ import annotations

import resource
import sys
import tempfile
from pathlib import Path

from tests.support.matting import CARD, RedEngine, finish

if __name__ == "__main__":
    for video in map(Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory() as out:
            result, _ = finish(RedEngine(CARD).run({"media": video}, {"export": "luma"}, Path(out)))
        print(result.frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)  # noqa: T201
