"""Pieces that all parts of the pictures page use: tiles of pictures, what to do with chosen ones, taking files in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from backends.core.info import CardInfo, TaskInfo
from backends.fewshot.data.image_collection import open_image_collection
from studio.jobs.uploads import copy_upload
from studio.pictures import addresses
from studio.pictures import files as picture_files
from studio.pictures.files import Taken
from studio.pictures.project import Project
from studio.pictures.task import background_cache
from studio.ui import formatting
from studio.ui.background_answer import answer
from studio.web import urls
from viz.components.picture_grid import Tile, clear
from viz.components.picture_paste import picture_paste

UPLOAD_MB = 1000
TOLD = "pictures-told"
POLL_SECONDS = 0.6


def tile(project: Project, sha: str, **more: Any) -> Tile:
    """A picture as the grid draws it."""
    base = urls.base_path()
    return Tile(
        sha,
        addresses.thumb_url(project, sha, base),
        project.state.title(sha),
        large=addresses.shown_url(project, sha, base),
        **more,
    )


def page_of(items: Sequence[str], key: str, size: int) -> Sequence[str]:
    """The part of many pictures that is shown, with the way to the others."""
    pages = max(1, -(-len(items) // size))
    page = min(st.session_state.get(f"{key}-page", 0), pages - 1)
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("", icon=":material/chevron_left:", help="Earlier", key=f"{key}-back", disabled=page == 0):
                st.session_state[f"{key}-page"] = page - 1
                st.rerun()
            st.caption(f"{page * size + 1} to {min(len(items), (page + 1) * size)} of {len(items):,}", width="content")
            last = page == pages - 1
            if st.button("", icon=":material/chevron_right:", help="Later", key=f"{key}-on", disabled=last):
                st.session_state[f"{key}-page"] = page + 1
                st.rerun()
    return items[page * size : (page + 1) * size]


def chosen_actions(project: Project, chosen: Sequence[str], key: str, *, questions: bool = False) -> None:
    """What can be done with chosen pictures: move them to a class, or take them away. `key` is that of their grid."""
    if not chosen:
        return
    classes = project.state.classes
    owners = {each.id for sha in chosen if (each := project.state.class_of(sha))}
    others = [each for each in classes if owners != {each.id} or questions]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if others:
            names = {each.id: each.name for each in others}
            picked = st.selectbox(
                f"{formatting.count(len(chosen), 'question' if questions else 'picture')} chosen",
                list(names),
                format_func=lambda one: names[one],
                index=None,
                placeholder="Add to class…" if questions else "Move to class…",
                key=f"{key}-target",
            )
            label = "Add" if questions else "Move"
            if st.button(label, icon=":material/drive_file_move:", key=f"{key}-move", disabled=picked is None):
                act(lambda: project.move(chosen, str(picked)), key)
        if st.button("Remove", icon=":material/delete:", key=f"{key}-remove"):
            act(lambda: project.remove(chosen, questions), key)


def act(change: Callable[[], object], key: str = "") -> None:
    """Change the project and draw the page anew; a refusal is told in its words."""
    try:
        change()
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
        return
    if key:
        clear(key)
    st.rerun()


def background_answer(key: str, make: Callable[[], Any], doing: str) -> Any:
    """What `make` gave, worked out in the background; None while it works or where it failed, and the page says so."""
    return answer(background_cache(), key, make, doing, key)


def take_uploads(project: Project, uploads: Sequence[Any], class_id: str | None, key: str) -> None:
    """Take in what a visitor gave, then empty the chooser, which lets go of the files in memory."""
    bar = st.progress(0.0, text="Taking the pictures in…")

    def tell(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=f"Taking the pictures in: {done} of {total}")

    taken = Taken()
    loose = [(upload.name, upload.getvalue) for upload in uploads if not _is_zip(upload)]
    try:
        merge(taken, picture_files.take(project, loose, class_id, tell))
        for upload in uploads:
            if _is_zip(upload):
                merge(taken, _take_zip(project, upload, class_id, tell))
    except UserError as error:
        taken.problems.append(error.sentence)
    remember(taken)
    st.session_state[f"{key}-turn"] = st.session_state.get(f"{key}-turn", 0) + 1
    st.rerun()


def _take_zip(project: Project, upload: Any, class_id: str | None, tell: picture_files.Tell) -> Taken:
    """All pictures of a zip into one class, or among the questions."""
    with tempfile.TemporaryDirectory(prefix="fourfold-pictures-") as folder:
        path = Path(folder) / "pictures.zip"
        copy_upload(upload, path)
        with open_image_collection(path) as gallery:
            taken = picture_files.take(project, [(item.name, item.read) for item in gallery.items], class_id, tell)
            taken.notices += [gallery.notice()] if gallery.skipped else []
            return taken


def take_folders(project: Project, upload: Any, key: str) -> None:
    """A zip of folders, one a class."""
    bar = st.progress(0.0, text="Taking the pictures in…")
    taken = Taken()
    with tempfile.TemporaryDirectory(prefix="fourfold-pictures-") as folder:
        path = Path(folder) / "pictures.zip"
        copy_upload(upload, path)
        try:
            told = lambda done, total: bar.progress(done / max(total, 1))  # noqa: E731
            taken = picture_files.take_zip(project, path, told)
        except UserError as error:
            taken.problems.append(error.sentence)
    remember(taken)
    st.session_state[f"{key}-turn"] = st.session_state.get(f"{key}-turn", 0) + 1
    st.rerun()


def _is_zip(upload: Any) -> bool:
    head = upload.getvalue()[:4]
    return head in (b"PK\x03\x04", b"PK\x05\x06")


def merge(into: Taken, more: Taken) -> None:
    into.added += more.added
    into.problems += more.problems
    into.notices += more.notices


def remember(taken: Taken) -> None:
    """Keep what is to be said of files that came in, for the next time the page is drawn."""
    st.session_state[TOLD] = taken


def tell_taken() -> None:
    """What became of the files that came in last."""
    taken: Taken | None = st.session_state.get(TOLD)
    if taken is None:
        return
    if not taken.problems and not taken.notices:
        st.toast(f"{formatting.count(taken.added, 'picture')} added.", icon=":material/check:")
        del st.session_state[TOLD]
        return
    with st.container(border=True):
        st.markdown(f":material/photo_library: {formatting.count(taken.added, 'picture')} added.")
        for problem in picture_files.told(taken.problems):
            st.error(formatting.escape(problem), icon=":material/error:")
        for notice in picture_files.told(taken.notices):
            st.caption(f":material/info: {formatting.escape(notice)}")
        if st.button("Understood", key="taken-understood"):
            del st.session_state[TOLD]
            st.rerun()


def drop(label: str, key: str, *, zips: bool = True, help: str = "") -> Sequence[Any]:
    """A place to drop or choose pictures; emptied after each recorder."""
    turn = st.session_state.get(f"{key}-turn", 0)
    return (
        st.file_uploader(
            label,
            type=[*picture_files.TYPES, *(["zip"] if zips else [])],
            accept_multiple_files=True,
            max_upload_size=UPLOAD_MB,
            key=f"{key}-{turn}",
            help=help or None,
        )
        or []
    )


def snapshot(project: Project, class_id: str | None, key: str) -> None:
    """A picture from the webcam, taken in once it is shot."""
    turn = st.session_state.get(f"{key}-turn", 0)
    shot = st.camera_input("Snapshot", key=f"{key}-{turn}", label_visibility="collapsed")
    if shot is not None:
        number = 1 + sum(name.name.startswith("snapshot") for name in project.state.pictures.values())
        named = _Named(f"snapshot {number}.jpg", shot.getvalue())
        take_uploads(project, [named], class_id, key)


def pasted(project: Project, class_id: str | None, key: str) -> None:
    """Pictures that were copied elsewhere, a screenshot above all."""
    files = picture_paste(key)
    if files:
        take_uploads(project, [_Named(name, data) for name, data in files], class_id, key)


class _Named:
    """Bytes with a name, as an upload has them."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self._data = data

    def getvalue(self) -> bytes:
        return self._data


def card_of(task: TaskInfo, wanted: str) -> CardInfo:
    """The card of that id, or the best that is on the server."""
    by_id = {card.id: card for card in task.cards}
    return by_id.get(wanted) or by_id.get(task.default) or task.cards[0]
