"""Sounds and pictures that stand beside each other on a page, with the button that pins them as they are."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from PIL import Image

from studio.findings.snapshots import Excerpt, of_excerpts
from studio.ui import charts, opus
from studio.web.urls import data_url

KBITS = 96
PINNED_SIDE = 640
"""Pixels of the longer side of a pinned picture."""


@dataclass(frozen=True)
class Sound:
    """A sound by its name: `samples` `(C, T)` at `rate` Hz, the same as a WAV file, and what it is in a sentence."""

    name: str
    samples: np.ndarray
    rate: int
    wav: bytes
    meaning: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture by its name: `(H, W, 3)` uint8, or `(H, W)` from 0 to 1; and what it is in a sentence."""

    name: str
    values: np.ndarray
    meaning: str = ""


def sounds(heard: Sequence[Sound], alt: str, key: str) -> None:
    """Players in a row.

    Args:
        heard: what can be played.
        alt: what it is, in a sentence.
        key: the same from run to run, and another one for every row on a page.
    """
    for column, one in zip(st.columns(max(len(heard), 1)), heard, strict=False):
        column.markdown(f"**{one.name}**", help=one.meaning or None)
        column.audio(one.wav, format="audio/wav")
    charts.pin_button(
        "Pin these sounds" if len(heard) > 1 else "Pin this sound",
        lambda: of_excerpts([Excerpt(each.name, _sound(each)) for each in heard], alt),
        key,
    )


def pictures(shown: Sequence[Picture], alt: str, key: str) -> None:
    """Pictures in a row; the arguments are as for `sounds`."""
    for column, one in zip(st.columns(max(len(shown), 1)), shown, strict=False):
        column.markdown(f"**{one.name}**", help=one.meaning or None)
        column.image(one.values, alt=one.name, clamp=True, width="stretch")
    pin_pictures(shown, alt, key)


def pin_pictures(shown: Sequence[Picture], alt: str, key: str) -> None:
    """The button alone, to stand below pictures that a page has drawn already."""
    charts.pin_button(
        "Pin these pictures" if len(shown) > 1 else "Pin this picture",
        lambda: of_excerpts([Excerpt(each.name, _picture(each.values)) for each in shown], alt),
        key,
    )


def _sound(one: Sound) -> str:
    return opus.stereo_address(one.samples, one.rate, KBITS)


def _picture(values: np.ndarray) -> str:
    pixels = values if values.dtype == np.uint8 else np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)
    image = Image.fromarray(pixels)
    image.thumbnail((PINNED_SIDE, PINNED_SIDE))
    target = io.BytesIO()
    image.save(target, "WEBP", quality=85)
    return data_url("image/webp", target.getvalue())
