"""Writing sound: the formats as data, and one function that encodes blocks of samples with tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

import av
import numpy as np
import soundfile

from backends.core.errors import BadInput
from studio.songs.id3 import id3_tag

INT24 = 2**23
MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates that MP3 can hold (ISO 11172-3, 13818-3, and the MPEG 2.5 extension)."""

LAYOUTS = {1: "mono", 2: "stereo"}


@dataclass(frozen=True)
class Format:
    """One way to write sound. `ceiling` is the loudest sample it holds, None where none clips; no `rates` means all."""

    id: str
    title: str
    suffix: str
    media_type: str
    container: str
    codec: str
    sample_format: str
    bytes: float
    ceiling: float | None = None
    rates: tuple[int, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


_RF64 = {"rf64": "auto"}  # a WAV header counts to 4 GB; longer files get the 64-bit one of EBU Tech 3306
_FULL = 1 - 1 / INT24
FORMATS: Mapping[str, Format] = {
    each.id: each
    for each in (
        Format("wav24", "WAV, 24-bit", ".wav", "audio/wav", "wav", "pcm_s24le", "s32", 3, _FULL, (), _RF64),
        Format("wav32f", "WAV, 32-bit float", ".wav", "audio/wav", "wav", "pcm_f32le", "flt", 4, None, (), _RF64),
        Format("flac", "FLAC, 24-bit lossless", ".flac", "audio/flac", "flac", "flac", "s32", 3, _FULL),
        Format("mp3", "MP3, 320 kbit/s", ".mp3", "audio/mpeg", "mp3", "MPEG_LAYER_III", "flt", 1, 1.0, MP3_RATES),
    )
}


def format_of(name: str) -> Format:
    """The format called `name`. Raises BadInput."""
    if name not in FORMATS:
        raise BadInput(f"“{name}” is not a format Fourfold writes; choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


@dataclass(frozen=True)
class Sound:
    """(T, C) float64 blocks, full scale 1, to be gone through once."""

    blocks: Iterator[np.ndarray]
    samplerate: int
    channels: int


def encode(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str]) -> None:
    """Write `sound` to `out` as it comes."""
    write = _encode_mp3 if kind.container == "mp3" else _encode
    write(sound, kind, out, tags)


def _encode(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str]) -> None:
    with av.open(str(out), "w", format=kind.container, options=dict(kind.options)) as box:
        box.metadata.update(tags)
        layout = LAYOUTS[sound.channels]
        stream = cast(av.AudioStream, box.add_stream(kind.codec, rate=sound.samplerate, layout=layout))
        stream.codec_context.format = av.AudioFormat(kind.sample_format)
        position = 0
        for block in sound.blocks:
            frame = _frame(block, kind.sample_format, layout)
            frame.sample_rate, frame.pts = sound.samplerate, position
            position += len(block)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def _encode_mp3(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str]) -> None:
    """Constant bit rate, as high as the sample rate allows.

    LAME itself writes the header that tells decoders the delay and padding to drop, so the length comes back exactly;
    FFmpeg's own header is up to 46 samples long where little of the last of its 1152-sample frames is filled.
    """
    quality = {"subtype": kind.codec, "format": "MP3", "compression_level": 0.0, "bitrate_mode": "CONSTANT"}
    with out.open("wb+") as raw:
        raw.write(id3_tag(tags))
        with soundfile.SoundFile(_Rest(raw), "w", sound.samplerate, sound.channels, **quality) as file:
            for block in sound.blocks:
                file.write(block.astype(np.float32))


class _Rest:
    """The part of a file from here on, as a file of its own."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw, self.base = raw, raw.tell()
        self.read, self.write = raw.read, raw.write

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.raw.seek(offset + (self.base if whence == 0 else 0), whence) - self.base

    def tell(self) -> int:
        return self.raw.tell() - self.base


def _frame(block: np.ndarray, sample_format: str, layout: str) -> av.AudioFrame:
    """(T, C) float64 as a frame of `sample_format`; 24-bit samples are rounded and fill the upper bits of 32."""
    if sample_format == "s32":
        whole = np.clip(np.rint(block * INT24), -INT24, INT24 - 1).astype(np.int32)
        return av.AudioFrame.from_ndarray((whole << 8).reshape(1, -1), format="s32", layout=layout)
    return av.AudioFrame.from_ndarray(block.astype(np.float32).reshape(1, -1), format="flt", layout=layout)
