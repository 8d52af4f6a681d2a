"""A camera's picture with a new background, as a camera of its own that calls can choose.

    with open_camera("0", (640, 480), 30) as camera, open_virtual_camera("", 640, 480, 30) as target:
        for picture in LivePicture(engine, 256, options, background).of(camera):
            target.send(picture)

The camera that calls see is one of the system: on Linux a device of v4l2loopback, on Windows and macOS that of OBS.
Both are reached through pyvirtualcam, which is optional (`requirements-camera.txt`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from backends.core.engine import Engine
from backends.core.errors import BadInput, UserError
from backends.matting.finishing.background import Background
from backends.matting.finishing.finishing import Finisher
from backends.matting.live import LiveMatter
from backends.matting.options import MattingOptions
from backends.matting.types import Frame
from backends.matting.video.exports import COMPOSITE

LIBRARY = "pyvirtualcam"
NO_LIBRARY = (
    "This needs pyvirtualcam, which is not installed: run `pip install -r requirements-camera.txt -c constraints.txt`."
)
NO_DEVICE = (
    "There is no virtual camera on this computer. On Linux, install v4l2loopback and load it with "
    "`sudo modprobe v4l2loopback exclusive_caps=1`; on Windows and macOS, install OBS, which brings one."
)
NO_CAMERA = "The camera “{name}” does not open: it is not there, or another program uses it."
SILENT = "The camera gives no pictures any more: was it unplugged?"


class CameraLost(UserError):
    """A camera is not there, or not any more."""

    code = "camera_lost"


class VirtualCamera(Protocol):
    """What of `pyvirtualcam.Camera` is used."""

    @property
    def device(self) -> str: ...

    def send(self, frame: np.ndarray) -> None: ...

    def sleep_until_next_frame(self) -> None: ...


@contextmanager
def open_camera(name: str, size: tuple[int, int], rate: float) -> Iterator[Iterator[np.ndarray]]:
    """The pictures `(H, W, 3)` uint8 RGB of a camera, as they come; a video file stands in for one, over and over.

    Args:
        name: the number of a camera, its device, or a video file.
        size: width and height that a camera is asked for; it may give others.
        rate: pictures a second that it is asked for.

    Raises:
        CameraLost: it does not open.
    """
    source = int(name) if name.isdecimal() else name
    capture = cv2.VideoCapture(source)
    try:
        for what, value in (
            (cv2.CAP_PROP_FRAME_WIDTH, size[0]), (cv2.CAP_PROP_FRAME_HEIGHT, size[1]), (cv2.CAP_PROP_FPS, rate),
            (cv2.CAP_PROP_BUFFERSIZE, 1),  # a model that is slower than the camera sees the newest picture
        ):  # fmt: skip
            capture.set(what, value)
        if not capture.isOpened():
            raise CameraLost(NO_CAMERA.format(name=name))
        yield _pictures(capture, again=Path(name).is_file())
    finally:
        capture.release()


def _pictures(capture: Any, again: bool) -> Iterator[np.ndarray]:
    """Until the camera ends; a file begins `again`."""
    seen = False
    while True:
        there, picture = capture.read()
        if there:
            seen = True
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        elif again and seen:
            seen = False
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
        else:
            raise CameraLost(SILENT)


@contextmanager
def open_virtual_camera(device: str, width: int, height: int, rate: float) -> Iterator[VirtualCamera]:
    """The camera that calls can choose: `device`, or the first that there is.

    Raises:
        BadInput: the library is not installed.
        CameraLost: there is no such device; the sentence says how to come by one.
    """
    if find_spec(LIBRARY) is None:
        raise BadInput(NO_LIBRARY)
    try:
        camera = import_module(LIBRARY).Camera(width, height, rate, device=device or None)
    except RuntimeError as error:  # which has a line for each kind of device that was tried
        why = " ".join(re.sub(r"\s+", " ", str(error)).split())
        raise CameraLost(f"{NO_DEVICE} ({why})") from error
    with camera:
        yield camera


class LivePicture:
    """Puts a new background behind whoever is before a camera.

    Args:
        engine: a matting engine that follows cameras.
        side: the long side in pixels of the pictures that it looks at.
        options: for the edge and for placing the person.
        background: to lay behind; the caller closes it.
    """

    def __init__(self, engine: Engine, side: int, options: MattingOptions, background: Background) -> None:
        self._engine, self._side = engine, side
        self._matter = LiveMatter()
        self._finisher = Finisher(options, frozenset({COMPOSITE}), background)
        self._began: float | None = None

    def of(self, camera: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """The pictures `(H, W, 3)` uint8 to show, one for each of the camera's."""
        for index, picture in enumerate(camera):
            yield self.render(picture, index, time.monotonic())

    def render(self, picture: np.ndarray, index: int, now: float) -> np.ndarray:
        """One picture; `now` in seconds, on any clock, says how far a background that moves has got."""
        self._began = now if self._began is None else self._began
        scale = min(1.0, self._side / max(picture.shape[:2]))
        size = (max(8, round(picture.shape[1] * scale)), max(8, round(picture.shape[0] * scale)))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        alpha = self._matter.matte(self._engine, small).astype(np.float32) / 255
        full = self._finisher.finish_matte(picture, small, alpha)
        return self._finisher.render(Frame(picture, index, index), full, now - self._began)[COMPOSITE]


def letterboxed(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    """`picture` `(H, W, 3)` whole in `(height, width, 3)`, black beside it: a virtual camera keeps its size.

    >>> letterboxed(np.ones((30, 30, 3), np.uint8), 8, 4)[0, :, 0].tolist()
    [0, 0, 1, 1, 1, 1, 0, 0]
    """
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = (min(width, round(picture.shape[1] * scale)), min(height, round(picture.shape[0] * scale)))
    if picture.shape[:2] == (height, width):
        return picture
    result = np.zeros((height, width, 3), np.uint8)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    result[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=how)
    return result
