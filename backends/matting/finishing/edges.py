"""The edge of a matte: enlarging it to the source's size, moving and softening it, and the foreground colours there."""

from __future__ import annotations

import math
from functools import lru_cache

import cv2
import numpy as np

GUIDE_RADIUS = 1
GUIDE_EPSILON = 5e-5  # about the variance of a camera's noise
POINTS_A_ROW, ROWS_A_CALL = 1024, 16_384  # OpenCV reads at most 32767 points in either direction
COLOUR_SIDE = 320  # the colours of foreground and background vary slowly, so they are estimated at this size
WIDE_WINDOW, NARROW_WINDOW = 0.09, 0.007  # of the long side: the windows of the two passes of the estimate
SUBPIXEL = 4  # OpenCV draws at sixteenths of a pixel
REACH = 9  # foreground colours continue so many pixels outside the matte


def guided_upsample(alpha: np.ndarray, guide: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Enlarge a matte to the size of its frame, following the frame's own edges.

    The guided filter (He et al. 2013, equations 5-8) fits α = a·I + b to luma I in small windows, with
    a = cov(I, α) / (var(I) + ε); its fast form does so at the matte's size (He and Sun 2015). Here only a is used:
    α_full = up(α) + up(a)·(I_full − up(I)), so that nothing is smoothed that the matte already had.

    Args:
        alpha: `(h, w)` float32 in 0..1.
        guide: `(h, w, 3)` uint8, the frame at the matte's size.
        frame: `(H, W, 3)` uint8.

    Returns:
        `(H, W)` float32 in 0..1, exactly 0 and 1 where the matte is certain all around.
    """
    height, width = frame.shape[:2]
    grey = cv2.cvtColor(guide, cv2.COLOR_RGB2GRAY).astype(np.float32)
    window = (2 * GUIDE_RADIUS + 1, 2 * GUIDE_RADIUS + 1)
    mean_i, mean_p = cv2.blur(grey, window), cv2.blur(alpha, window)
    covariance = cv2.blur(grey * alpha, window) - mean_i * mean_p
    variance = cv2.blur(grey * grey, window) - mean_i * mean_i
    coefficient = cv2.blur(covariance / (variance + GUIDE_EPSILON * 255**2), window)
    full = plain_upsample(alpha, height, width)
    full = full.copy() if full is alpha else full
    small, large = _changing(alpha, height, width)  # beyond it alpha is 0 or 1 all around
    rows, columns = (part.stop - part.start for part in large)
    edge, own = full[large], cv2.cvtColor(frame[large], cv2.COLOR_RGB2GRAY)
    detail = plain_upsample(grey[small], rows, columns)
    cv2.subtract(own, detail, dst=detail, dtype=cv2.CV_32F)
    detail *= plain_upsample(coefficient[small], rows, columns)
    edge += detail
    # The last hundredth at both ends is noise of the networks and of the fit.
    edge -= 0.01
    edge *= 1 / 0.98
    np.clip(edge, 0, 1, out=edge)
    return full


def _changing(alpha: np.ndarray, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a matte `(h, w)` is neither 0 nor 1 all around, and the same part of a picture of that size.

    Both are rows and columns. They begin and end where the borders of pixels fall together, so that the one part
    enlarged is exactly the other; nothing is empty.
    """
    kernel = np.ones((4 * GUIDE_RADIUS + 3, 4 * GUIDE_RADIUS + 3), np.uint8)
    sure = (cv2.erode(alpha, kernel) >= 1) | (cv2.dilate(alpha, kernel) <= 0)
    x, y, w, h = cv2.boundingRect((~sure).astype(np.uint8))
    (top, upper), (left, outer) = (
        _aligned(start, start + max(1, count), *sizes)
        for start, count, sizes in ((y, h, (alpha.shape[0], height)), (x, w, (alpha.shape[1], width)))
    )
    return (top, left), (upper, outer)


def _aligned(start: int, stop: int, small: int, large: int) -> tuple[slice, slice]:
    """The least range of `small` pixels around one that is a whole number of `large` pixels, and that of those.

    >>> _aligned(8, 15, 28, 80)
    (slice(7, 21, None), slice(20, 60, None))
    """
    steps = math.gcd(small, large)
    short, long = small // steps, large // steps
    first, last = start // short, -(-stop // short)
    return slice(first * short, last * short), slice(first * long, last * long)


def plain_upsample(alpha: np.ndarray, height: int, width: int) -> np.ndarray:
    """`alpha` `(h, w)` enlarged bilinearly to `(height, width)`; returned as it is where that is its size."""
    if alpha.shape == (height, width):
        return alpha
    return cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)


def _weighted_mean(weighted: np.ndarray, weight: np.ndarray, size: int) -> np.ndarray:
    """The weighted mean of colours in windows of `size` pixels: blur(w·c) `(h, w, 3)` / blur(w) `(h, w)`."""
    mean = cv2.blur(weighted, (size, size))
    return cv2.divide(mean, _thrice(cv2.blur(weight, (size, size)) + 1e-5), dst=mean)


def _thrice(values: np.ndarray) -> np.ndarray:
    """`(h, w)` repeated for each colour, `(h, w, 3)`: arithmetic is many times faster than with a broadcast axis."""
    return cv2.merge([values] * 3)


def _halved(frame: np.ndarray) -> np.ndarray:
    """`frame` `(H, W, 3)` at half the size; halves are means of four pixels, many times faster than other sizes."""
    height, width = frame.shape[0] // 2, frame.shape[1] // 2
    return cv2.resize(frame[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)


def blur_fusion(frame: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Foreground and background as smooth fields of colour, at a reduced size.

    Blur-fusion (Forte and Pitié 2021, "Approximate Fast Foreground Colour Estimation", equations 4-7), in two passes,
    over a wide window and then a narrow one: F̂ = blur(α·F) / blur(α), B̂ = blur((1 − α)·B) / blur(1 − α), then both
    are corrected by the residual of the compositing equation, F = F̂ + α·(I − α·F̂ − (1 − α)·B̂) and B alike.

    Args:
        frame: I, `(H, W, 3)` uint8.
        alpha: α, `(H, W)` float32.

    Returns:
        F and B, each `(h, w, 3)` float32 in 0..255.
    """
    scale = min(1.0, COLOUR_SIDE / max(alpha.shape))
    size = (max(2, round(alpha.shape[1] * scale)), max(2, round(alpha.shape[0] * scale)))
    image = cv2.resize(_halved(frame) if scale <= 0.5 else frame, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    of_fore = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)  # (h, w)
    of_back = 1 - of_fore
    a, rest = _thrice(of_fore), _thrice(of_back)
    fore = back = image
    part, residual = np.empty_like(image), np.empty_like(image)
    for fraction in (WIDE_WINDOW, NARROW_WINDOW):
        window = 2 * max(1, round(fraction * max(size) / 2)) + 1
        fore = _weighted_mean(np.multiply(fore, a, out=part), of_fore, window)
        back = _weighted_mean(np.multiply(back, rest, out=part), of_back, window)
        np.subtract(image, np.multiply(a, fore, out=part), out=residual)
        residual -= np.multiply(rest, back, out=part)
        fore += np.multiply(a, residual, out=part)
        back += np.multiply(rest, residual, out=part)
        for field in (fore, back):
            np.clip(field, 0, 255, out=field)
    return fore, back


def foreground(frame: np.ndarray, alpha: np.ndarray, strength: float = 1.0) -> np.ndarray:
    """The foreground colours: those of the person, without the background that shines through at hair and edges.

    Inside, they are the frame's own. In the soft band they are estimated by `blur_fusion`, with a last correction by
    each pixel's own residual. They continue a little way outside, so that codecs that blur colour do not pull black
    into the edge; farther outside they are black.

    Args:
        frame: `(H, W, 3)` uint8.
        alpha: `(H, W)` float32.
        strength: 0 leaves the old background's colour in, 1 takes out all of it.

    Returns:
        `(H, W, 3)` uint8, straight (not multiplied by alpha).
    """
    near = cv2.dilate((alpha > 0).view(np.uint8), np.ones((REACH, REACH), np.uint8))
    result = cv2.copyTo(frame, near)
    x, y, width, height = cv2.boundingRect(near)
    if strength <= 0 or not width:
        return result
    box = np.s_[y : y + height, x : x + width]
    a = alpha[box]
    rows, columns = np.divmod(np.flatnonzero(near[box].view(bool) & (a < 1)), width)
    if len(rows):
        points = (rows + y) * alpha.shape[1] + (columns + x)
        mixed = _mixed(frame, alpha, points, _sampled(blur_fusion(frame[box], a), rows, columns, a.shape), strength)
        result.reshape(-1, 3)[points] = mixed
    return result


def _mixed(
    frame: np.ndarray, alpha: np.ndarray, points: np.ndarray, fields: list[np.ndarray], strength: float
) -> np.ndarray:
    """The colours `(N, 3)` uint8 at flat indices `points` `(N,)`: the smooth foreground, corrected by the residual.

    F̂ + α·(I − α·F̂ − (1 − α)·B̂), where `fields` are F̂ and B̂, `(N, 3)` float32, which are used up.
    """
    fore, back = fields
    soft = _thrice(alpha.ravel().take(points))[:, 0]  # (N, 3)
    own = frame.reshape(-1, 3).take(points, axis=0).astype(np.float32)
    residual = soft * fore
    np.subtract(own, residual, out=residual)
    back *= 1 - soft
    residual -= back
    residual *= soft
    fore += residual
    np.clip(fore, 0, 255, out=fore)
    fore -= own
    fore *= strength
    fore += own
    return np.rint(fore, out=fore).astype(np.uint8)


def _sampled(
    fields: tuple[np.ndarray, ...], rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]
) -> list[np.ndarray]:
    """Reduced fields `(h, w, 3)` at N places of a picture of `shape`, bilinear: each `(N, 3)`."""
    scale_y, scale_x = fields[0].shape[0] / shape[0], fields[0].shape[1] / shape[1]
    y = ((rows + 0.5) * scale_y - 0.5).astype(np.float32)
    x = ((columns + 0.5) * scale_x - 0.5).astype(np.float32)
    count = len(rows)
    pad = -count % POINTS_A_ROW
    maps = [np.pad(axis, (0, pad)).reshape(-1, POINTS_A_ROW) for axis in (x, y)]
    found = [np.empty((*maps[0].shape, 3), np.float32) for _ in fields]
    for start in range(0, len(maps[0]), ROWS_A_CALL):
        part = np.s_[start : start + ROWS_A_CALL]
        across, down = maps[0][part], maps[1][part]
        for field, values in zip(fields, found, strict=True):
            cv2.remap(field, across, down, cv2.INTER_LINEAR, dst=values[part], borderMode=cv2.BORDER_REPLICATE)
    return [values.reshape(-1, 3)[:count] for values in found]


def move_edge(alpha: np.ndarray, pixels: float) -> np.ndarray:
    """Grow (positive) or shrink (negative) the matte `(H, W)` by that many pixels, soft edge included.

    >>> move_edge(np.array([[0, 0, 1, 0, 0]], np.float32), 1).tolist()
    [[0.0, 1.0, 1.0, 1.0, 0.0]]
    """
    whole = round(abs(pixels))
    if whole == 0:
        return alpha
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * whole + 1, 2 * whole + 1))
    return cv2.dilate(alpha, kernel) if pixels > 0 else cv2.erode(alpha, kernel)


@lru_cache(maxsize=4)
def region_mask(points: tuple[tuple[float, float], ...], height: int, width: int) -> np.ndarray:
    """1 inside a part of the picture, 0 outside, `(height, width)` float32; its edge is a pixel soft.

    Args:
        points: from 0 to 1; two are the corners of a rectangle, more are those of a polygon.
        height, width: of the picture in pixels.
    """
    corners = np.array(points)
    if len(corners) == 2:
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    mask = np.zeros((height, width), np.uint8)
    pixels = np.rint((corners * (width, height) - 0.5) * 2**SUBPIXEL).astype(np.int32)
    return cv2.fillPoly(mask, [pixels], 255, cv2.LINE_AA, SUBPIXEL).astype(np.float32) / 255


def soften(alpha: np.ndarray, pixels: float) -> np.ndarray:
    """Blur the edge of the matte `(H, W)` over about that many pixels."""
    return cv2.GaussianBlur(alpha, (0, 0), pixels / 2) if pixels > 0 else alpha
