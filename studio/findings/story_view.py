"""Stories on their page: the list, and one whose steps are put in order, presented and exported."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from studio import services, tasks
from studio.findings import (
    builtin,
    exhibits,
    export_panel,
    import_panel,
    numbers,
    snapshots,
    source_page,
)
from studio.findings.actions import act
from studio.findings.addresses import present_url
from studio.library.catalogue import Entry
from studio.library.findings import MAX_TITLE, Evidence, Finding, Step, Story
from studio.ui import formatting
from studio.ui.error_boundary import error_boundary
from viz.components.order_list import Item, order_list
from viz.deck import plain

PAGE_PATH = "pages/findings.py"
UNDO = "story-undo"


def begin_with(entries: Sequence[Entry]) -> None:
    """Make a story of results: one new finding each, in the order of the list."""
    store, steps = services.findings(), []
    for entry in entries:
        steps.append(Step("finding", store.create(entry.title, evidence=[_evidence(entry)]).id))
    st.switch_page(PAGE_PATH, query_params={"story": store.create_story("Untitled story", steps=steps).id})


def _evidence(entry: Entry) -> Evidence:
    """What a new finding shows of an entry: the result, of a study its scores, of a reason the run it explains."""
    if entry.kind == "study":
        moment = {numbers.STUDY: {"name": entry.origin, "measure": ""}}
        rows = numbers.numbers(entry.id, moment) or {}
        frame = pd.DataFrame([{"": name, "Median (95 %)": numbers.text(row)} for name, row in rows.items()])
        page = {source_page.PAGE: {"path": tasks.EVIDENCE.path, "query": {"study": entry.origin}}}
        return Evidence(entry.task, entry.id, {**snapshots.of_table(frame, entry.title), **moment, **page}, "", rows)
    source = entry.origin if entry.kind == "reason" else entry.id
    run = services.library().get(source)
    return Evidence(entry.task, source, exhibits.current(source), numbers=run.metrics if run is not None else {})


def show_list() -> None:
    """Every story, and the way to a new one."""
    _show_undo()
    with error_boundary("the built-in story"):
        builtin.enter_once()
    store, stories = services.findings(), services.findings().stories()
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(formatting.count(len(stories), "story", "stories"), width="content")
        if st.button("New story", icon=":material/add:", type="primary"):
            st.switch_page(PAGE_PATH, query_params={"story": store.create_story("Untitled story").id})
    with st.expander("Open a bundle from another computer", icon=":material/upload_file:"):
        import_panel.show()
    if not stories:
        st.caption("None yet. A story is findings in order, with texts between them: what you show on a stage.")
    for story in stories:
        with st.container(border=True, horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            with st.container(gap="small", width="stretch"):
                label = f"**{formatting.escape(story.title)}**"
                st.page_link(PAGE_PATH, label=label, icon=":material/slideshow:", query_params={"story": story.id})
                by = f"{formatting.escape(story.author)}, " if story.author else ""
                when = story.changed.astimezone().strftime("%d %b %Y")
                st.caption(f"{by}{when} · {formatting.count(len(story.steps), 'step')}")
            st.link_button("Present", present_url(story.id), icon=":material/play_arrow:", disabled=not story.steps)


def show(story_id: str) -> None:
    """One story: its steps in order, what each says, and the ways to show it."""
    store = services.findings()
    story = store.story(story_id)
    if story is None:
        st.title("Stories")
        st.warning("There is no such story here: it was deleted, or the address is not complete.",
                   icon=":material/help:")  # fmt: skip
        st.page_link(PAGE_PATH, label="All stories", icon=":material/slideshow:", query_params={"view": "stories"})
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title(formatting.escape(story.title), width="content")
        st.page_link(PAGE_PATH, label="All stories", icon=":material/arrow_back:", query_params={"view": "stories"})
    _ways(story)
    findings = store.findings_of(story)
    left, right = st.columns([2, 3], gap="large")
    with left:
        chosen = _steps(story, findings)
        _add(story)
    with right:
        if chosen is not None:
            _step(story, chosen, findings)


def _ways(story: Story) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.link_button(
            "Present", present_url(story.id), type="primary", icon=":material/play_arrow:", disabled=not story.steps,
            help="Opens in a tab of its own. F: full screen, N: notes in a second window, arrows or a clicker: steps.",
        )  # fmt: skip
        with st.popover("Title and author", icon=":material/edit:"), st.form("story-form", border=False):
            title = st.text_input("Title", story.title, max_chars=MAX_TITLE)
            author = st.text_input("Who", story.author, max_chars=MAX_TITLE)
            if st.form_submit_button("Save", type="primary"):
                act(lambda: services.findings().update_story(story.id, title=title, author=author))
        with st.popover("Take it away", icon=":material/file_export:"):
            export_panel.show(story)
        if st.button("Duplicate", icon=":material/content_copy:"):
            copy = services.findings().duplicate_story(story.id)
            st.switch_page(PAGE_PATH, query_params={"story": copy.id})
        if st.button("Delete", icon=":material/delete:"):
            st.session_state[UNDO] = (story.title, services.findings().delete_story(story.id))
            st.switch_page(PAGE_PATH, query_params={"view": "stories"})


def _steps(story: Story, findings: dict[str, Finding]) -> int | None:
    """The steps in order; the place of the chosen one."""
    if not story.steps:
        st.caption("No steps yet: add a finding or a text.")
        return None
    items = [Item(str(place), *_words(step, findings)) for place, step in enumerate(story.steps)]
    order, chosen = order_list(items, key=f"steps-{story.id}-{story.changed.timestamp():.3f}", label="Steps")
    if order != [item.id for item in items]:
        steps = [story.steps[int(place)] for place in order]
        act(lambda: services.findings().update_story(story.id, steps=steps))
    return int(chosen)


def _words(step: Step, findings: dict[str, Finding]) -> tuple[str, str]:
    if step.kind == "text":
        return step.title or "Text", plain(step.text).partition("\n")[0]
    finding = findings.get(step.finding)
    return (finding.title, finding.claim) if finding else ("A finding that was deleted", "")


def _add(story: Story) -> None:
    """A further step at the end."""
    store = services.findings()
    known = {finding.id: finding for finding in store.list()}
    chosen = st.selectbox(
        "Add a finding", list(known), index=None, format_func=lambda one: known[one].title,
        placeholder="Choose a finding to add", label_visibility="collapsed", key=f"add-{story.id}-{len(story.steps)}",
    )  # fmt: skip
    if chosen:
        act(lambda: store.update_story(story.id, steps=[*story.steps, Step("finding", chosen)]))
    if st.button("Add a text", icon=":material/notes:"):
        act(lambda: store.update_story(story.id, steps=[*story.steps, Step("text", title="A heading")]))


def _step(story: Story, place: int, findings: dict[str, Finding]) -> None:
    """What the chosen step says, and what only the speaker sees."""
    step, key = story.steps[place], f"{story.id}-{place}-{story.changed.timestamp():.3f}"
    title, text = step.title, step.text
    with st.form(f"step-{key}"):
        if step.kind == "text":
            title = st.text_input("Heading", step.title, max_chars=MAX_TITLE)
            text = st.text_area("Text", step.text, height=160, help="Markdown: **bold**, lists, links.")
        elif finding := findings.get(step.finding):
            st.markdown(f"**{formatting.escape(finding.title)}**")
            st.markdown(formatting.escape(finding.claim))
        notes = st.text_area("Speaker's notes", step.notes, help="Shown in the second window only.")
        if st.form_submit_button("Save", type="primary"):
            changed = Step(step.kind, step.finding, title, text, notes)
            steps = [*story.steps[:place], changed, *story.steps[place + 1 :]]
            act(lambda: services.findings().update_story(story.id, steps=steps))
    with st.container(horizontal=True, gap="small"):
        if step.finding in findings:
            link = {"finding": step.finding}
            st.page_link(PAGE_PATH, label="Open the finding", icon=":material/lightbulb:", query_params=link)
        if st.button("Take this step out", icon=":material/delete:", key=f"out-{key}"):
            rest = [*story.steps[:place], *story.steps[place + 1 :]]
            act(lambda: services.findings().update_story(story.id, steps=rest))


def _show_undo() -> None:
    if UNDO not in st.session_state:
        return
    title, undo = st.session_state[UNDO]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f":material/delete: “{formatting.escape(title)}” was deleted; its findings are still here.",
                   width="content")  # fmt: skip
        if st.button("Undo", icon=":material/undo:", type="tertiary"):
            del st.session_state[UNDO]
            act(undo)
