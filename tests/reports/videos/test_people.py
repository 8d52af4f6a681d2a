"""Nobody in view, late entry, cuts, moving cameras: what is cut out then, and what is said."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from backends.core.engine import Notice
from backends.matting.base import FACE_LEFT_OUT
from backends.matting.engines import classical
from backends.matting.engines.classical import ClassicalEngine, PersonTracker
from backends.matting.engines.person_detection import Detection
from backends.matting.engines.scene_cuts import is_cut
from backends.matting.video.observations import LEFT_OUT, MOVING_CAMERA, NO_FACE, NOBODY, shows_whole_body
from evaluation.metrics.matting.masks import region_j
from evaluation.synthetic.clip import SampleClip, make_clip
from tests.support.matting import CARD, RedEngine, finish, scene, write_video

SIZE = (256, 144)


@pytest.fixture(scope="module")
def clip() -> SampleClip:
    return make_clip(0.2, *SIZE, 10)


@pytest.fixture(autouse=True)
def hard_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where people are is what counts here; solving for their hair and looking for bodies takes most of the time."""
    monkeypatch.setattr("backends.matting.engines.person_detection._bodies", lambda grey: [])
    monkeypatch.setattr(
        classical, "soft_edge", lambda frame, mask: cv2.resize(mask.astype(np.float32), frame.shape[1::-1])
    )


def garden(clip: SampleClip) -> np.ndarray:
    """The place without the person."""
    return (clip._scenery.at(0.0) * 255).astype(np.uint8)


def wall() -> np.ndarray:
    """Another place: a wall of coloured blocks."""
    blocks = np.random.default_rng(0).integers(0, 255, (9, 16, 3), np.uint8)
    return cv2.resize(blocks, SIZE, interpolation=cv2.INTER_NEAREST)


def behind(clip: SampleClip, background: np.ndarray, right: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The person `right` pixels from their place before `background`, and where they are."""
    shift = np.float32([[1, 0, right], [0, 1, 0]])
    alpha = cv2.warpAffine(clip[0].alpha, shift, SIZE)
    person = cv2.warpAffine(clip[0].foreground, shift, SIZE)
    return (person * alpha[..., None] + background * (1 - alpha[..., None])).astype(np.uint8), alpha > 0.5


@pytest.mark.slow
def test_an_empty_place_gives_an_empty_matte_and_that_is_said(clip: SampleClip, tmp_path: Path) -> None:
    write_video(tmp_path / "empty.mp4", [garden(clip)] * 3)
    engine = ClassicalEngine(CARD)
    result, events = finish(engine.run({"media": tmp_path / "empty.mp4"}, {"export": "luma"}, tmp_path / "out"))
    assert NOBODY in [event.sentence for event in events if isinstance(event, Notice)]
    assert next(item for item in result.artifacts if item.kind == "frames").path.read_text().count(", 0.0]") == 3


@pytest.mark.slow
def test_somebody_who_enters_late_is_found_at_once(clip: SampleClip) -> None:
    tracker = PersonTracker()
    for _ in range(2):
        assert not tracker.matte(garden(clip)).any()
    frame, truth = behind(clip, garden(clip))
    mattes = [tracker.matte(frame) for _ in range(3)]
    assert region_j(mattes[-1] > 0.5, truth) > 0.9


@pytest.mark.slow
def test_an_arm_that_comes_in_after_the_head_belongs_to_the_person(clip: SampleClip) -> None:
    """The empty place was seen before, so that what covers it beside the person is theirs."""
    tracker = PersonTracker()
    for _ in range(5):
        tracker.matte(garden(clip))
    for right in (90, 75, 60, 45, 30, 15, 0):
        frame, truth = behind(clip, garden(clip), right=right)
        matte = tracker.matte(frame)
    assert region_j(matte > 0.5, truth) > 0.93


@pytest.mark.slow
def test_somebody_who_was_there_unseen_is_no_background(clip: SampleClip, monkeypatch: pytest.MonkeyPatch) -> None:
    frame, truth = behind(clip, garden(clip))
    found = classical.detect_people(frame)
    monkeypatch.setattr(classical, "detect_people", lambda picture: [])
    tracker = PersonTracker()
    for _ in range(6):
        assert not tracker.matte(frame).any()
    monkeypatch.setattr(classical, "detect_people", lambda picture: found)
    mattes = [tracker.matte(frame) for _ in range(6)]
    assert region_j(mattes[-1] > 0.5, truth) > 0.9


@pytest.mark.slow
def test_each_scene_begins_anew(clip: SampleClip) -> None:
    tracker = PersonTracker()
    for _ in range(2):
        tracker.matte(behind(clip, garden(clip))[0])
    frame, truth = behind(clip, wall(), right=-60)
    assert region_j(tracker.matte(frame) > 0.5, truth) > 0.6
    assert not tracker.matte(garden(clip)[::-1].copy()).any()


@pytest.mark.slow
def test_the_learned_background_is_forgotten_when_the_person_was_lost(
    clip: SampleClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = PersonTracker(detection_interval=4)  # which follows a camera, too
    frame, truth = behind(clip, garden(clip))
    x, y, w, h = cv2.boundingRect(truth.astype(np.uint8))
    wrong = Detection("face", (2.0, 40.0, 20.0, 20.0))  # such as a print on the wall
    right = classical.detect_people(frame)
    monkeypatch.setattr(classical, "detect_people", lambda picture: [wrong])
    for _ in range(4):
        tracker.matte(frame)
    monkeypatch.setattr(classical, "detect_people", lambda picture: right)
    mattes = [tracker.matte(frame) for _ in range(4)]
    assert region_j(mattes[-1] > 0.5, truth) > 0.85
    head = np.s_[y : y + h // 4, x : x + w]
    assert (mattes[-1][head] > 0.5)[truth[head]].mean() > 0.9


def test_a_camera_is_followed_by_the_same_tracker() -> None:
    assert isinstance(ClassicalEngine(CARD).begin_live().__self__, PersonTracker)  # type: ignore[attr-defined]


@pytest.mark.slow
def test_a_cut_is_told_from_movement_and_from_a_change_of_light(clip: SampleClip) -> None:
    one, other = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (garden(clip), wall()))
    assert is_cut(one, other) and is_cut(other, one)
    assert not is_cut(one, cv2.convertScaleAbs(one, alpha=0.5))
    assert not is_cut(other, np.roll(other, 30, axis=1))
    moved = [cv2.cvtColor(behind(clip, garden(clip), right)[0], cv2.COLOR_RGB2GRAY) for right in (0, 30)]
    assert not is_cut(*moved)


class WatchedRedEngine(RedEngine):
    watches_people = True


def test_what_no_detector_can_make_out_is_said(tmp_path: Path) -> None:
    write_video(tmp_path / "disk.mp4", [scene(0)] * 2)
    engine = WatchedRedEngine(CARD)
    _, events = finish(engine.run({"media": tmp_path / "disk.mp4"}, {"export": "luma"}, tmp_path / "out"))
    assert [event.sentence for event in events if isinstance(event, Notice)] == [NO_FACE]


class LeftHalfEngine(WatchedRedEngine):
    """Cuts out whatever is on the left."""

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        alpha = np.zeros(frames.shape[:3], np.float32)
        alpha[..., : frames.shape[2] // 2] = 1
        return alpha


@pytest.mark.parametrize("people", [1, 2])
def test_a_second_person_who_is_not_cut_out_is_said_to_be_missing(
    clip: SampleClip, tmp_path: Path, people: int
) -> None:
    one = behind(clip, np.full((*SIZE[::-1], 3), 120, np.uint8))[0]
    beside = one if people == 2 else np.full_like(one, 120)
    write_video(tmp_path / "two.mp4", [np.concatenate([one, beside], axis=1)] * 3)
    Image.fromarray(np.concatenate([one, beside], axis=1)).save(tmp_path / "two.png")
    for name, sentence in (("two.mp4", LEFT_OUT), ("two.png", FACE_LEFT_OUT)):
        _, events = finish(LeftHalfEngine(CARD).run({"media": tmp_path / name}, {}, tmp_path / f"out-{name}"))
        said = [event.sentence for event in events if isinstance(event, Notice)]
        assert (sentence in said) is (people == 2)


def test_a_moving_camera_is_said(tmp_path: Path) -> None:
    pictures = []
    for index in range(5):
        picture = np.roll(wall(), 17 * index, axis=1)
        cv2.circle(picture, (128, 72), 30, (250, 10, 10), -1)
        pictures.append(picture)
    write_video(tmp_path / "pan.mp4", pictures)
    _, events = finish(RedEngine(CARD).run({"media": tmp_path / "pan.mp4"}, {"export": "luma"}, tmp_path / "out"))
    assert MOVING_CAMERA in [event.sentence for event in events if isinstance(event, Notice)]


def test_frames_without_anybody_are_counted(tmp_path: Path) -> None:
    without = scene(0)
    without[..., 0] = 0
    write_video(tmp_path / "leaves.mp4", [scene(0)] * 3 + [without] * 4)
    _, events = finish(RedEngine(CARD).run({"media": tmp_path / "leaves.mp4"}, {"export": "luma"}, tmp_path / "out"))
    said = [event.sentence for event in events if isinstance(event, Notice)]
    assert said == ["In 4 of 7 frames no person was found; nearly all of them is see-through."]


def test_a_whole_body_is_told_from_head_and_shoulders() -> None:
    assert shows_whole_body(Detection("face", (100, 20, 20, 20)), 240)
    assert not shows_whole_body(Detection("face", (100, 20, 60, 60)), 240)
    assert shows_whole_body(Detection("body", (100, 20, 60, 180)), 240)
