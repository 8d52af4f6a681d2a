"""The page: choose what to adapt and to which files, watch it learn, and read whether it became better."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from backends.core.adapting import Material, Score
from backends.core.errors import BadInput
from backends.core.info import CardInfo
from backends.core.task import task_named, tasks
from studio import services, visitors
from studio import tasks as rooms
from studio.adapt import material as files
from studio.adapt import trainings
from studio.adapt.trainings import Training
from studio.jobs.backend import EmbeddedBackend
from studio.ui import formatting, model_picker
from studio.ui.error_boundary import error_boundary, safe_fragment
from studio.ui.file_chooser import choose_files
from studio.web.upload_limit import MAX_UPLOAD_MB

POLL_SECONDS = 1.0
TOGETHER = "\N{NO-BREAK SPACE}"
"""In numbers, which narrow columns would tear apart."""
STATES = {"stopped": "stopped", "installed": "became better", "refused": "did not become better", "failed": "failed"}


def show() -> None:
    st.title("Adapt a model")
    st.markdown(
        "A model that learns from files like yours may be better on them. It may also become worse, so a third of your "
        "files is kept apart and measured before and after: only a model that is **shown to be better** is installed."
    )
    adaptable = {name: task.material for name, task in tasks().items() if task.material is not None}
    wanted = st.query_params.get("task", "")
    name = st.segmented_control(
        "What to adapt",
        list(adaptable),
        default=wanted if wanted in adaptable else next(iter(adaptable)),
        format_func=lambda one: task_named(one).title,
        required=True,
        key="adapt-task",
    )
    material = adaptable[name]
    st.markdown(f"{material.what} {material.layout}")
    if visitors.current() is not visitors.EVERYBODY:
        _in_terminal(name, "A model is everybody's here, so who runs this studio teaches one, with this command.")
        return
    found = trainings.known()  # once, so that the form and the list say the same
    if services.backend().place != EmbeddedBackend.place:
        _in_terminal(
            name,
            "The models are on another machine, so a training runs there: copy your files to it and use this command. "
            "What became better is on the list of models here too.",
        )
    else:
        with error_boundary("the form of a training"):
            _form(name, material, next((training for training in found if training.running), None))
    if any(training.running for training in found):
        _watch()
    else:
        _list(found)


def _in_terminal(task: str, why: str) -> None:
    """Where the page cannot do it: the sentence that says so, and the command."""
    st.info(why, icon=":material/terminal:")
    st.code(f"python -m training adapt {task} FOLDER --name NAME", language="bash")


def _form(task: str, material: Material, running: Training | None) -> None:
    state = services.backend().state()  # before its models: what is ready now has told them
    cards = _bases(task, material)
    if not cards:
        if not state.ready:
            model_picker.wait_for_backend(state)
        else:
            st.info("No model that can be adapted is here yet: download one on the page of this task first.")
        return
    best = max(cards, key=lambda card: card.preference)
    left, right = st.columns(2)
    base = left.selectbox(
        "Begin from",
        [card.id for card in cards],
        index=cards.index(best),
        format_func={card.id: card.title for card in cards}.__getitem__,
        key=f"adapt-base-{task}",
    )
    name = right.text_input("Call it", placeholder="my-own", key=f"adapt-name-{task}", max_chars=60).strip()
    steps = st.slider(
        "How long it learns",
        10,
        20 * material.steps,
        material.steps,
        step=10,
        format="%d steps",
        key=f"adapt-steps-{task}",
        help="More steps take longer and may teach it your files by heart; what is measured tells.",
    )
    chosen = _choose_material(task, material)
    if running is not None:
        st.caption(f"One at a time: “{formatting.escape(running.name)}” is learning now.")
    if st.button(
        "Teach it", type="primary", icon=":material/model_training:", disabled=not chosen or running is not None
    ):
        # With no name yet it can be pressed all the same: a name is taken in as the field is left, by this very press.
        if not name:
            raise BadInput("It has no name yet: say above what to call it.")
        with st.spinner("Copying your files…"):
            _copy_files(task, name, chosen)
            trainings.start(task, name, base, steps)  # within: where the page is drawn anew now, it ends at `with`
        st.rerun()


def _choose_material(task: str, material: Material) -> Sequence[tuple[str, files.Content]]:
    """The examples of the project that the address names, or a folder that is chosen."""
    project, room = st.query_params.get("project", ""), rooms.get(task)
    if project and room.material is not None:
        examples = room.material(project)
        st.caption(f"It learns from the {formatting.count(len(examples), material.noun)} of your project.")
        return [(f"{project}/{name}", path) for name, path in examples]
    uploads = choose_files(
        f"A folder of {material.noun}s, at least {material.least}",
        f"adapt-files-{task}",
        most_mb=MAX_UPLOAD_MB,
        folder=True,
        help=f"{material.layout} Taken are {', '.join(material.endings)}.",
    )
    return [(upload.name, upload) for upload in uploads]


def _copy_files(task: str, name: str, chosen: Sequence[tuple[str, files.Content]]) -> None:
    """Put the material into the training's folder. Raises BadInput where none of it is of the right kind."""
    material = task_named(task).material
    assert material is not None  # only such tasks are offered
    trainings.require_name(task, name)
    count = files.write(chosen, trainings.material_folder(task, name), material)
    if not count:
        shutil.rmtree(trainings.material_folder(task, name).parent)
        raise BadInput(f"None of these files can be used: they have to end in {', '.join(material.endings)}.")


def _bases(task: str, material: Material) -> list[CardInfo]:
    """The models of the right engine that are here."""
    about = services.backend().info().tasks.get(task)
    return [card for card in about.cards if card.engine == material.engine and card.here] if about else []


@safe_fragment(run_every=POLL_SECONDS)
def _watch() -> None:
    """The trainings as long as one runs."""
    found = trainings.known()
    if not any(training.running for training in found):
        services.backend().state(fresh=True)  # what was installed is on its list of models
        st.rerun()
    _list(found)


def _list(found: Sequence[Training]) -> None:
    """Every training on this machine, the newest first."""
    if not found:
        return
    st.subheader("Trainings")
    for training in found:
        with error_boundary(f"the training {training.key}"), st.container(border=True):
            _one(training)


def _one(training: Training) -> None:
    what = f"**{formatting.escape(training.name)}** · {task_named(training.task).title}"
    if training.running:
        _running(training, what)
        return
    st.markdown(f"{what} · {STATES.get(training.state, training.state)}")
    _outcome(training)
    with st.container(horizontal=True, vertical_alignment="center"):
        _ways_on(training)


def _running(training: Training, what: str) -> None:
    """How far it is, and the way to stop it."""
    title, button = st.columns([5, 1], vertical_alignment="center")
    title.progress(_fraction(training), text=f"{what} · {_progress(training)}")
    asked = training.stopping
    label = "Stopping…" if asked else "Stop"
    if button.button(label, key=f"stop-{training.key}", icon=":material/stop:", disabled=asked, width="stretch"):
        trainings.stop(training)
        st.rerun()


def _outcome(training: Training) -> None:
    """What became of a training that nobody works on."""
    standing = training.standing
    sentence = formatting.escape(standing.sentence or trainings.fault(training))
    if training.state == "installed":
        st.success(f"{sentence} It is on the list of models.", icon=":material/check:")
    elif training.state == "refused":
        st.warning(sentence, icon=":material/block:")
    elif training.state == "failed":
        st.error(sentence or "It failed without a word.", icon=":material/error:")
    else:
        st.info(sentence or "It was stopped. Nothing is lost.", icon=":material/pause_circle:")
    for notice in standing.notices:
        st.caption(formatting.escape(notice))
    if standing.scores:
        st.table(pd.DataFrame([_row(score) for score in standing.scores]), border="horizontal", hide_index=True)
        st.caption("In brackets: 95 % intervals.")


def _ways_on(training: Training) -> None:
    """What can be done with a training that nobody works on."""
    room = rooms.find(training.task)
    if training.state == "installed" and room:
        st.page_link(room.page, label=f"Use it on the page {room.title}", icon=room.icon)
    if training.can_go_on and st.button("Go on", key=f"go-on-{training.key}", icon=":material/play_arrow:"):
        trainings.go_on(training)
        st.rerun()
    forgetting = "The files that it learned from are deleted; a model that came of it stays."
    if st.button("Forget", key=f"forget-{training.key}", icon=":material/delete:", help=forgetting):
        trainings.delete(training)
        st.rerun()


def _row(score: Score) -> dict[str, str]:
    def text(values: tuple[float, float, float]) -> str:
        estimate, low, high = (f"{value:.{score.digits}f}".replace("-", "−") for value in values)
        unit = f"{TOGETHER}{score.unit}" if score.unit else ""
        return f"{estimate}{unit} ({low}{TOGETHER}to {high})"

    return {
        "Measured": score.name,
        "Before": text(score.before),
        "After": text(score.after),
        "Better by": text(score.gain),
    }


def _fraction(training: Training) -> float:
    standing = training.standing
    return min(1.0, standing.done / standing.total) if standing.total else 0.0


def _progress(training: Training) -> str:
    standing = training.standing
    text = standing.counted
    return text if standing.left is None else f"{text}, {formatting.about(standing.left)} left"
