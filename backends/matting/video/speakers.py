"""What is known of a sound track, and how one that a format cannot take is encoded anew with little loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from backends.matting.types import SoundInfo
from backends.matting.video.exports import Export

if TYPE_CHECKING:
    from av.audio.stream import AudioStream

USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
"""By the number of channels, for sources that do not name their speakers, and encoders that know only these."""

QUICKTIME_LANGUAGES = {
    "deu": "ger",
    "nld": "dut",
    "ell": "gre",
    "isl": "ice",
    "zho": "chi",
    "fre": "fra",
    "ron": "rum",
    "fas": "per",
    "ces": "cze",
    "slk": "slo",
}
"""QuickTime has its own list of languages, which knows some by the other one of their two names in ISO 639-2."""

OPUS_RATE = 48_000
BIT_RATES = {"aac": 96_000, "libopus": 64_000}
"""Of one channel, in bits a second."""

_BITS = {"u8": 8, "s16": 16, "s32": 24, "flt": 32, "dbl": 64}
"""Of a sample, by FFmpeg's sample format. Integers of 32 bits carry 24 but in few codecs, which are named for it."""

_PCM = {8: "pcm_s16le", 16: "pcm_s16le", 24: "pcm_s24le", 32: "pcm_s32le"}


@dataclass(frozen=True)
class Encoding:
    """How a track is encoded: FFmpeg's encoder and layout, samples a second, bits a second (0 for the codec's own)."""

    codec: str
    rate: int
    layout: str
    bit_rate: int = 0
    lossless: bool = False


def sound_info(stream: AudioStream) -> SoundInfo:
    """What is known of a track. Only codecs without loss have a number of bits."""
    context = stream.codec_context
    codec = context.codec.canonical_name
    return SoundInfo(
        codec=codec,
        channels=context.layout.nb_channels,
        rate=context.sample_rate or 0,
        bits=_bits(stream),
        language=stream.metadata.get("language", "").replace("und", ""),
        title=_title(stream),
    )


def _title(stream: AudioStream) -> str:
    """The name of a track. Formats that have no such field take it as the name of its handler."""
    return stream.metadata.get("title", "") or stream.metadata.get("name", "")


def same_language(one: str, other: str) -> bool:
    """Whether two codes of ISO 639-2 name one language.

    >>> same_language("deu", "ger"), same_language("deu", "eng")
    (True, False)
    """
    return QUICKTIME_LANGUAGES.get(one, one) == QUICKTIME_LANGUAGES.get(other, other)


def _bits(stream: AudioStream) -> int:
    context = stream.codec_context
    codec = context.codec.canonical_name
    if not (codec.startswith("pcm_") or context.codec.lossless) or context.format is None:
        return 0
    return 32 if codec.startswith(("pcm_s32", "pcm_u32")) else _BITS.get(context.format.name.removesuffix("p"), 0)


def choose_encoding(stream: AudioStream, export: Export) -> Encoding | None:
    """The encoding that keeps most of a track in a format: its own, or the format's, with as many channels as it takes.

    Every candidate is opened on trial, so that a refusal is known before any picture is worked on. None where the
    track itself makes no sense.
    """
    context = stream.codec_context
    name, rate = context.codec.canonical_name, context.sample_rate or 0
    same = name in export.audio and name.startswith("pcm_")
    codec = name if same else _deep_enough(stream, export.audio_codec)
    rate = OPUS_RATE if codec == "libopus" else rate
    if not rate or not context.layout.nb_channels:
        return None
    for layout in _layouts(context.layout):
        channels = av.AudioLayout(layout).nb_channels
        if _opens(codec, rate, layout):
            whole = channels == context.layout.nb_channels and rate == context.sample_rate
            lossless = whole and codec.startswith("pcm_") and bool(_bits(stream))
            return Encoding(codec, rate, layout, channels * BIT_RATES.get(codec, 0), lossless)
    return None


def _deep_enough(stream: AudioStream, codec: str) -> str:
    """`codec`, or where that is uncompressed sound, the one that holds all bits of a track."""
    bits = _bits(stream)
    if not codec.startswith("pcm_") or not bits:
        return codec
    if stream.codec_context.format.name.startswith(("flt", "dbl")):
        return "pcm_f32le" if bits == 32 else "pcm_f64le"
    return _PCM[bits]


def _layouts(layout: av.AudioLayout) -> Iterator[str]:
    """The source's own layout, if its speakers have names, then the usual one of as many channels, then stereo."""
    usual = USUAL_LAYOUTS.get(layout.nb_channels)
    named = not layout.name.endswith("channels")
    candidates = (layout.name, usual, "stereo") if named or usual is None else (usual, "stereo")
    yield from dict.fromkeys(name for name in candidates if name)


def _opens(codec: str, rate: int, layout: str) -> bool:
    try:
        encoder = av.CodecContext.create(codec, "w")
        assert isinstance(encoder, av.AudioCodecContext)
        encoder.sample_rate, encoder.layout = rate, layout
        formats = encoder.codec.audio_formats
        assert formats
        encoder.format = formats[0]
        encoder.time_base = Fraction(1, rate)
        encoder.open()
    except (av.error.FFmpegError, ValueError):
        return False
    return True
