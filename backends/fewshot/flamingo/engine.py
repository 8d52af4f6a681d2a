"""The `flamingo` engine: examples and an image as one prompt for a vision-language model (Alayrac et al. 2022).

In-context learning: nothing is fitted. Class names are ranked by their likelihood as the answer, so that no other
answer can be given; descriptions and answers to questions are free text.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from backends.core.engine import Engine, Event, Metric, Notice, Progress, Result
from backends.core.errors import BadInput, EngineFailed, UserError, WeightsMissing
from backends.fewshot.data.examples import Examples, read_examples
from backends.fewshot.data.image_collection import ImageFile, open_image_collection
from backends.fewshot.explanation.options import AttributionOptions
from backends.fewshot.feature_extraction import DECODE_OVERSAMPLING, MAX_NAMED_FILES
from backends.fewshot.flamingo.options import FlamingoOptions
from backends.fewshot.flamingo.prompt_runner import ASKING, NOT_FINITE, LeaveOneOutScore, PromptRunner
from backends.fewshot.flamingo.results import PromptExamples, QueryAnswer, Shot, write_all
from backends.fewshot.types import Classification
from backends.shared.images import read

if TYPE_CHECKING:
    from backends.fewshot.flamingo.model import IdeficsModel, ImageFeatures

ENCODING = "Looking at the examples"


class FlamingoEngine(Engine):
    """IDEFICS, an open Flamingo. Its options are `FlamingoOptions`."""

    name: ClassVar[str] = "flamingo"
    task: ClassVar[str] = "fewshot"
    model: IdeficsModel

    def load(self, device: str) -> None:
        from backends.fewshot.flamingo.likeness import TOWER_FILE
        from backends.fewshot.flamingo.model import IdeficsModel

        if not self.weights:
            raise WeightsMissing(f"“{self.card.title}” needs its weights: choose the folder that holds them.")
        # The files of a starter lie in a folder of their own; a user's own weights are named by their folder.
        folder = self.weights[0] if len(self.weights) == 1 else self.weights[0].parent
        tower = next((file for file in self.weights if file.name == TOWER_FILE), None)
        self.model = IdeficsModel(folder, device, tower)

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Number of answers: images times orders."""
        return last.total if last.stage == ASKING else 0.0

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Ask about the images of `inputs["query"]`, shown with the examples of `inputs["support"]`.

        Class names come from the folders of the examples and from `inputs["classes"]`, whose sentences are the
        answers of the examples where a description is asked for.
        """
        asked = FlamingoOptions.read(options)
        if AttributionOptions.read(options).is_on:
            raise BadInput(f"“{self.card.title}” cannot say where it looks: ask a CLIP with the same examples.")
        with ExitStack() as stack:
            query = stack.enter_context(open_image_collection(inputs["query"]))
            support = stack.enter_context(open_image_collection(inputs["support"])) if "support" in inputs else None
            examples = read_examples(support, inputs.get("classes"))
            self._require(examples, asked)
            yield from (Notice(text) for text in (query.notice(), *examples.notices) if text)
            shots = yield from self._encode_examples(examples, asked)
            runner = PromptRunner(self.model, shots, examples.classes, asked)
            score: LeaveOneOutScore | None = None
            if asked.measure and asked.ask == "names" and not asked.only:
                with closing(runner.measure()) as events:
                    score = yield from events
            with closing(self._answer_all(runner, query.items)) as events:
                answers = yield from events
            out.mkdir(parents=True, exist_ok=True)
            shown = PromptExamples(examples.classes, shots, self.space)
            temperature = 1.0 if score is None else score.temperature
            written = write_all(out, asked, shown, answers, temperature)
        if score is not None:
            yield Metric("leave-one-out accuracy", 100 * score.accuracy, "%")
        yield from (Metric(name, value, unit) for name, value, unit in written.metrics)
        yield Classification(
            written.artifacts,
            classes=examples.classes,
            shots=shown.counts,
            pictures=len(answers),
            looked=len(answers) + len(shots),
            dimensions=self.model.dimensions,
            understands_words=True,
            head="in-context",
            accuracy=None if score is None else score.accuracy,
            calibrated=score is not None,
            temperature=temperature,
        )

    @property
    def space(self) -> str:
        """Everything that features depend on beside the content, as for the other engines."""
        return f"{self.name}-{self.card.id}"

    def _require(self, examples: Examples, asked: FlamingoOptions) -> None:
        """Raises BadInput, before an image is read, where there is nothing to ask."""
        if asked.ask == "names" and len(examples.classes) < 2:
            raise BadInput("Name at least two classes, or give examples of two: with one there is nothing to choose.")
        for text in (asked.prompt_question, *examples.classes, *examples.sentences.values()):
            self.model.tokenizer.require_plain(text)

    def _encode_examples(self, examples: Examples, asked: FlamingoOptions) -> Generator[Event, None, list[Shot]]:
        """The examples through the vision tower, and notices about unreadable ones. None where none are shown."""
        if asked.max_shots == 0 and not asked.measure:
            return []
        shots: list[Shot] = []
        errors: list[str] = []
        for count, item in enumerate(examples.items):
            yield Progress(ENCODING, count, len(examples.items), "pictures")
            features = self._encode(item, errors)
            if features is None:
                continue
            name = examples.labels[item]
            answer = (examples.sentences.get(name) or name) if asked.ask == "caption" else name
            shots.append(Shot(item, examples.classes.index(name), answer.replace("_", " "), features))
        if examples.items:
            yield Progress(ENCODING, len(examples.items), len(examples.items), "pictures")
        yield from _notices(errors)
        return shots

    def _encode(self, item: ImageFile, errors: list[str]) -> ImageFeatures | None:
        """None, and a sentence more in `errors`, where the file cannot be read."""
        try:
            picture = read(item.read(), side=DECODE_OVERSAMPLING * self.model.side).rgb
        except UserError as error:
            errors.append(f"“{item.name}” was left out: {error.sentence}")
            return None
        features = self.model.encode_image(picture)
        if not np.isfinite(features.feature).all():
            raise EngineFailed(NOT_FINITE)
        return features

    def _answer_all(
        self, runner: PromptRunner, items: Sequence[ImageFile]
    ) -> Generator[Event, None, list[QueryAnswer]]:
        """Each query with the examples in each order. Raises BadInput where no query can be read."""
        answers: list[QueryAnswer] = []
        errors: list[str] = []
        total = len(items) * runner.asked.orders
        for count, item in enumerate(items):
            done = count * runner.asked.orders
            yield Progress(ASKING, done, total, "answers")
            features = self._encode(item, errors)
            if features is None:
                continue

            def progress(part: float, done: int = done) -> Progress:
                return Progress(ASKING, done + part, total, "answers")

            with closing(runner.answer(item, features, progress)) as events:
                answers.append((yield from events))
        if not answers:
            raise BadInput(f"There is no picture left to ask about: {errors[0]}")
        yield Progress(ASKING, total, total, "answers")
        yield from _notices(errors)
        return answers


def _notices(errors: Sequence[str]) -> Iterator[Notice]:
    yield from (Notice(error) for error in errors[:MAX_NAMED_FILES])
    if len(errors) > MAX_NAMED_FILES:
        yield Notice(f"{len(errors) - MAX_NAMED_FILES} more pictures could not be read and were left out.")
