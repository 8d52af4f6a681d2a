"""A part of a proxy that fits into a given number of bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

TRIES: Sequence[tuple[int, float]] = ((26, 1.0), (30, 0.5), (33, 0.25), (36, 0.12))
"""Quality (CRF of x264, higher is smaller) and the share of the clip that is tried, until it fits."""

LEAST_FRAMES = 12


def around(proxy: Path, frame: int, frames: int, budget: int) -> tuple[int, int, bytes]:
    """Frames around one, encoded again so that they fit.

    Args:
        proxy: a video with the source above its matte.
        frame: the index that has to be in it.
        frames: how many there are.
        budget: bytes.

    Returns:
        The index of the first frame, how many there are, and the MP4. The last try stands, whatever its size.
    """
    made = b""
    for crf, share in TRIES:
        count = max(min(LEAST_FRAMES, frames), round(frames * share))
        first = min(max(0, frame - count // 2), frames - count)
        made = _encode(proxy, first, count, crf)
        if len(made) <= budget:
            break
    return first, count, made


def _encode(proxy: Path, first: int, count: int, crf: int) -> bytes:
    target = io.BytesIO()
    with av.open(str(proxy)) as source, av.open(target, "w", format="mp4", options={"movflags": "faststart"}) as out:
        stream = source.streams.video[0]
        made = out.add_stream("libx264", rate=stream.average_rate or Fraction(25))
        made.width, made.height, made.pix_fmt = stream.width, stream.height, "yuv420p"
        # As in the proxy itself: short groups without reordering, so that a browser seeks to any frame at once.
        made.options = {"crf": str(crf), "preset": "veryfast", "g": "12", "bf": "0"}
        made.time_base = stream.time_base
        start = None
        for index, frame in enumerate(source.decode(stream)):
            if index < first:
                continue
            if index >= first + count:
                break
            shown = frame.pts or 0
            start = shown if start is None else start
            frame.pts, frame.time_base = shown - start, stream.time_base
            frame.pict_type = av.video.frame.PictureType.NONE
            out.mux(made.encode(frame))
        out.mux(made.encode(None))
    return target.getvalue()


def smaller_picture(proxy: Path, budget: int) -> bytes:
    """A proxy of a picture, scaled down until it fits."""
    with Image.open(proxy) as picture:
        half = np.asarray(picture.convert("RGB"))
    scale, made = 1.0, b""
    while scale > 0.15:
        height = max(2, round(half.shape[0] // 2 * scale)) * 2
        size = (max(2, round(half.shape[1] * scale)), height)
        target = io.BytesIO()
        Image.fromarray(half).resize(size, Image.Resampling.BOX).save(target, "WEBP", quality=82)
        made = target.getvalue()
        if len(made) <= budget:
            break
        scale *= 0.7
    return made
