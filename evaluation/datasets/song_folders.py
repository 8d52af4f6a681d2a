"""Anybody's songs with their stems: one folder a song, one sound file a stem, and a mixture or none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

ENDINGS = {".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff"}
MIXTURES = ("mixture", "mix")
STEMS = ("vocals", "drums", "bass", "other", "guitar", "piano", "accompaniment")


class SongFolders:
    """A folder of song folders. A unit is a song.

    Inputs are `mixture` `(C, T)` float32, the sum of the stems where there is no file of it, and `samplerate`; the
    reference maps each stem to `(C, T)`.
    """

    id, title, task, licence, splits = "songs", "Songs with stems", "separation", "as their owner says", ("all",)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        folders = sorted(path for path in existing(self.folder, "folder of songs").iterdir() if path.is_dir())
        songs = [path for path in folders if any(file.stem.lower() in STEMS for file in sounds(path))]
        if not songs:
            raise DatasetMissing(
                f"There is no song with stems in {self.folder}: each needs a folder with files such as vocals.wav."
            )
        for path in songs:
            yield Unit(path.name, path.name, partial(_read, path))


def sounds(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in ENDINGS)


def _read(folder: Path) -> Sample:
    waves: dict[str, np.ndarray] = {}
    rate = 0
    for path in sounds(folder):
        name = path.stem.lower()
        if name not in (*STEMS, *MIXTURES):
            continue
        try:
            wave, own = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise BadInput(f"{folder.name}/{path.name} cannot be read as sound.") from error
        if rate and own != rate:
            raise BadInput(f"{folder.name}: {path.name} has another sample rate than the other files.")
        rate = own
        waves[name] = wave.T
    length, channels = min(wave.shape[1] for wave in waves.values()), max(len(wave) for wave in waves.values())
    waves = {name: np.broadcast_to(wave[:, :length], (channels, length)) for name, wave in waves.items()}
    stems = {name: wave for name, wave in waves.items() if name in STEMS}
    mixtures = [wave for name, wave in waves.items() if name in MIXTURES]
    mixture = mixtures[0] if mixtures else np.sum(list(stems.values()), axis=0)
    return Sample({"mixture": mixture, "samplerate": rate}, stems)
