"""Small pictures that stand for a result in a list: waveforms, a cut-out, a fold, answers. Each is WebP, 16:9."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw

SIZE = (320, 180)
"""Width and height in pixels."""

BACK = "#141a21"
CHECKS = ("#d9dde2", "#b5bbc2")
OVERSAMPLE = 2
"""Drawn this much larger and scaled down, as PIL's lines have no smooth edges."""


def waveforms(lanes: Mapping[str, np.ndarray], colours: Mapping[str, str]) -> bytes:
    """One lane of sound below the other.

    Args:
        lanes: lowest and highest sample of each column, `(N, 2)` in full-scale units, by name.
        colours: of the lanes by name, as `#rrggbb`.
    """
    canvas, draw = _canvas()
    width, height = canvas.size
    band = height / max(1, len(lanes))
    for place, (name, peaks) in enumerate(lanes.items()):
        middle, loudest = band * (place + 0.5), float(np.abs(peaks).max(initial=1e-3))
        columns = np.array_split(peaks, min(width // 4, len(peaks))) if len(peaks) else []
        step = width / max(1, len(columns))
        for column, part in enumerate(columns):
            low, high = part[:, 0].min() / loudest, part[:, 1].max() / loudest
            x, reach = column * step, 0.46 * band
            draw.rectangle((x, middle - reach * high - 1, x + step * 0.62, middle - reach * low + 1), colours[name])
    return _webp(canvas)


def cutout(rgb: np.ndarray, alpha: np.ndarray) -> bytes:
    """A person over a checkerboard: `rgb` `(H, W, 3)` and `alpha` `(H, W)`, both uint8."""
    height, width = alpha.shape
    cells = (np.indices((height, width)) // max(4, width // 24)).sum(0) % 2
    checks = np.array([_rgb(colour) for colour in CHECKS], np.float32)[cells]
    weight = alpha[..., None].astype(np.float32) / 255
    mixed = rgb.astype(np.float32) * weight + checks * (1 - weight)
    return _webp(_filled(Image.fromarray(np.rint(mixed).astype(np.uint8))))


def trace(points: np.ndarray, colours: Sequence[str]) -> bytes:
    """The line through the Cα atoms, seen along the axis in which they spread least.

    Args:
        points: `(L, 3)` in Å; a row of NaN is a gap.
        colours: `(L,)` as `#rrggbb`.
    """
    canvas, draw = _canvas()
    known = points[np.isfinite(points).all(1)]
    if len(known) < 2:
        return _webp(canvas)
    centred = points - known.mean(0)
    # The right singular vectors are the principal axes, the widest first.
    axes = np.linalg.svd(known - known.mean(0), full_matrices=False)[2]
    flat = centred @ axes.T  # (L, 3): across, up, towards the eye
    span = np.nanmax(np.abs(flat[:, :2]), axis=0) * 2 + 1e-6
    scale = 0.86 * min(canvas.width / span[0], canvas.height / span[1])
    places = flat[:, :2] * scale * (1, -1) + np.array(canvas.size) / 2
    nearness = flat[:, 2] if flat.shape[1] > 2 else np.zeros(len(flat))
    for index in sorted(range(len(flat) - 1), key=lambda i: nearness[i] if np.isfinite(nearness[i]) else 0.0):
        ends = places[index : index + 2]
        if np.isfinite(ends).all() and np.linalg.norm(points[index + 1] - points[index]) < 6:
            draw.line([tuple(end) for end in ends], colours[index], 7, joint="curve")
    return _webp(canvas)


def mosaic(pictures: Sequence[bytes]) -> bytes:
    """Up to eight small pictures side by side."""
    canvas = Image.new("RGB", SIZE, BACK)
    shown = pictures[:8]
    columns = max(1, min(4, -(-len(shown) // (1 if len(shown) < 3 else 2))))
    rows = max(1, -(-len(shown) // columns))
    cell = (SIZE[0] // columns, SIZE[1] // rows)
    for place, data in enumerate(shown):
        with Image.open(io.BytesIO(data)) as picture:
            piece = _filled(picture.convert("RGB"), cell)
        canvas.paste(piece, (place % columns * cell[0], place // columns * cell[1]))
    return _webp(canvas)


def bars(shares: Mapping[str, float], colours: Sequence[str]) -> bytes:
    """One bar a class, as long as its share, 0 to 1."""
    canvas, draw = _canvas()
    band = canvas.height / max(1, min(6, len(shares)))
    for place, share in enumerate(list(shares.values())[:6]):
        top = band * (place + 0.22)
        draw.rounded_rectangle((20, top, canvas.width - 20, top + band * 0.56), 6, "#2a333d")
        end = 20 + max(12.0, (canvas.width - 40) * share)
        draw.rounded_rectangle((20, top, end, top + band * 0.56), 6, colours[place % len(colours)])
    return _webp(canvas)


def blank() -> bytes:
    """What stands for a result that has nothing to show."""
    canvas, draw = _canvas()
    width, height = canvas.size
    draw.line((width * 0.4, height / 2, width * 0.6, height / 2), "#56616d", 6)
    return _webp(canvas)


def _canvas() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    canvas = Image.new("RGB", (SIZE[0] * OVERSAMPLE, SIZE[1] * OVERSAMPLE), BACK)
    return canvas, ImageDraw.Draw(canvas)


def _filled(picture: Image.Image, size: tuple[int, int] = SIZE) -> Image.Image:
    """`picture` scaled and cropped to fill `size`."""
    scale = max(size[0] / picture.width, size[1] / picture.height)
    large = picture.resize((max(size[0], round(picture.width * scale)), max(size[1], round(picture.height * scale))))
    left, top = (large.width - size[0]) // 2, (large.height - size[1]) // 4
    return large.crop((left, top, left + size[0], top + size[1]))


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _webp(canvas: Image.Image) -> bytes:
    target = io.BytesIO()
    canvas.resize(SIZE, Image.Resampling.LANCZOS).save(target, "WEBP", quality=80)
    return target.getvalue()
