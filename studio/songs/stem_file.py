"""A song as one file for DJ programs: the mix and four stems as tracks of an MP4, as Native Instruments laid it out.

Traktor, VirtualDJ, djay and Mixxx play it; other players hear its first track, which is the mix.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import av
import numpy as np

from backends.core.errors import BadInput
from backends.separation.io.cover import Cover
from studio.songs.encode import AAC_BITS, FORMATS, LAYOUTS
from studio.songs.mixdown import Export, Level, Source, check_fits, common_gain, open_sources, whole_or_nothing
from studio.songs.mixture import CENTRE, Part
from studio.songs.mp4_tags import add_stem_list, add_tags

ENDING = ".stem.mp4"
TRACKS = ("drums", "bass", "other", "vocals")
"""The four stems in the order in which such files have them."""
COLOURS = {"drums": "#D55E00", "bass": "#0072B2", "other": "#009E73", "vocals": "#CC79A7"}
EMPTY = "(empty)"


def tracks_of(stems: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Which stems make each of the four tracks: what has no track of its own goes into “other”.

    >>> tracks_of(["vocals", "accompaniment"])
    {'drums': (), 'bass': (), 'other': ('accompaniment',), 'vocals': ('vocals',)}
    """
    own = {name: (name,) if name in stems else () for name in TRACKS}
    return {**own, "other": tuple(name for name in stems if name not in TRACKS or name == "other")}


def stem_file(stems: Mapping[str, Source], *, out: Path, tags: Mapping[str, str], cover: Cover | None = None) -> Export:
    """Write the file; all five tracks share one gain, so that the stems still add up to the mix.

    Args:
        stems: every stem of the song by its name.
        out: the file to write.
        tags: title, artist and so on.
        cover: the song's picture.

    Raises:
        BadInput: there are no stems, or their sample rate cannot be held.
        TooLarge: the disk has no room.
    """
    if not stems:
        raise BadInput("This run has no stems to export.")
    kind, tracks = FORMATS["m4a"], tracks_of(list(stems))
    # Opened twice, as the mix and the tracks read the same sound at their own pace.
    with whole_or_nothing(out), open_sources(stems) as files, open_sources(stems) as all_files:
        everything = Part([(file, CENTRE) for file in all_files.values()])
        parts = [Part([(files[name], CENTRE) for name in names]) if names else None for names in tracks.values()]
        region = range(everything.frames)
        check_fits(kind, everything, region, out, 1 + len(tracks))
        level = Level(common_gain(kind, [everything, *filter(None, parts)], region), shared=True)
        _encode([everything, *parts], region, level.gain, out, level.comment(tags))
    add_tags(out, tags, cover)
    add_stem_list(out, _description(tracks))
    return Export(out, kind, everything.samplerate, len(region), level.decibels)


def _encode(parts: Sequence[Part | None], region: range, gain: float, out: Path, tags: Mapping[str, str]) -> None:
    """The parts as tracks of one file, block by block; None is a silent track."""
    first = cast(Part, parts[0])
    layout = LAYOUTS[first.channels]
    with av.open(str(out), "w", format="mp4") as box:
        box.metadata.update(tags)
        streams = []
        for place in range(len(parts)):
            stream = cast(av.AudioStream, box.add_stream("aac", rate=first.samplerate, layout=layout))
            stream.bit_rate = AAC_BITS
            # Players without stems take the first track alone.
            stream.disposition = av.stream.Disposition.default if place == 0 else av.stream.Disposition(0)
            streams.append(stream)
        position = 0
        for blocks in zip(*(part.blocks(region) for part in parts if part is not None), strict=True):
            sounding = iter(blocks)
            for stream, part in zip(streams, parts, strict=True):
                block = np.zeros_like(blocks[0]) if part is None else next(sounding)
                samples = np.ascontiguousarray((block * gain).T, np.float32)
                frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
                frame.sample_rate, frame.pts = first.samplerate, position
                box.mux(stream.encode(frame))
            position += len(blocks[0])
        for stream in streams:
            box.mux(stream.encode(None))


def _description(tracks: Mapping[str, tuple[str, ...]]) -> bytes:
    """What the file says of its stems."""
    stems = [{"name": name.capitalize() if of else EMPTY, "color": COLOURS[name]} for name, of in tracks.items()]
    off = {"enabled": False}
    return json.dumps({"version": 1, "mastering_dsp": {"compressor": off, "limiter": off}, "stems": stems}).encode()
