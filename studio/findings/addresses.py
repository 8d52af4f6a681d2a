"""Where a browser finds what belongs to findings."""

from __future__ import annotations

from studio.web import urls


def cover_url(entry_id: str) -> str:
    """The small picture of a run or project."""
    return f"{urls.base_path()}/entries/{entry_id}/cover"


def present_url(story_id: str) -> str:
    """The presenter's view of a story."""
    return f"{urls.base_path()}/stories/{story_id}/present"
