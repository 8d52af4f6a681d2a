"""Nothing that goes wrong while a page is drawn reaches a person as a traceback, also inside a fragment."""

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
def told(what: str) -> Iterator[None]:
    """Say a UserError in its own words; log any other fault with its traceback and say that there was one."""
    try:
        yield
    except UserError as error:
        st.error(error.sentence, icon=":material/error:")
    except Exception:
        log.exception("%s failed", what)
        st.error(FAULT, icon=":material/error:")


def fragment(run_every: float | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`st.fragment` whose own reruns, which no caller surrounds, are guarded as well."""

    def decorate(draw: Callable[..., None]) -> Callable[..., None]:
        @wraps(draw)
        def guarded(*args: Any, **kwargs: Any) -> None:
            with told(draw.__name__):
                draw(*args, **kwargs)

        return st.fragment(guarded, run_every=run_every)

    return decorate
