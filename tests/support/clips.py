"""Small rendered videos for tests, with their true mattes beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evaluation.synthetic.clip import SampleClip, make_clip, write_clip


@dataclass(frozen=True)
class Small:
    """`clip` gives every true frame again."""

    clip: SampleClip
    video: Path
    alpha: Path


def small_clip(folder: Path) -> Small:
    """160 × 120 pixels, four frames a second: long enough for a trial, and only 20 frames."""
    clip = make_clip(5.0, 160, 120, 4)
    write_clip(clip, folder / "small.mp4", folder / "alpha.mkv")
    return Small(clip, folder / "small.mp4", folder / "alpha.mkv")
