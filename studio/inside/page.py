"""The page inside the models: choose a run, ask a question in words, see the answer, and how far to trust it."""

from __future__ import annotations

from importlib import import_module

import streamlit as st

from studio import services, tasks
from studio.findings import pin
from studio.inside import address, atlas
from studio.inside.page_links import go_to
from studio.inside.questions import Question, of_task
from studio.inside.room import Room
from studio.library.library import Run
from studio.ui import formatting, model_picker
from studio.ui.error_boundary import error_boundary, safe_fragment

ROOMS = {
    "separation": "studio.inside.songs",
    "matting": "studio.inside.videos",
    "folding": "studio.inside.proteins",
    "fewshot": "studio.inside.pictures",
}
"""The modules that show the answers of each task, as `ROOM`."""

MAX_RUNS = 40
OF_ONE_QUESTION = ("method", "detail", "layer", "head", "reads", "step", "box", "word", "words")
"""Query parameters that mean something else in another question; the others stay when the question changes."""


def room(task: str) -> Room:
    """What the task adds to the page."""
    return import_module(ROOMS[task]).ROOM


def show() -> None:
    """The whole page."""
    st.title("Inside the models")
    if address.read("view") == "atlas":
        if st.button("Ask about a result", icon=":material/arrow_back:"):
            st.query_params.clear()
            st.rerun()
        pin.look_at(pin.Subject("", "", "The atlas of attention", tasks.INSIDE.path))
        with error_boundary("the atlas"):
            atlas.show()
        return
    run = services.library().get(address.read("run")) if address.read("run") else None
    if run is None:
        if address.read("run"):
            st.warning("There is no such run here: it was deleted, or the address is not complete.")
        _choose_run()
        return
    if run.task not in ROOMS:
        st.info("Nothing can be asked of this run.", icon=":material/info:")
        return
    pin.look_at_run(run, tasks.INSIDE.path)
    _heading(run)
    if run.status != "done":
        _wait(run)
        return
    if not services.backend().info():
        model_picker.wait_for_backend(services.backend().state())
        return
    _ask(run)


def _choose_run() -> None:
    st.markdown("Why did the model answer so? Ask it about something you made, or about a sample.")
    offers = {name: task for name, task in tasks.registered().items() if name in ROOMS}
    ready = bool(services.backend().info())
    if not ready:
        model_picker.wait_for_backend(services.backend().state())
    for column, (name, task) in zip(st.columns(len(offers)), offers.items(), strict=True):
        with column.container(border=True, height="stretch", vertical_alignment="distribute"):
            st.markdown(f"{task.icon} **{task.title}**")
            st.caption(" · ".join(question.sentence for question in of_task(name)[:3]))
            if st.button("Ask about the sample", key=f"inside-sample-{name}", disabled=not ready, width="stretch"):
                with st.spinner("Making the sample…"):
                    go_to(room(name).start_sample())
    if st.button("Or compare how all of them look at things: the atlas of attention", icon=":material/map:"):
        st.query_params["view"] = "atlas"
        st.rerun()
    runs = [run for run in services.library().list(status="done", limit=MAX_RUNS) if run.task in ROOMS]
    st.subheader("Ask about what you made")
    if not runs:
        st.caption("Nothing yet: what you make on the other pages can be asked about here.")
    for run in runs:
        task, model = tasks.get(run.task), run.card.get("title", run.weights)
        label = f"{formatting.escape(run.title)} · {model}"
        st.page_link(tasks.INSIDE.path, label=label, icon=task.icon, query_params={"run": run.id})


def _heading(run: Run) -> None:
    task = tasks.get(run.task)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="bottom"):
        st.subheader(formatting.escape(run.title), width="content")
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            expert = st.toggle(
                "Expert", address.read("expert") == "on", key="inside-expert",
                help="Choose methods, their detail and their seed.",
            )  # fmt: skip
            address.write("expert", "on" if expert else "")
            if st.button("Ask about something else", icon=":material/arrow_back:"):
                st.query_params.clear()
                st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(str(run.card.get("title", run.weights)), width="content")
        st.page_link(task.page, label="The result itself", icon=task.icon, query_params={"run": run.id})


def _wait(run: Run) -> None:
    """The run is not finished: its progress, or how it ended."""
    view = services.jobs().get(run.id)
    if view is None or view.ended:
        ending = f"{formatting.STATUS[run.status]}. {formatting.escape(run.error)}"
        st.info(f"Only finished runs can be asked about. {ending}", icon=":material/info:")
        return

    @safe_fragment(run_every=model_picker.POLL_SECONDS)
    def follow() -> None:
        now = services.jobs().get(run.id)
        if now is None or now.ended:
            st.rerun()
        model_picker.job_progress(now)

    st.caption("The model works first; then you can ask.")
    follow()


def _ask(run: Run) -> None:
    questions = {question.id: question for question in of_task(run.task, run.engine)}
    ids = list(questions)
    chosen = address.one_of("ask", ids)
    picked = st.radio(
        "Ask", ids, ids.index(chosen), format_func=lambda name: questions[name].sentence, key=f"inside-ask-{run.id}",
        label_visibility="collapsed",
    )  # fmt: skip
    if picked != chosen:
        for name in OF_ONE_QUESTION:
            address.write(name, "")
    address.write("ask", str(picked), ids[0])
    question = questions[str(picked)]
    st.caption(question.meaning)
    with error_boundary(question.sentence):
        _face(run, question)


def _face(run: Run, question: Question) -> None:
    room(run.task).faces[question.face](run, question)
