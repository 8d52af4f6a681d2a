"""Findings on their page: the list, and one with its claim, the evidence live, its limits, and the way to change it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import streamlit as st

from backends.core.errors import UserError
from studio import services, tasks
from studio.findings import exhibits, numbers, snapshots, source_page
from studio.findings.actions import act
from studio.findings.addresses import cover_url
from studio.findings.show_part import show_part
from studio.library.findings import MAX_TITLE, Evidence, Finding, Step
from studio.ui import formatting
from studio.ui.error_boundary import error_boundary

PAGE = 20
PAGE_PATH = "pages/findings.py"
UNDO = "finding-undo"
MAX_LIST_PICTURE = 200_000
"""Characters of a pinned figure that is shown in the list; a larger one is stood for by its run's picture."""


def show_list() -> None:
    """Every finding with its claim."""
    _show_undo()
    store, total = services.findings(), services.findings().total()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(formatting.count(total, "finding"), width="content")
        if st.button("New finding", icon=":material/add:", type="primary"):
            st.switch_page(PAGE_PATH, query_params={"finding": store.create("Untitled finding").id})
    if not total:
        st.caption("None yet. Open a result and press “Pin to a finding”: what you see at that moment is kept with it.")
    for finding in store.list(PAGE, (int(st.session_state.get("fpage") or 1) - 1) * PAGE):
        with st.container(border=True):
            picture, words = st.columns([1, 5], vertical_alignment="center")
            if finding.evidence:
                picture.html(cover_image(finding.evidence[0]))
            link = {"finding": finding.id}
            words.page_link(PAGE_PATH, label=f"**{formatting.escape(finding.title)}**", query_params=link)
            words.caption(formatting.escape(finding.claim) or "No claim yet.")
            words.caption(_who(finding))
    if total > PAGE:
        st.pagination(-(-total // PAGE), key="fpage", bind="query-params")


def cover_image(evidence: Evidence) -> str:
    """The small picture of a result as HTML: of a figure the figure itself."""
    pinned = snapshots.cover(evidence.moment)
    address = pinned if 0 < len(pinned) < MAX_LIST_PICTURE else cover_url(evidence.source)
    style = "width:100%;max-width:9rem;aspect-ratio:16/9;border-radius:0.4rem;display:block"
    return f'<img src="{address}" alt="" loading="lazy" style="{style}">'


def _who(finding: Finding) -> str:
    by = f"{formatting.escape(finding.author)}, " if finding.author else ""
    return f"{by}{_day(finding.changed)} · {formatting.count(len(finding.evidence), 'result')}"


def _day(when: datetime) -> str:
    return when.astimezone().strftime("%d %b %Y")


def show(finding_id: str) -> None:
    """One finding."""
    finding = services.findings().get(finding_id)
    if finding is None:
        st.title("Findings")
        st.warning("There is no such finding here: it was deleted, or the address is not complete.",
                   icon=":material/help:")  # fmt: skip
        st.page_link(PAGE_PATH, label="All findings", icon=":material/lightbulb:", query_params={"view": "findings"})
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(formatting.escape(finding.title), width="content")
        st.page_link(PAGE_PATH, label="All findings", icon=":material/arrow_back:", query_params={"view": "findings"})
    if finding.claim:
        st.markdown(f"#### {formatting.escape(finding.claim)}")
    st.caption(_who(finding))
    for place, evidence in enumerate(finding.evidence):
        with error_boundary("this evidence"):
            _show_evidence(finding, place, evidence)
    if not finding.evidence:
        st.info("No evidence yet: open a result and press “Pin to a finding”.", icon=":material/keep:")
    if finding.limits:
        st.markdown("**Where it ends**")
        st.markdown(formatting.escape(finding.limits))
    _tools(finding)


def _show_evidence(finding: Finding, place: int, evidence: Evidence) -> None:
    key = f"{finding.id}-{place}"
    with st.container(border=True):
        try:
            part = exhibits.part(evidence, key)
        except UserError as error:
            st.warning(formatting.escape(error.sentence), icon=":material/link_off:")
        else:
            if part.kind in ("stems", "figure"):
                st.caption(formatting.escape(part.alt))
            show_part(part, key)
        for line in numbers.lines(evidence):
            st.caption(f":material/query_stats: {formatting.escape(line)}")
        for sentence in numbers.changes(evidence):
            st.warning(formatting.escape(sentence), icon=":material/history:")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            _source_link(evidence)
            _arrange(finding, place)


def _source_link(evidence: Evidence) -> None:
    moment = ""
    if tasks.find(evidence.task) is not None:
        moment = exhibits.describe(evidence.task, evidence.moment)
    words = [formatting.escape(words) for words in (evidence.caption, moment) if words]
    st.markdown(" · ".join(words) or "The whole result", width="stretch")
    where = source_page.of(evidence)
    if where is not None:
        path, query = where
        st.page_link(path, label="Open the result", icon=source_page.icon(path), query_params=query)


def _arrange(finding: Finding, place: int) -> None:
    """Moving a result among the others, its caption, and taking it away."""
    rest, key = list(finding.evidence), f"{finding.id}-{place}"
    with st.popover("", icon=":material/more_horiz:", help="Caption, order, remove", key=f"arrange-{key}"):
        caption = st.text_input("A line below it", rest[place].caption, max_chars=MAX_TITLE, key=f"caption-{key}")
        if st.button("Save", key=f"save-{key}"):
            rest[place] = replace(rest[place], caption=caption)
            act(lambda: services.findings().arrange(finding.id, rest))
        for label, to in (("Earlier", place - 1), ("Later", place + 1)):
            if 0 <= to < len(rest) and st.button(label, key=f"{label}-{key}"):
                _swap(finding, place, to)
        if st.button("Remove from this finding", icon=":material/delete:", key=f"remove-{key}"):
            act(lambda: services.findings().arrange(finding.id, [*rest[:place], *rest[place + 1 :]]))


def _swap(finding: Finding, one: int, other: int) -> None:
    order = list(finding.evidence)
    order[one], order[other] = order[other], order[one]
    act(lambda: services.findings().arrange(finding.id, order))


def _tools(finding: Finding) -> None:
    """Changing the words, adding it to a story, deleting it."""
    with st.expander("Change the words", icon=":material/edit:", expanded=not finding.claim):
        _words_form(finding)
    with st.container(horizontal=True, gap="small"):
        with st.popover("Add to a story", icon=":material/slideshow:"):
            _story_form([finding])
        if st.button("Delete this finding", icon=":material/delete:"):
            st.session_state[UNDO] = (finding.title, services.findings().delete(finding.id))
            st.switch_page(PAGE_PATH, query_params={"view": "findings"})


def _words_form(finding: Finding) -> None:
    with st.form(f"finding-{finding.id}", border=False):
        title = st.text_input("Title", finding.title, max_chars=MAX_TITLE)
        claim = st.text_input("Claim, in a sentence", finding.claim, help="What the results below show.")
        limits = st.text_area(
            "Limits", finding.limits, help="Where the claim ends: what was not tried, and what would change your mind."
        )
        author = st.text_input("Who", finding.author, max_chars=MAX_TITLE)
        if st.form_submit_button("Save", type="primary"):
            act(lambda: services.findings().update(
                finding.id, title=title, claim=claim, limits=limits, author=author))  # fmt: skip


def _story_form(findings: Sequence[Finding]) -> None:
    store = services.findings()
    stories = {story.id: story for story in store.stories()}
    steps = [Step("finding", finding.id) for finding in findings]
    chosen = st.selectbox(
        "Story", ["", *stories], format_func=lambda one: stories[one].title if one else "A new story", key="to-story"
    )
    if st.button("Add", type="primary", key="add-to-story"):
        if chosen:
            story = store.update_story(chosen, steps=[*stories[chosen].steps, *steps])
        else:
            story = store.create_story(findings[0].title, findings[0].author, steps)
        st.switch_page(PAGE_PATH, query_params={"story": story.id})


def _show_undo() -> None:
    if UNDO not in st.session_state:
        return
    title, undo = st.session_state[UNDO]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/delete: “{formatting.escape(title)}” was deleted.", width="content")
        if st.button("Undo", icon=":material/undo:", type="tertiary"):
            del st.session_state[UNDO]
            act(undo)
