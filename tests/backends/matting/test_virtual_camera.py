"""A camera with a new background for calls: what is behind the person, its size, and what is said where it fails."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from backends.cli import live_camera, main
from backends.matting.finishing.background import open_background
from backends.matting.options import MattingOptions
from backends.matting.virtual_camera import LIBRARY, LivePicture, letterboxed, open_camera
from tests.support.matting import CARD, MakeVideo, RedEngine, scene, truth

WIDTH, HEIGHT = 96, 64
BLUE = np.array([0x00, 0x47, 0xBB])


class StandIn:
    """What stands in for a device: it keeps what it is sent, and is interrupted after some pictures."""

    pictures = 8
    made: list[StandIn]

    def __init__(self, width: int, height: int, fps: float, *, device: str | None = None) -> None:
        if device == "/dev/video99":
            raise RuntimeError("'v4l2loopback' backend: device /dev/video99\n  does not exist")
        self.size, self.device, self.sent, self.closed = (height, width), device or "/dev/video7", [], False
        self.sent: list[np.ndarray] = []
        StandIn.made.append(self)

    def __enter__(self) -> StandIn:
        return self

    def __exit__(self, *reason: object) -> None:
        self.closed = True

    def send(self, frame: np.ndarray) -> None:
        assert frame.shape == (*self.size, 3) and frame.dtype == np.uint8
        self.sent.append(frame.copy())

    def sleep_until_next_frame(self) -> None:
        if len(self.sent) >= self.pictures:
            raise KeyboardInterrupt


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    module = ModuleType(LIBRARY)
    module.__spec__ = ModuleSpec(LIBRARY, None)
    module.Camera = StandIn  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, LIBRARY, module)
    monkeypatch.setattr(live_camera, "_engine", lambda weights: RedEngine(CARD))
    StandIn.made = []
    return StandIn


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["live-camera", *words])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_person_stays_and_the_rest_is_the_new_background() -> None:
    shown = LivePicture(RedEngine(CARD), 96, MattingOptions.read({}), open_background("blue", None))
    for index, picture in enumerate(shown.of(scene(index, WIDTH, HEIGHT) for index in range(3))):
        inside = truth(index, WIDTH, HEIGHT)
        change = np.abs(picture[inside].astype(int) - scene(index, WIDTH, HEIGHT)[inside])
        assert np.quantile(change, 0.9) <= 3  # at the edge that moves, the matte is held steady for a moment
        assert np.abs(picture[:, -20:].reshape(-1, 3).astype(int) - BLUE).max() <= 2


def test_calls_get_the_pictures_at_the_size_that_was_asked_for(
    stand_in: type[StandIn], video: MakeVideo, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = video(frames=3, options={"crf": "8"})  # fewer than are sent: it begins again
    code, out, err = run(capsys, "--camera", str(clip), "--background", "blue", "--size", "128x64", "--side", "96")
    (device,) = stand_in.made
    assert code == 130 and "Stopped." in err and "Choose the camera /dev/video7" in out
    assert len(device.sent) == StandIn.pictures and device.closed
    for index, picture in enumerate(device.sent):
        assert not picture[:, :16].any() and not picture[:, -16:].any()  # 96 of the 128 columns are the camera's
        shown = picture[:, 16:-16].astype(int)
        inside = truth(index % 3, WIDTH, HEIGHT)
        assert np.median(np.abs(shown[inside] - (220, 20, 30))) < 12
        assert np.abs(shown[:, -12:] - BLUE).max() <= 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "/dev/video99"], "There is no virtual camera on this computer. On Linux, install v4l2loopback"),
        (["--camera", "/dev/nothing-here"], "The camera “/dev/nothing-here” does not open"),
        (["--background", "no-such.jpg"], "“no-such.jpg” is no background"),
        (["--fps", "0"], "Give --fps from 1 to 120"),
    ],
)
def test_what_is_missing_is_one_sentence(
    stand_in: type[StandIn], capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = run(capsys, *words)
    assert code == 2 and not out and err.startswith(said) and len(err.splitlines()) == 1
    assert all(device.closed for device in stand_in.made)


def test_without_the_library_the_way_to_it_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, LIBRARY, None)
    monkeypatch.setattr("backends.matting.virtual_camera.find_spec", lambda name: None)
    code, _, err = run(capsys)
    assert code == 2 and "pip install -r requirements-camera.txt" in err
    root = Path(__file__).parents[3]
    assert LIBRARY in (root / "requirements-camera.txt").read_text()


def test_a_camera_that_ends_is_said(video: MakeVideo, tmp_path: Path) -> None:
    from backends.matting.virtual_camera import CameraLost

    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"no film")
    with pytest.raises(CameraLost), open_camera(str(empty), (WIDTH, HEIGHT), 30) as pictures:
        next(pictures)


@pytest.mark.parametrize(("width", "height"), [(640, 480), (320, 100), (100, 320)])
def test_nothing_of_a_picture_is_cut_off(width: int, height: int) -> None:
    picture: Any = np.full((90, 160, 3), 255, np.uint8)
    rows, columns = np.nonzero(letterboxed(picture, width, height)[..., 0])
    shown = (int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    assert abs(shown[0] / shown[1] - 160 / 90) < 0.1
    assert shown[0] == width or shown[1] == height


def test_the_best_model_that_follows_cameras_is_taken() -> None:
    from backends.core.task import task_named
    from backends.matting.live import follows_cameras

    follows = {card.id: follows_cameras(card) for card in task_named("matting").cards}
    assert follows["classical"] and any(follows.values())
