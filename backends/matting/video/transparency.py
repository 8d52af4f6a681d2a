"""The source's own transparency: one frame of it is remembered, and looked for in the written files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import cv2
import numpy as np

from backends.matting.types import Frame, PreservationCheck
from backends.matting.video.animation import open_output_frames
from backends.matting.video.exports import COMPOSITE, MATTE
from backends.matting.video.writers import VideoWriter, Writer

OPAQUE = 0.1
"""Alpha that codecs with loss leave where nothing should be, at most."""

MARGIN = 7
"""Pixels along the border of the see-through part that are not looked at."""


@dataclass(frozen=True)
class SeeThrough:
    """Frame `index` of the output is wholly see-through in `mask` `(H, W)` bool, by the source's own alpha."""

    index: int
    mask: np.ndarray

    @classmethod
    def of(cls, frame: Frame) -> SeeThrough | None:
        """What a frame shows of the source's transparency; None where no part is wholly see-through."""
        if frame.alpha is None:
            return None
        mask = cv2.erode((frame.alpha == 0).astype(np.uint8), np.ones((MARGIN, MARGIN), np.uint8)) > 0
        return cls(frame.index, mask) if mask.any() else None


def check_transparency(see_through: SeeThrough, writer: Writer) -> Iterator[PreservationCheck]:
    """The line on the source's own transparency."""
    if writer.export.content == COMPOSITE:
        sentence = "What was see-through in the source shows the new background."
        yield PreservationCheck("transparency", "changed", sentence)
        return
    alpha = _written_alpha(see_through.index, writer)
    mask = cv2.resize(see_through.mask.astype(np.uint8), alpha.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    if float(alpha[mask].mean()) < OPAQUE:
        yield PreservationCheck("transparency", "kept", "What was see-through in the source still is.")
    else:
        sentence = "Parts that are see-through in the source can be seen: cover them in your editor."
        yield PreservationCheck("transparency", "changed", sentence)


def _written_alpha(index: int, writer: Writer) -> np.ndarray:
    """Alpha `(H, W)` float32 in 0..1 of frame `index` of the written file."""
    if not isinstance(writer, VideoWriter):
        with zipfile.ZipFile(writer.path) as archive:
            data = np.frombuffer(archive.read(f"{index:06d}.png"), np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
        assert picture is not None
        return picture[..., 3].astype(np.float32) / (65535 if picture.dtype == np.uint16 else 255)
    with closing(open_output_frames(writer.path)) as reader:
        frame = reader.read()
        while frame is not None and frame.index < index:
            frame = reader.read()
        assert frame is not None
        if writer.export.content == MATTE:
            return frame.rgb[..., 0].astype(np.float32) / 255
        return np.ones(frame.rgb.shape[:2], np.float32) if frame.alpha is None else frame.alpha
