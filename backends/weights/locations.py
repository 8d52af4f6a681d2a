"""Where weights are kept and where they come from, as far as the environment has a say in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import quote

from backends.core.model_card import WeightFile
from backends.weights.download import Origin

STARTERS = Path(__file__).parents[1] / "starters"
"""The weights that ship with the project; only ever read."""


def default_root() -> Path:
    """The cache folder: FOURFOLD_WEIGHTS, else this platform's place for a user's caches."""
    if chosen := os.environ.get("FOURFOLD_WEIGHTS"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        caches = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        caches = Path.home() / "Library" / "Caches"
    else:
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "fourfold" / "weights"


def is_offline() -> bool:
    """Whether FOURFOLD_OFFLINE, or the hub's own HF_HUB_OFFLINE, forbids the network."""
    wanted = (os.environ.get(name, "") for name in ("FOURFOLD_OFFLINE", "HF_HUB_OFFLINE"))
    return any(value.strip().lower() in {"1", "true", "yes", "on"} for value in wanted)


def origin_of(file: WeightFile) -> Origin:
    """The address of `file`; a hub repository's goes by HF_ENDPOINT and HF_TOKEN, as with the hub's own client."""
    if not file.hub:
        return Origin(file.url, file.bytes, file.sha256)
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    token = os.environ.get("HF_TOKEN", "").strip()
    url = f"{endpoint}/{quote(file.hub)}/resolve/{quote(file.revision, safe='')}/{quote(file.path or file.name)}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return Origin(url, file.bytes, file.sha256, headers, gated=True)
