"""Bundling: Streamlit takes one script and one style for each component; their sources have one subject a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SHARED = Path(__file__).parent / "shared"


def bundle_script(folder: Path, parts: Iterable[str], shared: Iterable[str] = ("icons", "dom", "mount")) -> str:
    """Scripts joined into one module, in order.

    Args:
        folder: of the component.
        parts: its files, without `.js`.
        shared: files of `shared/` that come before them, without `.js`.
    """
    paths = [*(SHARED / f"{name}.js" for name in shared), *(folder / f"{name}.js" for name in parts)]
    return "\n".join(path.read_text("utf-8") for path in paths)


def bundle_style(style: Path) -> str:
    """The theme that all components share, and then the component's own `style`."""
    return "\n".join(path.read_text("utf-8") for path in (SHARED / "theme.css", style))
