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
from backends.separation.io.cover import Cover
from studio.songs.id3 import id3_tag
from studio.songs.mp4_tags import add_tags
from studio.songs.ogg_tags import write_tags

INT24 = 2**23
INT16 = 2**15
AAC_BITS = 256_000
VORBIS_COMPRESSION = 0.2
"""Of 1: Vorbis' quality is what is left to it, here 8 of 10."""

MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
"""Sample rates that MP3 can hold (ISO 11172-3, 13818-3, and the MPEG 2.5 extension)."""

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
"""Sample rates that AAC can hold (ISO 14496-3, table 1.18)."""

RATES = (22050, 44100, 48000, 88200, 96000)
"""Samples a second that an export may have besides those of the stems."""

RIFF_HEADER = 8
"""Bytes of a RIFF file that its size does not count."""

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
        Format("m4a", "M4A (AAC), 256 kbit/s", ".m4a", "audio/mp4", "ipod", "aac", "fltp", 1, 1.0, AAC_RATES),
        Format("ogg", "OGG (Vorbis), about 256 kbit/s", ".ogg", "audio/ogg", "ogg", "VORBIS", "flt", 1, 1.0),
        Format("wav16", "WAV, 16-bit", ".wav", "audio/wav", "wav", "pcm_s16le", "s16", 2, 1 - 2 / INT16, (), _RF64),
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


def encode(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str], cover: Cover | None = None) -> None:
    """Write `sound` to `out` as it comes, with the tags and the cover of the song."""
    write = {"mp3": _encode_mp3, "ogg": _encode_vorbis}.get(kind.container, _encode)
    write(sound, kind, out, tags, cover)
    if kind.container == "wav":
        _append_id3(out, id3_tag(tags, cover))
    elif kind.container == "ipod":
        add_tags(out, tags, cover)


def _append_id3(path: Path, tag: bytes) -> None:
    """Put an ID3 tag into a WAV file as a chunk of its own: its INFO chunk has no place for a picture or a tempo.

    A file that counts its bytes in 32 bits and is full has none.
    """
    chunk = b"id3 " + len(tag).to_bytes(4, "little") + tag + b"\0" * (len(tag) % 2)
    with path.open("rb+") as file:
        head = file.read(28)
        end = file.seek(0, 2)
        padding = b"\0" * (end % 2)
        size = end + len(padding) + len(chunk) - RIFF_HEADER
        if head[:4] == b"RIFF" and size >= 1 << 32:
            return
        file.write(padding + chunk)
        place, count = (20, 8) if head[:4] == b"RF64" else (4, 4)  # EBU Tech 3306: the size is in the ds64 chunk
        file.seek(place)
        file.write(size.to_bytes(count, "little"))


def _encode(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str], cover: Cover | None) -> None:
    with av.open(str(out), "w", format=kind.container, options=dict(kind.options)) as box:
        box.metadata.update(tags)
        layout = LAYOUTS[sound.channels]
        stream = cast(av.AudioStream, box.add_stream(kind.codec, rate=sound.samplerate, layout=layout))
        stream.codec_context.format = av.AudioFormat(kind.sample_format)
        if kind.codec == "aac":
            stream.bit_rate = AAC_BITS
        if cover is not None and kind.container == "flac":
            _attach(box, cover)
        position, dither = 0, np.random.default_rng(0)
        for block in sound.blocks:
            frame = _frame(block, kind.sample_format, layout, dither)
            frame.sample_rate, frame.pts = sound.samplerate, position
            position += len(block)
            box.mux(stream.encode(frame))
        box.mux(stream.encode(None))


def _attach(box: av.container.OutputContainer, cover: Cover) -> None:
    """Put the cover into a container that has a place for one."""
    picture = box.add_stream("png" if cover.type == "image/png" else "mjpeg")
    picture.width, picture.height = cover.width, cover.height
    picture.pix_fmt = "rgb24" if cover.type == "image/png" else "yuvj420p"  # of the encoder, which is not used
    picture.disposition = av.stream.Disposition.attached_pic
    picture.metadata["comment"] = "Cover (front)"
    packet = av.Packet(cover.data)
    packet.stream, packet.pts, packet.dts, packet.is_keyframe = picture, 0, 0, True
    box.mux(packet)


def _encode_mp3(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str], cover: Cover | None) -> None:
    """Constant bit rate, as high as the sample rate allows.

    LAME itself writes the header that tells decoders the delay and padding to drop, so the length comes back exactly;
    FFmpeg's own header is up to 46 samples long where little of the last of its 1152-sample frames is filled.
    """
    quality = {"subtype": kind.codec, "format": "MP3", "compression_level": 0.0, "bitrate_mode": "CONSTANT"}
    with out.open("wb+") as raw:
        raw.write(id3_tag(tags, cover))
        with soundfile.SoundFile(_Rest(raw), "w", sound.samplerate, sound.channels, **quality) as file:
            for block in sound.blocks:
                file.write(block.astype(np.float32))


def _encode_vorbis(sound: Sound, kind: Format, out: Path, tags: Mapping[str, str], cover: Cover | None) -> None:
    """Variable bit rate of the same high quality at any sample rate."""
    with soundfile.SoundFile(
        out, "w", sound.samplerate, sound.channels, kind.codec, format="OGG", compression_level=VORBIS_COMPRESSION
    ) as file:
        for block in sound.blocks:
            file.write(block.astype(np.float32))
    write_tags(out, tags, cover)


class _Rest:
    """The part of a file from here on, as a file of its own."""

    def __init__(self, raw: IO[bytes]) -> None:
        self.raw, self.base = raw, raw.tell()
        self.read, self.write = raw.read, raw.write

    def seek(self, offset: int, whence: int = 0) -> int:
        return self.raw.seek(offset + (self.base if whence == 0 else 0), whence) - self.base

    def tell(self) -> int:
        return self.raw.tell() - self.base


def _frame(block: np.ndarray, sample_format: str, layout: str, dither: np.random.Generator) -> av.AudioFrame:
    """(T, C) float64 as a frame of `sample_format`; 24-bit samples are rounded and fill the upper bits of 32.

    16-bit samples are dithered with triangular noise of one step, so that what is quiet is heard as sound with a hiss
    and not as distortion.
    """
    if sample_format == "s16":
        noise = dither.random(block.shape) - dither.random(block.shape)
        steps = np.clip(np.rint(block * INT16 + noise), -INT16, INT16 - 1).astype(np.int16)
        return av.AudioFrame.from_ndarray(steps.reshape(1, -1), format="s16", layout=layout)
    if sample_format == "fltp":
        return av.AudioFrame.from_ndarray(np.ascontiguousarray(block.T, np.float32), format="fltp", layout=layout)
    if sample_format == "s32":
        whole = np.clip(np.rint(block * INT24), -INT24, INT24 - 1).astype(np.int32)
        return av.AudioFrame.from_ndarray((whole << 8).reshape(1, -1), format="s32", layout=layout)
    return av.AudioFrame.from_ndarray(block.astype(np.float32).reshape(1, -1), format="flt", layout=layout)
