"""Videos and engines made for the tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.matting import CARD, MakeVideo, RedEngine, scene, write_video


@pytest.fixture
def red_engine() -> RedEngine:
    return RedEngine(CARD)


@pytest.fixture
def video(tmp_path: Path) -> MakeVideo:
    """Writes a video with the properties asked for and gives its path."""

    def make(name: str = "clip.mp4", frames: Iterable[np.ndarray] | int = 6, **facts: Any) -> Path:
        pictures = [scene(index) for index in range(frames)] if isinstance(frames, int) else list(frames)
        path = tmp_path / name
        write_video(path, pictures, **facts)
        return path

    return make
