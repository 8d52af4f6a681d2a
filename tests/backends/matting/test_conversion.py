"""Frames of one video are converted with the same memory and tables, and none of them shows it."""

from __future__ import annotations

import av
import numpy as np
import pytest

from backends.matting.types import Colour
from backends.matting.video.conversion import UPRIGHT, Converter


def grey_frame(luma: int, size: tuple[int, int] = (64, 48)) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for plane, value in zip(frame.planes, (luma, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame


@pytest.mark.parametrize("sizes", [[(64, 48)] * 3, [(64, 48), (32, 24), (64, 48)]])
def test_a_frame_stays_as_it_was_when_the_next_ones_come(sizes: list[tuple[int, int]]) -> None:
    converter = Converter(Colour(matrix=1), (64, 48), UPRIGHT, deep=False)
    lumas = (16, 126, 235)
    pictures = [converter.convert(grey_frame(*given)).rgb for given in zip(lumas, sizes, strict=True)]
    for picture, luma in zip(pictures, lumas, strict=True):
        assert picture.shape == (48, 64, 3)
        assert np.all(picture == round((luma - 16) * 255 / 219))
    assert converter.reshaped == (len(set(sizes)) > 1)
