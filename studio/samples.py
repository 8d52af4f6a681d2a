"""Sample inputs that the project makes itself, once, into the user's data folder; their truth is known."""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock

from studio.library.library import home

VERSION = 1
"""Raise it when a sample changes, so that an older copy is not taken for it."""

CLIP_SECONDS = 4.0

_locks = {name: threading.Lock() for name in ("song", "clip", "pictures")}


@dataclass(frozen=True)
class Sample:
    """A mix and the true stems that add up to it."""

    title: str
    mix: Path
    stems: dict[str, Path]
    sha256: str


@dataclass(frozen=True)
class Clip:
    """A rendered video and its true mattes, a lossless gray video."""

    title: str
    video: Path
    alpha: Path
    sha256: str


@cache
def song() -> Sample:
    """The sample song; made in a few seconds the first time, found again later."""
    from evaluation.synthetic.song import STEMS, write_sample

    folder = _made("song", write_sample)
    mix = folder / "mix.flac"
    return Sample("Sample song", mix, {name: folder / f"{name}.flac" for name in STEMS}, _sha256(mix))


@cache
def clip() -> Clip:
    """The sample clip; rendered in some ten seconds the first time, found again later."""
    from evaluation.synthetic.clip import make_clip, write_clip

    def write(folder: Path) -> None:
        folder.mkdir()
        write_clip(make_clip(CLIP_SECONDS), folder / "clip.mp4", folder / "alpha.mkv")

    folder = _made("clip", write)
    return Clip("Sample clip", folder / "clip.mp4", folder / "alpha.mkv", _sha256(folder / "clip.mp4"))


def pictures() -> Path:
    """The folder of the sample pictures, `shots.zip` and `questions/` in it; drawn in a few seconds the first time."""
    from evaluation.synthetic.pictures import write_sample

    def write(folder: Path) -> None:
        folder.mkdir()
        write_sample(folder)

    return _made("pictures", write)


def clip_if_made() -> Clip | None:
    """The sample clip where it is there already: a run of it can only exist where it was made."""
    return clip() if _folder("clip").exists() else None


def _folder(name: str) -> Path:
    return home() / "samples" / f"{name}-{VERSION}"


def _made(name: str, write: Callable[[Path], object]) -> Path:
    """The folder of a sample, which `write` fills the first time."""
    folder = _folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locks[name], FileLock(folder.with_suffix(".lock")):  # the other maker is a process of its own
        if not folder.exists():
            # Written beside and renamed: a start that is cut short leaves no half sample behind.
            with tempfile.TemporaryDirectory(dir=folder.parent) as making:
                made = Path(making) / name
                write(made)
                made.rename(folder)
    return folder


def all_made() -> bool:
    return all(_folder(name).exists() for name in _locks)


def _make_those_to_look_at() -> None:
    """`python -m studio.samples`: draw the clip and the pictures, giving way to everybody, as long as the parent lives.

    In a process of its own, because drawing holds up every other thread: a job's first files would wait for it.
    """
    if hasattr(os, "nice"):
        os.nice(10)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    clip()
    pictures()


def _end_with_parent() -> None:
    """Standard input ends when the parent does, however it does."""
    while os.read(0, 4096):
        pass
    os._exit(0)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    _make_those_to_look_at()
