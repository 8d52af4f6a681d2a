"""A classifier as one HTML page with a camera: network, head and ONNX Runtime Web inside, nothing loaded from anywhere.

    pupil_page(PupilClassifier("Leaves", head, colours, network, preparation, test))

The page can be put on a stick or a school's server. It computes on the graphics card of whoever opens it; its policy
lets it send nothing. It tests itself with one example whose feature is known.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from viz.components.bundle import SHARED

__all__ = ["ExamplePicture", "PupilClassifier", "pupil_page"]

_HERE = Path(__file__).parent
ORT_VERSION = "1.30.0"
ORT_SHA256 = "14b3cb51ca88250558597852303386a6ae63f27f54891b12e35d647ee675c33f"

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; "
    "media-src blob: mediastream:; connect-src 'none'; base-uri 'none'; form-action 'none'"
)
"""Content-Security-Policy: nothing is loaded and nothing can be sent."""


@dataclass(frozen=True)
class ExamplePicture:
    """An example as the network sees it, a PNG of `side` × `side`, and the feature `(D,)` that was found of it."""

    png: bytes
    feature: np.ndarray


@dataclass(frozen=True)
class PupilClassifier:
    """All that the page computes with.

    Attributes:
        title: of the page.
        state: of the classifier, as it is stored: arrays by name.
        colours: of the classes.
        network: an ONNX file as browsers compute it, from `planes` to `features`.
        preparation: `side`, `mode`, `interpolation` and `fill`, which make the square that the network sees.
        test: what the page tests itself with; None where there is no example.
        card: what is to be read before it is used.
    """

    title: str
    state: Mapping[str, np.ndarray]
    colours: Sequence[str]
    network: bytes
    preparation: Mapping[str, str | int]
    test: ExamplePicture | None
    card: str


def pupil_page(classifier: PupilClassifier) -> bytes:
    """The page as a UTF-8 file."""
    known = {
        "head": _head(classifier.state),
        "colours": list(classifier.colours),
        "network": base64.b64encode(gzip.compress(classifier.network, mtime=0)).decode(),
        "preparation": dict(classifier.preparation),
        "test": _test(classifier.test),
    }
    title, card = html.escape(classifier.title), html.escape(classifier.card)
    values = json.dumps(known, ensure_ascii=False).replace("<", "\\u003c")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{(_HERE / "page.css").read_text("utf-8")}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="about">Everything happens on this device: no picture is sent anywhere, and no network is needed.</p>
<div class="both">
<div>
<div id="stage" class="stage"><video id="video" muted playsinline hidden></video><canvas id="picture" hidden></canvas>
<p id="hint">Getting ready…</p></div>
<div class="keys"><button id="start" class="main" type="button" disabled>Start the camera</button>
<label>Choose a picture<input id="file" type="file" accept="image/*" disabled></label>
<select id="camera" aria-label="Camera" hidden></select></div>
</div>
<div><p id="verdict" class="verdict" role="status"></p><div id="bars" class="bars"></div><p id="note" class="note"></p>
<details><summary>What it can and cannot do</summary><pre>{card}</pre></details></div>
</div>
</main>
<script id="known" type="application/json">{values}</script>
<script>{_script()}</script>
</body>
</html>
""".encode()


@cache
def _script() -> str:
    """All code of the page: ONNX Runtime Web, the camera that components share, and the page's own."""
    own = [
        SHARED / "icons.js",
        SHARED / "dom.js",
        SHARED / "camera.js",
        *(_HERE / f"{name}.js" for name in ("square", "head", "eyes", "page")),
    ]
    code = "\n".join([onnx_runtime(), *(path.read_text("utf-8") for path in own)])
    return code.replace("</script", "<\\/script").replace("<!--", "<\\!--")


@cache
def onnx_runtime() -> str:
    """ONNX Runtime Web as it was published. Raises ValueError where the file here is another one."""
    code = gzip.decompress((_HERE / "vendor" / "ort.webgl.min.js.gz").read_bytes())
    if hashlib.sha256(code).hexdigest() != ORT_SHA256:
        raise ValueError(f"vendor/ort.webgl.min.js.gz is not ONNX Runtime Web {ORT_VERSION}")
    return code.decode("utf-8").rpartition("//# sourceMappingURL=")[0]


def _head(state: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What `head.js` computes with."""
    arrays = {name: state[f"head_{name}"] for name in ("words", "weights", "bias", "keys", "values")}
    arrays["images"] = state["support_images"]
    if "support_words" in state:
        arrays["texts"] = state["support_words"]
    threshold = float(state["threshold"])
    return {
        "classes": [str(name) for name in state["classes"]],
        "arrays": {name: _packed(values) for name, values in arrays.items()},
        "sharpness": float(state["head_sharpness"]),
        "temperature": float(state["temperature"]),
        "labels": state["support_labels"].tolist(),
        "scales": [_finite(value) for value in state["scales"].tolist()],
        "threshold": None if np.isnan(threshold) else threshold,
        "rejects": bool(state["reject"]),
    }


def _finite(value: float) -> float:
    """JSON knows no NaN; a spread of 0 says the same: that nothing could be measured."""
    return value if np.isfinite(value) else 0.0


def _test(test: ExamplePicture | None) -> dict[str, Any] | None:
    if test is None:
        return None
    return {"picture": base64.b64encode(test.png).decode(), "feature": _packed(test.feature)}


def _packed(values: np.ndarray) -> dict[str, Any]:
    """An array as `numbers` in `head.js` reads it."""
    data = np.ascontiguousarray(values, "<f4")
    return {"shape": list(data.shape), "data": base64.b64encode(data.tobytes()).decode()}
