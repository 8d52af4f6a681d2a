"""Faces and bodies by networks over a grid of anchors; with the published weights where they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backends.matting.cards import DETECTORS
from backends.matting.engines import lite_detection, person_detection
from backends.matting.engines.lite_detection import FACE_STRIDES, AnchorDetector, body_box, detectors
from backends.matting.engines.person_detection import Detection, detect_people
from evaluation.synthetic.clip import make_clip
from tests.support import packaged


class BrightSpot:
    """Stands in for a network: it is sure of the anchor where the picture is brightest, and half sure of the next."""

    input_shape = (1, 192, 192, 3)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        cells = cv2.resize(picture[0].mean(axis=2), (48, 48), interpolation=cv2.INTER_AREA).ravel()
        logits, places = np.full((1, 2304, 1), -9, np.float32), np.zeros((1, 2304, 6), np.float32)
        best = int(cells.argmax())
        logits[0, best], logits[0, best + 1] = 9, 1
        places[..., 2:4], places[..., 4:] = (24, 24), (0, -6)  # the size, and one landmark above the middle
        return {"places": places, "logits": logits}


@pytest.mark.parametrize(("height", "width"), [(360, 640), (640, 360), (96, 96)])
def test_a_box_lies_where_the_network_saw_it_whatever_the_shape(
    monkeypatch: pytest.MonkeyPatch, height: int, width: int
) -> None:
    monkeypatch.setattr(lite_detection, "LiteNetwork", BrightSpot)
    frame = np.zeros((height, width, 3), np.uint8)
    x, y, scale = 0.7 * width, 0.3 * height, max(height, width) / 192
    cv2.circle(frame, (round(x), round(y)), round(4 * scale), (255, 255, 255), -1)
    (found,) = AnchorDetector(Path("face"), FACE_STRIDES, 0.6).find(frame)  # its neighbour is of the same face
    left, top, w, h = found.box
    assert (left + w / 2, top + h / 2) == pytest.approx((x, y), abs=4 * scale)
    assert (w, h) == pytest.approx((24 * scale, 24 * scale))
    assert found.landmarks[0] - (left + w / 2, top + h / 2) == pytest.approx((0, -6 * scale), abs=0.1)


def test_a_body_that_lies_down_has_a_wide_box() -> None:
    assert body_box(np.array([[50.0, 60.0], [90.0, 60.0]])) == pytest.approx((10, 40, 80, 40))


def test_without_their_weights_there_are_no_detectors() -> None:
    assert detectors() is None


def test_a_face_goes_before_a_body(monkeypatch: pytest.MonkeyPatch) -> None:
    class Both:
        faces = staticmethod(lambda frame: [(1.0, 2.0, 3.0, 3.0)] if frame.any() else [])
        bodies = staticmethod(lambda frame: [(0.0, 0.0, 4.0, 9.0)])

    monkeypatch.setattr(person_detection, "detectors", Both)
    assert detect_people(np.ones((8, 8, 3), np.uint8)) == [Detection("face", (1.0, 2.0, 3.0, 3.0))]
    assert detect_people(np.zeros((8, 8, 3), np.uint8)) == [Detection("body", (0.0, 0.0, 4.0, 9.0))]


@pytest.mark.slow
def test_the_published_networks_find_the_sample_face_and_nobody_in_a_garden(monkeypatch: pytest.MonkeyPatch) -> None:
    packaged.packaged_files(DETECTORS)
    monkeypatch.setenv("FOURFOLD_WEIGHTS", str(packaged.ROOT))
    clip = make_clip(0.1)
    (face,) = detect_people(clip[0].rgb)
    x, y = (round(side) for side in face.centre)
    assert face.kind == "face" and clip[0].alpha[y, x] == 1
    small = cv2.resize(clip[0].rgb, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    far = cv2.copyMakeBorder(small, 150, 120, 240, 240, cv2.BORDER_REFLECT)
    assert [found.kind for found in detect_people(far)] == ["face"], "a face of a thirtieth of the picture's width"
    garden = (clip._scenery.at(0.0) * 255).astype(np.uint8)
    assert detect_people(garden) == []
