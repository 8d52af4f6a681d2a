"""Taking a story away: made in the background, with its size shown before it is saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from studio import services, visitors
from studio.findings import bundle, export, story_files
from studio.findings.bundle_format import ENDING
from studio.jobs.background import BackgroundTasks
from studio.library.findings import Story
from studio.ui import background_answer, formatting

KINDS = {
    "html": (
        "One HTML file",
        "Opens in any browser without a network, from a USB stick too: players and 3D work.",
    ),
    "pdf": ("PDF handout", "One page a step, with a picture of each result."),
    "light": ("Fourfold bundle, small", "To go on with elsewhere: what is needed to show the results, no uploads."),
    "whole": ("Fourfold bundle, everything", "With the uploads, the files in full quality, and picture projects."),
}


@dataclass(frozen=True)
class StoryFile:
    """A file of a story as it stood when it was asked for."""

    story: str
    changed: float
    kind: str
    limit: str = ""
    visitor: str = ""
    """Whose file it is, as a story may be everybody's."""


def tasks() -> BackgroundTasks[StoryFile, Path]:
    """The files that are being made, and the last ones that were."""
    return services.get("story_files")


def show(story: Story) -> None:
    """What can be taken away, and the file once it is there."""
    kind = st.radio("What", list(KINDS), format_func=lambda one: KINDS[one][0], key=f"file-{story.id}",
                    captions=[about for _, about in KINDS.values()], label_visibility="collapsed")  # fmt: skip
    limit = ""
    if kind == "html":
        limit = st.selectbox("Largest size", list(export.LIMITS), 2, format_func=lambda one: f"{one} MB",
                             help="Sound and film are shortened until it fits.", key=f"limit-{story.id}")  # fmt: skip
    wanted = StoryFile(story.id, story.changed.timestamp(), str(kind), str(limit), visitors.current() or "")
    asked = f"asked-file-{story.id}"
    if st.session_state.get(asked) != wanted:
        if st.button("Make the file", icon=":material/file_export:", key=f"make-{story.id}"):
            st.session_state[asked] = wanted
            st.rerun()
        return
    doing = "Making the file…"
    path = background_answer.answer(tasks(), wanted, _maker(wanted), doing, f"file-{story.id}")
    if path is not None and path.is_file():
        label = f"Save the file · {formatting.size(path.stat().st_size)}"
        st.link_button(label, story_files.url(path, story.title), icon=":material/download:", type="primary")


def _maker(wanted: StoryFile) -> Callable[[], Path]:
    def make() -> Path:
        if wanted.kind == "html":
            return _write(".html", export.html_file(wanted.story, export.LIMITS[wanted.limit]))
        if wanted.kind == "pdf":
            return _write(".pdf", export.pdf_file(wanted.story))
        return bundle.pack_story(wanted.story, wanted.kind == "whole", story_files.new_path(ENDING))

    return make


def _write(ending: str, data: bytes) -> Path:
    path = story_files.new_path(ending)
    path.write_bytes(data)
    return path
