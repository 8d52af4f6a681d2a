"""The command that adapts a network to files of one's own.

    python -m training adapt fewshot birds --name birds
    python -m training adapt separation my_songs --name my-band --base htdemucs-starter --steps 200

It tells how far it is and how long it takes, stops after the step at hand at Ctrl-C, and goes on when it is run again.
What became better is a model under "yours" that the pages list; what did not is refused with its numbers.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from backends.cli.terminal import answer, say
from backends.core.adapting import Standing
from backends.core.errors import BadInput, UserError
from backends.core.task import Task, task_named
from backends.serving.host import Host
from backends.weights.store import WeightStore
from training.adapt.base import ADAPTATIONS, Adaptation, Base, adaptation_class
from training.adapt.job import Job, Request

INSTALLED, REFUSED, BAD_INPUT, FAILED, STOPPED = 0, 1, 2, 3, 130
EXIT = {"installed": INSTALLED, "refused": REFUSED, "stopped": STOPPED}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
BACKGROUND = 10
"""How nice a training is: the pages and their model server come first."""


class Interrupts:
    """Ctrl-C and a request to terminate: the first asks to stop, a second one of Ctrl-C stops at once."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Interrupts:
        self._before = [signal.signal(number, self._ask) for number in (signal.SIGINT, signal.SIGTERM)]
        return self

    def __exit__(self, *error: object) -> None:
        for number, before in zip((signal.SIGINT, signal.SIGTERM), self._before, strict=True):
            signal.signal(number, before)

    def _ask(self, number: int, frame: object) -> None:
        if self.asked and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.asked = True
        say("Stopping after the step at hand…")


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    if hasattr(os, "nice"):
        with suppress(OSError):
            os.nice(BACKGROUND)
    try:
        return EXIT[_adapt(given).state]
    except BadInput as error:
        say(error.sentence)
        return BAD_INPUT
    except UserError as error:
        say(error.sentence)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m training", description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    adapt = commands.add_parser("adapt", help="adapt a network to your own files")
    adapt.add_argument("task", choices=ADAPTATIONS)
    adapt.add_argument("folder", type=Path, help="your files; how they lie in it is said where they lie otherwise")
    adapt.add_argument("--name", required=True, help="what the result is called")
    adapt.add_argument("--base", default="", help="the model to begin from; by default the best that is here")
    adapt.add_argument("--steps", type=int, help="how long it learns")
    adapt.add_argument("--seed", type=int, default=0, help="decides the split and all chance")
    adapt.add_argument("--threads", type=int, default=0, help="of the processor; by default all")
    adapt.add_argument("--json", action="store_true", help="a line about the result on standard output")
    return parser


def _adapt(given: argparse.Namespace) -> Standing:
    import torch

    task = task_named(given.task)
    assert task.material is not None  # every task in ADAPTATIONS has one
    if not NAME.fullmatch(given.name):
        raise BadInput(
            "A name is made of letters, digits, hyphens and underscores, at most 60, and begins with a letter or digit."
        )
    if not given.folder.is_dir():
        raise BadInput(f"There is no folder “{given.folder}”. {task.material.layout}")
    steps = task.material.steps if given.steps is None else given.steps
    if steps < 1:
        raise BadInput("It has to learn for one step at least.")
    if given.threads:
        torch.set_num_threads(given.threads)
    torch.manual_seed(given.seed)
    store = WeightStore()
    make = partial(make_adaptation, task, Host(store, "cpu"), given.base, given.folder, seed=given.seed)
    request = Request(task, given.name, store.root, steps, given.seed)
    with Interrupts() as interrupts:
        standing = Job(request, make, Teller().tell, lambda: interrupts.asked).run()
    if given.json:
        answer(standing.model_dump_json())
    return standing


def make_adaptation(task: Task, host: Host, base: str, folder: Path, scratch: Path, *, seed: int) -> Adaptation:
    """The adaptation of the card `base`, or of the best that is here. Raises BadInput and WeightsMissing."""
    assert task.material is not None
    card, weights = host.choose(task, engine=task.material.engine, weights=base)
    return adaptation_class(task.name)(task, Base(card, weights), folder, scratch, seed)


class Teller:
    """Tells on standard error what changed: one line that counts on in a terminal, one for each tenth elsewhere."""

    def __init__(self) -> None:
        self.told: object = None
        self.notices = 0

    def tell(self, standing: Standing) -> None:
        for notice in standing.notices[self.notices :]:
            say(notice)
        self.notices = len(standing.notices)
        if standing.state != "running":
            say(standing.sentence)
            return
        terminal = sys.stderr.isatty()
        mark = (standing.stage, standing.done if terminal else 10 * standing.done // max(1, standing.total))
        if mark != self.told:
            self.told = mark
            say(line(standing))


def line(standing: Standing) -> str:
    """“Learning: 12 of 60, about 40 s left”.

    >>> line(Standing(task="matting", name="mine", stage="Learning", done=12, total=60, left=40.2))
    'Learning: 12 of 60, about 40 s left'
    """
    text = standing.counted
    return text if standing.left is None else f"{text}, about {_duration(standing.left)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
