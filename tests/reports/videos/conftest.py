"""Videos made for the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.matting import MakeVideo, make_video


@pytest.fixture
def video(tmp_path: Path) -> MakeVideo:
    return make_video(tmp_path)
