"""A person over a new background: moved and scaled, with the background's light on the edge, and a shadow on it."""

from __future__ import annotations

import cv2
import numpy as np

from backends.matting.options import MattingOptions

WRAP_REACH = 0.012
"""How far light of the background reaches into the person, as a share of the long side."""

SHADOW_BLUR, SHADOW_SHIFT = 0.02, (0.03, 0.015)
"""Of the long side: how soft a shadow is, and how far to the right and down it falls, with the light from the left."""

MAX_DARK = 0.75
"""How dark the darkest shadow is."""


def compose(colours: np.ndarray, alpha: np.ndarray, behind: np.ndarray, options: MattingOptions) -> np.ndarray:
    """The composite C = α·F + (1 − α)·B (Porter and Duff 1984, "over"), as the options place and light it.

    Args:
        colours: F, `(H, W, 3)` uint8, not multiplied by α.
        alpha: α, `(H, W)` float32.
        behind: B, `(H, W, 3)` uint8.
        options: `size`, `across`, `down`, `wrap` and `shadow`.

    Returns:
        `(H, W, 3)` uint8.
    """
    if (options.size, options.across, options.down) != (1, 0, 0):
        colours, alpha = _placed(colours, alpha, options)
    if options.shadow:
        behind = _with_shadow(behind, alpha, options.shadow)
    if options.wrap:
        colours = _with_wrap(colours, alpha, behind, options.wrap)
    return over(colours, alpha, behind)


def over(colours: np.ndarray, alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The plain composite; arguments as in `compose`. Only around the person is there anything to compute."""
    mixed = behind.copy()
    x, y, width, height = cv2.boundingRect((alpha > 0).view(np.uint8))
    if width:
        box = np.s_[y : y + height, x : x + width]
        cv2.blendLinear(colours[box], behind[box], alpha[box], 1 - alpha[box], dst=mixed[box])
    return mixed


def placement(height: int, width: int, options: MattingOptions) -> np.ndarray:
    """The affine map `(2, 3)` from the frame to its place: scaled around the middle of the lower edge, then moved."""
    size = options.size
    across = options.across * width + (1 - size) * width / 2
    down = options.down * height + (1 - size) * height
    return np.array([[size, 0, across], [0, size, down]], np.float32)


def _placed(colours: np.ndarray, alpha: np.ndarray, options: MattingOptions) -> tuple[np.ndarray, np.ndarray]:
    """Both at their place. Colours go multiplied by alpha, so that none from beside the person comes in."""
    height, width = alpha.shape
    matrix = placement(height, width, options)
    if options.size < 0.6:  # linear interpolation alone would skip pixels
        blur = 0.4 / options.size
        colours, alpha = (cv2.GaussianBlur(part, (0, 0), blur) for part in (colours, alpha))
    premultiplied = np.dstack([colours.astype(np.float32) * alpha[..., None], alpha])
    moved = cv2.warpAffine(premultiplied, matrix, (width, height), flags=cv2.INTER_LINEAR)
    opacity = moved[..., 3]
    straight = moved[..., :3] / np.maximum(opacity, 1e-3)[..., None]
    return np.clip(np.rint(straight), 0, 255).astype(np.uint8), np.ascontiguousarray(opacity)


def _with_shadow(behind: np.ndarray, alpha: np.ndarray, strength: float) -> np.ndarray:
    """B darkened where the person's shadow falls."""
    height, width = alpha.shape
    side = max(height, width)
    shift = np.array([[1, 0, SHADOW_SHIFT[0] * side], [0, 1, SHADOW_SHIFT[1] * side]], np.float32)
    shade = cv2.warpAffine(alpha, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
    shade = cv2.GaussianBlur(shade, (0, 0), max(0.5, SHADOW_BLUR * side))
    return np.rint(behind * (1 - MAX_DARK * strength * shade)[..., None]).astype(np.uint8)


def _with_wrap(colours: np.ndarray, alpha: np.ndarray, behind: np.ndarray, strength: float) -> np.ndarray:
    """F with the background's light, blurred, where the person's edge is near: lighter colours win ("screen")."""
    sigma = max(0.5, WRAP_REACH * max(alpha.shape))
    light = cv2.GaussianBlur(behind, (0, 0), 2 * sigma).astype(np.float32) / 255
    near = (strength * cv2.GaussianBlur(1 - alpha, (0, 0), sigma))[..., None]
    own = colours.astype(np.float32) / 255
    return np.rint(255 * (1 - (1 - own) * (1 - near * light))).astype(np.uint8)
