"""Export what you hear: chosen stems at chosen gains, a region of them, or every stem in one zip.

Sound is read, mixed and encoded in blocks, so memory does not grow with the song. Formats without head-room share one
gain over all files of an export, taken from the loudest sample of any of them, so that exported stems still add up.
"""

from __future__ import annotations

import errno
import math
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import soundfile

from backends.core.errors import BadInput, TooLarge
from studio.songs.encode import FORMATS, LAYOUTS, Format, Sound, encode, format_of
from studio.web.filenames import export_name, unique

__all__ = ["FORMATS", "Export", "format_of", "mixdown", "stems_zip"]

BLOCK = 1 << 16
MAX_GAIN_DB = 24.0
CENTRE = np.eye(2)
Source = Path | Callable[[], IO[bytes]]
"""A stem: a sound file, or a function that opens one."""


@dataclass(frozen=True)
class Export:
    """What was written: `frames` of sound in each file, with `gain_db` common to all of them."""

    path: Path
    format: Format
    samplerate: int
    frames: int
    gain_db: float


def mixdown(
    stems: Mapping[str, Source],
    gains_db: Mapping[str, float],
    *,
    format: str,
    out: Path,
    tags: Mapping[str, str],
    pans: Mapping[str, float] | None = None,
    start: float | None = None,
    end: float | None = None,
) -> Export:
    """Write a mixture of stems as one file.

    A stem on its own gets the gain that all stems would need, so that stems exported one by one still add up.

    Args:
        stems: every stem of the song by its name.
        gains_db: gain in dB of each stem that is heard; minus infinity leaves it out.
        format: one of `FORMATS`.
        out: the file to write.
        tags: title, artist and so on.
        pans: place of a stem between -1 (left) and 1 (right), as the Web Audio panner of the player does it; a stem
            without one stays as it is.
        start: where the file begins in the song, in seconds; None for its start.
        end: where it ends, in seconds; None for the end of the song.

    Raises:
        BadInput: nothing is audible, or a stem, gain, pan, format or region makes no sense.
        TooLarge: the disk has no room.
    """
    kind = format_of(format)
    factors = _factors(stems, gains_db)
    _require(stems, pans or {})
    alone = len(factors) == 1
    with _whole(out), _open_sources(stems if alone else {name: stems[name] for name in factors}) as files:
        placed = {name: factor * _panner(name, (pans or {}).get(name, 0.0)) for name, factor in factors.items()}
        part = _Part([(files[name], matrix) for name, matrix in placed.items()])
        region = _region(part, start, end)
        _check_fits(kind, part, region, out, 1)
        (matrix, *_) = placed.values()
        judged = [_Part([(file, matrix)]) for file in files.values()] if alone else [part]
        level = _Level(_common_gain(kind, judged, region), shared=alone)
        encode(part.sound(region, level.gain), kind, out, level.comment(tags))
    return Export(out, kind, part.samplerate, len(region), level.decibels)


def stems_zip(
    stems: Mapping[str, Source],
    *,
    format: str,
    out: Path,
    title: str,
    model: str,
    tags: Mapping[str, str],
    start: float | None = None,
    end: float | None = None,
) -> Export:
    """Write every stem to a file of its own in one zip; all share one gain, so that they still add up.

    Args:
        stems: every stem of the song by its name.
        format: one of `FORMATS`.
        out: the zip to write.
        title: of the song, for the files' names.
        model: for the files' names.
        tags: of the song; each file's title also names its stem.
        start: where the files begin in the song, in seconds; None for its start.
        end: where they end, in seconds; None for the end of the song.

    Raises:
        BadInput: there are no stems, or the format or the region makes no sense.
        TooLarge: the disk has no room.
    """
    kind = format_of(format)
    if not stems:
        raise BadInput("This run has no stems to export.")
    single = out.with_name(f"{out.stem}-single{kind.suffix}")
    with (
        _whole(out),
        _whole(single),
        _open_sources(stems) as files,
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive,
    ):
        parts = {name: _Part([(file, CENTRE)]) for name, file in files.items()}
        longest = max(parts.values(), key=lambda part: part.frames)
        region = _region(longest, start, end)
        _check_fits(kind, longest, region, out, len(parts) + 1)
        level = _Level(_common_gain(kind, list(parts.values()), region), shared=True)
        names = unique([export_name(title, name, model, kind.suffix) for name in parts])
        for (stem, part), name in zip(parts.items(), names, strict=True):
            own = {**tags, "title": f"{tags.get('title') or title} ({stem})"}
            encode(part.sound(region, level.gain), kind, single, level.comment(own))
            archive.write(single, name)
            single.unlink()
    return Export(out, kind, longest.samplerate, len(region), level.decibels)


@dataclass(frozen=True)
class _Level:
    """The factor of an export, and whether it is the same for every stem of the song."""

    gain: float
    shared: bool

    @property
    def decibels(self) -> float:
        return 20 * math.log10(self.gain)

    def comment(self, tags: Mapping[str, str]) -> dict[str, str]:
        """`tags` with a sentence about the level added to the song's own comment."""
        if self.gain == 1.0:
            sentence = "Exported by Fourfold at the original level."
        elif self.shared:
            sentence = (
                f"Exported by Fourfold at {self.decibels:.2f} dB, the same for every stem, so that they still add up."
            )
        else:
            sentence = f"Exported by Fourfold at {self.decibels:.2f} dB, so that nothing clips."
        return {**tags, "comment": f"{tags['comment']} | {sentence}" if tags.get("comment") else sentence}


class _Part:
    """One file to be: opened stems, which must agree in rate and channels, each with the matrix that places it.

    Matrices are (2, 2), left and right in by left and right out; a stem of one channel takes the middle of its own.
    """

    def __init__(self, sources: Sequence[tuple[soundfile.SoundFile, np.ndarray]]) -> None:
        self.sources = sources
        first = sources[0][0]
        self.samplerate, self.channels = first.samplerate, first.channels
        self.frames = max(file.frames for file, _ in sources)
        if any((file.samplerate, file.channels) != (self.samplerate, self.channels) for file, _ in sources):
            raise BadInput("These stems do not belong together: their sample rates or channels differ.")
        if self.channels not in LAYOUTS:
            raise BadInput(f"Stems with {self.channels} channels cannot be exported; one or two can.")
        if self.channels == 1 and any(matrix[0, 1] or matrix[1, 0] for _, matrix in sources):
            raise BadInput("Stems of one channel cannot be moved left or right: set their pan to the middle.")

    def blocks(self, region: range) -> Iterator[np.ndarray]:
        """(T, C) float64 blocks of the mixture over `region`; a stem that ends early is silent from there."""
        for file, _ in self.sources:
            file.seek(min(region.start, file.frames))
        for begin in range(region.start, region.stop, BLOCK):
            mixed = np.zeros((min(BLOCK, region.stop - begin), self.channels))
            for file, matrix in self.sources:
                block = file.read(len(mixed), dtype="float32", always_2d=True)
                mixed[: len(block)] += block.astype(np.float64) @ matrix[: self.channels, : self.channels]
            yield mixed

    def sound(self, region: range, gain: float) -> Sound:
        return Sound((block * gain for block in self.blocks(region)), self.samplerate, self.channels)


@contextmanager
def _whole(out: Path) -> Iterator[None]:
    """Leave no half file behind, and say so where the disk is what failed."""
    try:
        yield
    except BaseException as error:
        out.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise TooLarge("The disk filled up during this export: free some space, then export again.") from error
        raise


@contextmanager
def _open_sources(stems: Mapping[str, Source]) -> Iterator[dict[str, soundfile.SoundFile]]:
    with ExitStack() as stack:
        files = {}
        for name, source in stems.items():
            raw = source if isinstance(source, Path) else stack.enter_context(source())
            try:
                files[name] = stack.enter_context(soundfile.SoundFile(raw))
            except soundfile.LibsndfileError as error:
                raise BadInput(f"The file of the stem “{name}” cannot be read: run the song again.") from error
        yield files


def _require(stems: Mapping[str, Source], named: Iterable[str]) -> None:
    for name in named:
        if name not in stems:
            raise BadInput(f"There is no stem called “{name}” here; there are {', '.join(stems)}.")


def _factors(stems: Mapping[str, Source], gains_db: Mapping[str, float]) -> dict[str, float]:
    """Linear factors of the stems that can be heard."""
    _require(stems, gains_db)
    for name, gain in gains_db.items():
        if math.isnan(gain) or gain > MAX_GAIN_DB:
            raise BadInput(f"The gain of “{name}” must be a number up to {MAX_GAIN_DB:g} dB.")
    factors = {name: 10 ** (gain / 20) for name, gain in gains_db.items() if gain > -math.inf}
    if not factors:
        raise BadInput("Nothing can be heard: turn on at least one stem, then export.")
    return factors


def _panner(name: str, pan: float) -> np.ndarray:
    """How left and right come out (2, 2) where `pan` moves a stereo sound: the stereo panner of the Web Audio API."""
    if not -1 <= pan <= 1:
        raise BadInput(f"The pan of “{name}” must lie between -1, which is left, and 1, which is right.")
    angle = (pan + 1 if pan <= 0 else pan) * math.pi / 2
    if pan == 0:
        return CENTRE
    if pan < 0:
        return np.array([[1, 0], [math.cos(angle), math.sin(angle)]])
    return np.array([[math.cos(angle), math.sin(angle)], [0, 1]])


def _region(part: _Part, start: float | None, end: float | None) -> range:
    """The frames from `start` to `end` seconds; an end past the song is the song's end."""
    seconds = part.frames / part.samplerate
    begin, finish = start or 0.0, seconds if end is None else end
    if not (math.isfinite(begin) and math.isfinite(finish)) or begin < 0 or finish <= begin or begin >= seconds:
        raise BadInput(f"Choose a region that starts before it ends, within the song's {seconds:.1f} seconds.")
    region = range(round(begin * part.samplerate), min(round(finish * part.samplerate), part.frames))
    if not region:
        raise BadInput("The chosen region is too short to hold any sound: make it longer.")
    return region


def _check_fits(kind: Format, part: _Part, region: range, out: Path, files: int) -> None:
    """Refuse early what would fail later: a rate the format cannot hold, or a disk without room for `files` files."""
    if kind.rates and part.samplerate not in kind.rates:
        raise BadInput(f"{kind.title} cannot hold {part.samplerate:,} samples a second: choose FLAC or WAV.")
    size = int(len(region) * part.channels * kind.bytes * files) + (1 << 20)
    if size > shutil.disk_usage(out.parent).free:
        raise TooLarge(f"The disk has no room for this export ({size / 1e6:,.0f} MB): free some space first.")


def _common_gain(kind: Format, parts: Sequence[_Part], region: range) -> float:
    """The factor, at most 1, that keeps the loudest sample of any part within what the format holds."""
    if kind.ceiling is None:
        return 1.0
    peak = max(float(np.abs(block).max()) for part in parts for block in part.blocks(region))
    return min(1.0, kind.ceiling / peak) if peak > 0 else 1.0
