"""Who comes into the picture is followed back to its rim, and who goes out is followed to it.

A network knows a person by a face and shoulders. Of somebody who walks in it sees at first a sleeve, which it cannot
know; a moment later it knows all of them. What a file shows later can be carried back: a few frames are held, and where
somebody appears who must have been in the frames before, their mattes are completed. Who disappears is carried on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import cv2
import numpy as np

from backends.matting.engines.scene_cuts import is_cut
from backends.matting.finishing.matte_store import quantise
from backends.matting.guidance.blending import blend
from backends.matting.guidance.carrying import UNSURE, Carrier, Look, at_rim, warp
from backends.matting.guidance.regions import Changes

SPEED = 0.1
"""How far somebody gets from one frame to the next at most, as a share of the long side."""

MAX_KNOWN = 0.5
"""A part of a matte of which more lies near the matte of the other frame is there too."""

MIN_PART = 0.01
"""The area, of the picture, of a part that is followed: smaller ones may be mistakes of the network."""

MARGIN = 7
"""Pixels of a square: what lies so near the matte of the frame before was in it, as far as flow and edge can tell."""

MIN_MOTION = 0.004
"""How far who is followed moves from frame to frame at least, as a share of the long side: what stands still, such as a
coat on a hook, neither came nor went."""

Payload = TypeVar("Payload")


@dataclass(frozen=True)
class HeldFrame(Generic[Payload]):
    """A frame that waits.

    `guide` is its picture `(h, w, 3)` uint8 and `alpha` its matte `(h, w)` float32; `look` has the network's own matte.
    `payload` is whatever the caller wants back with the frame.
    """

    payload: Payload
    guide: np.ndarray
    alpha: np.ndarray
    look: Look

    def completed(self, changes: Changes) -> HeldFrame[Payload]:
        """The same frame with what its matte misses."""
        return replace(self, alpha=quantise(blend(self.guide, self.alpha, changes)))


@dataclass
class Leaving:
    """Somebody whom the network has lost, and for how many frames they are followed yet."""

    carrier: Carrier
    frames: int


class EntryFollower(Generic[Payload]):
    """Takes frames with their mattes in order, and returns each a few frames later.

    Args:
        frames: how many are held at most: so many can be completed by what comes after them.
    """

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._held: deque[HeldFrame[Payload]] = deque()
        self._leaving: list[Leaving] = []

    def push(self, payload: Payload, guide: np.ndarray, alpha: np.ndarray) -> list[HeldFrame[Payload]]:
        """Take the next frame `(h, w, 3)` uint8 and its matte `(h, w)`; return those that need not wait any more."""
        frame = HeldFrame(payload, guide, alpha, Look.of(guide, alpha))
        ready: list[HeldFrame[Payload]] = []
        if self._held and is_cut(self._held[-1].look.grey, frame.look.grey):
            ready = self.flush()
        elif self._held:
            before = self._held[-1].look
            self._leaving += [Leaving(_carrier(before, part), self._frames) for part in parts_gone(before, frame.look)]
            frame = self._with_leaving(frame)
            for part in parts_missed(frame.look, before):
                self._complete_before(_carrier(frame.look, part))
        self._held.append(frame)
        while len(self._held) > self._frames:
            ready.append(self._held.popleft())
        return ready

    def flush(self) -> list[HeldFrame[Payload]]:
        """Return all frames that wait, and begin anew."""
        ready = list(self._held)
        self._held.clear()
        self._leaving = []
        return ready

    def _with_leaving(self, frame: HeldFrame[Payload]) -> HeldFrame[Payload]:
        """The frame with those whom the network has lost a moment ago."""
        followed = []
        for one in self._leaving:
            changes = follow(one.carrier, frame.look) if one.frames > 0 else None
            if changes is not None:
                frame = frame.completed(changes)
                followed.append(Leaving(one.carrier, one.frames - 1))
        self._leaving = followed
        return frame

    def _complete_before(self, carrier: Carrier) -> None:
        """Add somebody who is there now to the frames before, the latest first."""
        for place in reversed(range(len(self._held))):
            changes = follow(carrier, self._held[place].look)
            if changes is None:
                return
            self._held[place] = self._held[place].completed(changes)


def parts_gone(one: Look, other: Look) -> Iterator[np.ndarray]:
    """The parts `(h, w)` bool of the matte of `one` that reach the rim, and of which `other`, beside it, has little."""
    person = one.person
    count, labels, stats, _ = cv2.connectedComponentsWithStats(person.astype(np.uint8), connectivity=8)
    if count < 2:
        return
    width = 2 * round(SPEED * max(person.shape)) + 1
    for index in range(1, count):
        if stats[index, cv2.CC_STAT_AREA] < MIN_PART * labels.size:
            continue
        part = labels == index
        # Who stays lies over themselves, which is quicker to see than how near the rest is.
        if other.person[part].mean() > MAX_KNOWN or not at_rim(part):
            continue
        near = cv2.dilate(other.person.astype(np.uint8), np.ones((width, width), np.uint8)) > 0
        if near[part].mean() <= MAX_KNOWN:
            yield part


def parts_missed(now: Look, before: Look) -> Iterator[np.ndarray]:
    """The parts `(h, w)` bool of the matte of `now` that were in the picture of `before` already, but not in its matte.

    Where each pixel was the optical flow says; what came from beyond the rim was not in the picture.
    """
    height, width = now.person.shape
    known = cv2.dilate(before.person.astype(np.uint8), np.ones((MARGIN, MARGIN), np.uint8)) > 0
    if (now.person & ~known).mean() < MIN_PART:
        return
    blank = np.zeros((height, width, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(now.grey, before.grey, blank)
    rows, columns = np.mgrid[0:height, 0:width] + np.moveaxis(flow, -1, 0)[::-1]
    inside = (rows > 0) & (rows < height - 1) & (columns > 0) & (columns < width - 1)
    missed = now.person & inside & (warp(known.astype(np.float32), flow) < 0.5)
    missed = cv2.morphologyEx(missed.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(missed, connectivity=8)
    for index in range(1, count):
        if stats[index, cv2.CC_STAT_AREA] >= MIN_PART * labels.size:
            yield labels == index


def follow(carrier: Carrier, look: Look) -> Changes | None:
    """Where who is followed is in the next frame; None where they are lost, are there already, or do not move."""
    carried = carrier.step(look)
    added = carried.changes.added
    if carried.sure < UNSURE or not added.any() or carrier.flow is None:
        return None
    moved = np.median(carrier.flow[added], axis=0)  # (2,)
    return carried.changes if np.hypot(*moved) >= MIN_MOTION * max(added.shape) else None


def _carrier(look: Look, part: np.ndarray) -> Carrier:
    return Carrier(look, replace(Changes.none(part.shape), added=part))
