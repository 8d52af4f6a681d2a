"""A Chromium whose only camera shows one picture for ever."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from evaluation.synthetic.pictures import shots

WIDTH, HEIGHT, RATE = 480, 360, 15


def with_camera(driver: Any, chromium_path: str, flags: Sequence[str], film: Path, rgb: np.ndarray) -> Any:
    """Launch it; `rgb`, `(HEIGHT, WIDTH, 3)` uint8, is written to `film` as the plain file that a fake camera reads."""
    _write_film(film, rgb)
    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    return driver.chromium.launch(
        executable_path=chromium_path, args=[*flags, *camera, f"--use-file-for-fake-video-capture={film}"]
    )


def leaf() -> np.ndarray:
    """A drawn leaf as a camera's picture, `(HEIGHT, WIDTH, 3)` uint8."""
    square = np.asarray(Image.fromarray(shots("leaf", 1, seed=9)[0].rgb).resize((HEIGHT, HEIGHT)))
    side = (WIDTH - HEIGHT) // 2
    return np.pad(square, ((0, 0), (side, side), (0, 0)), mode="edge")


def _write_film(path: Path, rgb: np.ndarray) -> None:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format="yuv420p", dst_colorspace=5, dst_color_range=1
    )
    planes = [
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width].tobytes()
        for plane in frame.planes
    ]
    head = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + RATE * (b"FRAME\n" + b"".join(planes)))
