"""What the matte workbench is told: a run's frames, where to find them, and how good each one is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

COLOURS: Mapping[str, str] = {"uncertain": "#d55e00", "flicker": "#2f94cf"}
"""Two hues of `viz.palette` that every kind of colour vision tells apart, on light and on dark."""

SETTINGS: Mapping[str, float] = {"edge": 0.0, "softness": 0.0, "despill": 1.0}
PROBLEMS_AT_LEAST = {"uncertain": 0.02, "flicker": 0.01}
"""Shares under which a frame is never called a problem, however calm the rest of the clip is."""

PROBLEM_TIMES = 1.6
"""A frame is a problem where it is this many times as uncertain or restless as the clip's middle frame."""


@dataclass(frozen=True)
class Preview:
    """A small see-through picture of one frame, made while the run goes on."""

    frame: int
    seconds: float
    url: str


def manifest(
    run_id: str,
    title: str,
    *,
    kind: str,
    width: int,
    height: int,
    times: Sequence[float],
    proxy_url: str | None,
    frame_url: str | None,
    uncertain: Sequence[float] = (),
    flicker: Sequence[float] = (),
    settings: Mapping[str, Any] | None = None,
    previews: Sequence[Preview] = (),
    background_url: str | None = None,
    background_kind: str = "picture",
    jump: int | None = None,
    live: bool = False,
) -> dict[str, Any]:
    """The workbench's data as JSON.

    Args:
        run_id, title: which run, and what screen readers call it.
        kind: "video" or "picture"; a picture has no scrubber and no strip.
        width, height: of the source in its own pixels, upright: what the loupe's exact crops are counted in.
        times: seconds of each frame, as in the run's `frames.json`; one 0 for a picture.
        proxy_url: address of the artifact "proxy" (a video, or a picture of the same layout); None until it is made.
        frame_url: address of exact frames (`studio.frames.frame_url(run_id)`); None switches exact previews off.
        uncertain, flicker: one share (0..1) a frame, from `frames.json`; empty where not known.
        settings: "edge", "softness", "despill", "background" and "temporal" that the run was made with, and "view",
            "wipe" and "frame" to begin with; anything missing gets its default.
        previews: what has been made so far, shown while there is no proxy.
        background_url: the run's own background, offered as the background "own"; None where it has none.
        background_kind: "picture" or "video".
        jump: show this frame; each new value jumps once.
        live: the run still goes on.

    Raises:
        ValueError: the numbers do not fit together.
    """
    for one in (kind, background_kind):
        if one not in ("video", "picture"):
            raise ValueError(f'the kind is "video" or "picture", not {one!r}')
    if width < 1 or height < 1:
        raise ValueError("width and height must be positive")
    for name, values in (("uncertain", uncertain), ("flicker", flicker)):
        if values and len(values) != len(times):
            raise ValueError(f"{name} has {len(values)} values for {len(times)} frames")
    if jump is not None and not 0 <= jump < max(1, len(times)):
        raise ValueError(f"there is no frame {jump} to jump to")
    return {
        "run": run_id,
        "title": title,
        "kind": kind,
        "width": width,
        "height": height,
        "times": [round(float(seconds), 4) for seconds in times] or [0.0],
        "proxy": proxy_url,
        "frame_url": frame_url,
        "uncertain": [round(float(share), 5) for share in uncertain],
        "flicker": [round(float(share), 6) for share in flicker],
        "problems": problem_frames(uncertain, flicker),
        "settings": {**SETTINGS, "background": "green", "temporal": True, **(settings or {})},
        "previews": [{"frame": one.frame, "seconds": one.seconds, "url": one.url} for one in previews],
        "background_url": background_url,
        "background_kind": background_kind,
        "jump": jump,
        "live": live,
        "colours": dict(COLOURS),
    }


def problem_frames(uncertain: Sequence[float], flicker: Sequence[float]) -> list[int]:
    """The frames worth a look, in order: those that stand out of their own clip by either measure."""
    found: set[int] = set()
    for name, values in (("uncertain", uncertain), ("flicker", flicker)):
        if not values:
            continue
        middle = sorted(values)[len(values) // 2]
        line = max(PROBLEMS_AT_LEAST[name], PROBLEM_TIMES * middle)
        found.update(index for index, value in enumerate(values) if value > line)
    return sorted(found)
