"""The data of the matte workbench: a run's frames, where to find them, and how good each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS: Mapping[str, str] = {"uncertain": "#d55e00", "flicker": "#2f94cf"}
"""Two hues of `viz.separation.palette` that every kind of colour vision tells apart, on light and on dark."""

COMPOSING: Mapping[str, float] = {"size": 1.0, "across": 0.0, "down": 0.0, "wrap": 0.0, "shadow": 0.0}
SETTINGS: Mapping[str, float] = {"edge": 0.0, "softness": 0.0, "despill": 1.0}
PROBLEMS_AT_LEAST = {"uncertain": 0.02, "flicker": 0.01}
"""Shares under which a frame is never called a problem, however calm the rest of the clip is."""

SURE_AT_LEAST = 0.5
"""A correction that is carried less surely than this makes its frame a problem."""

PROBLEM_TIMES = 1.6
"""A frame is a problem where it is this many times as uncertain or restless as the clip's middle frame."""


@dataclass(frozen=True)
class Preview:
    """A small see-through picture of one frame, made while the run goes on."""

    frame: int
    seconds: float
    url: str


@dataclass(frozen=True)
class Frames:
    """What is known of a run's frames: `times` in seconds, shares (0..1) of how uncertain and restless each is, and how
    sure (0..1) the corrections on it are, where there were any.

    A picture has one time, 0. Shares are empty where they are not known yet.

    Raises:
        ValueError: there are shares of another number of frames.
    """

    times: Sequence[float] = ()
    uncertain: Sequence[float] = ()
    flicker: Sequence[float] = ()
    sure: Sequence[float] = ()

    def __post_init__(self) -> None:
        for name, values in (("uncertain", self.uncertain), ("flicker", self.flicker), ("sure", self.sure)):
            if values and len(values) != len(self.times):
                raise ValueError(f"{name} has {len(values)} values for {len(self.times)} frames")

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[float]]) -> Frames:
        """From the rows of `frames.json`: frame, seconds, uncertain, flicker, area, and with corrections how sure."""
        times, uncertain, flicker = ([row[column] for row in rows] for column in (1, 2, 3))
        sure = [row[5] for row in rows if len(row) > 5]
        return cls(times, uncertain, flicker, sure if len(sure) == len(rows) else ())


@dataclass(frozen=True)
class Background:
    """The run's own background, offered as the background "own". `kind` is "picture" or "video"."""

    url: str
    kind: str = "picture"

    def __post_init__(self) -> None:
        _check_kind(self.kind)


def manifest(
    run_id: str,
    title: str,
    *,
    kind: str,
    width: int,
    height: int,
    frames: Frames,
    proxy_url: str | None,
    frame_url: str | None,
    settings: Mapping[str, Any] | None = None,
    previews: Sequence[Preview] = (),
    background: Background | None = None,
    jump: int | None = None,
    live: bool = False,
    sound: bool = False,
    hints: Sequence[Mapping[str, Any]] | None = None,
    start: float = 0.0,
) -> dict[str, Any]:
    """The workbench's data as JSON.

    Args:
        run_id, title: which run, and what screen readers call it.
        kind: "video" or "picture"; a picture has no scrubber and no strip.
        width, height: of the source in its own pixels, upright: what the loupe's exact crops are counted in.
        proxy_url: address of the artifact "proxy" (a video, or a picture of the same layout); None until it is made.
        frame_url: address of exact frames (`studio.videos.frame_endpoint.frame_url(run_id)`); None switches exact
        previews off.
        settings: "edge", "softness", "despill", "background", "region" and "temporal" that the run was made with, and
            "view", "wipe" and "frame" to begin with; anything missing gets its default.
        previews: what has been made so far, shown while there is no proxy.
        jump: show this frame; each new value jumps once.
        live: the run still goes on.
        sound: the proxy has the sound of the source.
        hints: the corrections that the run was made with; None where none can be made.
        start: of the run's part in its source, in seconds, from which the times of frames are counted.

    Raises:
        ValueError: the numbers do not fit together.
    """
    _check_kind(kind)
    if width < 1 or height < 1:
        raise ValueError("width and height must be positive")
    if jump is not None and not 0 <= jump < max(1, len(frames.times)):
        raise ValueError(f"there is no frame {jump} to jump to")
    return {
        "run": run_id,
        "title": title,
        "kind": kind,
        "width": width,
        "height": height,
        **_frames(frames),
        "proxy": proxy_url,
        "frame_url": frame_url,
        "settings": {
            **SETTINGS,
            "background": "green",
            "temporal": True,
            "region": [],
            **COMPOSING,
            **(settings or {}),
        },
        "previews": [{"frame": one.frame, "seconds": one.seconds, "url": one.url} for one in previews],
        "background_url": background.url if background else None,
        "background_kind": background.kind if background else "picture",
        "jump": jump,
        "live": live,
        "sound": sound,
        "hints": None if hints is None else [dict(hint) for hint in hints],
        "start": start,
        "colours": dict(COLOURS),
    }


def _frames(frames: Frames) -> dict[str, Any]:
    return {
        "times": [round(float(seconds), 4) for seconds in frames.times] or [0.0],
        "uncertain": [round(float(share), 5) for share in frames.uncertain],
        "flicker": [round(float(share), 6) for share in frames.flicker],
        "sure": [round(float(share), 3) for share in frames.sure],
        "problems": problem_frames(frames.uncertain, frames.flicker, frames.sure),
    }


def _check_kind(kind: str) -> None:
    if kind not in ("video", "picture"):
        raise ValueError(f'the kind is "video" or "picture", not {kind!r}')


def problem_frames(uncertain: Sequence[float], flicker: Sequence[float], sure: Sequence[float] = ()) -> list[int]:
    """The frames worth a look, in order: those that stand out of their own clip, or to which a correction could not be
    carried surely."""
    found = {index for index, share in enumerate(sure) if share < SURE_AT_LEAST}
    for name, values in (("uncertain", uncertain), ("flicker", flicker)):
        if not values:
            continue
        middle = sorted(values)[len(values) // 2]
        line = max(PROBLEMS_AT_LEAST[name], PROBLEM_TIMES * middle)
        found.update(index for index, value in enumerate(values) if value > line)
    return sorted(found)
