"""What a task adds to the page: how each kind of answer is asked for and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studio.inside.questions import Question
from studio.library.library import Run


@dataclass(frozen=True)
class Room:
    """One task on the page.

    Attributes:
        start_sample: submits a run of the task's sample with the best model at hand; returns its id.
        faces: shows a question of a run, by the question's `face`.
    """

    start_sample: Callable[[], str]
    faces: Mapping[str, Callable[[Run, Question], None]]
