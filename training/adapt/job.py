"""One training from the user's files to a card under "yours", or to a reason why not.

Everything that is not done yet lies in the training's own folder, so that one that was stopped or killed goes on: the
split, what was measured before, the checkpoint. The result is written beside the user's models under a hidden name and
gets its own only when it was loaded, measured and found better.
"""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from backends.core.adapting import LOCK, STOP, Standing, folder_of_training, write_standing
from backends.core.errors import BadInput, EngineFailed, UserError
from backends.core.task import Task
from backends.weights import user_models
from backends.weights.adapted import Lineage, digests_of, lineage_path, write_lineage
from training.adapt import verdict
from training.adapt.base import Adaptation, Split, Values, split_units, without_copies
from training.loop import Loop

ABOUT, BEFORE, LEARNING = "about.json", "before.json", "learning"
NOTED_SECONDS = 0.5
LOCK_SECONDS = 3.0
MAX_NAMES = 3
"""Names of files left out that a sentence lists."""

STOPPED = "Stopped. Nothing is lost: the same training goes on from here."


class Stopped(Exception):
    """The user asked for it to stop."""


@dataclass(frozen=True)
class Request:
    """What is adapted to what: `name` is that of the result, `root` the folder of all weights."""

    task: Task
    name: str
    root: Path
    steps: int
    seed: int


class Job:
    """Runs one training and notes its standing.

    Args:
        request: what is wanted.
        make: the adaptation, given a folder for what it decodes.
        watch: told of each standing that is noted.
        stopping: whether somebody asked this process to stop.
    """

    def __init__(
        self,
        request: Request,
        make: Callable[[Path], Adaptation],
        watch: Callable[[Standing], None] = lambda standing: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.request, self.watch, self.stopping = request, watch, stopping
        self.folder = folder_of_training(request.root, request.task.name, request.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.adaptation = make(self.folder / "scratch")
        self.standing = Standing(task=request.task.name, name=request.name, base=self.adaptation.card.id)
        self._noted = 0.0

    def run(self) -> Standing:
        """To the end, to a stop or to an error, which is noted and raised. Only one process works on a training."""
        try:
            with FileLock(self.folder / LOCK, timeout=LOCK_SECONDS):
                self._forget_earlier_stop()
                return self._noting_errors()
        except Timeout as error:
            raise BadInput(f"“{self.request.name}” is being trained already; stop that first.") from error

    def _noting_errors(self) -> Standing:
        try:
            self._run()
        except Stopped:
            self._note(state="stopped", left=None, sentence=STOPPED)
        except UserError as error:
            self._note(state="failed", left=None, sentence=error.sentence)
            raise
        except BaseException:
            self._note(state="failed", left=None, sentence="It stopped because of a fault of ours; its log says more.")
            raise
        finally:
            shutil.rmtree(self._hidden(), ignore_errors=True)
            (self.folder / STOP).unlink(missing_ok=True)
        return self.standing

    def _run(self) -> None:
        adaptation, request = self.adaptation, self.request
        _require_free(request)
        self._go_on()
        self._note(stage="Reading your files", force=True)
        units, digests, copies = without_copies(adaptation.units())
        split = split_units(units, request.seed, adaptation.material)
        notices = [*adaptation.notices, *_left_out(copies)]
        self._note(notices=tuple(notices))
        self._begin(digests)
        before = self._before(split)
        loop = self._learn(split)
        candidate = self._export(loop)
        after, _ = self._measured("Measuring the result", (candidate,), split, adapted=True)
        _require_numbers(after)
        measures, noun = adaptation.measures, adaptation.material.noun
        scores = verdict.scores_of(measures, before, after)
        told = verdict.sentence(scores, len(split.apart), noun)
        if verdict.is_better(measures, before, after):
            self._install(candidate, split, told)
            self._finish("installed", told, scores)
        else:
            self._finish("refused", f"{verdict.reason(scores)} {told}", scores)

    def _begin(self, digests: dict[str, str]) -> None:
        """Go on with what was begun, unless it was begun with other files, another base or other numbers."""
        about = {
            "base": self.adaptation.card.id,
            "base_sha256": self._base_digest(),
            "steps": self.request.steps,
            "seed": self.request.seed,
            "files": digests,
        }
        known = self.folder / ABOUT
        if not known.exists() or json.loads(known.read_text(encoding="utf-8")) != about:
            for path in (self.folder / BEFORE, *self.folder.glob(f"{LEARNING}.*")):
                path.unlink(missing_ok=True)
        known.write_text(json.dumps(about), encoding="utf-8")

    def _base_digest(self) -> str:
        """Of all files of the base together; of a single one its own."""
        found = [digest for path in self.adaptation.weights for digest in digests_of(path).values()]
        return found[0] if len(found) == 1 else sha256("".join(found).encode()).hexdigest()

    def _before(self, split: Split) -> list[Values]:
        """What the base reaches, measured once."""
        noted = self.folder / BEFORE
        if noted.exists():
            content = json.loads(noted.read_text(encoding="utf-8"))
            self.measure_seconds = float(content["seconds"])
            return [tuple(row) for row in content["values"]]
        values, self.measure_seconds = self._measured(
            "Measuring what there is", self.adaptation.weights, split, adapted=False
        )
        noted.write_text(json.dumps({"values": values, "seconds": self.measure_seconds}), encoding="utf-8")
        return values

    def _measured(
        self, stage: str, weights: tuple[Path, ...], split: Split, adapted: bool
    ) -> tuple[list[Values], float]:
        """The values of every unit kept apart, and the seconds that took."""
        began, count = time.monotonic(), len(split.apart)
        self._note(stage=stage, done=0, total=count, left=None, force=True)
        values: list[Values] = []
        for row in self.adaptation.measure(self.adaptation.engine(weights, adapted), split):
            values.append(row)
            spent = time.monotonic() - began
            left = spent / len(values) * (count - len(values)) if adapted else None
            self._note(stage=stage, done=len(values), total=count, left=left)
            self._go_on()
        return values, time.monotonic() - began

    def _learn(self, split: Split) -> Loop:
        first = -1

        def noted(loop: Loop) -> None:
            nonlocal first
            first = loop.step - 1 if first < 0 else first
            each = (time.monotonic() - began) / (loop.step - first)
            left = each * (loop.steps - loop.step) + self.measure_seconds
            self._note(stage="Learning", done=loop.step, total=loop.steps, left=left)
            loop.stopping = self._is_to_stop()

        self._note(stage="Reading your files", done=0, total=0, left=None, force=True)
        recipe = self.adaptation.recipe(split.learned)
        self._go_on()
        began = time.monotonic()
        loop = Loop(recipe, self.folder, LEARNING, self.request.steps, on_step=noted)
        try:
            loop.run()
        except FloatingPointError as error:
            raise EngineFailed("Learning broke down: its numbers grew beyond all bounds. Use fewer steps.") from error
        if loop.step < loop.steps:
            raise Stopped
        return loop

    def _export(self, loop: Loop) -> Path:
        hidden = self._hidden()
        shutil.rmtree(hidden, ignore_errors=True)
        hidden.mkdir(parents=True)
        return self.adaptation.export(loop.recipe, loop.ema.weights, hidden)

    def _hidden(self) -> Path:
        """Beside the user's models, so that the last step is to rename; models are not looked for under such a name."""
        request = self.request
        return user_models.folder_of(request.task, request.root) / f".{request.name}.adapting"

    def _install(self, candidate: Path, split: Split, measured: str) -> None:
        card = self.adaptation.card
        target = user_models.folder_of(self.request.task, self.request.root) / f"{self.request.name}{candidate.suffix}"
        files = digests_of(candidate)
        if candidate.is_file():
            files = {target.name: files[candidate.name]}
        lineage = Lineage(
            base=card.id,
            base_title=card.title,
            base_sha256=self._base_digest(),
            files=files,
            learned=len(split.learned),
            apart=len(split.apart),
            noun=self.adaptation.material.noun,
            steps=self.request.steps,
            seed=self.request.seed,
            made=date.today().isoformat(),
            measured=measured,
        )
        write_lineage(candidate, lineage)
        if candidate.is_file():  # the lineage first: without its weights it is nothing, and they are never without it
            lineage_path(candidate).replace(lineage_path(target))
        candidate.replace(target)

    def _finish(self, state: str, sentence: str, scores: Sequence[verdict.Score]) -> None:
        shutil.rmtree(self.adaptation.scratch, ignore_errors=True)
        for path in (self.folder / ABOUT, self.folder / BEFORE, self.folder / f"{LEARNING}.pt"):
            path.unlink(missing_ok=True)
        self._note(state=state, stage="", left=None, sentence=sentence, scores=tuple(scores))

    def _forget_earlier_stop(self) -> None:
        """Asked of a process that was killed; one asked of this while it was starting stands."""
        asked = self.folder / STOP
        with suppress(FileNotFoundError):
            if asked.stat().st_mtime < psutil.Process().create_time():
                asked.unlink()

    def _is_to_stop(self) -> bool:
        return self.stopping() or (self.folder / STOP).exists()

    def _go_on(self) -> None:
        if self._is_to_stop():
            raise Stopped

    def _note(self, force: bool = False, **changes: object) -> None:
        """Note a new standing; one that only counts on is not written each time."""
        self.standing = self.standing.model_copy(update={**changes, "updated": time.time()})
        counted_only = set(changes) <= {"stage", "done", "total", "left"} and not force
        if counted_only and time.monotonic() - self._noted < NOTED_SECONDS:
            return
        self._noted = time.monotonic()
        write_standing(self.folder, self.standing)
        self.watch(self.standing)


def _require_free(request: Request) -> None:
    folder = user_models.folder_of(request.task, request.root)
    taken = [path.name for path in folder.glob("*") if request.name in (path.name, path.stem)]
    if taken:
        raise BadInput(f"There is a model called “{taken[0]}” already: choose another name, or delete it first.")


def _require_numbers(values: Sequence[Values]) -> None:
    if not all(math.isfinite(value) for row in values for value in row):
        raise EngineFailed("The adapted network gives no numbers any more, so it is not installed: use fewer steps.")


def _left_out(copies: Sequence[str]) -> list[str]:
    if not copies:
        return []
    names = ", ".join(copies[:MAX_NAMES]) + (" …" if len(copies) > MAX_NAMES else "")
    return [f"{len(copies)} held the same as another and counted once: {names}."]
