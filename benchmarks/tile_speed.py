"""Time of one tile of the stem player, held against sorting the same samples.

    python -m benchmarks.tile_speed --runs 5

A tile is the waveform and the spectrogram of one segment (2**18 frames of a stereo sine). Sorting takes the place of a
second, so that neither a slow machine nor a quick one decides: the goal is a ratio below 3.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from viz.separation.tiles import encode_tile

SAMPLERATE = 44_100
FRAMES = 1 << 18
GOAL = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="tries of each; the least counts")
    runs = parser.parse_args().runs
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(FRAMES) / SAMPLERATE)
    samples = np.stack([wave, wave]).astype(np.float32)
    tile = processor_seconds(lambda: encode_tile(samples, SAMPLERATE, FRAMES), runs)
    sort = processor_seconds(lambda: np.sort(samples, axis=None), runs)
    print(f"tile {1000 * tile:.1f} ms, sorting {1000 * sort:.1f} ms, ratio {tile / sort:.2f} (goal {GOAL:g})")  # noqa: T201


def processor_seconds(work: Callable[[], object], runs: int) -> float:
    """Seconds of a processor, the least of `runs` tries."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main()
