"""museval's own `metrics` module, which ours is compared with.

Importing the package would import stempeg, which refuses to load without a system ffmpeg; the metrics themselves need
only numpy and scipy.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType


@cache
def museval() -> ModuleType:
    files = importlib.metadata.files("museval") or []
    path = next(Path(str(file.locate())) for file in files if file.as_posix() == "museval/metrics.py")
    spec = importlib.util.spec_from_file_location("fourfold_museval_metrics", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
