"""A component is one script, and readers want one subject a file: the files are joined into one module here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SHARED = Path(__file__).parent / "shared"


def joined(folder: Path, parts: Iterable[str], shared: Iterable[str] = ("icons", "dom", "mount")) -> str:
    """The files `shared` of all components and then `parts` of `folder`, by their names without `.js`, in order."""
    paths = [*(SHARED / f"{name}.js" for name in shared), *(folder / f"{name}.js" for name in parts)]
    return "\n".join(path.read_text("utf-8") for path in paths)
