"""Whose library it is: the visitor on whose behalf a thread or a request works.

Where visitors log in (`studio.login`), a page acts for the one who opened it and an address for the one whose cookie
came along; `studio.library.privacy` then shows nobody the rows of others. Where nobody logs in, and in the studio's own
upkeep, `current` is EVERYBODY: no row is left out.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

Value = TypeVar("Value")

EVERYBODY = None
"""No restriction: the studio itself, or one without a log-in."""

NOBODY = "-"
"""Somebody who has not logged in where a log-in is asked for; sees nothing and stores nothing."""

SHARED = "*"
"""Stands in a row that every visitor sees: a study, the built-in story."""

_UNKNOWN = "?"
_acting: ContextVar[str | None] = ContextVar("visitor", default=_UNKNOWN)


def current() -> str | None:
    """The visitor for whom this thread or request works; EVERYBODY, NOBODY, or who it is."""
    visitor = _acting.get()
    return _of_page() if visitor == _UNKNOWN else visitor


def may_see(owner: str) -> bool:
    """Whether who asks may see what belongs to `owner`."""
    visitor = current()
    return visitor in (EVERYBODY, owner) or (owner == SHARED and visitor != NOBODY)


@contextmanager
def acting(visitor: str | None) -> Iterator[None]:
    """Work for `visitor` within the block, whatever the page."""
    before = _acting.set(visitor)
    try:
        yield
    finally:
        _acting.reset(before)


def bind(work: Callable[[], Value]) -> Callable[[], Value]:
    """`work` for another thread, where it goes on for the visitor who asks for it here."""
    visitor = current()

    def run() -> Value:
        with acting(visitor):
            return work()

    return run


def _of_page() -> str | None:
    if "streamlit" not in sys.modules:  # a command: no page can be shown
        return EVERYBODY
    from studio import login

    return login.of_page()
