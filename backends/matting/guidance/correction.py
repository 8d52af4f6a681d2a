"""The correction of a whole video: each scene with a hint is worked out anew, all others stay as they are.

In a scene every hinted frame is a memory. Before the first one its changes are carried backwards, after the last one
forwards, and between two of them from both, where the nearer and the surer one counts more. What it holds in memory
does not grow with the video; what it works out goes to disk.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from backends.core.engine import Progress
from backends.core.errors import BadInput
from backends.matting.engines.scene_cuts import is_cut
from backends.matting.finishing.matte_store import to_uint8
from backends.matting.guidance.blending import blend
from backends.matting.guidance.carrying import UNSURE, Carried, Carrier, Look, carrying_size
from backends.matting.guidance.drawing import mask_of
from backends.matting.guidance.footage import Footage, Shot
from backends.matting.guidance.hints import Hint, about
from backends.matting.guidance.matte_file import PlaneFile
from backends.matting.guidance.regions import Changes, Scene, apply_hints

STAGE, SCENES_STAGE = "Carrying your corrections", "Finding the scenes"

BEYOND = (
    "A hint is on frame {frame}, but this part of the video has {count} frames, counted from 0: choose another one."
)
NOTHING_THERE = "A correction {where} changed nothing: there was nothing to {verb} where it points."
PLANES = 3
"""Pictures that hold the changes of a frame."""

OUTSIDE = "Outside the part that was worked on, and left out: {count} of your corrections."
EARLY = 0.002
"""Seconds by which a frame may be shown before the moment that a hint names: times are rounded."""


@dataclass(frozen=True)
class HintedScene:
    """The frames of one scene, and the hints on some of them by frame."""

    frames: range
    hints: Mapping[int, Sequence[Hint]]


@dataclass
class Correction:
    """Corrects the raw mattes of one video by hints; `events` does the work, then `alpha` answers.

    `sureness` holds, by frame, how sure each carried change is, from 0 to 1; frames of other scenes are not in it.
    """

    footage: Footage
    hints: Sequence[Hint]
    folder: Path
    person: int = 0
    scenes: list[HintedScene] = field(default_factory=list)
    sureness: dict[int, float] = field(default_factory=dict)
    without_effect: list[Hint] = field(default_factory=list)
    outside: list[Hint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hints = about(self.hints, self.person)
        height, width = self.footage.size
        self._carry_size = carrying_size(height, width)[::-1]
        self._alphas = PlaneFile(self.folder / "corrected.tmp", self.footage.size)
        self._changes = PlaneFile(self.folder / "changes.tmp", self._carry_size, PLANES)

    def alpha(self, index: int) -> np.ndarray | None:
        """The corrected matte `(h, w)` float32 of a frame; None where its scene has no hint."""
        return self._alphas.read(index)[0].astype(np.float32) / 255 if index in self._alphas else None

    def sureness_at(self, index: int) -> float:
        """How sure the corrections on a frame are, 0 to 1; 1 where there are none."""
        return self.sureness.get(index, 1.0)

    def events(self) -> Iterator[Progress]:
        """Do the work. Raises BadInput where a hint is on no frame of this part."""
        yield from self._find_scenes()
        total, done = sum(len(scene.frames) for scene in self.scenes), 0
        for scene in self.scenes:
            for _ in self._correct(scene):
                done += 1
                yield Progress(STAGE, min(done, total), total, "frames")

    def close(self) -> None:
        self._alphas.close()
        self._changes.close()

    # ---- where the hints are ----

    def _find_scenes(self) -> Iterator[Progress]:
        """Fill `scenes`: read on until the scene of the last hint has ended."""
        before: np.ndarray | None = None
        begin = count = 0
        here: dict[int, list[Hint]] = {}
        waiting = list(self.hints)
        for index, seconds, guide in self.footage.guides():
            grey = cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY)
            if before is not None and is_cut(before, grey):
                self._close_scene(range(begin, index), here)
                begin, here = index, {}
                if not waiting:
                    return
            before, count = grey, index + 1
            due = [hint for hint in waiting if _is_due(hint, index, float(seconds))]
            waiting = [hint for hint in waiting if hint not in due]
            if index == 0:  # earlier than the part that is worked on
                self.outside = [hint for hint in due if hint.seconds is not None and hint.seconds < seconds - EARLY]
                due = [hint for hint in due if hint not in self.outside]
            if due:
                here[index] = due
            yield Progress(SCENES_STAGE, count, max(count, self.footage.expected), "frames")
        self._close_scene(range(begin, count), here)
        for hint in waiting:
            if hint.frame is not None:
                raise BadInput(BEYOND.format(frame=hint.frame, count=count))
        self.outside += waiting

    def _close_scene(self, frames: range, hints: Mapping[int, Sequence[Hint]]) -> None:
        if hints:
            self.scenes.append(HintedScene(frames, dict(hints)))

    # ---- one scene ----

    def _correct(self, scene: HintedScene) -> Iterator[None]:
        """Work out all frames of a scene; yields once a frame at least."""
        memories = sorted(scene.hints)
        carrier = yield from self._first_memory(scene, memories[0])
        for before, after in pairwise(memories):
            carrier = yield from self._between(scene, carrier, before, after)
        for shot in self.footage.forwards(range(memories[-1] + 1, scene.frames.stop)):
            self._store(shot, carrier.step(Look.of(shot.guide, shot.base)))
            yield

    def _first_memory(self, scene: HintedScene, first: int) -> Generator[None, None, Carrier]:
        """The first hinted frame, and all before it; returns a carrier that goes on from there."""
        (shot,) = self.footage.forwards(range(first, first + 1))
        carrier = self._at_memory(shot, scene.hints[first], Changes.none(self._carry_size))
        yield
        back = Carrier(carrier.look, carrier.changes)
        for earlier in self.footage.backwards(range(scene.frames.start, first)):
            self._store(earlier, back.step(Look.of(earlier.guide, earlier.base)))
            yield
        return carrier

    def _between(self, scene: HintedScene, carrier: Carrier, before: int, after: int) -> Generator[None, None, Carrier]:
        """The frames between two hinted ones, and the later one; returns a carrier that goes on from there."""
        between = range(before + 1, after)
        forth: dict[int, float] = {}
        for shot in self.footage.forwards(between):
            carried = carrier.step(Look.of(shot.guide, shot.base))
            self._changes.write(shot.index, _planes(carried.changes))
            forth[shot.index] = carried.sure
            yield
        (shot,) = self.footage.forwards(range(after, after + 1))
        reached = carrier.step(Look.of(shot.guide, shot.base)).changes
        following = self._at_memory(shot, scene.hints[after], reached)
        back = Carrier(following.look, following.changes)
        for shot in self.footage.backwards(between):
            later = back.step(Look.of(shot.guide, shot.base))
            sooner = Carried(_from_planes(self._changes.read(shot.index)), forth.pop(shot.index))
            part = (shot.index - before) / (after - before)
            self._store(shot, _met(sooner, later, part))
        yield
        return following

    def _at_memory(self, shot: Shot, hints: Sequence[Hint], before: Changes) -> Carrier:
        """What the hints of a frame make of it."""
        look = Look.of(shot.guide, shot.base)
        scene = Scene.look(look.frame, look.base)
        changes = before
        for end in range(1, len(hints) + 1):
            after = apply_hints(scene, hints[:end], before)
            if _same(changes, after) and not _agrees(look, after, hints[end - 1]):
                self.without_effect.append(hints[end - 1])
            changes = after
        self._store(shot, Carried(changes))
        return Carrier(look, changes)

    def _store(self, shot: Shot, carried: Carried) -> None:
        self._alphas.write(shot.index, [to_uint8(blend(shot.guide, shot.base, carried.changes))])
        self.sureness[shot.index] = carried.sure

    # ---- what is to be said ----

    def sentences(self) -> Iterator[str]:
        """What could not be done, for people."""
        for hint in self.without_effect:
            where = f"on frame {hint.frame + 1}" if hint.frame is not None else f"at {hint.seconds:.2f} s"
            yield NOTHING_THERE.format(where=where, verb="take away" if hint.kind == "drop" else "keep")
        if self.outside:
            yield OUTSIDE.format(count=len(self.outside))
        unsure = sorted(index for index, sure in self.sureness.items() if sure < UNSURE)
        if unsure:
            yield (
                f"Your corrections could not be carried surely through {len(unsure)} of {len(self.sureness)} frames, "
                f"from frame {unsure[0] + 1} on: they are marked below. Correct one of them."
            )


def _is_due(hint: Hint, index: int, seconds: float) -> bool:
    """Whether a frame is the one that a hint means, or, by its time, lies after it."""
    if hint.seconds is not None:
        return hint.seconds <= seconds + EARLY
    return hint.frame == index


def _met(sooner: Carried, later: Carried, part: float) -> Carried:
    """Changes carried from both sides, `part` of the way from the one to the other."""
    weights = ((1 - part) * (0.05 + sooner.sure), part * (0.05 + later.sure))
    share = weights[1] / sum(weights)
    met = (1 - share) * _planes(sooner.changes) + share * _planes(later.changes)
    return Carried(_from_planes(met), max(sooner.sure, later.sure))


def _planes(changes: Changes) -> np.ndarray:
    """`(PLANES, h, w)` uint8, 0 and 1."""
    return np.stack([changes.dropped, changes.added, changes.soft]).astype(np.uint8)


def _from_planes(planes: np.ndarray) -> Changes:
    return Changes(*(plane > 0.5 for plane in planes))


def _same(one: Changes, other: Changes) -> bool:
    return np.array_equal(_planes(one), _planes(other))


def _agrees(look: Look, changes: Changes, hint: Hint) -> bool:
    """Whether a hint says what is so already: then it needs no effect."""
    covered = mask_of(hint, look.base.shape)
    if hint.kind == "edge":
        return True
    kept = (look.person & ~changes.dropped) | changes.added
    return bool((kept if hint.kind == "keep" else changes.dropped)[covered].any())
