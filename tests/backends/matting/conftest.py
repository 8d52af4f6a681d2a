"""Videos and engines made for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.matting import CARD, MakeVideo, RedEngine, make_video


@pytest.fixture
def red_engine() -> RedEngine:
    return RedEngine(CARD)


@pytest.fixture
def video(tmp_path: Path) -> MakeVideo:
    """Writes a video with the properties asked for and gives its path."""
    return make_video(tmp_path)
