"""MUSDB18 (Rafii et al. 2017) as it is passed on: `.stem.mp4` files of five streams, or HQ folders of WAV files.

`ROOT/{train,test}/ARTIST - TITLE.stem.mp4` holds mixture, drums, bass, other and vocals as AAC;
`ROOT/{train,test}/ARTIST - TITLE/{mixture,drums,bass,other,vocals}.wav` is the uncompressed edition. Both are read
through PyAV and soundfile, with no program beside them. Of the 100 training songs 14 are named for validation.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing

STREAMS = ("mixture", "drums", "bass", "other", "vocals")
STEMS = STREAMS[1:]
FULL = {"train": 100, "test": 50}

VALIDATION = frozenset(
    (
        *("Actions - One Minute Smile", "Clara Berry And Wooldog - Waltz For My Victims"),
        *("Johnny Lokke - Promises & Lies", "Patrick Talbot - A Reason To Leave", "Triviul - Angelsaint"),
        *("Alexander Ross - Goodbye Bolero", "Fergessen - Nos Palpitants", "Leaf - Summerghost"),
        *("Skelpolu - Human Mistakes", "Young Griffo - Pennies", "ANiMAL - Rockshow", "James May - On The Line"),
        *("Meaxic - Take A Step", "Traffic Experiment - Sirens"),
    )
)
"""The songs of the usual validation split."""

NOTES = {
    "PR - Oh No": "The stems do not sum to the mixture on the left channel.",
    "Hop Along - Sister Cities": "Other instruments can be heard in the true vocals.",
    "Chris Durban - Celebrate": "Other instruments can be heard in the true vocals.",
    "Leaf - Wicked": "There is guitar in the true vocals from 3:02 to 3:08.",
    "Detsky Sad - Walkie Talkie": "Other instruments can be heard in the true drums.",
}
"""Known faults of the data, as its users reported them."""


class Musdb18:
    """A folder of MUSDB18 in either edition. A unit is a track, its group the artist.

    Inputs are `mixture` `(2, T)` float32 and `samplerate`; the reference maps the four stems to `(2, T)`. The
    compressed edition's mixture is the sum of its stems, because its own differs from that by the noise of the coder.
    """

    id, title, task = "musdb18", "MUSDB18", "separation"
    licence = "for research and education; some songs CC BY-NC-SA"
    splits = ("test", "train", "validation")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tracks(self, split: str) -> list[Path]:
        """The files or folders of a split by name. Raises DatasetMissing where there are none."""
        check_split(self, split)
        place = existing(self.folder, "folder of MUSDB18") / ("test" if split == "test" else "train")
        paths = [*place.glob("*.stem.mp4"), *(path.parent for path in place.glob("*/mixture.wav"))]
        if split != "test":
            paths = [path for path in paths if (title(path) in VALIDATION) == (split == "validation")]
        if not paths:
            raise DatasetMissing(f"There are no songs for “{split}” in {self.folder}.")
        return sorted(paths)

    def units(self, split: str = "test") -> Iterator[Unit]:
        for path in self.tracks(split):
            name = title(path)
            notes = (NOTES[name],) if name in NOTES else ()
            yield Unit(name, name.partition(" - ")[0], partial(read_track, path), notes)

    def problems(self) -> Iterator[str]:
        """What a whole copy would have besides."""
        for part, count in FULL.items():
            found = len({title(path) for path in (self.folder / part).glob("*") if not path.name.startswith(".")})
            if found < count:
                yield f"{count - found} of the {count} songs of “{part}” are not there."


def title(path: Path) -> str:
    """“Artist - Title”."""
    return path.name.removesuffix(".stem.mp4")


def read_track(path: Path) -> Sample:
    """A track of either edition. Raises BadInput where it is damaged."""
    if path.is_dir():
        return _read_folder(path)
    waves, rate = read_streams(path)
    length = min(wave.shape[1] for wave in waves)
    reference = dict(zip(STEMS, (wave[:, :length] for wave in waves[1:]), strict=True))
    return Sample({"mixture": np.sum(list(reference.values()), axis=0), "samplerate": rate}, reference)


def _read_folder(path: Path) -> Sample:
    waves, rates = {}, set()
    for name in STREAMS:
        try:
            wave, rate = soundfile.read(path / f"{name}.wav", dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError) as error:
            raise BadInput(f"{path.name}: {name}.wav is missing or damaged.") from error
        waves[name] = wave.T
        rates.add(rate)
    if len(rates) > 1 or len({wave.shape for wave in waves.values()}) > 1:
        raise BadInput(f"{path.name}: its files differ in length or rate.")
    return Sample({"mixture": waves.pop("mixture"), "samplerate": rates.pop()}, waves)


def read_streams(path: Path) -> tuple[list[np.ndarray], int]:
    """The five streams `(2, T)` float32 of a stem file, and their rate. Raises BadInput."""
    import av

    try:
        with av.open(str(path)) as container:
            streams = list(container.streams.audio)
            if len(streams) != len(STREAMS):
                raise BadInput(f"{path.name} holds {len(streams)} sounds, where a stem file has {len(STREAMS)}.")
            frames: dict[int, list[np.ndarray]] = {stream.index: [] for stream in streams}
            for packet in container.demux(streams):
                sounds = (frame for frame in packet.decode() if isinstance(frame, av.AudioFrame))
                frames[packet.stream.index] += [frame.to_ndarray() for frame in sounds]
            parts, rate = [frames[stream.index] for stream in streams], int(streams[0].rate)
    except (av.error.FFmpegError, OSError) as error:
        raise BadInput(f"{path.name} is damaged, or no stem file.") from error
    if not all(parts):
        raise BadInput(f"{path.name} ends before all of its sounds begin.")
    waves = [np.concatenate(part, axis=1).astype(np.float32) for part in parts]
    return [np.broadcast_to(wave, (2, wave.shape[1])) if len(wave) == 1 else wave for wave in waves], rate
