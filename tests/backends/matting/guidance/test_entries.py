"""Who walks in is in the matte from the first sleeve on, though the network knew nobody yet; and who walks out to the
last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from backends.matting.guidance import carrying
from backends.matting.guidance.entries import EntryFollower
from backends.matting.video.job import MatteFunction
from evaluation.metrics.matting.masks import region_j
from tests.support.matting import CARD, MakeVideo, RedEngine, finish, pictures_of

WIDTH, HEIGHT, FRAMES = 320, 200, 12
BLIND = 7
"""Frames of which the network says that nobody is there."""

STEP = 16
"""Pixels that somebody gets on with each frame."""


def room(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    green = cv2.resize(rng.integers(60, 190, (6, 9), np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.stack([green // 3, green, green // 2], axis=-1)


def person(picture: np.ndarray, left: int) -> tuple[np.ndarray, np.ndarray]:
    """`picture` with somebody in a red shirt with folds from the column `left` on, and where they are, bool."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.ellipse(mask, (left + 48, HEIGHT), (48, 110), 0, 0, 360, 1, -1)
    cv2.circle(mask, (left + 48, HEIGHT - 128), 28, 1, -1)
    cloth = np.random.default_rng(3).integers(120, 250, (14, 8), np.uint8)
    red = cv2.resize(cloth, (100, HEIGHT), interpolation=cv2.INTER_CUBIC)
    columns = np.clip(np.arange(WIDTH) - left, 0, 99)  # of the cloth, for each column of the picture
    shirt = np.stack([red[:, columns], np.zeros_like(mask), np.zeros_like(mask)], axis=-1)
    return np.where(mask[..., None] > 0, shirt, picture), mask > 0


def walk(step: int = STEP, start: int = WIDTH + 32, seed: int = 1) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Frames and true masks of somebody who walks in from the right, or, with no step, stands there."""
    shown = [person(room(seed), start - step * index) for index in range(FRAMES)]
    return [picture for picture, _ in shown], [mask for _, mask in shown]


def followed(pictures: Sequence[np.ndarray], mattes: Sequence[np.ndarray], held: int = FRAMES) -> list[np.ndarray]:
    """The mattes `(H, W)` bool of all frames as the follower leaves them; they come back once each and in order."""
    follower: EntryFollower[int] = EntryFollower(held)
    frames = [
        frame
        for index, (picture, matte) in enumerate(zip(pictures, mattes, strict=True))
        for frame in follower.push(index, picture, matte.astype(np.float32))
    ] + follower.flush()
    assert [frame.payload for frame in frames] == list(range(len(pictures)))
    return [frame.alpha > 0.5 for frame in frames]


def blind(masks: Sequence[np.ndarray], seen: range) -> list[np.ndarray]:
    """What a network says that sees somebody on some frames alone."""
    return [mask if index in seen else np.zeros_like(mask) for index, mask in enumerate(masks)]


def test_who_walks_in_is_carried_back_to_the_rim() -> None:
    pictures, masks = walk()
    found = followed(pictures, blind(masks, range(BLIND, FRAMES)))
    large = [index for index in range(BLIND) if masks[index].mean() > 0.02]
    assert len(large) >= 3
    for index in large:
        assert region_j(found[index], masks[index]) > 0.85, index
    assert not any(found[index].any() for index in range(BLIND) if not masks[index].any())
    for index in range(BLIND, FRAMES):
        assert np.array_equal(found[index], masks[index])


def test_colours_are_looked_at_only_where_somebody_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[int, ...]] = []
    bins = carrying.colour_bins

    def watched(frame: np.ndarray) -> np.ndarray:
        looked.append(frame.shape)
        return bins(frame)

    monkeypatch.setattr(carrying, "colour_bins", watched)
    pictures, masks = walk(step=0, start=100)
    assert all(np.array_equal(found, mask) for found, mask in zip(followed(pictures, masks), masks, strict=True))
    assert not looked
    pictures, masks = walk()
    followed(pictures, blind(masks, range(BLIND, FRAMES)))
    assert looked == [(HEIGHT, WIDTH, 3)] * len(looked) and 0 < len(looked) <= FRAMES  # of no frame twice


def test_who_walks_out_is_carried_on_to_the_rim() -> None:
    pictures, masks = walk()
    pictures, masks = pictures[::-1], masks[::-1]
    seen = range(FRAMES - BLIND)
    found = followed(pictures, blind(masks, seen))
    for index in range(FRAMES):
        if masks[index].mean() > 0.02:
            assert region_j(found[index], masks[index]) > 0.85, index
        elif not masks[index].any():
            assert not found[index].any(), index


def test_a_part_that_was_missed_of_somebody_who_is_known_is_completed_too() -> None:
    """Of who walks in the network may know the body before it knows the head."""
    pictures, masks = walk()
    mattes = [mask.copy() for mask in masks]
    for mask in mattes[:BLIND]:
        mask[: HEIGHT - 100] = False
    found = followed(pictures, mattes)
    missed = [index for index in range(BLIND) if (masks[index] & ~mattes[index]).mean() > 0.01]
    assert len(missed) >= 2
    for index in missed:
        assert region_j(found[index], masks[index]) > max(0.9, region_j(mattes[index], masks[index])), index


def test_what_stands_still_and_is_seen_late_is_not_carried() -> None:
    """Or else each mistake that a network makes for a moment would last longer."""
    pictures, masks = walk(step=0, start=WIDTH - 90)
    mattes = blind(masks, range(BLIND, FRAMES))
    assert masks[0][:, -1].any()
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(followed(pictures, mattes), mattes, strict=True))


def test_nobody_is_carried_over_a_cut() -> None:
    pictures, masks = walk()
    dark = [255 - cv2.flip(room(2), 1) for _ in range(BLIND)]
    nobody = [np.zeros_like(masks[0])] * BLIND
    found = followed([*dark, *pictures[BLIND:]], [*nobody, *masks[BLIND:]])
    assert not any(mask.any() for mask in found[:BLIND])


def test_no_more_frames_are_completed_than_are_held() -> None:
    pictures, masks = walk()
    found = followed(pictures, blind(masks, range(BLIND, FRAMES)), held=2)
    assert [index for index in range(BLIND) if found[index].any()] == [BLIND - 2, BLIND - 1]
    found = followed(pictures, blind(masks, range(BLIND, FRAMES)), held=0)
    assert not any(mask.any() for mask in found[:BLIND])


class LateEngine(RedEngine):
    """Sees nobody on the first frames of a video."""

    name = "late"

    def begin(self) -> MatteFunction:
        passed = 0

        def mattes(frames: np.ndarray) -> np.ndarray:
            nonlocal passed
            alphas = self.mattes(frames)
            alphas[: max(0, BLIND - passed)] = 0
            passed += len(frames)
            return alphas

        return mattes


@pytest.mark.parametrize("batch", [1, 5])
def test_the_mattes_of_a_run_have_who_walks_in(video: MakeVideo, tmp_path: Path, batch: int) -> None:
    pictures, masks = walk()
    source = video(frames=pictures, options={"crf": "8"})
    engine = LateEngine(CARD)
    engine.pixels_a_call = batch * WIDTH * HEIGHT
    finish(engine.run({"media": source}, {"export": "luma", "temporal": "off"}, tmp_path / "out"))
    for name in ("alpha.mkv", "matte.mkv"):  # the raw matte too: corrections work on it
        found = [picture > 127 for picture in pictures_of(tmp_path / "out" / name, "gray")]
        assert len(found) == FRAMES
        for index in range(FRAMES):
            if masks[index].mean() > 0.02:
                assert region_j(found[index], masks[index]) > 0.8, (name, index)
