"""The data of the stem player: a run's lanes, how far they have arrived, and what can be done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from viz.separation.palette import DECIBEL_CEILING, DECIBEL_FLOOR, SPECTROGRAM_COLOURS, stem_colour

MAX_LANES = 16
"""One audio node carries every lane, which keeps them locked together; it has 32 channels."""


@dataclass(frozen=True)
class Segment:
    """Addresses of one segment: its sound (stereo FLAC) and its tile (`viz.separation.tiles`), both on the page's
    own origin.
    """

    url: str
    tile: str


@dataclass(frozen=True)
class Numbered:
    """The first `count` segments at regular addresses: `{index}` stands for 0, 1, 2…"""

    url: str
    tile: str
    count: int


@dataclass(frozen=True)
class Lane:
    """One row of the player. `kind` is "stem", or "mix" for the original, which replaces the stems when it is heard."""

    name: str
    segments: Sequence[Segment] | Numbered = ()
    label: str = ""
    colour: str = ""
    kind: str = "stem"


@dataclass(frozen=True)
class Export:
    """Where downloads come from: `url?format=&gains=&start=&end=` for a mix, `zip?format=` for all stems at once.

    `formats` maps each format's id to its label, in the order shown; `rates` are samples a second that a file may have
    besides those of the song.
    """

    url: str
    formats: Mapping[str, str]
    zip: str | None = None
    rates: Sequence[int] = ()


def manifest(
    run: str,
    title: str,
    lanes: Sequence[Lane],
    *,
    samplerate: int = 44100,
    segment_frames: int = 1 << 18,
    frames: int | None = None,
    gain: float = 0.5,
    live: bool = False,
    pan: bool = False,
    export: Export | None = None,
    state: Mapping[str, Any] | None = None,
    music: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The player's data as JSON.

    Args:
        run: names what is played; another run begins afresh.
        title: of the song, for screen readers.
        lanes: stems and the original, top first.
        samplerate: in Hz.
        segment_frames: segment i of every lane starts at frame i * `segment_frames`.
        frames: length of the song; None while it is not known.
        gain: that the segments' samples were scaled by.
        live: more segments may follow.
        pan: show a pan control for each lane; only where the export understands `pans=`.
        export: where downloads come from; None offers none.
        state: what `stem_player` returned earlier for this run, used when the player first appears.
        music: beats, bars, chords, tempo and key as `studio.songs.music` has them; None while they are not known.

    Raises:
        ValueError: the lanes or numbers could not be played.
    """
    names = [lane.name for lane in lanes]
    if len(set(names)) != len(names):
        raise ValueError(f"lane names must differ: {names}")
    if len(lanes) > MAX_LANES:
        raise ValueError(f"at most {MAX_LANES} lanes, got {len(lanes)}")
    if samplerate <= 0 or segment_frames <= 0 or gain <= 0:
        raise ValueError("samplerate, segment_frames and gain must be positive")
    return {
        "run": run,
        "title": title,
        "samplerate": samplerate,
        "segment_frames": segment_frames,
        "frames": frames,
        "gain": gain,
        "live": live,
        "pan": pan,
        "lanes": [_lane(lane) for lane in lanes],
        "scale": {"colours": list(SPECTROGRAM_COLOURS), "floor": DECIBEL_FLOOR, "ceiling": DECIBEL_CEILING},
        "export": _export(export) if export else None,
        "state": dict(state) if state else None,
        "music": dict(music) if music else None,
    }


def _lane(lane: Lane) -> dict[str, Any]:
    if lane.kind not in ("stem", "mix"):
        raise ValueError(f'a lane is a "stem" or a "mix", not {lane.kind!r}')
    segments: Any = lane.segments
    if isinstance(segments, Numbered):
        segments = {"url": segments.url, "tile": segments.tile, "count": segments.count}
    else:
        segments = [{"url": segment.url, "tile": segment.tile} for segment in segments]
    return {
        "name": lane.name,
        "label": lane.label or lane.name[:1].upper() + lane.name[1:],
        "colour": lane.colour or stem_colour(lane.name),
        "kind": lane.kind,
        "segments": segments,
    }


def _export(export: Export) -> dict[str, Any]:
    formats = [{"id": name, "label": label} for name, label in export.formats.items()]
    return {"url": export.url, "formats": formats, "zip": export.zip, "rates": list(export.rates)}
