"""What can be done with results in the list: rename, star, tag, note, throw away with an undo, empty the trash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backends.core.errors import BadInput, UserError
from studio import services
from studio.findings import shelves
from studio.library.catalogue import MAX_NOTE_LENGTH, Entry
from studio.library.library import TITLE_LENGTH
from studio.ui import formatting

UNDO = "findings-undo"


def act(change: Callable[[], object], ticked: Sequence[str] = ()) -> None:
    """Make a change and draw the page anew, with nothing ticked; a refusal is shown in its words."""
    try:
        change()
    except UserError as error:
        st.error(formatting.escape(error.sentence), icon=":material/error:")
        return
    for entry_id in ticked:
        st.session_state.pop(f"choose-{entry_id}", None)
    st.rerun()


# -- throwing away -----------------------------------------------------------------------------------------------------


def throw_away(entries: Sequence[Entry]) -> None:
    """Put results into the trash, and offer to undo that. Raises BadInput where none of them can go there."""
    gone = [entry for entry in entries if entry.kind == "project"]
    for entry in gone:
        shelves.of(entry).trash(entry.id)
    others = set(services.catalogue().trash(entry.id for entry in entries if entry.kind != "project"))
    gone += [entry for entry in entries if entry.id in others]
    if not gone:
        raise BadInput("What is still running cannot be deleted: cancel it first.")
    st.session_state[UNDO] = gone


def bring_back(entries: Sequence[Entry]) -> None:
    """Take results out of the trash."""
    for entry in entries:
        if entry.kind == "project":
            shelves.of(entry).restore(entry.id)
    services.catalogue().restore(entry.id for entry in entries if entry.kind != "project")


def show_undo() -> None:
    """What was thrown away last, with the way back."""
    gone = st.session_state.get(UNDO)
    if not gone:
        return
    named = f"“{gone[0].title}”" if len(gone) == 1 else formatting.count(len(gone), "result")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/delete: {formatting.escape(named)} went to the trash.", width="content")
        if st.button("Undo", icon=":material/undo:", type="tertiary"):
            del st.session_state[UNDO]
            act(lambda: bring_back(gone))


def empty_button(size: int) -> None:
    """The way to free the space of what lies in the trash."""
    with st.popover("Empty the trash", icon=":material/delete_forever:", disabled=not size):
        st.write(f"Everything in the trash is removed for good, which frees {formatting.size(size)}.")
        if st.button("Empty it", type="primary"):
            act(empty_trash)


def empty_trash() -> None:
    """Remove everything in the trash for good."""
    catalogue = services.catalogue()
    for entry in catalogue.trashed("reason"):
        shelves.purge_reason(entry)
    for entry in catalogue.trashed("run"):
        services.library().delete(entry.id)
    for entry in (*catalogue.trashed("project"), *catalogue.trashed("study")):
        shelves.of(entry).purge(entry.id)
    st.session_state.pop(UNDO, None)


# -- marking -----------------------------------------------------------------------------------------------------------


def rename(entry: Entry, title: str) -> None:
    """Give a run or project another title. Raises BadInput for an empty one."""
    if entry.kind == "run":
        services.library().rename(entry.id, title)
    elif not title.strip():
        raise BadInput("Type a title first: it cannot be empty.")
    else:
        shelves.of(entry).rename(entry.id, title)


def one_form(entry: Entry, known_tags: Sequence[str]) -> None:
    """Everything that can be changed about one result."""
    if entry.trashed:
        if st.button("Restore", icon=":material/restore_from_trash:", key=f"restore-{entry.id}"):
            act(lambda: bring_back([entry]))
        return
    catalogue = services.catalogue()
    label, icon = ("Take the star away", ":material/star:") if entry.starred else ("Star it", ":material/star_border:")
    if st.button(label, icon=icon, key=f"star-{entry.id}", width="stretch"):
        act(lambda: catalogue.star([entry.id], not entry.starred))
    with st.form(f"form-{entry.id}", border=False):
        title = st.text_input("Title", entry.title, max_chars=TITLE_LENGTH)
        tags = st.multiselect(
            "Tags", sorted({*known_tags, *entry.tags}), entry.tags, accept_new_options=True,
            placeholder="Choose or type a tag",
        )  # fmt: skip
        note = st.text_area("Note", entry.note, max_chars=MAX_NOTE_LENGTH, help="Markdown; it is searched too.")
        if st.form_submit_button("Save", type="primary"):
            act(lambda: _save(entry, title, tags, note))
    if st.button("Delete", icon=":material/delete:", key=f"delete-{entry.id}", width="stretch"):
        act(lambda: throw_away([entry]))


def _save(entry: Entry, title: str, tags: Sequence[str], note: str) -> None:
    if title.strip() != entry.title:
        rename(entry, title)
    catalogue = services.catalogue()
    gone = [tag for tag in entry.tags if tag not in tags]
    new = [tag for tag in tags if tag not in entry.tags]
    if gone or new:
        catalogue.tag([entry.id], new, gone)
    if note.strip() != entry.note:
        catalogue.write_note(entry.id, note)


def tag_form(chosen: Sequence[Entry], known_tags: Sequence[str]) -> None:
    """Tags for many results at once: those that all have can be taken away, any other added."""
    catalogue, ids = services.catalogue(), [entry.id for entry in chosen]
    shared = set.intersection(*(set(entry.tags) for entry in chosen))
    with st.form("tag-many", border=False):
        tags = st.multiselect("Tags of all chosen", known_tags, sorted(shared), accept_new_options=True)
        if st.form_submit_button("Save", type="primary"):
            act(lambda: catalogue.tag(ids, tags, [tag for tag in shared if tag not in tags]), ids)
