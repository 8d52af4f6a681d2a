"""Everything made: a searchable list with pictures, and what can be done with one or many of its results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from backends.core.errors import UserError
from studio import services, tasks
from studio.findings import actions, builtin, shelves, source_page, story_view
from studio.findings.address_state import choice
from studio.findings.addresses import cover_url
from studio.library.catalogue import SORTS, Entry, Query
from studio.ui import formatting
from viz.deck import render

PAGE = 20
STATUS = {"": "Any ending", **{name: formatting.STATUS[name] for name in ("done", "running", "failed", "cancelled")}}
KINDS = {"": "All kinds", "run": "Results", "project": "Projects", "study": "Studies", "reason": "Reasons"}
MAX_COMPARED = 4
MAX_NOTE_LINE = 160
NOTE = '<div style="font-size:0.9rem;opacity:0.8">{}</div>'
COMPARED = ("run", "project")


def show() -> None:
    """The filters, the list, and what to do with the chosen ones."""
    shelves.sync()
    actions.show_undo()
    known_tags = services.catalogue().tags()
    query = _filters(known_tags)
    page = int(st.session_state.get("page") or 1)
    entries, total = services.catalogue().search(query, PAGE, (page - 1) * PAGE)
    if not entries and total:
        entries, page = services.catalogue().search(query, PAGE, 0)[0], 1
    if not total:
        _nothing(query)
        return
    _count(query, total)
    chosen = _chosen(entries)
    _bulk(query, chosen, known_tags)
    for entry in entries:
        _row(entry, known_tags)
    pages = -(-total // PAGE)
    if pages > 1:
        st.pagination(pages, key="page", bind="query-params")


def _filters(known_tags: Sequence[str]) -> Query:
    """What is looked for; every widget writes its value into the address."""
    text = st.text_input(
        "Search",
        key="q",
        bind="query-params",
        placeholder="Title, note, tag, model, file name, number…",
        icon=":material/search:",
        label_visibility="collapsed",
        on_change=_first_page,
    )
    known = {"": "All tasks", **{name: task.title for name, task in tasks.registered().items()}}
    tags = {"": "Any tag", **{tag: tag for tag in known_tags}}
    columns = st.columns([2, 2, 2, 2, 2, 2], vertical_alignment="center")
    common: dict[str, Any] = {"label_visibility": "collapsed", "on_change": _first_page}
    task = choice(columns[0].selectbox, "Task", known, "task", **common)
    kind = choice(columns[1].selectbox, "Kind", KINDS, "kind", **common)
    status = choice(columns[2].selectbox, "Ending", STATUS, "ending", **common)
    tag = choice(columns[3].selectbox, "Tag", tags, "tag", **common)
    sort = choice(columns[4].selectbox, "Order", {name: words for name, (words, _) in SORTS.items()}, "sort", **common)
    with columns[5].container(horizontal=True, gap="small"):
        starred = st.toggle("Starred", key="starred", bind="query-params", on_change=_first_page)
        trashed = st.toggle("Trash", key="trash", bind="query-params", on_change=_first_page)
    return Query(text or "", task, tag, status, starred, trashed, sort, kind)


def _first_page() -> None:
    st.session_state.pop("page", None)
    st.query_params.pop("page", None)


def _nothing(query: Query) -> None:
    if query == Query():
        is_story = builtin.is_waiting() or services.findings().stories()
        ready = " A story that can be presented now is under Stories." if is_story else ""
        st.caption(f"Nothing yet. What you make on the other pages is listed here, ready to be found again.{ready}")
    elif query.trashed and not query.text:
        st.caption("The trash is empty.")
    else:
        st.caption("Nothing fits. Try fewer words or another filter: every word must be in the title, a note, a tag, "
                   "the model or the facts.")  # fmt: skip


def _count(query: Query, total: int) -> None:
    size, thrown = services.catalogue().sizes()
    with st.container(horizontal=True, vertical_alignment="center"):
        takes = f"Everything takes {formatting.size(size)}"
        trash = f", {formatting.size(thrown)} of it in the trash" if thrown else ""
        st.caption(f"{formatting.count(total, 'result')}. {takes}{trash}.", width="content")
        if query.trashed:
            actions.empty_button(thrown)


def _chosen(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if st.session_state.get(f"choose-{entry.id}"))


def _bulk(query: Query, chosen: Sequence[Entry], known_tags: Sequence[str]) -> None:
    """What can be done with all chosen results at once."""
    if not chosen:
        st.caption("Tick results to compare, tag, star or delete several at once, or to make a story of them.")
        return
    ids = [entry.id for entry in chosen]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{len(chosen)} chosen**", width="content")
        if query.trashed:
            if st.button("Restore", icon=":material/restore_from_trash:"):
                actions.act(lambda: actions.bring_back(chosen), ids)
            return
        _compare_button(chosen)
        if st.button("Star", icon=":material/star:"):
            actions.act(lambda: services.catalogue().star(ids, not all(entry.starred for entry in chosen)), ids)
        with st.popover("Tag", icon=":material/label:"):
            actions.tag_form(chosen, known_tags)
        if st.button("Make a story", icon=":material/slideshow:"):
            story_view.begin_with(chosen)
        if st.button("Delete", icon=":material/delete:"):
            actions.act(lambda: actions.throw_away(chosen), ids)


def _compare_button(chosen: Sequence[Entry]) -> None:
    one_task = len({entry.task for entry in chosen}) == 1
    fits = (
        2 <= len(chosen) <= MAX_COMPARED
        and one_task
        and all(entry.status == "done" and entry.kind in COMPARED for entry in chosen)
    )
    help = None if fits else f"Choose two to {MAX_COMPARED} finished results of one task."
    if st.button("Compare", icon=":material/compare:", type="primary", disabled=not fits, help=help):
        st.switch_page("pages/findings.py", query_params={"compare": ",".join(entry.id for entry in chosen)})


def _row(entry: Entry, known_tags: Sequence[str]) -> None:
    # Beside each other on a phone too, where columns would stand below each other.
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.checkbox(f"Choose {entry.title}", key=f"choose-{entry.id}", label_visibility="collapsed", width="content")
        st.html(
            f'<img src="{cover_url(entry.id)}" alt="" loading="lazy" style="width:clamp(4.5rem,18vw,9rem);'
            'aspect-ratio:16/9;border-radius:0.4rem;display:block;object-fit:cover">',
            width="content",
        )
        with st.container(gap="small", width="stretch"):
            _title(entry)
            _facts(entry)
        key = f"more-{entry.id}"
        with st.popover("", icon=":material/more_horiz:", help="Rename, tag, note, delete", key=key, on_change="rerun"):
            if st.session_state.get(key):  # twenty forms that nobody opened would take most of the page's time
                _open_form(entry, known_tags)


def _open_form(entry: Entry, known_tags: Sequence[str]) -> None:
    try:
        actions.one_form(entry, known_tags)
    except UserError as error:
        st.error(error.sentence)


def _title(entry: Entry) -> None:
    where = source_page.of_entry(entry)
    star = " :material/star:" if entry.starred else ""
    name = formatting.escape(entry.title)
    if where is None or entry.trashed:
        st.markdown(f"{name}{star}")
    else:
        path, query = where
        st.page_link(path, label=f"**{name}**{star}", icon=source_page.icon(path), query_params=query)


def _facts(entry: Entry) -> None:
    when = entry.created.astimezone().strftime("%d %b %Y, %H:%M")
    parts = [formatting.escape(entry.model), when, formatting.size(entry.bytes)]
    parts += [formatting.STATUS.get(entry.status, entry.status)] if entry.status != "done" else []
    tags = " ".join(f":gray-badge[{formatting.escape(tag)}]" for tag in entry.tags)
    st.caption(" · ".join(parts) + (f" {tags}" if tags else ""))
    if entry.note:
        _show_note(entry.note)


def _show_note(note: str) -> None:
    """A short note as it is written, in Markdown; of a longer one the first line, with the rest behind it."""
    first, _, rest = note.partition("\n")
    if not rest.strip() and len(first) <= MAX_NOTE_LINE:
        st.html(NOTE.format(render(note)))
        return
    line = first[:MAX_NOTE_LINE] + ("…" if len(first) > MAX_NOTE_LINE else "")
    with st.expander(formatting.escape(line), icon=":material/sticky_note_2:"):
        st.html(NOTE.format(render(note)))
