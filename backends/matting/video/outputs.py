"""Every file that a video job writes: what was asked for, the raw mattes, and the proxy that the workbench plays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from backends.core.errors import BadInput
from backends.matting.finishing.matte_store import proxy_size, source_tags
from backends.matting.types import Colour
from backends.matting.video.colour import SDR
from backends.matting.video.exports import PROXY_EXPORT, RAW_MATTE_EXPORT, Export
from backends.matting.video.writers import SourcePart, Writer, open_writer


def open_outputs(
    out: Path, source: SourcePart, colour: Colour, exports: Sequence[Export], matte_size: tuple[int, int]
) -> Iterator[Writer]:
    """One writer for each export, one for the raw mattes of `matte_size` (height, width) and one for the proxy.

    They come one by one, so that those already open can be closed when the next one is refused.
    """
    info = source.info
    for export in exports:
        yield open_writer(export, out, source, colour)
    (height, width), (half_width, half_height) = matte_size, proxy_size(info.width, info.height, info.sar)
    silent = replace(info, sar=Fraction(1), audio=(), tracks=(), timecode="", tags=(), chapters=())
    tags = source_tags(source.path, info.width, info.height, source.start)
    mattes = replace(source, info=replace(silent, width=width, height=height), tags=tags)
    yield open_writer(RAW_MATTE_EXPORT, out, mattes, SDR)
    proxy = replace(source, info=replace(silent, width=half_width, height=2 * half_height))
    try:
        with_sound = replace(proxy.info, audio=info.audio, tracks=info.tracks)
        yield open_writer(PROXY_EXPORT, out, replace(proxy, info=with_sound), SDR)
    except BadInput:  # sound that no browser could play: the workbench does without
        yield open_writer(PROXY_EXPORT, out, proxy, SDR)
