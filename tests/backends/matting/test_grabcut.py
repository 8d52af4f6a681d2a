"""The graph cut between colours, and what it keeps from one frame of a video to the next."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from backends.matting.engines.grabcut import MIN_CONFIDENCE, RELEARN, ColourJudge, Mixtures, decide_by_colour
from evaluation.metrics.matting.masks import region_j
from tests.support.matting import scene

SIZE = {"width": 160, "height": 96}


def disk(index: int) -> np.ndarray:
    """The red disk of `scene`, `(H, W)` bool."""
    picture = scene(index, **SIZE)
    return np.asarray(picture[..., 0] > picture[..., 1])


def doubtful(index: int) -> np.ndarray:
    """A network's answer `(H, W)` that knows the middle of the disk of `scene` and leaves all around it to colours."""
    person = disk(index).astype(np.uint8)
    near = cv2.dilate(person, np.ones((25, 25), np.uint8))
    core = cv2.erode(person, np.ones((9, 9), np.uint8))
    return np.where(core > 0, 1, np.where(near > 0, 0.4, 0)).astype(np.float32)


def test_colours_decide_where_the_network_is_unsure() -> None:
    answer = doubtful(0)
    assert region_j(answer > 0.5, disk(0)) < 0.9
    assert region_j(decide_by_colour(scene(0, **SIZE), answer), disk(0)) > 0.93


def test_colours_are_learned_from_one_frame_and_used_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    learned = []

    def watched(image: np.ndarray, mask: np.ndarray, *rest: Any) -> Any:
        learned.append(rest[-1] == cv2.GC_INIT_WITH_MASK)
        return original(image, mask, *rest)

    original = cv2.grabCut
    monkeypatch.setattr(cv2, "grabCut", watched)
    judge = ColourJudge()
    for index in range(RELEARN + 1):
        assert region_j(judge(scene(index, **SIZE), doubtful(index)), disk(index)) > 0.93
    assert learned == [True, *[False] * (RELEARN - 1), True]


def test_who_comes_in_brings_colours_that_are_learned_at_once() -> None:
    """The arm is red; the rest, a frame later, is nearly as green as the garden. The network knows half of either."""
    picture = np.full((96, 160, 3), 60, np.uint8)
    picture[:, :, 1] = np.random.default_rng(0).integers(90, 130, (96, 160))
    arm, whole = picture.copy(), picture.copy()
    arm[40:56, 20:50] = whole[40:56, 20:50] = (200, 40, 40)
    whole[20:80, 50:100] = (60, 170, 60)
    arm_known, whole_known = np.zeros((2, 96, 160), np.float32)
    arm_known[40:56, 20:50], arm_known[44:52, 24:46] = 0.4, 1
    whole_known[40:56, 20:50], whole_known[20:80, 50:100] = 0.4, 0.4
    whole_known[44:52, 24:46], whole_known[34:66, 60:90] = 1, 1
    judge = ColourJudge()
    assert region_j(judge(arm, arm_known), arm_known > 0) > 0.9
    assert region_j(judge(whole, whole_known), whole_known > 0) > 0.9


def test_mixtures_are_those_of_the_frame_they_were_learned_from() -> None:
    kept = Mixtures()
    decide_by_colour(scene(0, **SIZE), doubtful(0), kept)
    before = kept.person.copy()
    assert kept.learned
    decide_by_colour(255 - scene(0, **SIZE), doubtful(0), kept)
    assert np.array_equal(kept.person, before)


def test_nobody_teaches_no_colours() -> None:
    kept = Mixtures()
    assert not decide_by_colour(scene(0, **SIZE), np.full((96, 160), 1 - MIN_CONFIDENCE, np.float32), kept).any()
    assert not kept.learned
