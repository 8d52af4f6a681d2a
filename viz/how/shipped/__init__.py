"""The shipped networks of "How they work", computed and drawn in the browser: one component an exhibit.

lab("vae", measured, key="vae")
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.components.v2 import component

from backends.generation.digests import DIGESTS
from backends.generation.sound import bank_inverse, mel_bank
from backends.weights.locations import STARTERS
from evaluation.atlas import heads
from viz.components.bundle import bundle_script, bundle_style
from viz.components.component_state import keep_state, with_serial

__all__ = ["CLASSES", "EXHIBITS", "definitions", "lab", "measurements", "script"]

_HERE = Path(__file__).parent
_WEIGHTS = STARTERS / "generative"

EXHIBITS: Mapping[str, tuple[str, ...]] = {
    "attention": ("attention",),
    "vae": ("pictures-vae-2", "pictures-vae-8", "sounds-vae-8", "pictures-judge", "sounds-judge"),
    "diffusion": ("pictures-diffusion", "sounds-diffusion", "pictures-judge", "sounds-judge"),
    "gan": ("pictures-gan", "pictures-gan-collapsing", "sounds-gan", "pictures-judge", "sounds-judge"),
}
"""The networks that each exhibit computes, as far as they ship."""


@cache
def measurements() -> Mapping[str, Any]:
    """What `python -m benchmarks.generative` measured; every number of the exhibits that is not computed there."""
    return json.loads((_WEIGHTS / "measured.json").read_text("utf-8"))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


CLASSES = {"attention": "AttentionLab", "vae": "VaeLab", "diffusion": "DiffusionLab", "gan": "GanLab"}
"""What each exhibit's script calls it."""


@cache
def definitions(exhibit: str) -> str:
    """The weights that an exhibit needs and all that computes and draws it, as plain statements."""
    there = [name for name in EXHIBITS[exhibit] if name in DIGESTS]
    weights = {name: _base64((_WEIGHTS / f"{name}.safetensors").read_bytes()) for name in there}
    parts = [f"const SHIPPED = {json.dumps(weights)};"]
    if exhibit == "attention":
        parts.append(f"const STUDIO = {json.dumps(heads.read(), ensure_ascii=False)};")
    else:
        parts.append(f'const MEL_INVERSE = "{_base64(bank_inverse().astype(np.float16).tobytes())}";')
    if exhibit == "vae":
        parts.append(f"const REAL_SOUNDS = {(_HERE / 'sounds.json').read_text('utf-8')};")
        parts.append(f'const MEL_BANK = "{_base64(mel_bank().astype(np.float16).tobytes())}";')
    if exhibit == "gan":
        parts.append(f'const FILM = "{_base64((_HERE / "film.png").read_bytes())}";')
    names = ("tensor", "networks", "sound", "inverse", "ui", "chart", *_MORE.get(exhibit, ()), exhibit)
    return "\n".join([*parts, bundle_script(_HERE, names, ("icons", "dom", "mount", "saved_page"))])


_MORE = {"attention": ("studio_heads",), "vae": ("own_sound",)}
"""Further scripts of an exhibit."""


def script(exhibit: str) -> str:
    """The component's module: one function that holds everything, so that its own text can be saved as a file."""
    name = CLASSES[exhibit]
    return "\n".join(
        (
            f"const EXHIBIT_STYLE = {json.dumps(bundle_style(_HERE / 'lab.css'))};",
            "function wholeExhibit(EXHIBIT_STYLE) {",
            definitions(exhibit),
            f"return {{ Lab: {name}, mounted, savedPlace }};",
            "}",
            "const { Lab, mounted } = wholeExhibit(EXHIBIT_STYLE);",
            "export default function exhibit(run) { return mounted(Lab, run); }",
        )
    )


@cache
def _component(exhibit: str) -> Callable[..., Any]:
    return component(f"how_{exhibit}", css=bundle_style(_HERE / "lab.css"), js=script(exhibit), isolate_styles=True)


def lab(
    exhibit: str, state: Mapping[str, Any], key: str, own: Mapping[str, str] | None = None
) -> Mapping[str, Any] | None:
    """Shows an exhibit; returns its state once a control was moved.

    Args:
        exhibit: one of EXHIBITS.
        state: what it begins with, such as what an address says; its own defaults elsewhere.
        key: the same from run to run.
        own: a sound of the visitor's: `id`, `title` and the `address` of a file; "vae" hears it.
    """
    data = {"run": key, "measured": measurements(), "state": dict(state), "own": own}
    return _component(exhibit)(key=key, data=with_serial(data, key), on_state_change=keep_state).get("state")
