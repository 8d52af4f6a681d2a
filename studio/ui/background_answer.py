"""What a page shows of a task in the background: its answer, that it is still at work, or why it failed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from backends.core.errors import UserError
from studio.jobs.background import BackgroundTasks
from studio.ui import formatting
from studio.ui.error_boundary import safe_fragment

WAIT_SECONDS = 0.7

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


def answer(
    tasks: BackgroundTasks[Key, Value], key: Key, make: Callable[[], Value], doing: str, name: str
) -> Value | None:
    """The answer once it is there; until then None, and the page says what is going on.

    Args:
        tasks: the manager that the task belongs to.
        key: the task's key there.
        make: works out the answer.
        doing: what the page says meanwhile, such as "Drawing the spectrograms…".
        name: tells the buttons of one page apart.
    """
    try:
        value = tasks.get(key, make)
    except UserError as error:
        if try_again(error.sentence, name):
            tasks.forget(key)
            st.rerun()
        return None
    if value is None:
        _wait(tasks, key, make, doing)
    return value


def try_again(sentence: str, name: str) -> bool:
    """Say why something failed; whether the visitor wants another try."""
    st.error(formatting.escape(sentence), icon=":material/error:")
    return st.button("Try again", key=f"again-{name}", icon=":material/replay:")


def _wait(tasks: BackgroundTasks[Key, Value], key: Key, make: Callable[[], Value], doing: str) -> None:
    """Ask now and then, which also keeps the task ahead of those that nobody looks at; at the end draw the page."""

    @safe_fragment(run_every=WAIT_SECONDS)
    def waiting() -> None:
        try:
            ready = tasks.get(key, make) is not None
        except UserError:
            ready = True  # The page itself says what went wrong and offers another try.
        if ready:
            st.rerun()
        st.caption(f":material/hourglass_top: {doing}")

    waiting()
