"""Reading a song: decoded, mixed to stereo, resampled and measured in one pass, a few seconds in memory at a time.

A song is untrusted, so all that touches its bytes runs in a process of its own: `isolated` calls `describe_song` and
`decode_blocks` there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from backends.core.errors import BadInput, TooLarge
from backends.separation.io.decode import (
    FORMATS,
    DecodeReport,
    decode_frames,
    first_audio_stream,
    open_container,
    to_stereo,
)
from backends.separation.io.mix import SILENCE_RMS, Mix, MixStatistics
from backends.shared.isolation import isolated, isolated_call

BLOCK = 1 << 16
DESCRIBE, DECODE = f"{__name__}:describe_song", f"{__name__}:decode_blocks"
"""What runs in a process of its own."""

TAGS = ("title", "artist", "album", "album_artist", "track", "date", "genre", "composer", "copyright", "comment")


@dataclass(frozen=True)
class Song:
    """A sound file that opens. `samplerate` in Hz and `channels` are those of its first decoded frame.

    `duration` is its length in seconds as far as that is known without reading to the end, 0 where it is not.
    `stated_duration` is the same where the file itself states it, and 0 where `duration` is a guess. The true length is
    known only after `read_mix`.
    """

    path: Path
    samplerate: int
    channels: int
    codec: str
    duration: float = 0.0
    stated_duration: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def blocks(self, samplerate: int, frames: int, report: DecodeReport | None = None) -> Iterator[np.ndarray]:
        """Decode, mix to stereo and resample: (2, `frames`) float32 blocks, the last one shorter.

        Closing the iterator closes the file. Raises BadInput where the channels cannot be mixed down.
        """
        items = isolated(DECODE, path=self.path, samplerate=samplerate, frames=frames)
        try:
            for item in items:
                if isinstance(item, np.ndarray):
                    yield item
                elif report is not None:
                    report.update(item)
        finally:
            items.close()  # type: ignore[attr-defined]


def open_song(path: Path, limit_seconds: float | None = None) -> Song:
    """Check that `path` is sound by decoding its start.

    Raises:
        BadInput: not a file, empty, no sound in it, or nothing that decodes.
        TooLarge: the file itself states, believably, that it lasts more than `limit_seconds`.
    """
    if not path.is_file():
        raise BadInput("The song is not there any more: choose the file again.")
    size = path.stat().st_size
    if size == 0:
        raise BadInput("This file is empty (0 bytes): choose the song again, or copy it anew.")
    facts = isolated_call(DESCRIBE, path=path)
    song = Song(**{**facts, "path": path, "notices": tuple(facts["notices"])})
    if limit_seconds is not None and song.stated_duration > limit_seconds:
        raise too_long(song.stated_duration, limit_seconds)
    return song


def describe_song(path: str) -> Iterator[dict[str, Any]]:
    """The fields of a `Song`, from the file's headers and its first frame. Called in a process of its own."""
    yield asdict(_describe(Path(path)))


def decode_blocks(path: str, samplerate: int, frames: int) -> Iterator[np.ndarray | dict[str, Any]]:
    """The blocks of `Song.blocks`, and last the DecodeReport as a mapping. Called in a process of its own."""
    report = DecodeReport()
    yield from _rechunk(_resample(Path(path), samplerate, report), frames)
    yield asdict(report)


def _describe(path: Path) -> Song:
    with open_container(path) as container:
        stream = first_audio_stream(container)
        duration = _duration(container, stream)
        stated_duration = _stated_duration(path, container, stream, duration)
        tags = _tags(container.metadata, stream.metadata)
        tracks, codec = len(container.streams.audio), stream.codec_context.name
    report = DecodeReport()
    frames = decode_frames(path, report)
    try:
        first = next(frames, None)
    finally:
        frames.close()  # type: ignore[attr-defined]
    if first is None:
        what = "is damaged and" if report.unreadable else "says that it is sound, but"
        raise BadInput(f"This file {what} holds nothing that can be played: choose a {FORMATS}.")
    notices = (f"The file has {tracks} sound tracks; the first one was used.",) if tracks > 1 else ()
    return Song(path, first.sample_rate, first.layout.nb_channels, codec, duration, stated_duration, tags, notices)


def too_long(seconds: float | None, limit_seconds: float) -> TooLarge:
    lasts = f"lasts {clock(seconds)}, which is" if seconds else "is"
    return TooLarge(
        f"The song {lasts} longer than the {clock(limit_seconds)} this model takes here: cut it into shorter parts."
    )


def clock(seconds: float) -> str:
    """Seconds in words.

    >>> clock(7.5), clock(75), clock(5400)
    ('7.5 s', '1:15 min', '1:30:00 h')
    """
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def read_mix(
    song: Song, samplerate: int, path: Path, limit_seconds: float | None = None
) -> Generator[float, None, Mix]:
    """Decode the whole song to a WAV file of floats.

    This is the only pass of the decoder: engines read the WAV file, so a lossy file is decoded once and every reader
    gets the same samples. Resampling can overshoot full scale a little; nothing is clipped.

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
    statistics, report = MixStatistics(), DecodeReport()
    blocks = song.blocks(samplerate, BLOCK, report)
    try:
        with soundfile.SoundFile(path, "w", samplerate, 2, subtype="FLOAT", format="WAV") as file:
            for block in blocks:
                statistics.add(block)
                if limit_seconds is not None and statistics.frames > limit_seconds * samplerate:
                    raise too_long(None, limit_seconds)
                file.write(block.T)
                yield statistics.frames / samplerate
    finally:
        blocks.close()  # type: ignore[attr-defined]
    _require_sound(statistics, report)
    mix = statistics.to_mix(path, samplerate)
    return replace(mix, tags=song.tags, notices=song.notices + tuple(_notices(song, report, mix)))


def _require_sound(statistics: MixStatistics, report: DecodeReport) -> None:
    if not statistics.frames:
        raise BadInput(f"This file holds no sound that can be played: choose a {FORMATS}.")
    if 2 * report.unreadable > report.packets and report.unreadable > 3:
        raise BadInput("This file is too damaged to be played: download or export the song again.")
    if not statistics.audible:
        silent = statistics.peak > SILENCE_RMS
        what = "holds only a constant level and no sound" if silent else "is silent from beginning to end"
        raise BadInput(f"The song {what}, so there is nothing to separate: check that it is the right file.")


def _notices(song: Song, report: DecodeReport, mix: Mix) -> Iterator[str]:
    """Sentences that the listener should read about the file."""
    if report.seconds < song.stated_duration - max(0.5, 0.01 * song.stated_duration):
        yield (
            f"The file ends early: it announces {clock(song.stated_duration)}, of which the first "
            f"{clock(report.seconds)} could be read."
        )
    elif report.unreadable:
        lost = f"{report.unreadable} of its {report.packets} pieces"
        yield f"The file is damaged: {lost} could not be read and are left out."
    if report.invalid:
        yield f"{report.invalid} samples of the file are not numbers; they were replaced by silence."
    if max(report.channels) > 2:
        yield f"The {max(report.channels)} channels of the file were mixed down to stereo."
    if max(map(abs, mix.offset)) > 0.02:
        yield "The recording is shifted by a constant level (DC offset), which can make joins click."
    if mix.peak > 4:
        yield f"The song is {20 * np.log10(mix.peak):.0f} dB over full scale; turn it down before listening."


def _duration(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    base = stream.time_base
    seconds = float(stream.duration * base) if stream.duration and base else (container.duration or 0) / 1e6
    return max(seconds, 0.0)


def _stated_duration(
    path: Path, container: av.container.InputContainer, stream: av.AudioStream, duration: float
) -> float:
    """Seconds that the file states, or 0 where it states nothing or the demuxer guessed from the file's size."""
    if container.format.name in ("mp3", "aac"):
        # Without a count of frames in the file, this is size / bit rate: a guess, far off for variable rates. Where the
        # two disagree it cannot be that guess: the file states its length and was cut short, which must be reported.
        cut = duration * (stream.bit_rate or 0) / 8 > 1.05 * path.stat().st_size
        return duration if cut else 0.0
    return duration * _truncation_factor(path) if container.format.name == "wav" else duration


def _truncation_factor(path: Path) -> float:
    """Stated over actual length of a WAV file's data: 1 for a complete file, more for one that was cut short.

    The demuxer only reports what is there. Programs that stream leave a length of 0 or all ones, which states nothing.
    """
    with path.open("rb") as file:
        riff = file.read(12)
        if riff[:4] != b"RIFF":
            return 1.0
        for _ in range(64):
            header = file.read(8)
            if len(header) < 8:
                return 1.0
            length = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                actual = path.stat().st_size - file.tell()
                stated = length not in (0, 0xFFFFFFFF) and actual > 0
                return max(length / actual, 1.0) if stated else 1.0
            file.seek(length + length % 2, 1)
    return 1.0


def _tags(*sources: Mapping[str, str]) -> dict[str, str]:
    """The known tags, printable and of bounded length. A container's own come before those of its stream."""
    tags: dict[str, str] = {}
    for source in sources:
        for key, value in source.items():
            name = key.lower()
            text = "".join(character for character in str(value) if character.isprintable()).strip()[:300]
            if name in TAGS and text:
                tags.setdefault(name, text)
    return tags


def _resample(path: Path, samplerate: int, report: DecodeReport) -> Iterator[np.ndarray]:
    """Pieces (T, 2) at `samplerate`. Chained streams may change their own rate; the resampler then starts afresh."""
    resampler, rate = None, 0
    frames = decode_frames(path, report)
    try:
        for frame in frames:
            samples = to_stereo(frame, report).T
            if frame.sample_rate != rate:
                if resampler is not None:
                    yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)
                rate = frame.sample_rate
                resampler = (
                    None
                    if rate == samplerate
                    else soxr.ResampleStream(rate, samplerate, 2, dtype="float32", quality="VHQ")
                )
            yield samples if resampler is None else resampler.resample_chunk(np.ascontiguousarray(samples))
    finally:
        frames.close()  # type: ignore[attr-defined]
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros((0, 2), np.float32), last=True)


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
