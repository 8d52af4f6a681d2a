"""Runs of a library under test."""

from __future__ import annotations

from pathlib import Path

from studio.library.library import Library, Run


def begin(library: Library, title: str = "A song", **changes: object) -> Run:
    return library.begin(**{"task": "separation", "title": title, "engine": "dsp", **changes})


def folder(library: Library, run: Run) -> Path:
    return Path(library.storage.root) / run.id
