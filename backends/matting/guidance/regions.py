"""What a hint points at: a whole person or thing, what was painted, or a box, told apart by colour and shape.

Everything here works on one frame at the size at which hints are carried. A region is `(h, w)` bool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from backends.matting.engines.grabcut import grabcut
from backends.matting.engines.person_detection import Detection, detect_people, trimap_prior
from backends.matting.guidance.appearance import colour_bins, evidence, histogram
from backends.matting.guidance.drawing import marked, mask_of
from backends.matting.guidance.hints import Hint

STROKE_REACH, POINT_REACH = 0.06, 0.22
"""How far, of the long side, what looks like it reaches around a stroke, and around a click beside the matte."""

CORE_DEPTHS = (0.3, 0.45, 0.6, 0.75)
"""Of the greatest depth inside a region: where wearing it down so far leaves several parts, people touch there."""

MIN_CORE = 0.2
"""The area that a core has at least, of the largest one's; a head on its neck is less than a body."""

MIN_INSIDE = 0.2
"""Of a box that keeps: where less than this share of it is in the matte, whoever is inside was missed."""

MAX_ISLAND, MIN_CONTACT = 0.08, 0.3
"""A piece of one side with less than this area, of its largest piece's, is an island where at least so much of its rim
touches the other side."""

CORE, OTHER, OUTSIDE = 1, 2, 3  # markers of the watershed
BESIDE = (255, 0, 255)
"""A colour that no person and no room has."""


@dataclass(frozen=True)
class Scene:
    """One frame `(h, w, 3)` uint8 with the network's matte `base` `(h, w)` float32, and who was detected in it."""

    frame: np.ndarray
    base: np.ndarray
    people: Sequence[Detection]

    @classmethod
    def look(cls, frame: np.ndarray, base: np.ndarray) -> Scene:
        return cls(frame, base, detect_people(frame))

    @property
    def person(self) -> np.ndarray:
        return self.base > 0.5

    @property
    def long_side(self) -> int:
        return max(self.base.shape)


@dataclass(frozen=True)
class Changes:
    """How a frame's matte is changed, `(h, w)` bool each: `dropped` of it is not wanted, `added` was missed, and in
    `soft` its edge is solved anew."""

    dropped: np.ndarray
    added: np.ndarray
    soft: np.ndarray

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> Changes:
        return cls(np.zeros(shape, bool), np.zeros(shape, bool), np.zeros(shape, bool))


def apply_hints(scene: Scene, hints: Sequence[Hint], before: Changes) -> Changes:
    """`before` with what the hints of this frame say, one after the other: the last word counts."""
    changes = before
    for hint in hints:
        changes = _APPLY[hint.kind](scene, hint, hints, changes)
    return changes


def _soften(scene: Scene, hint: Hint, hints: Sequence[Hint], before: Changes) -> Changes:
    return replace(before, soft=before.soft | mask_of(hint, scene.base.shape))


def _drop(scene: Scene, hint: Hint, hints: Sequence[Hint], before: Changes) -> Changes:
    covered = mask_of(hint, scene.base.shape)
    kept = (scene.person & ~before.dropped) | before.added
    if hint.shape == "box":
        region = covered
    else:
        rivals = marked(hints, "keep", scene.base.shape) & ~covered
        find = whole_object if hint.shape == "point" else painted
        region = find(scene, kept, covered, rivals)
    return replace(before, dropped=before.dropped | (region & _near(scene.person)), added=before.added & ~region)


def _keep(scene: Scene, hint: Hint, hints: Sequence[Hint], before: Changes) -> Changes:
    covered = mask_of(hint, scene.base.shape)
    if hint.shape == "box":
        return _keep_box(scene, hint, hints, before)
    rivals = marked(hints, "drop", scene.base.shape) & ~covered
    dropped, added = before.dropped, before.added
    if (covered & dropped).any():
        find = whole_object if hint.shape == "point" else painted
        dropped = dropped & ~find(scene, dropped, covered & dropped, rivals)
    missed = covered & ~scene.person & ~added
    if missed.sum() > 0.5 * covered.sum():
        find = missed_object if hint.shape == "point" else painted
        added = added | (find(scene, ~scene.person, missed, rivals) & ~scene.person)
    return replace(before, dropped=dropped, added=added)


def _keep_box(scene: Scene, hint: Hint, hints: Sequence[Hint], before: Changes) -> Changes:
    """Only what lies in a box that keeps stays; where the matte has nobody in it, colours say who is there."""
    shape = scene.base.shape
    inside = mask_of(hint, shape)
    anywhere = np.any([mask_of(one, shape) for one in hints if (one.kind, one.shape) == ("keep", "box")], axis=0)
    added = before.added & anywhere
    if (scene.person & inside).sum() < MIN_INSIDE * inside.sum():
        trimap = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
        added = added | (grabcut(scene.frame, trimap, 5) & ~scene.person)
    return replace(before, dropped=(before.dropped & ~inside) | (_near(scene.person) & ~anywhere), added=added)


_APPLY = {"keep": _keep, "drop": _drop, "edge": _soften}


def whole_object(scene: Scene, domain: np.ndarray, place: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """All of the person or thing at `place`, within `domain`: what hangs together, parted where people touch."""
    part = _component(domain, place)
    if not part.any():
        return part
    core, others = _cores(scene, part, place)
    others = (others | (rivals & part)) & ~place
    if not others.any():
        return part
    return _by_colour(scene, _flooded(scene, part, (core | place) & part & ~others, others), core | place, others)


def _flooded(scene: Scene, part: np.ndarray, core: np.ndarray, others: np.ndarray) -> np.ndarray:
    """`part` shared out between its inmost regions, along edges of the picture: CORE, OTHER, OUTSIDE beside it."""
    markers = np.zeros(part.shape, np.int32)
    markers[~part], markers[others], markers[core] = OUTSIDE, OTHER, CORE
    picture = cv2.GaussianBlur(scene.frame, (5, 5), 0)
    picture[~part] = BESIDE  # or the room would flood dark hair before its wearer does
    flooded = cv2.watershed(picture, markers)
    to_core, to_others = (
        cv2.distanceTransform((flooded != label).astype(np.uint8), cv2.DIST_L2, 3) for label in (CORE, OTHER)
    )
    nearer = np.where(to_core <= to_others, CORE, OTHER)  # of what the room flooded nevertheless, and of borders
    return np.where(part, np.where((flooded == CORE) | (flooded == OTHER), flooded, nearer), OUTSIDE)


def _by_colour(scene: Scene, flooded: np.ndarray, core: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Two who touch, parted anew by their colours: what lies before the other belongs to whom it looks like.

    `flooded` `(h, w)` holds CORE, OTHER or OUTSIDE; `core` and `others` are the inmost of both.
    """
    mine, theirs, part = flooded == CORE, flooded == OTHER, flooded != OUTSIDE
    trimap = np.full(part.shape, cv2.GC_BGD, np.uint8)
    trimap[mine], trimap[part & ~mine] = cv2.GC_PR_FGD, cv2.GC_PR_BGD
    trimap[core & mine], trimap[others & theirs] = cv2.GC_FGD, cv2.GC_BGD
    rows, columns = np.nonzero(part)
    # Colours of the room would only confuse: it is painted over with the other's.
    frame = scene.frame.copy()
    frame[~part] = scene.frame[theirs].mean(axis=0) if theirs.any() else 0
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cut = np.zeros(part.shape, bool)
    cut[box] = grabcut(np.ascontiguousarray(frame[box]), trimap[box], 3)
    return without_islands(tidy(cut & part, mine), part)


def without_islands(mine: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """`mine`, a part of `whole`, after small pieces of either side that lie against the other have changed over.

    Colours alone give one person's dark hair to the other; nobody's body comes in such pieces.
    """
    result = mine & whole
    for side, other in ((result, whole & ~result), (whole & ~result, result)):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side.astype(np.uint8), connectivity=8)
        areas = stats[1:, cv2.CC_STAT_AREA]
        for index in (1 + int(small) for small in np.flatnonzero(areas < MAX_ISLAND * areas.max(initial=0))):
            island = labels == index
            around = _dilated(island, 1) & ~island
            if (around & other).sum() > MIN_CONTACT * around.sum():
                result = result ^ island
    return result


def painted(scene: Scene, domain: np.ndarray, seeds: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """What was painted, and what looks like it around there, within `domain`."""
    return _grown(scene, domain, seeds, rivals, STROKE_REACH)


def missed_object(scene: Scene, domain: np.ndarray, place: np.ndarray, rivals: np.ndarray) -> np.ndarray:
    """Whoever is at `place`, where the matte has nobody: around a face that was detected, or else by colour."""
    for detection in scene.people:
        trimap = trimap_prior(place.shape, [detection])
        likely = (trimap == cv2.GC_FGD) | (trimap == cv2.GC_PR_FGD)
        if (likely & place).any():
            trimap[rivals], trimap[place] = cv2.GC_BGD, cv2.GC_FGD
            trimap[~domain & (trimap != cv2.GC_BGD)] = cv2.GC_BGD
            return tidy(grabcut(scene.frame, trimap, 5) & domain, place)
    return _grown(scene, domain, place, rivals, POINT_REACH)


def _grown(scene: Scene, domain: np.ndarray, seeds: np.ndarray, rivals: np.ndarray, reach: float) -> np.ndarray:
    """A graph cut between the colours of `seeds` and of all that lies farther than `reach` of them, or is a rival."""
    around = _dilated(seeds, round(reach * scene.long_side))
    near = around & domain
    bins = colour_bins(scene.frame)
    one = histogram(bins, _dilated(seeds, 2) & domain)
    other = histogram(bins, (domain & ~near) | rivals)
    speaks = evidence(bins, one, other) > 0
    trimap = np.full(domain.shape, cv2.GC_BGD, np.uint8)
    trimap[near], trimap[near & speaks] = cv2.GC_PR_BGD, cv2.GC_PR_FGD
    trimap[rivals], trimap[seeds] = cv2.GC_BGD, cv2.GC_FGD
    rows, columns = np.nonzero(_dilated(around, max(4, round(0.02 * scene.long_side))))
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    cut = np.zeros(domain.shape, bool)
    cut[box] = grabcut(np.ascontiguousarray(scene.frame[box]), trimap[box], 3)
    return tidy((cut & near) | (seeds & domain), seeds)


def _component(domain: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The connected parts of `domain` at `place`, or right beside it."""
    _, labels = cv2.connectedComponents(domain.astype(np.uint8), connectivity=4)
    for touched in (place, _dilated(place, 4)):
        hit = np.unique(labels[touched & domain])
        if len(hit):
            return np.isin(labels, hit[hit > 0])
    return np.zeros_like(domain)


def _cores(scene: Scene, part: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inmost of whoever is at `place`, and that of all others in `part`: by faces, or else by the outline."""
    busts = [_bust(detection, part) for detection in scene.people]
    busts = [bust for bust in busts if bust.any()]
    if len(busts) > 1:
        mine = min(range(len(busts)), key=lambda index: _distance(place, busts[index]))
        others = np.any([bust for index, bust in enumerate(busts) if index != mine], axis=0)
        return busts[mine], others & ~busts[mine]
    depth = cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3)
    for share in CORE_DEPTHS:
        count, labels, stats, _ = cv2.connectedComponentsWithStats((depth > share * depth.max()).astype(np.uint8))
        areas = stats[1:, cv2.CC_STAT_AREA]
        large = [index + 1 for index in range(count - 1) if areas[index] >= MIN_CORE * areas.max()]
        if len(large) > 1:
            mine = min(large, key=lambda index: _distance(place, labels == index))
            return labels == mine, np.isin(labels, [index for index in large if index != mine])
    return np.zeros_like(part), np.zeros_like(part)


def _bust(detection: Detection, part: np.ndarray) -> np.ndarray:
    """Face and trunk of a detected person, as far as they are in `part`."""
    return (trimap_prior(part.shape, [detection]) == cv2.GC_FGD) & part


def _distance(place: np.ndarray, region: np.ndarray) -> float:
    """The least distance in pixels from `place` to `region`."""
    far = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 3)
    return float(far[place].min())


def tidy(region: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """`region` without specks: the parts that touch `seeds` or are a tenth of the largest; small holes are filled."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=8)
    if count < 2:
        return region
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= 0.1 * areas.max()
    keep[np.unique(labels[seeds & region])] = True
    keep[0] = False
    whole = keep[labels]
    _, holes, stats, _ = cv2.connectedComponentsWithStats((~whole).astype(np.uint8), connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] < max(4, 0.004 * areas.max())
    small[0] = False
    return whole | small[holes]


def _near(person: np.ndarray) -> np.ndarray:
    """The person and the soft edge around."""
    return _dilated(person, max(2, round(0.02 * max(person.shape))))


def _dilated(region: np.ndarray, pixels: int) -> np.ndarray:
    size = 2 * pixels + 1
    return cv2.dilate(region.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))) > 0
