"""The sample song: a mix that the project renders itself, with the true stems that add up to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from studio.samples import SampleFolder, sha256


@dataclass(frozen=True)
class SampleSong:
    """A mix and the true stems that add up to it. `sha256` is that of the mix."""

    title: str
    mix: Path
    stems: dict[str, Path]
    sha256: str


def _write(folder: Path) -> None:
    from evaluation.synthetic.song import write_sample

    write_sample(folder)


FOLDER = SampleFolder("song", _write, quick=True)


@cache
def song() -> SampleSong:
    """The sample song; made in a few seconds the first time, found again later."""
    from evaluation.synthetic.song import STEMS

    folder = FOLDER.make()
    mix = folder / "mix.flac"
    return SampleSong("Sample song", mix, {name: folder / f"{name}.flac" for name in STEMS}, sha256(mix))
