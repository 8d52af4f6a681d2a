"""Pieces that all parts of the pictures page use: tiles of pictures, what to do with chosen ones, taking files in."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from backends.core.info import CardInfo, TaskInfo
from studio.jobs.uploads import copy_upload
from studio.pictures import addresses, removals
from studio.pictures import files as picture_files
from studio.pictures.files import ImportReport
from studio.pictures.project import Project
from studio.pictures.schema import MAX_REMOVALS, Removal
from studio.pictures.task import background_cache
from studio.ui import file_chooser, formatting
from studio.ui.background_answer import answer
from studio.web import urls
from viz.components.picture_grid import Tile, clear
from viz.components.picture_paste import picture_paste

UPLOAD_MB = 1000
REPORT = "pictures-report"
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
    """Change the project and draw the page anew; a refusal is shown in its words."""
    try:
        change()
    except UserError as error:
        st.error(formatting.escape(error.sentence), icon=":material/error:")
        return
    if key:
        clear(key)
    st.rerun()


def shared_value(key: str, value: Any) -> None:
    """Let the widget with this key show `value`, which another window may have changed since it was drawn here.

    A widget keeps what it shows for as long as its page is open; without this it would write an old value back.
    """
    if st.session_state.get(f"{key}-shared") != value or key not in st.session_state:
        st.session_state[key] = st.session_state[f"{key}-shared"] = value


def background_answer(key: str, make: Callable[[], Any], doing: str) -> Any:
    """What `make` gave, worked out in the background; None while it works or where it failed, and the page says so."""
    return answer(background_cache(), key, make, doing, key)


def import_uploads(project: Project, uploads: Sequence[Any], class_id: str | None, key: str) -> None:
    """Import what a visitor gave, then empty the chooser, which lets go of the files in memory."""
    bar = st.progress(0.0, text="Adding the pictures…")

    def on_progress(done: int, total: int) -> None:
        bar.progress(done / max(total, 1), text=f"Adding the pictures: {done} of {total}")

    report = ImportReport()
    loose = [(upload.name, upload.getvalue) for upload in uploads if not _is_zip(upload)]
    report.merge(picture_files.import_files(project, loose, class_id, on_progress))
    for upload in uploads:
        if _is_zip(upload):
            report.merge(_from_zip(upload, lambda path: picture_files.import_zip(project, path, class_id, on_progress)))
    _finish(report, key)


def import_folder_zip(project: Project, upload: Any, key: str) -> None:
    """Import a zip of folders, one a class."""
    bar = st.progress(0.0, text="Adding the pictures…")

    def on_progress(done: int, total: int) -> None:
        bar.progress(done / max(total, 1))

    if _is_zip(upload):
        report = _from_zip(upload, lambda path: picture_files.import_folders(project, path, on_progress))
    else:
        report = ImportReport(problems=[f"“{upload.name}” is no zip: pack the folders into one and choose that."])
    _finish(report, key)


def _from_zip(upload: Any, work: Callable[[Path], ImportReport]) -> ImportReport:
    """What `work` reports of the upload as a file on the disk, or the sentence on why it could not do it."""
    with tempfile.TemporaryDirectory(prefix="fourfold-pictures-") as folder:
        path = Path(folder) / "pictures.zip"
        copy_upload(upload, path)
        try:
            return work(path)
        except UserError as error:
            return ImportReport(problems=[f"“{upload.name}”: {error.sentence}"])


def _finish(report: ImportReport, key: str) -> None:
    remember_report(report)
    st.session_state[f"{key}-turn"] = st.session_state.get(f"{key}-turn", 0) + 1
    st.rerun()


def _is_zip(upload: Any) -> bool:
    return upload.getvalue()[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def remember_report(report: ImportReport) -> None:
    """Keep what is to be said of files that came in, for the next time the page is drawn."""
    st.session_state[REPORT] = report


def show_reports(project: Project) -> None:
    """What became of the files that came in last, also those of an import that ended early, and what can be undone."""
    if project.interruption:
        st.warning(formatting.escape(project.interruption), icon=":material/warning:")
        if st.button("Understood", key="interruption-understood"):
            project.interruption = ""
            st.rerun()
    _show_report()
    if project.state.removals:
        _offer_undo(project)


def _show_report() -> None:
    report: ImportReport | None = st.session_state.get(REPORT)
    if report is None:
        return
    if not report.problems and not report.notices:
        st.toast(f"{formatting.count(report.added, 'picture')} added.", icon=":material/check:")
        del st.session_state[REPORT]
        return
    with st.container(border=True):
        st.markdown(f":material/photo_library: {formatting.count(report.added, 'picture')} added.")
        for problem in picture_files.first_few(report.problems):
            st.error(formatting.escape(problem), icon=":material/error:")
        for notice in picture_files.first_few(report.notices):
            st.caption(f":material/info: {formatting.escape(notice)}")
        if st.button("Understood", key="report-understood"):
            del st.session_state[REPORT]
            st.rerun()


def _offer_undo(project: Project) -> None:
    """The last removal with the way back, and, behind a button, those before it: the bin."""
    *earlier, last = project.state.removals
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _removal(project, last)
        if earlier:
            with st.popover(f"Bin ({len(earlier)})", icon=":material/delete:"):
                for removal in reversed(earlier):
                    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                        _removal(project, removal)
                st.caption(f"The last {MAX_REMOVALS} removals are kept; what is older is deleted for good.")


def _removal(project: Project, removal: Removal) -> None:
    """What was removed, with the way back and the way to make it final."""
    st.caption(f":material/delete: {formatting.escape(removals.sentence(removal))}", width="content")
    if st.button("Undo", icon=":material/undo:", key=f"undo-{removal.id}", type="tertiary"):
        act(lambda: project.undo(removal.id))
    if st.button("Delete for good", key=f"forget-{removal.id}", type="tertiary"):
        act(lambda: project.forget(removal.id))


def drop(label: str, key: str, *, help: str = "") -> Sequence[Any]:
    """A place to drop or choose pictures and zips of them; emptied after each import.

    It takes files of any kind: the browser would refuse others in its own words, and its message would go with the
    chooser. What is no picture is named by the import.
    """
    turn = st.session_state.get(f"{key}-turn", 0)
    return file_chooser.choose_files(label, f"{key}-{turn}", most_mb=UPLOAD_MB, instead="Bring it in parts.", help=help)


def snapshot(project: Project, class_id: str | None, key: str) -> None:
    """A picture from the webcam, imported once it is shot."""
    turn = st.session_state.get(f"{key}-turn", 0)
    shot = st.camera_input("Snapshot", key=f"{key}-{turn}", label_visibility="collapsed")
    if shot is not None:
        number = 1 + sum(name.name.startswith("snapshot") for name in project.state.pictures.values())
        named = _Named(f"snapshot {number}.jpg", shot.getvalue())
        import_uploads(project, [named], class_id, key)


def pasted(project: Project, class_id: str | None, key: str) -> None:
    """Pictures that were copied elsewhere, a screenshot above all."""
    files = picture_paste(key)
    if files:
        import_uploads(project, [_Named(name, data) for name, data in files], class_id, key)


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
