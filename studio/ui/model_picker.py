"""Pieces of page that several tasks use: the chooser of models, the download of weights, the state of a job."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from backends.core.info import CardInfo, TaskInfo
from backends.core.task import task_named
from backends.weights.locations import default_root
from studio import services, tasks
from studio.jobs.backend import BackendState, EmbeddedBackend
from studio.jobs.view import JobView
from studio.ui import formatting
from studio.ui.error_boundary import safe_fragment

POLL_SECONDS = 0.7
ABSENCE = {
    "absent": "is not on the model server yet.",
    "partial": "is on the model server in part; the download goes on where it stopped.",
    "broken": "is damaged on the model server and has to be downloaded again.",
}
"""Why a model cannot be used, by the state of its card."""


def is_here(card: CardInfo) -> bool:
    return card.here


def choose_card_in_line(
    cards: Sequence[CardInfo], default: str, estimate: Callable[[CardInfo], str], key: str, own: Callable[[], None]
) -> CardInfo:
    """The chosen model in one line, and behind a button the list of all with what each is good and bad at.

    Args:
        cards: to choose from.
        default: the id of the one to begin with.
        estimate: how long a card takes, in words.
        key: of the choice, as for `choose_card`.
        own: draws below the list how weights of one's own come onto it.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        line = st.empty()
        with st.popover("Change the model", icon=":material/tune:"):
            card = choose_card(cards, default, estimate, key)
            own()
    line.markdown(f"Model: **{formatting.escape(card.title)}** · {_caption(card, estimate(card))}", width="content")
    first = card.summary.partition(". ")[0].rstrip(".")
    if first:
        st.caption(f"{first}. **Weak at:** {card.weak_at}")
    return card


def choose_card(
    cards: Sequence[CardInfo], default: str, estimate: Callable[[CardInfo], str], key: str = ""
) -> CardInfo:
    """A radio list of models with size, state and time; below it what the chosen one is and is not good at.

    Each `key` has a choice of its own; without one it is the same for all pages with these cards.
    """
    by_id = {card.id: card for card in sorted(cards, key=lambda card: (not is_here(card), -card.preference))}
    ids = list(by_id)
    chosen = st.radio(
        "Model",
        ids,
        index=ids.index(default) if default in ids else 0,
        format_func=lambda card_id: formatting.escape(by_id[card_id].title),
        captions=[_caption(card, estimate(card)) for card in by_id.values()],
        key=key or f"model-{'-'.join(ids)}",
        persist_state="session",
    )
    card = by_id[chosen]
    st.markdown(f"{card.summary} **Weak at:** {card.weak_at}")
    if card.measured:
        st.markdown(f"**Measured:** {card.measured}")
    if card.licence_note:
        st.caption(f"Licence: {card.licence}. {card.licence_note}")
    if unfetched := [formatting.escape(each.title) for each in cards if each.packaged and not is_here(each)]:
        st.caption(f"Setting up did not bring {' and '.join(unfetched)}: choose it to download it.")
    if card.reason and is_here(card):
        st.warning(f"Last time: {card.reason}", icon=":material/warning:")
    return card


def _caption(card: CardInfo, estimate: str) -> str:
    # A model with one output makes what its page says; only several need counting.
    stems = len(card.outputs) if card.task in ("", "separation") else 0
    parts = [formatting.count(stems, "stem") if stems > 1 else "", estimate]
    if card.lacks:
        parts.append("has to be added to the model server")
    elif card.tier == "yours":
        parts.append("your own, on the model server")
    elif card.download_bytes:
        size = formatting.size(card.download_bytes)
        parts.append("on the model server" if is_here(card) else f"download of {size}")
    else:
        parts.append("built in, needs no download")
    return " · ".join(part for part in parts if part)


def tell_own_weights(name: str, task: TaskInfo, project: str = "") -> None:
    """How weights of one's own come onto the list of models of the task called `name`.

    `project` is the token of that which the page shows, whose examples a model can be adapted to.
    """
    own = task.own
    if not own.kinds:
        return
    endings = ", ".join(kind for kind in own.kinds if kind.startswith("."))
    folder = "" if all(kind.startswith(".") for kind in own.kinds) else " or a folder of them"
    with st.expander("Use weights of your own", icon=":material/folder_open:"):
        st.markdown(
            f"Put a file ({endings}){folder} into {_own_folder(name)}. It may have to be made. "
            "Then reload this page: the model is on the list under its own name, and is used if it is complete and "
            "fits the network."
        )
        if ".onnx" in own.kinds:
            st.markdown(
                "A JSON file of the same name beside an ONNX or LiteRT file can say how pictures go in and what comes "
                'out, such as `{"layout": "NHWC", "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], '
                '"activation": "sigmoid"}`.'
            )
        if task_named(name).material is not None:
            st.page_link(
                tasks.ADAPT.path,
                label="Adapt a model to files of your own",
                icon=tasks.ADAPT.icon,
                query_params={"task": name, "project": project} if project else {"task": name},
            )
        for strange in own.strange:
            st.warning(f"{formatting.escape(strange)} is there, but is no kind of weights that is used here.")


def _own_folder(task: str) -> str:
    backend = services.backend()
    if backend.place == EmbeddedBackend.place:
        return f"the folder `{default_root() / 'yours' / task}`"
    return f"the folder `yours/{task}` of the weights on {backend.place}, as `python -m backends list` names it there"


def offer_download(card: CardInfo) -> None:
    """The way to a model that is not here yet: what it costs, one click, true progress, a way to stop."""
    if card.lacks:  # a program or a folder that no download of ours brings
        st.info(card.lacks, icon=":material/build:")
        return
    job_id = f"fetch-{card.id}"
    view = services.jobs().get(job_id)
    if view is not None and not view.ended:
        _watch_download(job_id)
        return
    if view is not None and view.state == "failed":
        st.error(view.sentence, icon=":material/error:")
    size = formatting.size(card.download_bytes)
    st.info(
        f"{card.title} {ABSENCE.get(card.stored, ABSENCE['absent'])} It is a download of {size}, once; "
        "afterwards it works without network.",
        icon=":material/download:",
    )
    if st.button(f"Download {card.title} ({size})", icon=":material/download:", type="primary"):
        services.jobs().fetch(card.id)
        st.rerun()


@safe_fragment(run_every=POLL_SECONDS)
def _watch_download(job_id: str) -> None:
    view = services.jobs().get(job_id)
    if view is None or view.ended:
        services.backend().state(fresh=True)
        st.rerun()
    shown = f"{view.stage}: {formatting.size(view.done)} of {formatting.size(view.total)}" if view.total else view.stage
    st.progress(view.fraction or 0.0, text=f"{shown}{_left(view)}")
    if st.button("Stop the download", icon=":material/close:"):
        services.jobs().cancel(job_id)


def job_progress(view: JobView) -> None:
    """Where a running job stands, with the way to cancel it."""
    bar, button = st.columns([6, 1], vertical_alignment="center")
    bar.progress(view.fraction or 0.0, text=job_text(view))
    if button.button("Cancel", icon=":material/close:", width="stretch", key=f"cancel-{view.id}"):
        services.jobs().cancel(view.id)
        st.rerun()


def job_text(view: JobView) -> str:
    """One line: stage, percent, what is left, or the place in the queue."""
    if view.state == "waiting" and view.rank:
        return f"{formatting.count(view.rank, 'job')} before yours on the model server"
    if view.fraction is None:
        return f"{view.stage}…"
    amount = f" ({view.done:.0f} of {view.total:.0f} {view.unit})" if view.unit else ""
    pace = f" · {view.pace:.2g} frames a second" if view.unit == "frames" and view.pace else ""
    return f"{view.stage}: {100 * view.fraction:.0f} %{amount}{pace}{_left(view)}"


def _left(view: JobView) -> str:
    return f" · {formatting.duration(view.eta)} left" if view.eta is not None else ""


def wait_for_backend(state: BackendState) -> None:
    """What a page shows while no model server has answered yet: how it stands, and the page itself once it has."""
    if state.state in ("down", "failed"):
        st.info("New jobs need the model server. Finished results are on the home page.", icon=":material/info:")
        return
    _watch_backend()


@safe_fragment(run_every=0.5)
def _watch_backend() -> None:
    state = services.backend().state()
    if state.ready:
        st.rerun()
    st.progress(0.0, text=f"{state.sentence} This takes about ten seconds.")
