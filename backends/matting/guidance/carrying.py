"""Carries changes of a matte from frame to frame, forwards or backwards, and says how sure it is.

A region moves with the dense optical flow (Kroeger et al. 2016, DIS). In each frame it is judged anew: what the flow
says and how colours compare with those of the corrected frames are two costs, filtered along the picture's edges
before the cheaper side wins (Rhemann et al. 2011, "Fast Cost-Volume Filtering"). What is dropped is always a part of
the network's own matte, which is right about its outline in every frame, so that nothing drifts there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import cv2
import numpy as np

from backends.matting.guidance.appearance import colour_bins, evidence, histogram, likeness
from backends.matting.guidance.regions import Changes, without_islands

SIDE = 320
"""The long side in pixels at which changes are carried."""

NEAR, FAR, FAR_WEIGHT = 3.0, 20.0, 0.03
"""Widths, in pixels, of the blurs by which what the flow says of a pixel reaches its neighbours, and pixels that it
does not reach at all."""

MAX_PRIOR = 3.5
COLOUR_WEIGHT, ROOM_WEIGHT = 0.5, 1.0
"""The most that the flow speaks for one side, as a logarithm, and how much colours count beside it: between two people,
and, more, between who was missed and the room, which seldom look alike."""

FILTER_RADIUS, FILTER_EPSILON = 5, 1e-3
"""Of the guided filter that the costs go through."""

RECENT = 0.15
"""How far the recent colours of a region follow those of each frame: light changes."""

WHOLE_PART = 0.85
"""A part of the matte that hangs together and of which so much is on one side, is on that side with all of it."""

LOST_LIKENESS, SURE_LIKENESS = 0.45, 0.75
"""Likeness of a region's colours to those of the corrected frame, at which it is lost and at which it is sure."""

MIN_LIKENESS, MIN_BETTER = 0.6, 0.1
"""Of a part of the matte that comes anew: how like what was dropped it is, and by how much more than what was kept."""

MIN_PART = 0.003
"""The area, of the picture, of a part of the matte that is told apart from others."""

UNSURE = 0.5
"""Below this sureness, 0 to 1, a frame is one to look at."""


@dataclass(frozen=True)
class Look:
    """One frame at the size of carrying: `frame` `(h, w, 3)` uint8, its `grey` `(h, w)`, and the network's matte `base`
    `(h, w)` float32."""

    frame: np.ndarray
    grey: np.ndarray
    base: np.ndarray

    @classmethod
    def of(cls, frame: np.ndarray, base: np.ndarray) -> Look:
        """From a frame `(H, W, 3)` uint8 and its matte `(h, w)` of any size."""
        width, height = carrying_size(*frame.shape[:2])
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        matte = cv2.resize(base, (width, height), interpolation=cv2.INTER_AREA)
        return cls(small, cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), matte)

    @cached_property
    def bins(self) -> np.ndarray:
        """The bins of its colours `(h, w)`, which most frames are never asked for."""
        return colour_bins(self.frame)

    @cached_property
    def person(self) -> np.ndarray:
        return self.base > 0.5


def carrying_size(height: int, width: int) -> tuple[int, int]:
    """(width, height) at which a picture of that size is worked on."""
    scale = min(1.0, SIDE / max(height, width))
    return max(16, round(width * scale)), max(16, round(height * scale))


@dataclass(frozen=True)
class Colours:
    """The colours of two sides at the corrected frame, histograms as in `appearance`, and the recent ones."""

    mine: np.ndarray
    theirs: np.ndarray
    recent_mine: np.ndarray
    recent_theirs: np.ndarray

    @classmethod
    def of(cls, bins: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> Colours:
        one, other = histogram(bins, mine), histogram(bins, theirs)
        return cls(one, other, one, other)

    def followed(self, bins: np.ndarray, mine: np.ndarray, theirs: np.ndarray) -> Colours:
        """The same with the recent colours brought nearer to those of this frame."""
        recent = [
            old + RECENT * (histogram(bins, region) - old) if region.any() else old
            for old, region in ((self.recent_mine, mine), (self.recent_theirs, theirs))
        ]
        return replace(self, recent_mine=recent[0], recent_theirs=recent[1])

    def evidence(self, bins: np.ndarray) -> np.ndarray:
        """How the colour of each pixel speaks for this side, `(h, w)` float32."""
        return evidence(bins, (self.mine + self.recent_mine) / 2, (self.theirs + self.recent_theirs) / 2)


@dataclass(frozen=True)
class Carried:
    """The changes on one frame and how sure they are: 1 as on the corrected frame, 0 where what they follow is lost."""

    changes: Changes
    sure: float = 1.0


@dataclass
class Carrier:
    """Follows the changes of one corrected frame through its neighbours, one `step` a frame, in either direction.

    `flow` `(h, w, 2)` says of each pixel of the frame that the last step reached how far away it was before.
    """

    look: Look
    changes: Changes
    flow: np.ndarray | None = None
    _dropped: Colours | None = None
    _added: Colours | None = None
    _flow: cv2.DISOpticalFlow = field(
        default_factory=lambda: cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    )

    def __post_init__(self) -> None:
        self.learn()

    def learn(self) -> None:
        """Remember the colours of the corrected frame."""
        bins, person = self.look.bins, self.look.person
        dropped, added = self.changes.dropped & person, self.changes.added
        self._dropped = Colours.of(bins, dropped, person & ~dropped) if dropped.any() else None
        self._added = Colours.of(bins, added, _ring(added, person)) if added.any() else None

    def step(self, look: Look) -> Carried:
        """The changes on the next frame."""
        flow = self._flow.calc(look.grey, self.look.grey, np.zeros((*look.grey.shape, 2), np.float32))
        dropped, sure = self._step_dropped(look, flow)
        added, added_sure = self._step_added(look, flow)
        soft = warp(self.changes.soft.astype(np.float32), flow) > 0.5 if self.changes.soft.any() else self.changes.soft
        self.look, self.changes, self.flow = look, Changes(dropped, added, soft), flow
        return Carried(self.changes, min(sure, added_sure))

    def _step_dropped(self, look: Look, flow: np.ndarray) -> tuple[np.ndarray, float]:
        """What is dropped of the matte of `look`: each of its pixels is on one side or the other."""
        if self._dropped is None:
            return np.zeros_like(look.person), 1.0
        person = look.base > 0.1
        before = self.look.person
        mine = warp((self.changes.dropped & before).astype(np.float32), flow)
        theirs = warp((before & ~self.changes.dropped).astype(np.float32), flow)
        cost = _prior(mine, theirs) + COLOUR_WEIGHT * self._dropped.evidence(look.bins)
        dropped = (_filtered(cost, look.grey) > 0) & person
        dropped = (dropped & ~look.person) | without_islands(dropped & look.person, look.person)
        dropped, doubt = self._by_parts(look, dropped, mine, theirs)
        colours = self._dropped
        self._dropped = colours.followed(look.bins, dropped & look.person, look.person & ~dropped)
        return dropped, min(doubt, _sureness(look.bins, dropped & look.person, colours.mine))

    def _by_parts(
        self, look: Look, dropped: np.ndarray, mine: np.ndarray, theirs: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """`dropped` with separate parts of the matte decided as wholes, and how sure that is."""
        assert self._dropped is not None
        count, labels, stats, _ = cv2.connectedComponentsWithStats(look.person.astype(np.uint8), connectivity=8)
        result, sure = dropped.copy(), 1.0
        for index in range(1, count):
            if stats[index, cv2.CC_STAT_AREA] < MIN_PART * labels.size:
                continue
            part = labels == index
            reached = float((mine[part] + theirs[part]).mean())
            share = float(dropped[part].mean())
            if reached < 0.1:  # it came anew: who it is, its colours say
                like = likeness(histogram(look.bins, part), self._dropped.mine)
                unlike = likeness(histogram(look.bins, part), self._dropped.theirs)
                share = float(like > MIN_LIKENESS and like > unlike + MIN_BETTER)
                sure = min(sure, 0.0 if abs(like - unlike) < MIN_BETTER else 1.0)
            if share > WHOLE_PART or share < 1 - WHOLE_PART:
                result[_grow(part)] = share > 0.5
        return result, sure

    def _step_added(self, look: Look, flow: np.ndarray) -> tuple[np.ndarray, float]:
        """What the matte of `look` misses, and how sure that is."""
        nothing = np.zeros_like(look.person)
        if self._added is None:
            return nothing, 1.0
        moved = warp(self.changes.added.astype(np.float32), flow)
        if moved.sum() < 8:
            return nothing, float(at_rim(self.changes.added))
        domain = _grow(moved > 0.3, 8) & ~look.person
        cost = _prior(moved, 1 - moved) + ROOM_WEIGHT * self._added.evidence(look.bins)
        added = (_filtered(cost, look.grey) > 0) & domain
        colours = self._added
        sure = _sureness(look.bins, added, colours.mine) if added.sum() > 0.05 * moved.sum() else 0.0
        # A network that begins to see what was missed takes it over: then there is nothing left to add.
        if (look.person & (moved > 0.5)).sum() > 0.8 * (moved > 0.5).sum():
            sure = 1.0
        if sure == 0.0:
            return nothing, 0.0
        self._added = colours.followed(look.bins, added, _ring(added, look.person))
        return added, sure


def warp(region: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """`region` `(h, w)` float32 of another frame, where `flow` `(h, w, 2)` says that its pixels are in this one."""
    rows, columns = np.mgrid[0 : flow.shape[0], 0 : flow.shape[1]].astype(np.float32)
    return cv2.remap(region, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR)


def _prior(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """How strongly the flow speaks for one side, `(h, w)` float32: log of the odds of the two, blurred."""
    one, other = (
        cv2.GaussianBlur(side, (0, 0), NEAR) + FAR_WEIGHT * cv2.GaussianBlur(side, (0, 0), FAR)
        for side in (mine, theirs)
    )
    return np.clip(np.log((one + 1e-4) / (other + 1e-4)), -MAX_PRIOR, MAX_PRIOR).astype(np.float32)


def _filtered(cost: np.ndarray, grey: np.ndarray) -> np.ndarray:
    """`cost` `(h, w)` smoothed along the edges of `grey` `(h, w)` uint8: the guided filter (He et al. 2013)."""
    window = (2 * FILTER_RADIUS + 1, 2 * FILTER_RADIUS + 1)
    guide = grey.astype(np.float32) / 255
    mean_i, mean_p = cv2.blur(guide, window), cv2.blur(cost, window)
    a = (cv2.blur(guide * cost, window) - mean_i * mean_p) / (
        cv2.blur(guide * guide, window) - mean_i * mean_i + FILTER_EPSILON
    )
    b = mean_p - a * mean_i
    return cv2.blur(a, window) * guide + cv2.blur(b, window)


def _sureness(bins: np.ndarray, region: np.ndarray, remembered: np.ndarray) -> float:
    """How sure it is, 0 to 1, that `region` is what was remembered, by its colours; an empty one is nobody's."""
    if not region.any():
        return 1.0
    like = likeness(histogram(bins, region), remembered)
    return float(np.clip((like - LOST_LIKENESS) / (SURE_LIKENESS - LOST_LIKENESS), 0, 1))


def _ring(region: np.ndarray, person: np.ndarray) -> np.ndarray:
    """What lies around `region` and is nobody."""
    return _grow(region, 12) & ~region & ~person


def _grow(region: np.ndarray, pixels: int = 4) -> np.ndarray:
    return cv2.dilate(region.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


def at_rim(region: np.ndarray) -> bool:
    """Whether `region` reaches the rim of the picture, beyond which it may have gone."""
    return bool(region[[0, -1]].any() or region[:, [0, -1]].any())
