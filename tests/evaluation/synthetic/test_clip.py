"""The sample clip: a person with soft hair whose alpha, foreground and picture belong together."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from evaluation.synthetic.clip import SampleClip, make_clip, write_clip


@pytest.fixture(scope="module")
def clip() -> SampleClip:
    return make_clip(seconds=1.0, width=240, height=136, rate=10)


def test_the_picture_is_the_foreground_over_a_background_that_can_be_seen(clip: SampleClip) -> None:
    first = clip[0]
    inside, outside = first.alpha == 1, first.alpha == 0
    assert 0.15 < inside.mean() < 0.6 and outside.mean() > 0.3
    assert np.array_equal(first.rgb[inside], first.foreground[inside])
    assert (first.foreground[outside] == 0).all()
    soft = ~inside & ~outside
    # Between the two every pixel lies between its foreground and some background in 0..255.
    least = first.alpha[soft][:, None] * first.foreground[soft].astype(float)
    assert (first.rgb[soft] >= least - 1.5).all()
    assert (first.rgb[soft] <= least + 255 * (1 - first.alpha[soft][:, None]) + 1.5).all()


def test_hair_makes_a_soft_edge_at_the_head_and_cloth_a_hard_one(clip: SampleClip) -> None:
    alpha = clip[0].alpha
    soft = (alpha > 0.05) & (alpha < 0.95)
    top, bottom = soft[: len(soft) // 2], soft[len(soft) * 3 // 4 :]
    assert top.sum() > 3 * bottom.sum()


@pytest.mark.slow
def test_the_person_moves_and_the_background_too(clip: SampleClip) -> None:
    first, later = clip[0], clip[4]
    assert np.abs(first.alpha - later.alpha).mean() > 0.01
    both_outside = (first.alpha == 0) & (later.alpha == 0)
    assert np.abs(first.rgb.astype(int) - later.rgb)[both_outside].mean() > 0.5


def test_the_background_is_busy_enough_to_be_a_task(clip: SampleClip) -> None:
    first = clip[0]
    grey = cv2.cvtColor(first.rgb, cv2.COLOR_RGB2GRAY)
    assert grey[first.alpha == 0].std() > 20


@pytest.mark.slow
def test_a_face_can_be_found_in_it() -> None:
    clip = make_clip(seconds=0.1)
    finder = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    faces = finder.detectMultiScale(cv2.cvtColor(clip[0].rgb, cv2.COLOR_RGB2GRAY), 1.1, 3, minSize=(60, 60))
    assert len(faces) == 1
    x, y, width, height = faces[0]
    assert clip[0].alpha[y : y + height, x : x + width].mean() > 0.9


@pytest.mark.slow
def test_the_same_arguments_give_the_same_pixels() -> None:
    first, second = (make_clip(0.2, 96, 64, 10, seed=3) for _ in range(2))
    assert np.array_equal(first[1].rgb, second[1].rgb) and np.array_equal(first[1].alpha, second[1].alpha)
    assert not np.array_equal(first[1].rgb, make_clip(0.2, 96, 64, 10, seed=4)[1].rgb)


def test_length_and_bounds(clip: SampleClip) -> None:
    assert len(clip) == 10
    with pytest.raises(IndexError):
        clip[10]
    with pytest.raises(ValueError, match="64"):
        make_clip(1, 32, 32)


@pytest.mark.slow
def test_written_files_hold_the_clip(tmp_path: Path) -> None:
    clip = make_clip(0.4, 128, 96, 10)
    write_clip(clip, tmp_path / "clip.mp4", tmp_path / "alpha.mkv")
    with av.open(str(tmp_path / "clip.mp4")) as video, av.open(str(tmp_path / "alpha.mkv")) as truth:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        mattes = [frame.to_ndarray(format="gray") for frame in truth.decode(video=0)]
    assert len(pictures) == len(mattes) == 4
    for index in range(4):
        assert np.array_equal(mattes[index], np.rint(clip[index].alpha * 255).astype(np.uint8))
        assert np.abs(pictures[index].astype(int) - clip[index].rgb).mean() < 4
