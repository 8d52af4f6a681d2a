"""Reading a song: decoded, mixed to stereo, resampled and measured in one pass, a few seconds in memory at a time.

A song is untrusted, so all that touches its bytes runs in a process of its own: `isolated` calls `describe_song` and
`decode_blocks` there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from backends.core.errors import BadInput, TooLarge
from backends.separation.formats import FORMATS
from backends.separation.io.decode import DecodeReport, decode_pieces
from backends.separation.io.headers import known_tags, sound_seconds, stated_seconds
from backends.separation.io.mix import SILENCE_RMS, Mix, MixStatistics
from backends.separation.io.notices import clock, notices_of
from backends.separation.io.tracks import Track, by_preference, find_track, list_tracks, open_container
from backends.shared.isolation import isolated, isolated_call
from backends.shared.records import from_fields, to_fields

BLOCK = 1 << 16
DESCRIBE, DECODE = f"{__name__}:describe_song", f"{__name__}:decode_blocks"
"""What runs in a process of its own."""


class SilentTrack(BadInput):
    """There is nothing to hear in this sound track."""


@dataclass(frozen=True)
class Song:
    """A sound file that opens. `samplerate` in Hz and `channels` are those of its first decoded frame.

    `duration` is its length in seconds as far as that is known without decoding it, 0 where it is not;
    `stated_duration` is what the file states of itself, 0 where it states nothing. The true length is known only after
    `read_mix`. `tracks` are all its sound tracks, and `candidates` the numbers of those to read, best first: a
    further one is read where all before it are silent.
    """

    path: Path
    samplerate: int
    channels: int
    codec: str
    duration: float = 0.0
    stated_duration: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    tracks: tuple[Track, ...] = ()
    candidates: tuple[int, ...] = (1,)

    def blocks(
        self, samplerate: int, frames: int, report: DecodeReport | None = None, track: int | None = None
    ) -> Iterator[np.ndarray]:
        """Decode, mix to stereo and resample a track: (2, `frames`) float32 blocks, the last one shorter.

        Closing the iterator closes the file. Raises BadInput where the channels cannot be mixed down.
        """
        number = self.candidates[0] if track is None else track
        items = isolated(DECODE, path=self.path, track=number, samplerate=samplerate, frames=frames)
        with closing(items):  # type: ignore[type-var]
            for item in items:
                if isinstance(item, np.ndarray):
                    yield item
                elif report is not None:
                    report.update(item)


def open_song(path: Path, limit_seconds: float | None = None, track: str = "") -> Song:
    """Check that `path` is sound by decoding its start.

    Args:
        path: the file.
        limit_seconds: the longest song that is accepted.
        track: the number, language or title of a sound track; "" for the file's default one.

    Raises:
        BadInput: not a file, empty, no sound in it, no such track, or nothing that decodes.
        TooLarge: it lasts more than `limit_seconds`.
        UndecodableFile: it crashes the decoder.
    """
    if path.is_dir():
        raise BadInput(f"“{path.name}” is a folder: choose one song in it.")
    if not path.is_file():
        raise BadInput("The song is not there any more: choose the file again.")
    if path.stat().st_size == 0:
        raise BadInput("This file is empty (0 bytes): choose the song again, or copy it anew.")
    song = replace(from_fields(Song, isolated_call(DESCRIBE, path=path, track=track)), path=path)
    if limit_seconds is not None and song.duration > limit_seconds:
        raise too_long(song.duration, limit_seconds)
    return song


def describe_song(path: str, track: str) -> Iterator[dict[str, Any]]:
    """The fields of a `Song`, from the file's headers and its first frame. Called in a process of its own."""
    file = Path(path)
    with open_container(file) as container:
        tracks = list_tracks(container)
        chosen = (find_track(tracks, track),) if track.strip() else by_preference(tracks)
        stream = container.streams.audio[chosen[0].number - 1]
        tags, codec = known_tags(container.metadata, stream.metadata), stream.codec_context.name
    samplerate, channels = _first_frame(file, chosen[0].number)
    number = chosen[0].number
    lengths = {"duration": sound_seconds(file, number), "stated_duration": stated_seconds(file, number)}
    candidates = tuple(each.number for each in chosen)
    yield to_fields(Song(file, samplerate, channels, codec, **lengths, tags=tags, tracks=tracks, candidates=candidates))


def _first_frame(path: Path, track: int) -> tuple[int, int]:
    """Sample rate and number of channels of the first frame that decodes."""
    report = DecodeReport()
    with closing(decode_pieces(path, track, report)) as pieces:  # type: ignore[type-var]
        for _, rate in pieces:
            if report.layouts:
                return rate, len(report.layouts[0])
    what = "is damaged and" if report.unreadable else "says that it is sound, but"
    raise BadInput(f"This file {what} holds nothing that can be played: choose a {FORMATS}.")


def decode_blocks(path: str, track: int, samplerate: int, frames: int) -> Iterator[np.ndarray | dict[str, Any]]:
    """The blocks of `Song.blocks`, and last the DecodeReport as a mapping. Called in a process of its own."""
    report = DecodeReport()
    yield from _rechunk(_resample(Path(path), track, samplerate, report), frames)
    yield asdict(report)


def too_long(seconds: float | None, limit_seconds: float) -> TooLarge:
    lasts = f"lasts {clock(seconds)}, which is" if seconds else "is"
    return TooLarge(
        f"The song {lasts} longer than the {clock(limit_seconds)} this model takes here: cut it into shorter parts."
    )


def read_mix(
    song: Song, samplerate: int, path: Path, limit_seconds: float | None = None
) -> Generator[float, None, Mix]:
    """Decode the whole song to a WAV file of floats.

    This is the only pass of the decoder: engines read the WAV file, so a lossy file is decoded once and every reader
    gets the same samples. Resampling can overshoot full scale a little; nothing is clipped. A sound track that turns
    out to be silent gives way to the next one, unless it was asked for.

    Args:
        song: a file that opens.
        samplerate: of the mix, in Hz.
        path: where the WAV file is written.
        limit_seconds: the longest song that is accepted.

    Yields:
        Seconds decoded so far.

    Returns:
        The mix.

    Raises:
        BadInput: nothing decodes, most of the file is damaged, or there is no audible sound.
        TooLarge: more than `limit_seconds`; noticed while reading, so an endless file stops there.
    """
    for number in song.candidates:
        try:
            return (yield from _read_track(song, number, samplerate, path, limit_seconds))
        except SilentTrack:
            if number == song.candidates[-1]:
                raise
    raise AssertionError("a song has at least one sound track")


def _read_track(
    song: Song, number: int, samplerate: int, path: Path, limit_seconds: float | None
) -> Generator[float, None, Mix]:
    statistics, report = MixStatistics(), DecodeReport()
    blocks = song.blocks(samplerate, BLOCK, report, number)
    with (
        closing(blocks),  # type: ignore[type-var]
        soundfile.SoundFile(path, "w", samplerate, 2, subtype="FLOAT", format="WAV") as file,
    ):
        for block in blocks:
            statistics.add(block)
            if limit_seconds is not None and statistics.frames > limit_seconds * samplerate:
                raise too_long(None, limit_seconds)
            file.write(block.T)
            yield statistics.frames / samplerate
    _require_sound(song, statistics, report)
    mix = statistics.to_mix(path, samplerate)
    return replace(mix, tags=song.tags, notices=tuple(notices_of(song, number, mix, report)))


def _require_sound(song: Song, statistics: MixStatistics, report: DecodeReport) -> None:
    if not statistics.frames:
        raise BadInput(f"This file holds no sound that can be played: choose a {FORMATS}.")
    if 2 * report.unreadable > report.packets and report.unreadable > 3:
        raise BadInput("This file is too damaged to be played: download or export the song again.")
    if statistics.audible:
        return
    if report.invalid and not statistics.peak:
        raise BadInput("The samples of this file are no numbers that sound can have: export the song again.")
    silent = statistics.peak > SILENCE_RMS
    what = "holds only a constant level and no sound" if silent else "is silent from beginning to end"
    subject, advice = "The song", "check that it is the right file"
    if len(song.tracks) > 1:
        asked = len(song.candidates) == 1
        subject = f"Sound track {song.candidates[0]} of this file" if asked else "Every sound track of this file"
        advice = "choose another of its sound tracks" if asked else advice
    raise SilentTrack(f"{subject} {what}, so there is nothing to separate: {advice}.")


def _resample(path: Path, track: int, samplerate: int, report: DecodeReport) -> Iterator[np.ndarray]:
    """Pieces (T, 2) at `samplerate`. Chained streams may change their own rate; the resampler then starts afresh."""
    resampler, rate = None, 0
    with closing(decode_pieces(path, track, report)) as pieces:  # type: ignore[type-var]
        for samples, piece_rate in pieces:
            if piece_rate != rate:
                if resampler is not None:
                    yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)
                rate, resampler = piece_rate, _resampler(piece_rate, samplerate)
            joined = np.ascontiguousarray(samples.T)
            yield joined if resampler is None else resampler.resample_chunk(joined)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)


def _resampler(rate: int, samplerate: int) -> soxr.ResampleStream | None:
    return None if rate == samplerate else soxr.ResampleStream(rate, samplerate, 2, dtype="float32", quality="VHQ")


def _rechunk(pieces: Iterator[np.ndarray], frames: int) -> Iterator[np.ndarray]:
    """Regroup pieces (T, 2) of any length into blocks (2, `frames`)."""
    pending: list[np.ndarray] = []
    count = 0
    try:
        for piece in pieces:
            pending.append(piece)
            count += len(piece)
            if count < frames:
                continue
            joined = np.concatenate(pending)
            whole = count - count % frames
            for start in range(0, whole, frames):
                yield np.ascontiguousarray(joined[start : start + frames].T)
            pending, count = [joined[whole:]], count - whole
    finally:
        pieces.close()  # type: ignore[attr-defined]
    if count:
        yield np.ascontiguousarray(np.concatenate(pending).T)
