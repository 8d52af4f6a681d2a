"""Small rendered videos for tests, with their true mattes beside them."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path

from evaluation.synthetic.clip import Rendered, SampleClip, make_clip, write_clip


class DrawnClip(SampleClip):
    """A clip that draws each frame once and keeps it: many tests compare with the same few."""

    @cache  # noqa: B019 - there are a handful of these, of few and small frames, and they live as long as the tests
    def __getitem__(self, index: int) -> Rendered:
        return super().__getitem__(index)


@dataclass(frozen=True)
class Small:
    """`clip` gives every true frame again."""

    clip: SampleClip
    video: Path
    alpha: Path


def small_clip(folder: Path) -> Small:
    """160 × 120 pixels, four frames a second: long enough for a trial, and only 20 frames."""
    clip = DrawnClip(*astuple(make_clip(5.0, 160, 120, 4)))
    write_clip(clip, folder / "small.mp4", folder / "alpha.mkv")
    return Small(clip, folder / "small.mp4", folder / "alpha.mkv")
