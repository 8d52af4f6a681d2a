"""The page of one run, whatever its task: waiting, running, finished or gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from operator import attrgetter

import streamlit as st

from studio import launch, services, tasks
from studio.findings import pin
from studio.jobs.view import JobView
from studio.library.library import Run
from studio.ui import downloads, formatting, model_picker, run_sections
from studio.ui.downloads import Download
from studio.ui.error_boundary import error_boundary, safe_fragment

UNWRITTEN = "This run has ended, but the library cannot note that yet; it is tried again by itself."


@dataclass(frozen=True)
class RunPage:
    """What a task adds to the page.

    Attributes:
        begin: the label of the way to another run.
        cancelled: what remains of a run that was cancelled.
        watch: draws what changes while the job runs, given the run's id and whether it does; redrawn every moment.
        views: what there is to see and do once the run has finished, by the words to choose it with; the first is open.
        files: what can be downloaded of a finished run.
        shown_apart: the name of a fact whose sentence the task shows in a place of its own, and nowhere else.
        heading: what is open, which is the title of the whole page; the run's own title by default.
        gathers: the label under which several notices of a finished run are gathered, folded up; "" for one box each.
    """

    task: str
    begin: str
    cancelled: str
    watch: Callable[[str, bool], None]
    views: Mapping[str, Callable[[Run], None]]
    files: Callable[[Run], Iterable[Download]] | None = None
    shown_apart: str = ""
    heading: Callable[[Run], str] = attrgetter("title")
    gathers: str = ""


def show(page: RunPage, run_id: str) -> None:
    """The run at this address."""
    # The job first: its end is written down before it is told, so a run read earlier could still look as if it ran.
    view = services.jobs().get(run_id)
    run = services.library().get(run_id)
    if run is not None and run.task != page.task and tasks.find(run.task):
        launch.go_to(run_id, run.task)
    if run is None or run.task != page.task:
        task = tasks.get(page.task)
        st.title(task.title)
        st.warning("There is no such run here: it was deleted, or the address is not complete.", icon=":material/help:")
        st.page_link(task.page, label=page.begin, icon=task.icon)
        return
    pin.look_at_run(run)
    _heading(page, run)
    _trash_notice(run_id)
    live = view is not None and not view.ended
    with st.container():
        _ending(page, run, view)
    safe_fragment(model_picker.POLL_SECONDS if live else None)(_live_view(page))(run_id, live)
    if run.status == "done":
        _explain(page, run)


def _trash_notice(run_id: str) -> None:
    """That a run lies in the trash, with the way out of it."""
    entry = services.catalogue().get(run_id)
    if entry is None or not entry.trashed:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", border=True):
        st.markdown(":material/delete: This run lies in the trash.", width="content")
        if st.button("Undo", icon=":material/undo:", help="Take it out of the trash."):
            services.catalogue().restore([run_id])
            st.rerun()
        with st.popover("Delete for good", icon=":material/delete_forever:"):
            st.write(f"The results and the uploaded {tasks.get(entry.task).noun} are removed; this cannot be undone.")
            if st.button("Delete for good", type="primary", key=f"purge-{run_id}"):
                services.library().delete(run_id)
                st.switch_page(tasks.HOME.path)


def _live_view(page: RunPage) -> Callable[[str, bool], None]:
    def view(run_id: str, live: bool) -> None:
        """The progress above what the task shows; at the end the whole page is drawn once more."""
        view = services.jobs().get(run_id)
        if live and (view is None or view.ended):
            st.rerun()
        with st.container():
            if live and view is not None:
                model_picker.job_progress(view)
        page.watch(run_id, live)
        # Here, as what is looked at changes without the rest of the page being drawn anew.
        run = None if live else services.library().get(run_id)
        if run is not None and run.status == "done":
            pin.pin_run(run)

    return view


def _heading(page: RunPage, run: Run) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.title(formatting.escape(page.heading(run)), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            if run.status == "done" and page.files is not None:
                downloads.menu(run.id, partial(page.files, run))
            if run.status == "done" and st.button("Why?", icon=tasks.INSIDE.icon, help="Ask the model why it did so."):
                st.switch_page(tasks.INSIDE.path, query_params={"run": run.id})
            if st.button(page.begin, icon=":material/add:"):
                st.query_params.clear()
                st.rerun()
    made = run.created.astimezone().strftime("%d %b %Y, %H:%M")
    took = f" · took {formatting.duration(run.seconds)}" if run.seconds and run.status == "done" else ""
    st.caption(f"{run.card.get('title', run.weights)} · {made}{took}")


def _ending(page: RunPage, run: Run, view: JobView | None) -> None:
    """How the run ended, where that needs saying, and what can be done about it.

    Args:
        page: what the task adds.
        run: as the library has it.
        view: the job of this studio that works on it, or did.
    """
    live = view is not None and not view.ended
    _notices(page, run)
    if live or run.status == "done":
        return
    match run.status:
        case "failed":
            st.error(formatting.escape(run.error), icon=":material/error:")
        case "cancelled":
            st.info(f"Cancelled. {page.cancelled}", icon=":material/cancel:")
        case "interrupted":
            st.warning(f"{run.error} Your file is kept.", icon=":material/restart_alt:")
        case "running" if view is not None:  # it ended here, and that could not be written down yet
            st.warning(formatting.escape(f"{view.sentence} {UNWRITTEN}"), icon=":material/warning:")
            return
        case "running":
            st.info("This run belongs to another studio that shares this library.", icon=":material/sync:")
            return
    run_sections.repeat_or_delete(run)


def _notices(page: RunPage, run: Run) -> None:
    notices = [notice for notice in run.notices if notice != run.facts.get(page.shown_apart)]
    if page.gathers and run.status == "done" and len(notices) > 1:
        with st.expander(f"{page.gathers} ({len(notices)})", icon=":material/info:"):
            for notice in notices:
                st.caption(formatting.escape(notice))
        return
    for notice in notices:
        st.info(formatting.escape(notice), icon=":material/info:")


def _explain(page: RunPage, run: Run) -> None:
    first = next(iter(page.views))
    with error_boundary("what explains the result"):
        chosen = st.segmented_control(
            "Look closer",
            list(page.views),
            default=first,
            required=True,
            key=f"view-{run.id}",
            label_visibility="collapsed",
        )
        page.views[chosen or first](run)
