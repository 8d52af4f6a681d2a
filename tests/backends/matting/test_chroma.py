"""The keyer: soft edges before an uneven screen, things kept, and a sentence where there is no screen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.matting.engines.chroma_engine import ChromaEngine, estimate_key
from tests.support.matting import CARD, MakeVideo, finish, pictures_of

HEIGHT, WIDTH = 120, 200
SKIN, SHIRT, YELLOW = (222, 168, 138), (140, 60, 64), (230, 200, 60)
SCREENS = {"green": (40, 170, 70), "blue": (40, 70, 190)}


def person(shift: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Somebody with a soft outline and a yellow ball: colours `(H, W, 3)` and alpha `(H, W)`, float32."""
    big = np.zeros((4 * HEIGHT, 4 * WIDTH, 4), np.float32)
    for x, y, radius, colour in ((100, 45, 24, SKIN), (100, 115, 48, SHIRT), (150, 60, 12, YELLOW)):
        cv2.circle(big, (4 * (x + shift), 4 * y), 4 * radius, (*(float(part) for part in colour), 1.0), -1)
    big[..., :3] *= big[..., 3:]
    small = cv2.resize(cv2.GaussianBlur(big, (0, 0), 5), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return small[..., :3], small[..., 3]


def before(screen: str, shift: int = 0) -> np.ndarray:
    """The same before a screen that is lit from the left, with the noise of a camera."""
    colour, alpha = person(shift)
    light = np.linspace(1.15, 0.8, WIDTH, dtype=np.float32)[None, :, None]
    behind = np.array(SCREENS[screen], np.float32) * light
    noise = np.random.default_rng(shift).normal(0, 2.0, colour.shape)
    return np.clip(np.rint(colour + (1 - alpha[..., None]) * behind + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("screen", list(SCREENS))
def test_all_before_the_screen_stays_with_its_soft_edge(screen: str) -> None:
    alpha = person()[1]
    matte = ChromaEngine(CARD).mattes(before(screen)[None])[0]
    assert np.abs(matte - alpha).mean() < 0.02
    assert matte[alpha > 0.99].min() > 0.9 and matte[alpha < 0.01].max() < 0.1
    soft = (alpha > 0.2) & (alpha < 0.8)
    assert np.abs(matte - alpha)[soft].mean() < 0.2


def test_a_video_is_keyed_and_a_cut_to_another_screen_is_noticed(video: MakeVideo, tmp_path: Path) -> None:
    frames = [before("green", 3 * index) for index in range(3)] + [before("blue", 3 * index) for index in range(3)]
    source = video(frames=frames, options={"crf": "8"}, pixels="yuv444p")
    finish(ChromaEngine(CARD).run({"media": source}, {"export": "luma", "temporal": "off"}, tmp_path / "out"))
    for index, matte in enumerate(pictures_of(tmp_path / "out/alpha.mkv", "gray")):
        assert np.abs(matte / 255 - person(3 * (index % 3))[1]).mean() < 0.03


def test_without_a_screen_it_says_so() -> None:
    room = np.random.default_rng(0).integers(90, 150, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    assert estimate_key(room) is None
    with pytest.raises(BadInput, match="no green or blue screen around this picture"):
        ChromaEngine(CARD).mattes(room[None])
    live = ChromaEngine(CARD).begin_live()  # a camera waits for the screen
    assert live(room[None]).min() == 1 and live(before("green")[None])[0][:4].max() < 0.1
