"""The `flamingo` engine: examples and a picture as one prompt for a language model that sees (Alayrac et al. 2022).

It is taught by reading: nothing is fitted. Class names are ranked by how likely the model finds each as the answer, so
it cannot answer with anything else; descriptions and answers to questions are free text.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backends.core.engine import Engine, Event, Metric, Notice, Progress, Result
from backends.core.errors import BadInput, EngineFailed, UserError, WeightsMissing
from backends.fewshot.calibration import temperature
from backends.fewshot.data.examples import Examples, read_examples
from backends.fewshot.data.image_collection import Item, open_gallery
from backends.fewshot.flamingo.interleave import Turn
from backends.fewshot.flamingo.options import Asking
from backends.fewshot.flamingo.results import Answered, Named, Shot, Taught, Written, write_all
from backends.fewshot.flamingo.rices import drawn, orders, similar
from backends.fewshot.options import Settings
from backends.fewshot.relevance.options import Explaining
from backends.fewshot.types import Classification
from backends.shared.images import read

if TYPE_CHECKING:
    from backends.fewshot.flamingo.model import Held, Reader, Seen

LOOKING = "Looking at the examples"
ASKING = "Asking about the pictures"
MEASURING = "Asking about the examples"

HELD = 8
"""Readings of examples that are kept: a few hundred megabytes each in the published size."""

FINER = 2
"""How many times the side that is seen a JPEG is read at least."""

BROKEN = "The model's numbers broke down on these pictures: try another model."
NAMED = 5


class FlamingoEngine(Engine):
    """IDEFICS, an open Flamingo. Options: those of FLAMINGO_OPTIONS, and `seed`."""

    name: ClassVar[str] = "flamingo"
    task: ClassVar[str] = "fewshot"
    reader: Reader

    def load(self, device: str) -> None:
        from backends.fewshot.flamingo.model import Reader

        if not self.weights:
            raise WeightsMissing(f"“{self.card.title}” needs its weights: choose the folder that holds them.")
        # The files of a starter lie in a folder of their own; one's own weights are named by their folder.
        folder = self.weights[0] if len(self.weights) == 1 else self.weights[0].parent
        self.reader = Reader(folder, device)

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Answers: pictures times orders."""
        return last.total if last.stage == ASKING else 0.0

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Ask about the pictures of `inputs["query"]`, shown with the examples of `inputs["support"]`.

        Names come from the folders of the examples and from `inputs["classes"]`, whose sentences answer for the
        examples where a description is asked for.
        """
        asking, settings = Asking.parse(options), Settings.parse(options)
        if Explaining.parse(options).wanted:
            raise BadInput(f"“{self.card.title}” cannot say where it looks: ask a CLIP with the same examples.")
        with ExitStack() as stack:
            query = stack.enter_context(open_gallery(inputs["query"]))
            support = stack.enter_context(open_gallery(inputs["support"])) if "support" in inputs else None
            examples = read_examples(support, inputs.get("classes"))
            self._require(examples, asking)
            yield from (Notice(text) for text in (query.notice(), *examples.notices) if text)
            shots = yield from self._shots(examples, asking)
            prompter = _Prompter(self.reader, shots, examples.classes, asking, settings)
            measured = None
            if asking.measure and asking.ask == "names" and not settings.only:
                with closing(prompter.measure()) as events:
                    measured = yield from events
            with closing(self._ask(prompter, query.items)) as events:
                answered = yield from events
            out.mkdir(parents=True, exist_ok=True)
            taught = Taught(examples.classes, shots, self.space)
            warmth = 1.0 if measured is None else measured.temperature
            kept = write_all(out, asking, taught, answered, warmth)
        if measured is not None:
            yield Metric("leave-one-out accuracy", 100 * measured.accuracy, "%")
        yield from (Metric(name, value, unit) for name, value, unit in kept.metrics)
        yield Classification(
            kept.artifacts,
            classes=examples.classes,
            shots=taught.counts,
            pictures=len(answered),
            looked=len(answered) + len(shots),
            dimensions=self.reader.dimensions,
            understands_words=True,
            head="in-context",
            accuracy=None if measured is None else measured.accuracy,
            calibrated=measured is not None,
            temperature=warmth,
        )

    @property
    def space(self) -> str:
        """What features depend on beside the content, as for the other engines."""
        return f"{self.name}-{self.card.id}"

    def _require(self, examples: Examples, asking: Asking) -> None:
        """Raises BadInput, before a picture is looked at, where there is nothing to ask."""
        if asking.ask == "names" and len(examples.classes) < 2:
            raise BadInput("Name at least two classes, or give examples of two: with one there is nothing to choose.")
        for text in (asking.question, *examples.classes, *examples.sentences.values()):
            self.reader.speller.require_plain(text)

    def _shots(self, examples: Examples, asking: Asking) -> Generator[Event, None, list[Shot]]:
        """The examples through the vision tower; says which cannot be read. None are looked at if none are shown."""
        if asking.shots == 0 and not asking.measure:
            return []
        found: list[Shot] = []
        troubles: list[str] = []
        for count, item in enumerate(examples.items):
            yield Progress(LOOKING, count, len(examples.items), "pictures")
            seen = self._look(item, troubles)
            if seen is None:
                continue
            name = examples.labels[item]
            answer = (examples.sentences.get(name) or name) if asking.ask == "caption" else name
            found.append(Shot(item, examples.classes.index(name), answer.replace("_", " "), seen))
        if examples.items:
            yield Progress(LOOKING, len(examples.items), len(examples.items), "pictures")
        yield from _told(troubles)
        return found

    def _look(self, item: Item, troubles: list[str]) -> Seen | None:
        """None, and a sentence more in `troubles`, where the file cannot be read."""
        try:
            picture = read(item.read(), side=FINER * self.reader.side).rgb
        except UserError as error:
            troubles.append(f"“{item.name}” was left out: {error.sentence}")
            return None
        seen = self.reader.look(picture)
        if not np.isfinite(seen.feature).all():
            raise EngineFailed(BROKEN)
        return seen

    def _ask(self, prompter: _Prompter, items: Sequence[Item]) -> Generator[Event, None, list[Answered]]:
        """Each query with the examples in each order. Raises BadInput where no query can be read."""
        answered: list[Answered] = []
        troubles: list[str] = []
        total = len(items) * prompter.asking.orders
        for count, item in enumerate(items):
            done = count * prompter.asking.orders
            yield Progress(ASKING, done, total, "answers")
            seen = self._look(item, troubles)
            if seen is None:
                continue

            def progress(part: float, done: int = done) -> Progress:
                return Progress(ASKING, done + part, total, "answers")

            with closing(prompter.answer(item, seen, progress)) as events:
                answered.append((yield from events))
        if not answered:
            raise BadInput(f"There is no picture left to ask about: {troubles[0]}")
        yield Progress(ASKING, total, total, "answers")
        yield from _told(troubles)
        return answered


@dataclass(frozen=True)
class Measured:
    """How often the examples are named right with the others shown, and the temperature that fits that."""

    accuracy: float
    temperature: float


class _Prompter:
    """Chooses the examples for a picture, and asks; what was read of examples is kept for the next picture."""

    def __init__(
        self, reader: Reader, shots: Sequence[Shot], classes: Sequence[str], asking: Asking, settings: Settings
    ) -> None:
        self.reader, self.shots, self.asking, self.settings = reader, shots, asking, settings
        self.names = [name.replace("_", " ") for name in classes]
        self._held: dict[tuple[int, ...], Held] = {}

    def chosen(self, seen: Seen, without: int | None = None) -> np.ndarray:
        """Indices of the shots to show beside a picture, in the first of the orders; `without` one of them."""
        here = np.array([place for place in range(len(self.shots)) if place != without], int)
        count = len(here) if self.asking.shots is None else min(self.asking.shots, len(here))
        if not count:
            return here[:0]
        if self.asking.pick == "drawn":
            return here[drawn(np.array([self.shots[place].label for place in here]), count, self.settings.seed)]
        return here[similar(seen.feature, np.stack([self.shots[place].seen.feature for place in here]), count)]

    def answer(self, item: Item, seen: Seen, progress: Callable[[float], Progress]) -> Generator[Event, None, Answered]:
        """Ask with the examples in each order; descriptions and answers with the first alone."""
        if self.settings.only:
            return Answered(item, seen.feature)
        yield progress(0)
        shown = self.chosen(seen)
        if self.asking.ask != "names":
            return (yield from self._write(item, seen, shown, progress))
        files, weights = [], []
        for count, order in enumerate(orders(shown, self.asking.orders, self.settings.seed)):
            files.append(self._files(order))
            weights.append((yield from self._weigh(item.name, seen, order, progress(count))))
        turns = self._turns(item.name, shown)
        return Named(item, seen.feature, turns, files, likelihoods=np.stack(weights))

    def measure(self) -> Generator[Event, None, Measured | None]:
        """Each example as if it were asked about, with the others shown; None with fewer than two."""
        if len(self.shots) < 2:
            yield Notice("With fewer than two examples there is none to leave out: how often it is right is not known.")
            return None
        scores = []
        for count, shot in enumerate(self.shots):
            now = Progress(MEASURING, count, len(self.shots), "answers")
            shown = self.chosen(shot.seen, without=count)
            scores.append((yield from self._weigh(shot.item.name, shot.seen, shown, now)))
        yield Progress(MEASURING, len(self.shots), len(self.shots), "answers")
        labels = np.array([shot.label for shot in self.shots])
        table = np.stack(scores)
        return Measured(float((table.argmax(1) == labels).mean()), temperature(table, labels))

    def _weigh(self, name: str, seen: Seen, order: np.ndarray, now: Progress) -> Generator[Event, None, np.ndarray]:
        """Log likelihood a token `(C,)` of each class name; yields `now` before each pass through the network."""
        pieces = self.reader.speller.pieces(self._turns(name, order), self.names)
        self.reader.check(pieces)
        yield now
        held = self._hold(order, pieces.shots)
        yield now
        weights = self.reader.weigh(held, pieces, seen)
        if not np.isfinite(weights).all():
            raise EngineFailed(BROKEN)
        return weights

    def _write(
        self, item: Item, seen: Seen, shown: np.ndarray, progress: Callable[[float], Progress]
    ) -> Generator[Event, None, Answered]:
        from backends.fewshot.flamingo.model import LONGEST_ANSWER

        turns = self._turns(item.name, shown)
        pieces = self.reader.speller.pieces(turns)
        self.reader.check(pieces, LONGEST_ANSWER)
        texts, held = [""], self._hold(shown, pieces.shots)
        yield progress(0)
        with closing(self.reader.write(held, pieces, seen, LONGEST_ANSWER)) as writing:
            for text in writing:
                texts.append(text)
                yield progress(len(texts) / (LONGEST_ANSWER + 2))
        return Written(item, seen.feature, turns, [self._files(shown)], text=texts[-1])

    def _hold(self, order: np.ndarray, tokens: Sequence[int]) -> Held:
        key = tuple(int(place) for place in order)
        if key not in self._held:
            while len(self._held) >= HELD:
                self._held.pop(next(iter(self._held)))
            self._held[key] = self.reader.hold(tokens, [self.shots[place].seen.latents for place in key])
        return self._held[key]

    def _turns(self, name: str, order: np.ndarray) -> list[Turn]:
        shown = [self.shots[int(place)] for place in order]
        question = self.asking.question
        return [*(Turn(shot.item.name, question, shot.answer) for shot in shown), Turn(name, question)]

    def _files(self, order: np.ndarray) -> list[str]:
        return [self.shots[int(place)].item.name for place in order]


def _told(troubles: Sequence[str]) -> Iterator[Notice]:
    yield from (Notice(trouble) for trouble in troubles[:NAMED])
    if len(troubles) > NAMED:
        yield Notice(f"{len(troubles) - NAMED} more pictures could not be read and were left out.")
