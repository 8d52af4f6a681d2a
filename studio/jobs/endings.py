"""How runs ended, written down in the library even where that fails at first: no run stays "running" for ever."""

from __future__ import annotations

import itertools
import logging
import threading
from typing import Any

from backends.core.errors import UserError
from studio.library.library import Library, UnknownRun

log = logging.getLogger(__name__)

PAUSES = (1.0, 2.0, 5.0, 15.0)
"""Seconds between tries to write down how a run ended; the last repeats."""


class Endings:
    """Closes the runs of one library. Safe to use from several threads."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stopping = threading.Event()

    def write(self, run_id: str, status: str, seconds: float, sentence: str) -> str:
        """Close a run now, or later where the library cannot now: its disk is full, its database away.

        Args:
            run_id: the run.
            status: how it ended.
            seconds: how long it took.
            sentence: why it failed, or "".

        Returns:
            Why the library cannot close it now, or "".
        """
        ending = (run_id, status, seconds, sentence)
        failure = self._try(ending)
        if failure:
            log.warning("the end of run %s cannot be written down yet: %s", run_id, failure)
            threading.Thread(target=self._try_later, args=(ending,), name=f"end {run_id}", daemon=True).start()
        return failure

    def stop(self) -> None:
        """Try no more; the next start of the studio closes what is left (`maintenance.repair`)."""
        self._stopping.set()

    def _try(self, ending: Any) -> str:
        try:
            self._library.finish(*ending)
        except UnknownRun:
            return ""  # deleted meanwhile
        except UserError as error:
            return error.sentence
        return ""

    def _try_later(self, ending: Any) -> None:
        for pause in itertools.chain(PAUSES, itertools.repeat(PAUSES[-1])):
            if self._stopping.wait(pause) or not self._try(ending):
                return
