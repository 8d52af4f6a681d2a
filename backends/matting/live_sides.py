"""Which engines can follow a camera, and at which sizes; apart, so that a page can ask without loading a model."""

from __future__ import annotations

from collections.abc import Mapping

SIDES: Mapping[str, tuple[int, ...]] = {
    "onnx": (256,),
    "modnet": (192, 256, 320, 384, 512),
    "classical": (160, 192, 224, 256, 320),
}
"""Long sides in pixels by engine, smallest first; an engine that is not named cannot.

The first and the last bound what is tried; in between the page moves with the time that the mattes take.
"""
