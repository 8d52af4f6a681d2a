"""Gradio, imported without the type stubs that it writes for an editor, one for each of its components.

Parsing its own source for them is more than half of Gradio's import time, at every start of a server; nothing here
reads them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["gr", "without_stubs"]


@contextmanager
def without_stubs() -> Iterator[None]:
    """Inside, Gradio finds no source file for its components, and writes no stub for a class without one."""
    find = inspect.getfile

    def find_unless_gradio(thing: Any) -> str:
        if getattr(thing, "__module__", "").startswith("gradio."):
            raise OSError("no stub is wanted")
        return find(thing)

    inspect.getfile = find_unless_gradio  # type: ignore[assignment]
    try:
        yield
    finally:
        inspect.getfile = find


with without_stubs():
    import gradio as gr
