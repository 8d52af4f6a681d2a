"""Separations outside their page: the player at a moment of the song."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import soundfile

from studio import services
from studio.findings.exhibits import NothingToShow, Part
from studio.library.library import Run, StoredArtifact
from studio.songs import excerpt, view
from viz import covers
from viz.components.stem_player.manifest import Lane, Segment, manifest
from viz.separation.palette import stem_colour
from viz.separation.tiles import decode_tile

MAX_LANES = 6
SEGMENT_FRAMES = 1 << 18


def cover(source: str) -> bytes:
    """The waveforms of the stems."""
    library = services.library()
    lanes: dict[str, list[np.ndarray]] = {}
    for item in library.artifacts(source, "tile"):
        with library.open(source, item) as file:
            lanes.setdefault(item.name, []).append(decode_tile(file.read()).peaks)
    stems = {name: np.concatenate(parts) for name, parts in lanes.items() if name != "mix"}
    if not stems:
        raise NothingToShow
    shown = dict(list(stems.items())[:MAX_LANES])
    return covers.waveforms(shown, {name: stem_colour(name) for name in shown})


def describe(moment: Mapping[str, Any]) -> str:
    """Where in the song, and which stems are heard."""
    seconds = float(moment.get("position") or 0)
    words = [f"at {int(seconds // 60)}:{seconds % 60:04.1f}"] if seconds else []
    if moment.get("solo"):
        words.append(f"{' and '.join(moment['solo'])} alone")
    elif moment.get("muted"):
        words.append(f"without {' and '.join(moment['muted'])}")
    if (loop := moment.get("loop")) and loop.get("on"):
        words.append(f"a loop of {loop['end'] - loop['start']:.1f} s")
    return ", ".join(words)


def part(source: str, moment: Mapping[str, Any], key: str) -> Part:
    """The stem player at the moment."""
    run = _run(source)
    data = view.player_data(services.library(), run, live=False, state={**moment, "run": key} if moment else None)
    data = {**data, "run": key, "export": None}
    return Part("stems", data, _alt(run, data))


def _run(source: str) -> Run:
    run = services.library().get(source)
    if run is None:
        raise NothingToShow
    return run


def _alt(run: Run, data: Mapping[str, Any]) -> str:
    stems = [lane["label"] for lane in data["lanes"] if lane["kind"] == "stem"]
    return f"Stem player of “{run.title}” with {', '.join(stems)}."


def packed(source: str, moment: Mapping[str, Any], key: str, budget: int) -> Part:
    """The player with some seconds around the moment inside, as Opus; as many as `budget` bytes hold."""
    run = _run(source)
    lanes, rate = _stored_lanes(run), int(run.facts.get("samplerate", 44100))
    if not lanes:
        raise NothingToShow
    total = int(run.facts.get("frames") or len(lanes["mix" if "mix" in lanes else next(iter(lanes))]) * SEGMENT_FRAMES)
    kbits, seconds = excerpt.quality(len(lanes), budget)
    start, end = _window(moment, total / rate, seconds)
    state = _shifted(moment, start, end)
    made = {name: excerpt.encode(_sound(run, items, start, end, rate), rate, kbits) for name, items in lanes.items()}
    data = manifest(
        key,
        run.title,
        [Lane(name, [Segment(*addresses)], kind="mix" if name == "mix" else "stem")
         for name, addresses in made.items()],
        samplerate=excerpt.RATE,
        segment_frames=excerpt.frames(end - start),
        frames=excerpt.frames(end - start),
        pan=True,
        state={**state, "run": key},
    )  # fmt: skip
    # A codec may add or lose some milliseconds at the ends: the player cuts each lane to the same length.
    return Part("stems", {**data, "lossy": True}, f"{_alt(run, data)} {end - start:.0f} s from {start:.0f} s on.")


def _stored_lanes(run: Run) -> dict[str, list[StoredArtifact]]:
    """The segments of each lane, in order."""
    lanes: dict[str, list[StoredArtifact]] = {}
    for item in services.library().artifacts(run.id, "segment"):
        lanes.setdefault(item.name, []).append(item)
    order = [name for name in run.facts.get("stems", ()) if name in lanes]
    rest = [name for name in lanes if name not in order]
    return {name: lanes[name] for name in [*order, *sorted(rest, key=lambda name: name == "mix")]}


def _window(moment: Mapping[str, Any], length: float, seconds: float) -> tuple[float, float]:
    """From where to where, in seconds: the loop where one is on, else from the moment on."""
    loop = moment.get("loop") or {}
    start = float(loop["start"]) if loop.get("on") else float(moment.get("position") or 0)
    if loop.get("on"):
        return start, min(length, float(loop["end"]), start + seconds)
    start = min(start, max(0.0, length - seconds))
    return start, min(length, start + seconds)


def _shifted(moment: Mapping[str, Any], start: float, end: float) -> dict[str, Any]:
    """The mixer as it was, with times counted from `start`."""
    loop = moment.get("loop")
    moved = {"start": max(0.0, loop["start"] - start), "end": min(end, loop["end"]) - start} if loop else {}
    fits = loop and loop.get("on") and moved["end"] > moved["start"]
    position = max(0.0, float(moment.get("position") or 0) - start)
    return {**moment, "position": position, "loop": {**loop, **moved} if loop and fits else None}


def _sound(run: Run, items: Sequence[StoredArtifact], start: float, end: float, rate: int) -> np.ndarray:
    """(T, 2) of a lane between two times, as its segments hold it."""
    first, last = round(start * rate), round(end * rate)
    parts = []
    for item in items:
        offset = item.index * SEGMENT_FRAMES
        if offset + SEGMENT_FRAMES <= first or offset >= last:
            continue
        sound, _ = soundfile.read(services.library().local(run.id, item), dtype="float32", always_2d=True)
        parts.append(sound[max(0, first - offset) : last - offset])
    if not parts:
        raise NothingToShow
    whole = np.concatenate(parts)
    return whole if whole.shape[1] == 2 else np.repeat(whole[:, :1], 2, axis=1)
