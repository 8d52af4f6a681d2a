"""The way into picture projects: a new one, the sample, a saved one, one of before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import chain, count
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from studio import services
from studio.pictures import addresses, image_tiles, project_archive
from studio.pictures.schema import SHA256, ProjectState
from studio.pictures.task import TASK, open_project, projects, start_sample
from studio.ui import file_chooser, formatting
from studio.web import urls

UPLOAD_MB = 1000
MAX_LISTED = 12
MAX_NAMES = 20_000


def show() -> None:
    """What this page does, four ways to begin, and the projects there are."""
    st.title("Teach with pictures")
    st.markdown(
        "Name a few classes and give each an example or two: from then on new pictures are told apart at once, with "
        f"how sure that is and why. No training to wait for, and {privacy()}."
    )
    new, sample, saved = st.columns(3, gap="medium")
    with new.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown("**Your own pictures**: two classes with one picture each are enough to begin.")
        if st.button("Start a project", icon=":material/add:", type="primary", width="stretch"):
            open_project(projects().create(ProjectState(name=_unused_name())).token)
    with sample.container(border=True, height="stretch", vertical_alignment="distribute"):
        st.markdown("**The sample pictures**: balls, leaves, stars and more, drawn by Fourfold, ready to be asked.")
        if st.button("Try the sample pictures", icon=":material/play_arrow:", width="stretch"):
            start_sample()
    with saved.container(border=True, height="stretch"):
        st.markdown("**A saved project**: one zip file with everything in it.")
        _open_saved()
    _recent()
    _deleted()


def privacy() -> str:
    """Where the pictures go, in words."""
    place = services.backend().place
    if place == "this computer":
        return "nothing leaves this computer"
    return f"your pictures go to {place} and nowhere else"


def _open_saved() -> None:
    upload = file_chooser.choose_file(
        "Open a saved project", "open-project", most_mb=UPLOAD_MB, label_visibility="collapsed"
    )
    if upload is None or st.session_state.get("opened-project") == upload.file_id:
        return
    bar = st.progress(0.0, text="Opening the project…")
    st.session_state["opened-project"] = upload.file_id
    try:
        project, report = project_archive.open_file(
            projects(), upload, lambda done, total: bar.progress(done / max(total, 1))
        )
    except UserError as error:
        bar.empty()
        st.error(formatting.escape(error.sentence), icon=":material/error:")
        return
    image_tiles.remember_report(report)
    open_project(project.token)


def _recent() -> None:
    found = projects().recent(MAX_LISTED)
    st.subheader("Your projects")
    if not found:
        st.caption("None yet. A project is kept on this computer until you delete it, and has an address of its own.")
    for token, about in found:
        pictures, title, holds, when = st.columns([3, 4, 3, 2], vertical_alignment="center")
        pictures.html(_thumbs(token, about))
        title.page_link(
            TASK.page,
            label=formatting.escape(about["name"]) or "Unnamed",
            icon=TASK.icon,
            query_params={"project": token},
        )
        classes = formatting.count(about["classes"], "class", "classes")
        holds.caption(f"{classes}, {formatting.count(about['pictures'], 'example')}")
        when.caption(datetime.fromtimestamp(about["changed"]).astimezone().strftime("%d %b %Y, %H:%M"))


def _unused_name() -> str:
    """“My pictures”, with a number where a project is called so already."""
    taken = {about["name"] for _, about in projects().recent(MAX_NAMES)}
    first = ProjectState().name
    return next(name for name in chain([first], (f"{first} {number}" for number in count(2))) if name not in taken)


def _thumbs(token: str, about: Mapping[str, Any]) -> str:
    """A picture of each of the first classes, as HTML."""
    base = urls.base_path()
    pictures = [
        f'<img src="{addresses.thumb_url_of(token, sha, base)}" alt="" width="40" height="40" loading="lazy" '
        'style="object-fit:cover;border-radius:6px">'
        for sha in about.get("shown", ())
        if SHA256.fullmatch(sha)
    ]
    return f'<div style="display:flex;gap:4px;min-height:40px">{"".join(pictures)}</div>'


def _deleted() -> None:
    """The projects that were deleted lately, each with the way back."""
    for token, about in projects().deleted()[:MAX_LISTED]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name = formatting.escape(about["name"]) or "Unnamed"
            held = formatting.count(about["pictures"], "example")
            st.caption(f":material/delete: “{name}” ({held}) was deleted.", width="content")
            if st.button("Undo", icon=":material/undo:", key=f"restore-{token}", type="tertiary"):
                projects().restore(token)
                st.rerun()
            if st.button("Delete for good", key=f"purge-{token}", type="tertiary"):
                projects().purge(token)
                st.rerun()
