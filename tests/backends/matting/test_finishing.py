"""Small pictures of a job that is under way."""

from __future__ import annotations

import cv2
import numpy as np

from backends.matting.finishing.finishing import PREVIEW_SIDE, preview
from evaluation.synthetic.clip import make_clip


def test_a_preview_shows_the_person_and_nothing_else_in_a_small_file() -> None:
    drawn = make_clip(1, 960, 540)[0]
    data = preview(drawn.rgb, drawn.alpha)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    shown = cv2.cvtColor(decoded, cv2.COLOR_BGRA2RGBA)
    assert shown.shape == (PREVIEW_SIDE * 540 // 960, PREVIEW_SIDE, 4)
    wanted = cv2.resize(np.dstack([drawn.rgb, np.rint(255 * drawn.alpha).astype(np.uint8)]), shown.shape[1::-1])
    person = wanted[..., 3] == 255
    error = np.abs(shown.astype(float) - wanted)
    assert error[person][:, :3].mean() < 6 and error[..., 3].mean() < 2
    assert len(data) < 0.15 * shown.size
