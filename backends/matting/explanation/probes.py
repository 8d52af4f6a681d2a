"""Looks into a matting network: MODNet's three branches, and whether a matte would hold on other backgrounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import torch

from backends.attribution.methods.occlusion import attribute as occlude
from backends.attribution.probe import Findings, ProbeRequest
from backends.attribution.question import read_rectangle
from backends.attribution.sanity import likeness
from backends.attribution.types import Attribution, Axis
from backends.core.errors import BadInput
from backends.matting.explanation.frame import at_working_size, read_frame
from backends.matting.explanation.subject import (
    PERSON,
    fitting,
    frame_subject,
    modnet_of,
    pixels,
    place_axes,
    rectangle_slices,
)
from backends.matting.video.source import is_picture

WHOLE = (0.0, 0.0, 1.0, 1.0)
MOMENTS, STEP_SECONDS = 4, 0.5
"""Frames of a clip that are compared, and the time from one to the next."""


def branches(asked: ProbeRequest) -> Findings:
    """MODNet's own three views: where people are (semantics), the edges (detail), and the matte made of both.

    The sentence says which of the first two the matte follows where it is half transparent.
    """
    frame = fitting(at_working_size(asked.engine, read_frame(asked.inputs["media"], asked.question.at)))
    network = modnet_of(asked.engine)
    if network is None:
        raise BadInput("Only MODNet has these branches; choose another model.")
    with torch.inference_mode():
        semantic, detail, matte = (branch[0, 0].numpy() for branch in network.branches(pixels(frame[None])))
    asked.meter.add(1)
    semantic = cv2.resize(semantic, frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    values = np.stack([semantic, detail, matte])
    place = rectangle_slices(frame.shape[:2], read_rectangle(asked.question.region) or WHOLE)
    soft = (matte[place] > 0.05) & (matte[place] < 0.95)
    axes = (Axis("branch", labels=("semantics", "detail", "matte")), *place_axes(frame.shape[:2]))
    sentence = "Nothing there is half transparent."
    if soft.any():
        apart = [float(np.abs(view[place] - matte[place])[soft].mean()) for view in (semantic, detail)]
        nearer = "edges" if apart[1] <= apart[0] else "coarse outline"
        sentence = (
            f"{100 * soft.mean():.0f} % there is half transparent, and follows the branch of the {nearer} "
            f"(off by {min(apart):.2f}, the other by {max(apart):.2f})."
        )
    return Findings(Attribution(values, axes, PERSON, "branches", float(matte[place].mean())), (), sentence)


def elsewhere(asked: ProbeRequest) -> Findings:
    """Would it hold elsewhere: the person pasted on six backgrounds, and how far each new matte is from the first."""
    frame = at_working_size(asked.engine, read_frame(asked.inputs["media"], asked.question.at))
    matte = asked.engine.begin()(frame[None])[0]
    asked.meter.add(1)
    changes, names = [], []
    for name, draw in BACKGROUNDS.items():
        behind = draw(*frame.shape[:2])
        pasted = frame * matte[..., None] + behind * (1 - matte[..., None])
        again = asked.engine.begin()(pasted.round().clip(0, 255).astype(np.uint8)[None])[0]
        asked.meter.add(1)
        changes.append(np.abs(again - matte))
        names.append(name)
    values = np.stack(changes).astype(np.float32)
    means = values.mean((1, 2))
    worst = int(means.argmax())
    axes = (Axis("background", labels=tuple(names)), *place_axes(frame.shape[:2]))
    sentence = (
        f"On six other backgrounds the matte changes by {100 * means.mean():.1f} % of full alpha on average, most on "
        f"“{names[worst]}” ({100 * means[worst]:.1f} %)."
    )
    return Findings(Attribution(values, axes, PERSON, "elsewhere", float(means.mean())), (), sentence)


def steady(asked: ProbeRequest) -> Findings:
    """Is the reason the same along the clip: maps by covering of a few moments, and how alike they are."""
    path, question = asked.inputs["media"], asked.question
    if is_picture(path):
        raise BadInput("A picture has one moment only; ask that of a video.")
    network, maps, times = modnet_of(asked.engine), [], []
    rectangle = read_rectangle(question.region) or WHOLE
    for number in range(MOMENTS):
        at = question.at + number * STEP_SECONDS
        try:
            frame = at_working_size(asked.engine, read_frame(path, at))
        except BadInput:
            break  # the clip has ended
        subject = frame_subject(asked.engine, network, frame, rectangle, detail=max(2, question.detail // 2))
        found = occlude(replace(subject, meter=asked.meter))
        maps.append(found.values)
        times.append(at)
    if len(maps) < 2:
        raise BadInput("The clip ends there: ask about an earlier moment, so that there are two to compare.")
    alike = [likeness(one, other) for one, other in pairwise(maps)]
    axes = (Axis("time", "s", coordinates=tuple(times)), *place_axes(maps[0].shape))
    sentence = f"From one moment to the next the maps agree with ρ {np.mean(alike):.2f} (least {min(alike):.2f})."
    return Findings(Attribution(np.stack(maps), axes, PERSON, "steady", float(np.mean(alike))), (), sentence)


def _plain(colour: tuple[int, int, int]) -> Callable[[int, int], np.ndarray]:
    return lambda height, width: np.broadcast_to(np.array(colour, np.float32), (height, width, 3))


def _gradient(height: int, width: int) -> np.ndarray:
    """From a dark top to a light bottom."""
    return np.broadcast_to(np.linspace(30, 220, height, dtype=np.float32)[:, None, None], (height, width, 3))


def _stripes(height: int, width: int) -> np.ndarray:
    light = (np.arange(width) // max(4, width // 24)) % 2
    return np.broadcast_to((60 + 130 * light).astype(np.float32)[None, :, None], (height, width, 3))


def _noise(height: int, width: int) -> np.ndarray:
    draw = np.random.default_rng(0).integers(0, 256, (max(2, height // 16), max(2, width // 16), 3))
    return cv2.resize(draw.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC).clip(0, 255)


BACKGROUNDS: dict[str, Callable[[int, int], np.ndarray]] = {
    "white": _plain((245, 245, 245)),
    "black": _plain((10, 10, 10)),
    "green": _plain((0, 177, 64)),
    "dusk": _gradient,
    "stripes": _stripes,
    "clutter": _noise,
}
"""What the person is pasted on, from rows and columns to `(H, W, 3)`, 0 to 255."""
