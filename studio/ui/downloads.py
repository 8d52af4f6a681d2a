"""The list of files that a run offers: each with a button of its own, its size, and what opens it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import streamlit as st

from studio.library.models import StoredArtifact
from studio.ui import formatting
from studio.web import urls


@dataclass(frozen=True)
class Download:
    """One file to take away.

    Attributes:
        label: what it is, as Markdown, such as "Cut-out with alpha (PNG)".
        about: what opens it, or what it is for.
        url: where the browser gets it, of a file that is there already.
        size: in bytes, None where nobody knows yet.
        make: makes the file when the button is pressed, of one that is not there yet.
        file_name: the name under which a file from `make` is saved.
        media_type: of a file from `make`.
        icon: of the button.
    """

    label: str
    about: str = ""
    url: str = ""
    size: int | None = None
    make: Callable[[], bytes | str] | None = None
    file_name: str = ""
    media_type: str = "application/octet-stream"
    icon: str = ":material/download:"


def from_artifact(run_id: str, stored: StoredArtifact, label: str, about: str = "") -> Download:
    """A file of a run as it lies in the library."""
    return Download(label, about, urls.file_url(run_id, stored, download=True), stored.bytes)


def show(downloads: Iterable[Download]) -> None:
    """One row a file: the button, and beside it what opens the file."""
    for download in downloads:
        button, about = st.columns([2, 3], vertical_alignment="center")
        with button:
            _button(download)
        about.caption(download.about)


def menu(name: str, list_files: Callable[[], Iterable[Download]]) -> None:
    """The one button behind which every file of a run or a project lies, at the same place on every page.

    Args:
        name: tells it from those of others.
        list_files: the files, asked for once the menu is opened.
    """
    key = f"downloads-{name}"
    with st.popover("Download", icon=":material/download:", key=key, on_change="rerun"):
        if not st.session_state.get(key):
            return
        for download in list_files():
            _button(download, key)
            if download.about:
                st.caption(download.about)


def _button(download: Download, key: str = "") -> None:
    size = "" if download.size is None else f" · {formatting.size(download.size)}"
    label = download.label + size
    if download.make is None:
        st.link_button(label, download.url, icon=download.icon, width="stretch")
        return
    st.download_button(
        label,
        download.make,
        download.file_name,
        download.media_type,
        icon=download.icon,
        width="stretch",
        on_click="ignore",
        key=f"{key}-{download.label}" if key else None,
    )
