"""MIR-1K (Hsu and Jang 2010): karaoke clips of amateur singers, 16 kHz, accompaniment left and singing right.

Clips are named SINGER_SONG_PART. Every third singer in the order of names is held out: nothing is trained or tuned on
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import soundfile

from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

SUFFIXES = {".ogg", ".wav", ".flac"}


class Mir1k:
    """A folder of clips. A unit is a clip, its group the singer.

    Inputs are `mixture` `(T,)` float64, the mean of both channels, and `samplerate`; the reference maps `vocals` and
    `accompaniment` to what of the mixture they are, `(T,)` each.
    """

    id, title, task, licence = "mir1k", "MIR-1K", "separation", "for research only"
    splits = ("held-out", "tuning", "all")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def clips(self, split: str) -> list[Path]:
        """The files of a split by name. Raises DatasetMissing where there are none."""
        check_split(self, split)
        clips = sorted(path for path in existing(self.folder, "folder of clips").iterdir() if path.suffix in SUFFIXES)
        held_out = set(sorted({singer(clip) for clip in clips})[2::3])
        chosen = [clip for clip in clips if split == "all" or (singer(clip) in held_out) == (split == "held-out")]
        if not chosen:
            raise DatasetMissing(f"There are no clips for “{split}” in {self.folder}.")
        return chosen

    def units(self, split: str) -> Iterator[Unit]:
        for clip in self.clips(split):
            yield Unit(clip.stem, singer(clip), partial(_read, clip))


def singer(clip: Path) -> str:
    """Who sings in a clip, from its name."""
    return clip.stem.split("_")[0]


def _read(clip: Path) -> Sample:
    sound, samplerate = soundfile.read(clip, dtype="float64")  # (T, 2)
    accompaniment, voice = sound.T / 2
    reference = {"vocals": voice, "accompaniment": accompaniment}
    return Sample({"mixture": accompaniment + voice, "samplerate": samplerate}, reference)
