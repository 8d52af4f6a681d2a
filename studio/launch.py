"""Starting a job from a page and going to where it can be watched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NoReturn

import streamlit as st

from studio import services, tasks

MOST_SECONDS = 60
"""How long a server that is starting is waited for before a model is chosen without it."""


def go_to(run_id: str, task: str) -> NoReturn:
    """Show a run; its address can be reloaded, kept and shared."""
    st.switch_page(tasks.get(task).page, query_params={"run": run_id})


def start(
    task: str,
    name: str,
    source: IO[bytes] | Path,
    card: str,
    options: Mapping[str, Any],
    **more: Any,
) -> NoReturn:
    """Submit a job and show its run.

    Args:
        task: the task's name, such as "separation".
        name: what the file is called; shown, and never used as a path.
        source: the file, which is copied.
        card: the id of the model's card.
        options: the engine's options.
        more: as for `Jobs.submit`.
    """
    go_to(services.jobs().submit(task, name, source, card, options, **more), task)


def best_card(task: str, engine: str = "") -> str:
    """The id of the best model of a task that is on the server; one of `engine` where there is one.

    A server that has only just begun to start is waited for, as a job would be: only it knows which models it has.

    Args:
        task: its name.
        engine: preferred, such as a network where the best model has nothing inside to look at; "" for none.
    """
    backend = services.backend()
    known = backend.info()
    if not known:
        with st.spinner("The model server is starting…"):
            known = backend.wait_ready(MOST_SECONDS, lambda: backend.state().state == "starting").info or known
    info = known.tasks.get(task)
    fitting = [card for card in info.cards if card.here and card.engine == engine] if info else []
    if fitting:
        return max(fitting, key=lambda card: card.preference).id
    return (info.default if info else "") or tasks.get(task).fallback
