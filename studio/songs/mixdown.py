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
from backends.separation.io.cover import Cover
from studio.songs.encode import FORMATS, Format, encode, format_of
from studio.songs.mixture import BLOCK, CENTRE, Part, frames_of, panner
from studio.songs.stretch import Pace, at_pace
from studio.web.filenames import export_name, unique

__all__ = ["BLOCK", "FORMATS", "Export", "format_of", "mixdown", "stems_zip"]

MAX_GAIN_DB = 24.0
AS_IT_IS = Pace()
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
    cover: Cover | None = None,
    rate: int = 0,
    pace: Pace = AS_IT_IS,
) -> Export:
    """Write a mixture of stems as one file.

    A stem on its own gets the gain that all stems would need, so that stems exported one by one still add up; not so
    at another pace, where stems do not add up to the sample.

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
        cover: the song's picture.
        rate: samples a second of the file; 0 for those of the stems.
        pace: the speed and key to give it.

    Raises:
        BadInput: nothing is audible, or a stem, gain, pan, format or region makes no sense.
        TooLarge: the disk has no room.
    """
    kind = format_of(format)
    factors = _factors(stems, gains_db)
    _require(stems, pans or {})
    alone = len(factors) == 1
    with whole_or_nothing(out), open_sources(stems if alone else {name: stems[name] for name in factors}) as files:
        placed = {name: factor * panner(name, (pans or {}).get(name, 0.0)) for name, factor in factors.items()}
        part = Part([(files[name], matrix) for name, matrix in placed.items()], rate)
        region = frames_of(part, start, end)
        check_fits(kind, part, region, out, 1)
        (matrix, *_) = placed.values()
        shared = alone and not pace.changes
        with _paced(part, region, pace, out) as (part, region):
            judged = [Part([(file, matrix)], rate) for file in files.values()] if shared else [part]
            level = Level(common_gain(kind, judged, region), shared)
            encode(part.sound(region, level.gain), kind, out, level.comment(tags), cover)
            return Export(out, kind, part.samplerate, part.length(region), level.decibels)


@contextmanager
def _paced(part: Part, region: range, pace: Pace, out: Path) -> Iterator[tuple[Part, range]]:
    """The region at another speed or in another key: worked out once, into a file beside `out` that goes at the end."""
    if not pace.changes:
        yield part, region
        return
    between = out.with_name(f"{out.name}-pace.w64")  # which has no limit of 4 GB
    try:
        with soundfile.SoundFile(between, "w", part.samplerate, part.channels, "FLOAT", format="W64") as file:
            for block in at_pace(part.blocks(region), part.length(region), part.samplerate, pace):
                file.write(block)
        with soundfile.SoundFile(between) as file:
            yield Part([(file, CENTRE)]), range(file.frames)
    finally:
        between.unlink(missing_ok=True)


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
    cover: Cover | None = None,
    rate: int = 0,
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
        cover: the song's picture.
        rate: samples a second of the files; 0 for those of the stems.

    Raises:
        BadInput: there are no stems, or the format or the region makes no sense.
        TooLarge: the disk has no room.
    """
    kind = format_of(format)
    if not stems:
        raise BadInput("This run has no stems to export.")
    single = out.with_name(f"{out.stem}-single{kind.suffix}")
    with (
        whole_or_nothing(out),
        whole_or_nothing(single),
        open_sources(stems) as files,
        zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive,
    ):
        parts = {name: Part([(file, CENTRE)], rate) for name, file in files.items()}
        longest = max(parts.values(), key=lambda part: part.frames)
        region = frames_of(longest, start, end)
        check_fits(kind, longest, region, out, len(parts) + 1)
        level = Level(common_gain(kind, list(parts.values()), region), shared=True)
        names = unique([export_name(title, name, model, kind.suffix) for name in parts])
        for (stem, part), name in zip(parts.items(), names, strict=True):
            own = {**tags, "title": f"{tags.get('title') or title} ({stem})"}
            encode(part.sound(region, level.gain), kind, single, level.comment(own), cover)
            archive.write(single, name)
            single.unlink()
    return Export(out, kind, longest.samplerate, longest.length(region), level.decibels)


@dataclass(frozen=True)
class Level:
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


@contextmanager
def whole_or_nothing(out: Path) -> Iterator[None]:
    """Leave no half file behind, and say so where the disk is what failed."""
    try:
        yield
    except BaseException as error:
        out.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise TooLarge("The disk filled up during this export: free some space, then export again.") from error
        raise


@contextmanager
def open_sources(stems: Mapping[str, Source]) -> Iterator[dict[str, soundfile.SoundFile]]:
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


def check_fits(kind: Format, part: Part, region: range, out: Path, files: int) -> None:
    """Refuse early what would fail later: a rate the format cannot hold, or a disk without room for `files` files."""
    if kind.rates and part.samplerate not in kind.rates:
        raise BadInput(f"{kind.title} cannot hold {part.samplerate:,} samples a second: choose FLAC or WAV.")
    size = int(part.length(region) * part.channels * kind.bytes * files) + (1 << 20)
    if size > shutil.disk_usage(out.parent).free:
        raise TooLarge(f"The disk has no room for this export ({size / 1e6:,.0f} MB): free some space first.")


def common_gain(kind: Format, parts: Sequence[Part], region: range) -> float:
    """The factor, at most 1, that keeps the loudest sample of any part within what the format holds."""
    if kind.ceiling is None:
        return 1.0
    peak = max(float(np.abs(block).max()) for part in parts for block in part.blocks(region))
    return min(1.0, kind.ceiling / peak) if peak > 0 else 1.0
