"""The page of a task: bring a file, see what it is, choose a model and options, submit; then the page of the run.

Every task with one file a run has the same page: source → probe → model → options → estimate → submit → watch → views.
A room describes its own in a `TaskPage`, and its file in `pages/` is two lines:

    from studio.songs.page import PAGE
    from studio.ui import task_page

    task_page.show(PAGE)

To move a room onto it:

1. Sources are `studio.ui.source.Source` objects, or a subclass with fields of the task's own, made by `of_upload`,
   `of_text` and `of_run`. `bring` draws the ways to give one and returns it, or None while there is none.
2. `form` draws what the job can be told and returns it as a `Request`. Most of it is
   `studio.ui.form.draw(card.options, before, key, widgets=...)`, with `widgets` for options that deserve a widget of
   their own and `without` for those that the room asks for in another way.
3. `unfit` says in one sentence why this card cannot run this source, and `estimate` how long it will take.
4. A task with more than one way to submit (a trial first) draws them itself in `buttons`, with `submit`.

The address `?from=RUN` opens the page with the file, the model and the options of an earlier run; `?run=RUN` shows a
run, drawn by `run_page`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, NoReturn, TypeVar

import streamlit as st

from backends.core.errors import UserError
from backends.core.info import CardInfo, DeviceInfo, TaskInfo
from studio import launch, services
from studio.jobs import quota
from studio.library.library import Run
from studio.ui import batch, form, formatting, model_picker, run_list, run_page
from studio.ui.run_page import RunPage
from studio.ui.source import Source

SourceType = TypeVar("SourceType", bound=Source)


@dataclass(frozen=True)
class Request:
    """What a form asks for.

    Attributes:
        options: those of the engine, as they travel.
        files: further files by the names of the task's optional inputs.
        problem: one sentence where something is missing, so that nothing can be submitted.
        asked: what the run is to remember of how it was asked for, as its fact "asked".
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    problem: str = ""
    asked: Mapping[str, Any] | None = None


MOST_FILES = 12
"""Files at once; the model server keeps a few places more free for others."""


def tell_probe(source: Source) -> None:
    """What was read of each file, or why it cannot be run."""
    for each in source.all:
        if each.probe.problem:
            whose = f"{formatting.escape(each.name)}: " if source.others else ""
            st.error(f"{whose}{each.probe.problem}", icon=":material/error:")
        elif each.probe.text:
            st.caption(f":material/check_circle: {formatting.escape(f'{each.name}: {each.probe.text}')}")


def all_cards(task: TaskInfo, source: Source | None) -> tuple[Sequence[CardInfo], str]:
    """Every card of the task, and the id of the best one that is here."""
    return task.cards, task.default


def form_of_card(card: CardInfo, source: Source | None, before: Mapping[str, Any]) -> Request:
    """The options that the card declares."""
    return Request(form.draw(card.options, before, f"{source.key if source else 'none'}-{card.id}"))


@dataclass(frozen=True)
class TaskPage(Generic[SourceType]):
    """What a task adds to the page.

    Attributes:
        run_page: draws a run of this task.
        title: of the page.
        intro: one sentence of Markdown on what the page does.
        bring: draws the ways to give a file; returns the source once there is one.
        of_run: the file of an earlier run. Raises UserError where it is gone.
        another: the label of the button that leaves an earlier run's file.
        nothing: what the disabled button says while there is no source.
        submit_label: of the button that starts the job.
        submit_icon: of the same button.
        estimate: how long a card will take, in words, "" where that is not known; there may be no source yet.
        unfit: one sentence why a card cannot run a source on this device, "" where it can.
        tell: shows what is known of the source.
        cards: the cards to choose from, and the id of the one to begin with.
        advise: shows below the models what the choice of them means for this source; there may be no source yet.
        form: draws the options and returns what is asked for.
        options_of: the options of an earlier run to begin with.
        buttons: draws the ways to submit, in place of the one button; given source, card and request, whose `problem`
            says why nothing can be submitted.
        form_beside: whether the options stand beside the models instead of below them.
        noun: what a file is, for pages that take several at once.
        verb: what is done with them, as the button for several says it.
        sample_label: of the button that runs the sample, "" where `bring` offers samples itself.
        start_sample: runs the sample, given the id of the card and the options that are chosen.
    """

    run_page: RunPage
    title: str
    intro: str
    bring: Callable[[], SourceType | None]
    of_run: Callable[[Run], SourceType]
    another: str
    nothing: str
    submit_label: str
    submit_icon: str
    estimate: Callable[[CardInfo, SourceType | None, DeviceInfo], str]
    unfit: Callable[[CardInfo, SourceType, DeviceInfo], str]
    tell: Callable[[SourceType], None] = tell_probe
    cards: Callable[[TaskInfo, SourceType | None], tuple[Sequence[CardInfo], str]] = all_cards
    advise: Callable[[Sequence[CardInfo], SourceType | None], None] | None = None
    form: Callable[[CardInfo, SourceType | None, Mapping[str, Any]], Request] = form_of_card
    options_of: Callable[[Run], Mapping[str, Any]] = lambda run: run.options
    buttons: Callable[[SourceType | None, CardInfo, Request], None] | None = None
    form_beside: bool = False
    noun: str = "file"
    verb: str = "Start"
    sample_label: str = ""
    start_sample: Callable[[str, Mapping[str, Any]], NoReturn] | None = None


def show(page: TaskPage[SourceType]) -> None:
    """The whole page: a run where the address names one, else the way to a new one."""
    if "run" in st.query_params:
        run_page.show(page.run_page, st.query_params["run"])
        return
    st.title(page.title)
    if batch.ADDRESS in st.query_params:
        batch.show(page.run_page, page.noun)
        return
    st.markdown(page.intro)
    info = services.backend().info()
    task = info.tasks.get(page.run_page.task)
    if task is None:
        model_picker.wait_for_backend(services.backend().state())
        return
    source, before = _source(page)
    way_to_sample = st.container()  # above the models, but what it starts depends on what is chosen below
    if source is not None:
        page.tell(source)
    left, right = st.columns([3, 2], gap="large") if page.form_beside else (st.container(), st.container())
    with left:
        card = _choose_card(page, task, source, info.device)
        action = (
            st.container()
        )  # above the options, which have their defaults: the way to the job is on the first screen
    request = Request()
    if not model_picker.is_here(card):
        with action:
            model_picker.offer_download(card)
    else:
        with right:
            request = page.form(card, source, before)
        with action:
            _submit(page, source, card, request, info.device)
    if source is None:
        with way_to_sample:
            _offer_sample(page, card, request)
        run_list.latest(page.run_page.task)


def submit(page: TaskPage[SourceType], source: SourceType, card: CardInfo, request: Request) -> NoReturn:
    """Start the job, or one for each file, and show it. Raises UserError where it cannot be started."""
    if source.others:
        quota.check(services.library(), sum(each.path.stat().st_size for each in source.all))  # all of them, or none
        runs = [
            services.jobs().submit(page.run_page.task, each.name, each.path, card.id, request.options,
                                   extra=request.files, asked=request.asked)
            for each in source.all
        ]  # fmt: skip
        batch.go_to(page.run_page.task, runs)
    launch.start(
        page.run_page.task,
        source.name,
        source.path,
        card.id,
        request.options,
        extra=request.files,
        asked=request.asked,
    )


def _source(page: TaskPage[SourceType]) -> tuple[SourceType | None, Mapping[str, Any]]:
    """The file that the page is about, and the options to begin with: an earlier run's, or what the visitor brings."""
    earlier = services.library().get(st.query_params["from"]) if "from" in st.query_params else None
    if earlier is not None and earlier.task == page.run_page.task:
        try:
            source = page.of_run(earlier)
        except UserError as error:
            st.error(error.sentence, icon=":material/error:")
        else:
            if st.button(page.another, icon=":material/upload:"):
                st.query_params.clear()
                st.rerun()
            return source, page.options_of(earlier)
    return page.bring(), {}


def _offer_sample(page: TaskPage[SourceType], card: CardInfo, request: Request) -> None:
    """The way to the sample, by the model and the options that the page shows."""
    if page.start_sample is None:
        return
    here = model_picker.is_here(card)
    help = None if here else "Download the model below first, or change it."
    if st.button(page.sample_label, icon=":material/play_arrow:", disabled=not here, help=help):
        page.start_sample(card.id, request.options)


def _choose_card(page: TaskPage[SourceType], task: TaskInfo, source: SourceType | None, device: DeviceInfo) -> CardInfo:
    """The list of models; for the file of an earlier run it begins with that run's model."""
    cards, default = page.cards(task, source)
    key, run = "", source.run if source is not None else None
    if source is not None and run is not None:
        key = f"model-{source.key}"
        default = run.weights if any(card.id == run.weights for card in cards) else default
    card = model_picker.choose_card_in_line(
        cards,
        default,
        lambda each: page.estimate(each, source, device),
        key,
        lambda: model_picker.tell_own_weights(page.run_page.task, task),
    )
    if page.advise is not None:
        page.advise(cards, source)
    return card


def _submit(
    page: TaskPage[SourceType], source: SourceType | None, card: CardInfo, request: Request, device: DeviceInfo
) -> None:
    """The way to the job; where it cannot be started, the reason."""
    unfit = page.unfit(card, source, device) if source is not None and not source.probe.problem else ""
    if unfit:
        st.error(unfit, icon=":material/error:")
    problem = page.nothing if source is None else _problem(page, source) or unfit or request.problem
    if page.buttons is not None:
        page.buttons(source, card, Request(request.options, request.files, problem, request.asked))
        return
    help = problem if source is None or request.problem else None  # other problems stand on the page already
    label = label_of(page, source, page.submit_label)
    pressed = st.button(label, type="primary", disabled=bool(problem), help=help, icon=page.submit_icon)
    if pressed and source is not None:
        submit(page, source, card, request)


def _problem(page: TaskPage[SourceType], source: SourceType) -> str:
    """Why a file, or one of several, cannot be run; "" where all can."""
    if len(source.all) > MOST_FILES:
        return f"Choose at most {MOST_FILES} {page.noun}s at once."
    return next((each.probe.problem for each in source.all if each.probe.problem), "")


def label_of(page: TaskPage[Any], source: Source | None, label: str) -> str:
    """What the button says: `label`, or how many files it is for."""
    count = 1 if source is None else len(source.all)
    return label if count == 1 else f"{page.verb} {count} {page.noun}s"
