"""The sample clip: a video of a drawn person that the project renders itself, with its true mattes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.samples import SampleFolder, sha256

CLIP_SECONDS = 4.0


@dataclass(frozen=True)
class SampleClip:
    """A rendered video and its true mattes, a lossless gray video. `sha256` is that of the video."""

    title: str
    video: Path
    alpha: Path
    sha256: str


def _write(folder: Path) -> None:
    from evaluation.synthetic.clip import make_clip, write_clip

    folder.mkdir()
    write_clip(make_clip(CLIP_SECONDS), folder / "clip.mp4", folder / "alpha.mkv")


FOLDER = SampleFolder("clip", _write)


@cache
def clip() -> SampleClip:
    """The sample clip; rendered in some ten seconds the first time, found again later."""
    folder = FOLDER.make()
    return SampleClip("Sample clip", folder / "clip.mp4", folder / "alpha.mkv", sha256(folder / "clip.mp4"))


def existing_clip() -> SampleClip | None:
    """The sample clip where it is there already: a run of it can only exist where it was made."""
    return clip() if FOLDER.exists() else None
