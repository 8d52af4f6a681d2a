"""`python -m studio.make_samples`: make the samples of all tasks that take long, giving way to everybody.

In a process of its own, because drawing holds up every other thread: a job's first files would wait for it. It lives
as long as its standard input is open, which the studio holds.
"""

from __future__ import annotations

import os
import threading

from studio import tasks
from studio.samples import SampleFolder


def folders() -> tuple[SampleFolder, ...]:
    """The samples of every task."""
    return tuple(sample for task in tasks.registered().values() for sample in task.samples)


def all_exist() -> bool:
    return all(sample.exists() for sample in folders())


def make(quick: bool) -> None:
    """Make the samples that take a moment only, or the others."""
    for sample in folders():
        if sample.quick == quick:
            sample.make()


def main() -> None:
    if hasattr(os, "nice"):
        os.nice(10)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    make(quick=False)


def _end_with_parent() -> None:
    """Standard input ends when the parent does, however it does."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
