"""A song of which the instruments were recorded one by one: a folder with one sound file a track."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from evaluation.datasets.base import Sample, Unit, check_split, existing

STEMS = ("drums", "bass", "other", "vocals")
PEAK = 0.9


class RecordedBand:
    """A piece of a song that is played by people and sung by nobody, as one unit.

    Inputs are `mixture` `(2, T)` float32 and `samplerate`; the reference maps each of STEMS to `(2, T)` float32, which
    sum to the mixture. A stem that no track is part of is silence.

    Args:
        folder: holds the tracks as `NAME.mp3`.
        tracks: the names of the tracks of each stem.
        start, seconds: the piece of the song.
    """

    id, title, task, licence = "mdn_multitrack", "recorded band", "separation", "CC0"
    splits = ("all",)
    TRACKS: Mapping[str, tuple[str, ...]] = {
        "drums": ("drums",),
        "bass": ("bassguitar",),
        "other": ("clav", "horns", "leadguitar"),
    }

    def __init__(
        self,
        folder: Path,
        tracks: Mapping[str, tuple[str, ...]] = TRACKS,
        start: int = 20,
        seconds: int = 40,
    ) -> None:
        self.folder, self.tracks, self.start, self.seconds = folder, tracks, start, seconds

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        folder = existing(self.folder, "folder of tracks")
        yield Unit(folder.name, folder.name, partial(_read, folder, self.tracks, self.start, self.seconds))


def _read(folder: Path, tracks: Mapping[str, tuple[str, ...]], start: int, seconds: int) -> Sample:
    read = {path.stem: soundfile.read(path, dtype="float32", always_2d=True) for path in folder.glob("*.mp3")}
    rate = next(iter(read.values()))[1]
    span = slice(start * rate, (start + seconds) * rate)
    sums = {name: np.sum([read[part][0][span].T for part in parts], axis=0) for name, parts in tracks.items()}
    stems = {name: np.broadcast_to(stem, (2, stem.shape[1])) for name, stem in sums.items()}  # mono to stereo
    gain = PEAK / np.abs(np.sum(list(stems.values()), axis=0)).max()
    silence = np.zeros_like(next(iter(stems.values())))
    reference = {name: (gain * stems[name]).astype(np.float32) if name in stems else silence for name in STEMS}
    return Sample({"mixture": np.sum(list(reference.values()), axis=0), "samplerate": rate}, reference)
