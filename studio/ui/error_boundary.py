"""Faults while a page is drawn become one sentence on the page, never a traceback, also inside a fragment."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import streamlit as st

from backends.core.errors import UserError

log = logging.getLogger(__name__)

FAULT = (
    "This part of the page could not be shown because of a fault of ours. Your files and results are kept; "
    "reload the page to try again."
)


@contextmanager
def error_boundary(what: str) -> Iterator[None]:
    """Show the sentence of a UserError; log any other fault with its traceback and say that there was one."""
    try:
        yield
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
    except Exception:
        log.exception("%s failed", what)
        st.error(FAULT, icon=":material/error:")


def safe_fragment(run_every: float | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.fragment` with an error boundary around each of its own reruns, which no caller surrounds."""

    def decorate(draw: Callable[..., None]) -> Callable[..., None]:
        @wraps(draw)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with error_boundary(draw.__name__):
                draw(*args, **kwargs)

        return st.fragment(guarded, run_every=run_every)

    return decorate
