"""What the songs starter learns from, decoded once: every sound at 44.1 kHz as 16-bit numbers in one file.

A store is `sounds.npy`, one long row of int16, and `sounds.json`, which says what lies where. Of MIR-1K every third
singer by name is held out, as `evaluation/datasets/mir1k.py` says, and so is any clip over an accompaniment that one of
them sings to as well.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from evaluation.datasets.mir1k import Mir1k, singer
from training.htdemucs.band import Shots, bands

RATE = 44_100
STEMS = ("drums", "bass", "other", "vocals")
ROOM_SECONDS = 1.2
SHORTEST = 3.5
"""Seconds: shorter sounds are no use as a voice."""

SAME = 0.5
"""Two accompaniments whose largest normalised cross-correlation is above this are one recording."""

_COARSE = 4_000


@dataclass(frozen=True)
class Sound:
    """`kind` is voice, accompaniment, singing, stem, band or room; `group` is the clip, song or band it is of.

    `part` is its stem there, else empty. It lies at `start` in the store, `frames` of `channels` interleaved.
    """

    kind: str
    group: str
    part: str
    channels: int
    frames: int
    start: int
    apart: bool


class Sounds:
    """A store that was written: `of` lists its sounds, `read` gives one or a piece of it."""

    def __init__(self, folder: Path) -> None:
        self.items = [Sound(**item) for item in json.loads((folder / "sounds.json").read_text(encoding="utf-8"))]
        self._samples = np.load(folder / "sounds.npy", mmap_mode="r")

    def of(self, kind: str, apart: bool = False) -> list[Sound]:
        return [item for item in self.items if item.kind == kind and item.apart == apart]

    def groups(self, kind: str) -> list[dict[str, Sound]]:
        """The stems of each song or band by name."""
        found: dict[str, dict[str, Sound]] = {}
        for item in self.of(kind):
            found.setdefault(item.group, {})[item.part] = item
        return list(found.values())

    def read(self, item: Sound, start: int = 0, frames: int | None = None) -> np.ndarray:
        """`(C, frames)` float32 from `start`; shorter where the sound ends before."""
        stop = item.frames if frames is None else min(start + frames, item.frames)
        span = slice(item.start + start * item.channels, item.start + stop * item.channels)
        return self._samples[span].reshape(-1, item.channels).T.astype(np.float32) / 32767


def prepare(songs: Path, mir1k: Path, folder: Path) -> None:
    """Decode `songs`, the archive, and the clips in `mir1k` into the store in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    items: list[Sound] = []
    written = 0
    with (folder / "sounds.raw").open("wb") as raw:
        for kind, group, part, samples, apart in _all(songs, mir1k):
            coded = np.rint(np.clip(samples, -1, 1).T * 32767).astype(np.int16)  # (T, C)
            items.append(Sound(kind, group, part, coded.shape[1], coded.shape[0], written, apart))
            raw.write(coded.tobytes())
            written += coded.size
    np.save(folder / "sounds.npy", np.fromfile(folder / "sounds.raw", np.int16))
    (folder / "sounds.raw").unlink()
    (folder / "sounds.json").write_text(json.dumps([asdict(item) for item in items]), encoding="utf-8")


Entry = tuple[str, str, str, np.ndarray, bool]


def _all(songs: Path, mir1k: Path) -> Iterator[Entry]:
    yield from _clips(mir1k)
    with zipfile.ZipFile(songs) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".ogg"))
        for name in names:
            folder, *rest = Path(name).relative_to("songs").parts
            if folder == "singing" and (sound := _decoded(archive, name)).shape[1] >= SHORTEST * RATE:
                yield "singing", rest[0], "", level(sound.mean(axis=0, keepdims=True)), False
            elif folder == "rooms":
                yield "room", rest[0], "", _room(_decoded(archive, name)), False
            elif folder == "stems_cc0":
                yield "stem", rest[0], Path(rest[1]).stem, _decoded(archive, name), False
        kit = {name: _decoded(archive, name) for name in names if Path(name).parts[1] in ("kit", "one_shots_cc0")}
    for number, band in enumerate(bands(Shots.of(kit))):
        for part, sound in band.items():
            yield "band", str(number), part, sound, False


def _clips(folder: Path) -> Iterator[Entry]:
    """Voice and accompaniment of MIR-1K; a clip that shares its accompaniment with one kept apart is left out."""
    held, others = Mir1k(folder).clips("held-out"), Mir1k(folder).clips("tuning")
    sounds = {clip: soundfile.read(clip, dtype="float32") for clip in [*held, *others]}
    shared = same_recordings([_coarse(*sounds[clip]) for clip in others], [_coarse(*sounds[clip]) for clip in held])
    for clip, (sound, rate) in sounds.items():
        if clip in others and others.index(clip) in shared:
            continue
        full = soxr.resample(sound, rate, RATE).T  # (2, T): accompaniment, voice
        for kind, channel in (("accompaniment", 0), ("voice", 1)):
            yield kind, clip.stem, singer(clip), level(full[channel : channel + 1]), clip in held


def same_recordings(sounds: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> set[int]:
    """The indices of `sounds` that are, wholly or in part, a recording that is among `others`; all mono."""
    size = 2 ** int(np.ceil(np.log2(2 * max(len(sound) for sound in [*sounds, *others]))))
    theirs = [np.fft.rfft(_unit(sound), size).conj() for sound in others]
    found = set()
    for index, sound in enumerate(sounds):
        ours = np.fft.rfft(_unit(sound), size)
        if any(np.abs(np.fft.irfft(ours * other)).max() > SAME for other in theirs):
            found.add(index)
    return found


def _coarse(sound: np.ndarray, rate: int) -> np.ndarray:
    return soxr.resample(sound[:, 0], rate, _COARSE)


def _unit(sound: np.ndarray) -> np.ndarray:
    return (sound - sound.mean()) / (np.linalg.norm(sound - sound.mean()) + 1e-9)


def level(sound: np.ndarray) -> np.ndarray:
    """`sound` with a root mean square of a tenth, so that loud and quiet recordings meet as equals."""
    return sound * (0.1 / (np.sqrt(np.mean(sound**2)) + 1e-9))


def _room(sound: np.ndarray) -> np.ndarray:
    """The start of an impulse response, from its loudest sample on, fading out; the loudest sample is 1."""
    first = int(np.abs(sound).max(axis=0).argmax())
    kept = sound[:, first : first + round(ROOM_SECONDS * RATE)]
    return kept * np.linspace(1, 0, kept.shape[1]) ** 2 / (np.abs(kept).max() + 1e-9)


def _decoded(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """`(C, T)` at RATE."""
    samples, rate = soundfile.read(io.BytesIO(archive.read(name)), dtype="float32", always_2d=True)
    return soxr.resample(samples, rate, RATE).T
