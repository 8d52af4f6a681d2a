"""Where a piece of evidence comes from: the page that shows its run, its study, or the figure that was pinned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from studio import services, tasks
from studio.findings import shelves
from studio.library.catalogue import Entry
from studio.library.findings import Evidence

PAGE = "page"
"""The key of a moment that keeps the path and the query parameters of the page that it was seen on."""

MAX_PARAMETERS, MAX_VALUE = 30, 400


def current(path: str) -> dict[str, Any]:
    """The page that is looked at now, for a moment."""
    return {PAGE: {"path": path, "query": dict(st.query_params)}}


def of(evidence: Evidence) -> tuple[str, dict[str, str]] | None:
    """Path and query parameters; None where what it shows is no longer here."""
    held = evidence.moment.get(PAGE)
    if isinstance(held, Mapping):
        page = next((page for page in tasks.pages() if page.path == held.get("path")), None)
        query = _query(held.get("query"))
        gone = "run" in query and services.library().get(query["run"]) is None
        return None if page is None or gone else (page.path, query)
    entry = services.catalogue().get(evidence.source)
    return None if entry is None else of_entry(entry)


def of_entry(entry: Entry) -> tuple[str, dict[str, str]] | None:
    """Path and query parameters of a run, project, study or reason; None for one of a task that is not shown here."""
    task = tasks.find(entry.task)
    if entry.kind == "study":
        return tasks.EVIDENCE.path, {"study": entry.origin}
    if entry.kind == "reason":
        stored = shelves.reason(entry)
        address = _query(stored.meta.get("address")) if stored is not None else {}
        return tasks.INSIDE.path, {**address, "run": entry.origin}
    return None if task is None else (task.page, {entry.kind: entry.id})


def icon(path: str) -> str:
    """Of the page at that path."""
    return next((page.icon for page in tasks.pages() if page.path == path), ":material/open_in_new:")


def _query(held: Any) -> dict[str, str]:
    """Parameters as text; they come from anybody, in a bundle, and lead nowhere but to a page of this studio."""
    pairs = list(held.items())[:MAX_PARAMETERS] if isinstance(held, Mapping) else []
    return {str(name)[:40]: str(value)[:MAX_VALUE] for name, value in pairs}
