"""What the few-shot engines share: pictures in, features kept, a head fitted, answers out.

An engine says how it prepares a picture and what features it makes of prepared ones, and of sentences where it knows
words; the base reads, remembers, teaches a head with the examples, and writes down what it answers.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.core.engine import Engine, Event, Metric, Notice, Progress, Result
from backends.core.errors import BadInput
from backends.fewshot.classifier import Classifier
from backends.fewshot.data.examples import Examples, read_examples
from backends.fewshot.data.image_collection import Gallery, open_gallery
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.feature_extraction import TELLING, Looked, look
from backends.fewshot.heads import head_class
from backends.fewshot.options import Settings
from backends.fewshot.relevance import checked
from backends.fewshot.relevance.job import direction_of, explain, shown, towards_best
from backends.fewshot.relevance.options import Explaining
from backends.fewshot.results import Answers, write_features, write_head, write_predictions
from backends.fewshot.text_features import class_words
from backends.fewshot.types import Classification, Support

LEARNING = "Learning from the examples"


class FeatureEngine(Engine):
    """Turns pictures, and sentences where it understands words, into unit vectors of one space.

    `side` is that of the square it looks at; a larger JPEG may be read smaller, down to twice that. Raise `version`
    when the features of the same weights change: those that were kept are then computed anew.
    """

    task: ClassVar[str] = "fewshot"
    version: ClassVar[str] = "1"
    dimensions: int = 0
    side: int = 0
    batch: int = 16
    understands_words: bool = False
    logit_scale: float = 100.0

    @abstractmethod
    def prepare(self, picture: np.ndarray) -> np.ndarray:
        """`(side, side, 3)` uint8 of a `(H, W, 3)` uint8 RGB picture of any size. Called in several threads."""

    @abstractmethod
    def features(self, prepared: np.ndarray) -> np.ndarray:
        """`(B, D)` float32 unit rows of `(B, side, side, 3)` uint8."""

    def images(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """`(N, D)` float32 unit rows of `(H, W, 3)` uint8 RGB pictures of any sizes."""
        rows = [np.zeros((0, self.dimensions), np.float32)]
        for start in range(0, len(pictures), self.batch):
            rows.append(self.features(np.stack([self.prepare(one) for one in pictures[start : start + self.batch]])))
        return np.concatenate(rows)

    def words(self, sentences: Sequence[str]) -> np.ndarray | None:
        """`(S, D)` float32 unit rows, or None where the engine understands no words."""
        return None

    def too_long(self, sentences: Sequence[str]) -> list[str]:
        """Those of which the engine reads only the beginning."""
        return []

    @property
    def space(self) -> str:
        """What features depend on beside the content: two engines with the same space give the same."""
        return f"{self.name}-{self.version}"

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Pictures that were looked at; those whose features were kept take no time, and a few tell nothing."""
        return float(result.looked) if isinstance(result, Classification) and result.looked >= TELLING else 0.0

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Classify the pictures of `inputs["query"]` by those of `inputs["support"]` and the words of
        `inputs["classes"]`; with the option `only`, stop at the features."""
        settings, why = Settings.parse(options), Explaining.parse(options)
        aim = self.aim(inputs, why, settings)
        if settings.head:
            head_class(settings.head)
        with ExitStack() as stack:
            query = stack.enter_context(open_gallery(inputs["query"]))
            support = stack.enter_context(open_gallery(inputs["support"])) if "support" in inputs else None
            examples = read_examples(support, inputs.get("classes"))
            if not settings.only:
                self.require_enough(examples)
            yield from (Notice(text) for text in self.notices(query, examples))
            cache = FeatureCache()
            words = yield from class_words(self, examples.classes, examples.sentences, settings.templates, cache)
            looked = yield from look(self, (*examples.items, *query.items), cache)
            shots, queries = looked.only(examples.items), looked.only(query.items)
            pictures = shown(self, queries.items) if why.wanted else []
        taught = self.support(examples, shots, words)
        out.mkdir(parents=True, exist_ok=True)
        artifacts = [write_features(out, queries, shots, taught, self)]
        facts: dict[str, Any] = {
            "classes": taught.classes,
            "shots": tuple(int(count) for count in taught.counts),
            "pictures": len(queries.items),
            "dimensions": looked.rows.shape[1],
            "understands_words": self.understands_words,
            "looked": looked.computed,
        }
        if not settings.only:
            answers = yield from self.answer(taught, queries, settings)
            artifacts += [write_predictions(out, answers), write_head(out, answers, self)]
            facts.update(answers.facts())
            if why.wanted and aim is None:
                rows = queries.only([one.item for one in pictures]).rows
                aim = towards_best(answers.classifier.head, rows, answers.prediction.best[: len(rows)])
        if why.wanted and aim is not None:
            aims = np.broadcast_to(aim, (len(pictures), looked.rows.shape[1]))
            artifacts += yield from explain(self, pictures, aims, why, out)
        yield Classification(tuple(artifacts), **facts)

    def aim(self, inputs: Mapping[str, Path], why: Explaining, settings: Settings) -> np.ndarray | None:
        """The direction `(D,)` that maps are wanted for; None for that of the answer. Raises BadInput."""
        if not why.wanted:
            return None
        if "target" in inputs:
            return checked(self, direction_of(inputs["target"]))
        if settings.only:
            raise BadInput("Without an answer there is nothing to explain: send a direction as the file “target”.")
        return None

    def answer(self, taught: Support, queries: Looked, settings: Settings) -> Generator[Event, None, Answers]:
        """Teach a head and classify. Raises BadInput where it cannot be taught with what is there."""
        yield Progress(LEARNING, 0, 1)
        classifier = Classifier.fit(taught, settings.head)
        answers = Answers(queries, classifier, classifier.predict(queries.rows, settings.reject))
        yield Progress(LEARNING, 1, 1)
        if classifier.left_out.accuracy is not None:
            yield Metric("leave-one-out accuracy", 100 * classifier.left_out.accuracy, "%")
        if len(taught.labels):
            yield Notice(classifier.left_out.sentence)
        return answers

    def require_enough(self, examples: Examples) -> None:
        """Raises BadInput, before a picture is looked at, where nobody could learn to tell classes apart."""
        if not examples.classes:
            raise BadInput("There are no examples: give a zip with one folder of pictures a class, or name classes.")
        if len(examples.classes) < 2:
            raise BadInput("Name at least two classes: with one there is nothing to tell apart.")
        bare = [name for name in examples.classes if name not in examples.pictured]
        if bare and not self.understands_words:
            raise BadInput(
                f"“{self.card.title}” understands no words, and “{bare[0]}” has no picture: add one, "
                "or choose a model that understands words."
            )

    def notices(self, query: Gallery, examples: Examples) -> list[str]:
        """What the user should know before the pictures are looked at."""
        found = [query.notice(), *examples.notices]
        if not self.understands_words and any(examples.sentences.values()):
            found.append(f"“{self.card.title}” understands no words: the sentences of the classes were not used.")
        return [text for text in found if text]

    def support(self, examples: Examples, shots: Looked, words: np.ndarray | None) -> Support:
        labels = np.array([examples.classes.index(examples.labels[item]) for item in shots.items], int)
        return Support(shots.rows, labels, examples.classes, words, self.logit_scale)


def unit(row: np.ndarray) -> np.ndarray:
    """Of length 1; zeros stay zeros."""
    return row / max(float(np.linalg.norm(row)), 1e-12)
