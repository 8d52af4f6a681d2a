"""The place to choose or drop files: every refusal is a sentence of the page's, never the chooser's own words.

Streamlit's chooser refuses in the browser what is too large, of another ending or one file too many, and no page can
change what it says. So it takes everything here, and what cannot be used is named below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from studio.ui import formatting
from studio.web.upload_limit import MAX_UPLOAD_BYTES, NO_ROOM, NOTE_TYPE, UPLOAD_PATH

UNLIMITED_MB = 1_000_000
"""What the chooser itself takes. Larger files than a page takes are refused by `studio.web.upload_limit`."""

INSTRUCTIONS = '[data-testid="stFileUploaderDropzoneInstructions"]'
"""The chooser's words on its own limit, which is not the page's."""


def prepare_page() -> None:
    """Once on every page: the script that sends no file above the limit."""
    script = (Path(__file__).parent / "file_chooser.js").read_text("utf-8")
    for name, value in (
        ("UPLOAD_PATH", UPLOAD_PATH),
        ("MAX_UPLOAD_BYTES", str(MAX_UPLOAD_BYTES)),
        ("NOTE_TYPE", NOTE_TYPE),
    ):
        script = script.replace(name, value)
    st.html(f"<style>.st-key-upload-script {{ display: none; }} {INSTRUCTIONS} > * {{ display: none; }}</style>")
    with st.container(key="upload-script"):
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def choose_file(
    label: str, key: str, *, most_mb: int, instead: str = "", help: str = "", label_visibility: Any = "visible"
) -> UploadedFile | None:
    """A place for one file; of several that are dropped there the last is taken, and that is said.

    Args:
        label: of the place.
        key: tells it from others on the page.
        most_mb: the largest file that is taken, in megabytes.
        instead: one sentence on what to do with a larger one.
        help: what is shown on hover.
        label_visibility: as Streamlit has it.
    """
    files = choose_files(
        label, key, most_mb=most_mb, instead=instead, help=help, label_visibility=label_visibility, several=False
    )
    if len(files) > 1:
        name = formatting.escape(files[-1].name)
        st.caption(f":material/info: One file at a time: “{name}”, the last of them, is used.")
    return files[-1] if files else None


def choose_files(
    label: str,
    key: str,
    *,
    most_mb: int,
    instead: str = "",
    help: str = "",
    label_visibility: Any = "visible",
    several: bool = True,
    folder: bool = False,
) -> list[UploadedFile]:
    """A place for files; those that are too large are named and left out. The arguments are as for `choose_file`.

    With `folder` a whole folder is chosen, and the name of a file is its path in it.
    """
    _say_limit(key, most_mb, several)
    uploads: Sequence[Any] = st.file_uploader(
        label,
        accept_multiple_files="directory" if folder else True,
        max_upload_size=UNLIMITED_MB,
        key=key,
        help=help or None,
        label_visibility=label_visibility,
    )
    chosen: list[UploadedFile] = []
    for upload in uploads or ():
        if not isinstance(upload, UploadedFile):  # It was removed meanwhile.
            continue
        if problem := refusal(upload, most_mb, instead):
            st.error(problem, icon=":material/error:")
        else:
            chosen.append(upload)
    return chosen


def refusal(upload: Any, most_mb: int, instead: str = "") -> str:
    """Why a file is not taken, in one or two sentences of Markdown; "" where it is."""
    size, reason = upload.size, ""
    if upload.type == NOTE_TYPE:
        size, reason = _read_note(upload)
    if not reason and size <= most_mb << 20:
        return ""
    name, shown = formatting.escape(upload.name), formatting.size(size)
    if reason == NO_ROOM:
        return (
            f"There is no room for “{name}” ({shown}) beside the files that are open here just now: close pages that "
            "are no longer needed, or try again later."
        )
    return f"“{name}” is {shown}; files of up to {formatting.size(most_mb * 1e6)} can be used here. {instead}".strip()


def _read_note(upload: Any) -> tuple[int, str]:
    """The size of a file that was not sent, and why; the note may be forged, as anything that a browser sends."""
    try:
        note = json.loads(upload.getvalue()[:1000])
        return max(0, int(note["bytes"])), str(note["reason"])
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0, "damaged"


def _say_limit(key: str, most_mb: int, several: bool) -> None:
    """Put the page's limit where the chooser has its own, for people and for the script."""
    words = f"up to {formatting.size(most_mb * 1e6)}{' each' if several else ''}"
    place = ".st-key-" + re.sub(r"[^a-zA-Z0-9_-]", "-", key)
    words_style = f'{place} {INSTRUCTIONS}::after {{ content: "{words}"; font-size: 0.875rem; opacity: 0.75; }}'
    st.html(f"<style>{place} {{ --most-bytes: {most_mb << 20}; }} {words_style}</style>")
