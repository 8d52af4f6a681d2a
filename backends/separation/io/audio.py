"""A song as a stream: opened by decoding, resampled, scanned once, then read in blocks as often as an engine likes.

Nothing here holds more than a few seconds of sound, whatever the length of the song.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from backends.core.errors import BadInput, TooLarge
from backends.separation.io.decode import FORMATS, Reading, decoded, first_sound, open_container, stereo
from backends.separation.io.mix import SILENT, Mix, Scan

BLOCK = 1 << 16
TAGS = ("title", "artist", "album", "album_artist", "track", "date", "genre", "composer", "copyright", "comment")


@dataclass(frozen=True)
class Song:
    """A sound file that opens. `samplerate` in Hz and `channels` are those of its first decoded frame.

    `duration` is its length in seconds as far as the file tells without being read to the end, 0 where it tells
    nothing; `announced` the same where that is a statement rather than a guess, else 0. Only `read_mix` knows.
    """

    path: Path
    samplerate: int
    channels: int
    codec: str
    duration: float = 0.0
    announced: float = 0.0
    tags: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    def blocks(self, samplerate: int, frames: int, reading: Reading | None = None) -> Iterator[np.ndarray]:
        """Decode, mix to stereo and resample: (2, `frames`) float32 blocks, the last one shorter.

        Closing the iterator closes the file. Raises BadInput where the channels cannot be mixed down.
        """
        reading = Reading() if reading is None else reading
        return _even(_resampled(self.path, samplerate, reading), frames)


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
    with open_container(path) as container:
        stream = first_sound(container)
        duration = _duration(container, stream)
        announced = _announced(path, container, stream, duration)
        tags = _tags(container.metadata, stream.metadata)
        tracks, codec = len(container.streams.audio), stream.codec_context.name
    reading = Reading()
    frames = decoded(path, reading)
    try:
        first = next(frames, None)
    finally:
        frames.close()  # type: ignore[attr-defined]
    if first is None:
        what = "is damaged and" if reading.broken else "says that it is sound, but"
        raise BadInput(f"This file {what} holds nothing that can be played: choose a {FORMATS}.")
    if limit_seconds is not None and announced > limit_seconds:
        raise too_long(announced, limit_seconds)
    notices = (f"The file has {tracks} sound tracks; the first one was used.",) if tracks > 1 else ()
    return Song(path, first.sample_rate, first.layout.nb_channels, codec, duration, announced, tags, notices)


def too_long(seconds: float | None, limit_seconds: float) -> TooLarge:
    lasts = f"lasts {clock(seconds)}, which is" if seconds else "is"
    return TooLarge(
        f"The song {lasts} longer than the {clock(limit_seconds)} this model takes here: cut it into shorter parts."
    )


def clock(seconds: float) -> str:
    """`75` as "1:15 min", `5400` as "1:30:00 h", `7.5` as "7.5 s"."""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} h" if hours else f"{minutes}:{rest:02d} min"


def read_mix(
    song: Song, samplerate: int, path: Path, limit_seconds: float | None = None
) -> Generator[float, None, Mix]:
    """Decode the whole song to `path` at `samplerate`, yielding the seconds done so far; returns the Mix.

    The only pass of the decoder: engines read `path`, so lossy files cost one decode and every reader gets the same
    samples. Resampling can overshoot full scale a little; nothing is clipped.

    Raises:
        BadInput: nothing decodes, most of the file is damaged, or there is no audible sound.
        TooLarge: more than `limit_seconds`; found out while reading, so an endless file stops there.
    """
    scan, reading = Scan(), Reading()
    blocks = song.blocks(samplerate, BLOCK, reading)
    try:
        with soundfile.SoundFile(path, "w", samplerate, 2, subtype="FLOAT", format="WAV") as file:
            for block in blocks:
                scan.add(block)
                if limit_seconds is not None and scan.frames > limit_seconds * samplerate:
                    raise too_long(None, limit_seconds)
                file.write(block.T)
                yield scan.frames / samplerate
    finally:
        blocks.close()  # type: ignore[attr-defined]
    _require_sound(scan, reading)
    mix = scan.mix(path, samplerate)
    return replace(mix, tags=song.tags, notices=song.notices + tuple(_findings(song, reading, mix)))


def _require_sound(scan: Scan, reading: Reading) -> None:
    if not scan.frames:
        raise BadInput(f"This file holds no sound that can be played: choose a {FORMATS}.")
    if 2 * reading.broken > reading.packets and reading.broken > 3:
        raise BadInput("This file is too damaged to be played: download or export the song again.")
    if not scan.audible:
        silent = scan.peak > SILENT
        what = "holds only a constant level and no sound" if silent else "is silent from beginning to end"
        raise BadInput(f"The song {what}, so there is nothing to separate: check that it is the right file.")


def _findings(song: Song, reading: Reading, mix: Mix) -> Iterator[str]:
    """What a listener should know about the file, one sentence each."""
    if reading.seconds < song.announced - max(0.5, 0.01 * song.announced):
        yield (
            f"The file ends early: it announces {clock(song.announced)}, of which the first "
            f"{clock(reading.seconds)} could be read."
        )
    elif reading.broken:
        lost = f"{reading.broken} of its {reading.packets} pieces"
        yield f"The file is damaged: {lost} could not be read and are left out."
    if reading.invalid:
        yield f"{reading.invalid} samples of the file are not numbers; they were replaced by silence."
    if max(reading.channels) > 2:
        yield f"The {max(reading.channels)} channels of the file were mixed down to stereo."
    if max(map(abs, mix.offset)) > 0.02:
        yield "The recording is shifted by a constant level (DC offset), which can make joins click."
    if mix.peak > 4:
        yield f"The song is {20 * np.log10(mix.peak):.0f} dB over full scale; turn it down before listening."


def _duration(container: av.container.InputContainer, stream: av.AudioStream) -> float:
    base = stream.time_base
    seconds = float(stream.duration * base) if stream.duration and base else (container.duration or 0) / 1e6
    return max(seconds, 0.0)


def _announced(path: Path, container: av.container.InputContainer, stream: av.AudioStream, duration: float) -> float:
    """Seconds that the file states, or 0 where it states nothing or the statement is a guess from its size."""
    if container.format.name in ("mp3", "aac"):
        # Without a count of frames in the file, this is size / bit rate: a guess, far off for variable rates. It is
        # surely no guess where the two disagree, which is where the file was cut: the one case that must be told.
        cut = duration * (stream.bit_rate or 0) / 8 > 1.05 * path.stat().st_size
        return duration if cut else 0.0
    return duration * _missing_share(path) if container.format.name == "wav" else duration


def _missing_share(path: Path) -> float:
    """How many times longer a WAV file's data would be, were it all there: 1 for a whole one.

    The demuxer only tells the part that is there. Writers that stream leave a size of 0 or all ones: no statement.
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
                there = path.stat().st_size - file.tell()
                stated = length not in (0, 0xFFFFFFFF) and there > 0
                return max(length / there, 1.0) if stated else 1.0
            file.seek(length + length % 2, 1)
    return 1.0


def _tags(*sources: Mapping[str, str]) -> dict[str, str]:
    """The known tags, printable and of bounded length. A container's own come before those of its stream."""
    found: dict[str, str] = {}
    for source in sources:
        for key, value in source.items():
            name = key.lower()
            text = "".join(letter for letter in str(value) if letter.isprintable()).strip()[:300]
            if name in TAGS and text:
                found.setdefault(name, text)
    return found


def _resampled(path: Path, samplerate: int, reading: Reading) -> Iterator[np.ndarray]:
    """(T, 2) pieces at `samplerate`. A file may change its own rate on the way (chained streams): start anew there."""
    resampler, rate = None, 0
    frames = decoded(path, reading)
    try:
        for frame in frames:
            samples = stereo(frame, reading).T
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


def _even(pieces: Iterator[np.ndarray], frames: int) -> Iterator[np.ndarray]:
    """(T, 2) pieces of any length as (2, `frames`) blocks."""
    kept: list[np.ndarray] = []
    count = 0
    try:
        for piece in pieces:
            kept.append(piece)
            count += len(piece)
            if count < frames:
                continue
            joined = np.concatenate(kept)
            whole = count - count % frames
            for start in range(0, whole, frames):
                yield np.ascontiguousarray(joined[start : start + frames].T)
            kept, count = [joined[whole:]], count - whole
    finally:
        pieces.close()  # type: ignore[attr-defined]
    if count:
        yield np.ascontiguousarray(np.concatenate(kept).T)
