"""A classification job: read the images, encode them, fit a head on the examples, classify the queries."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.engine import Artifact, Event, Metric, Notice, Progress
from backends.core.errors import BadInput
from backends.fewshot.classifier import Classifier
from backends.fewshot.data.examples import Examples, read_examples, twice_notices
from backends.fewshot.data.image_collection import ImageCollection, open_image_collection
from backends.fewshot.explanation import validate_direction
from backends.fewshot.explanation.job import direction_to_best, explain, load_direction, prepare_images
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.feature_extraction import FeatureTable, extract_features
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.heads import head_class
from backends.fewshot.network_file import export_network
from backends.fewshot.options import NETWORKS, FeatureEngineOptions
from backends.fewshot.results import QueryPredictions, write_features, write_head, write_predictions
from backends.fewshot.text_features import class_text_features
from backends.fewshot.types import Classification, Support

FITTING = "Learning from the examples"


class ClassifyJob:
    """One job of one extractor.

    Args:
        extractor: the loaded model.
        inputs: files by name: “query”, and where given “support”, “classes” and “target” (a direction to explain).
        options: of the classification and of its explanation.

    Raises:
        BadInput: the options ask for what does not exist, or for an explanation of nothing.
    """

    def __init__(self, extractor: FeatureExtractor, inputs: Mapping[str, Path], options: FeatureEngineOptions) -> None:
        self.extractor, self.inputs, self.options = extractor, inputs, options
        self.direction = self._given_direction()
        if options.head:
            head_class(options.head)

    def run(self, out: Path) -> Iterator[Event]:
        """Do the job; files go into the folder `out`, which is made. Raises BadInput."""
        if self.options.only in NETWORKS:
            yield from export_network(self.extractor, out, browser=self.options.only == "browser-network")
            return
        extractor, cache = self.extractor, FeatureCache()
        with ExitStack() as stack:
            query = stack.enter_context(open_image_collection(self.inputs["query"]))
            examples = read_examples(self._support_images(stack), self.inputs.get("classes"))
            if not self.options.only:
                self._require_enough(examples)
            yield from (Notice(text) for text in self._notices(query, examples))
            classes, sentences = examples.classes, examples.sentences
            templates = self.options.templates
            text = (
                (yield from class_text_features(extractor, classes, sentences, templates, cache))
                if self.options.words
                else None
            )
            table = yield from extract_features(extractor, (*examples.items, *query.items), cache)
            readable = set(table.items)
            labels = {item: name for item, name in examples.labels.items() if item in readable}
            yield from (Notice(text) for text in twice_notices(labels))
            shots, queries = table.select(examples.items), table.select(query.items)
            pictures = prepare_images(extractor, queries.items) if self.options.is_on else []
        support = self._support_set(examples, shots, text)
        out.mkdir(parents=True, exist_ok=True)
        artifacts: list[Artifact] = [write_features(out, queries, shots, support, extractor.space)]
        facts: dict[str, Any] = {
            "classes": support.classes,
            "shots": tuple(int(count) for count in support.counts),
            "pictures": len(queries.items),
            "dimensions": table.features.shape[1],
            "understands_words": extractor.understands_words,
            "looked": table.computed,
        }
        direction = self.direction
        if not self.options.only:
            predictions = yield from self._classify(support, queries)
            artifacts += [write_predictions(out, predictions), write_head(out, predictions, extractor.space)]
            facts.update(predictions.facts())
            if self.options.is_on and direction is None:
                features = queries.select([one.item for one in pictures]).features
                best = predictions.prediction.best[: len(features)]
                direction = direction_to_best(predictions.classifier.head, features, best)
        if self.options.is_on and direction is not None:
            directions = np.broadcast_to(direction, (len(pictures), table.features.shape[1]))
            artifacts += yield from explain(extractor, pictures, directions, self.options, out)
        yield Classification(tuple(artifacts), **facts)

    def _given_direction(self) -> np.ndarray | None:
        """The direction `(D,)` that maps are wanted for; None for that of the predicted class. Raises BadInput."""
        if not self.options.is_on:
            return None
        if "target" in self.inputs:
            return validate_direction(self.extractor, load_direction(self.inputs["target"]))
        if self.options.only:
            raise BadInput("Without an answer there is nothing to explain: send a direction as the file “target”.")
        return None

    def _support_images(self, stack: ExitStack) -> ImageCollection | None:
        """The example images, open until the stack is closed."""
        if "support" not in self.inputs:
            return None
        return stack.enter_context(open_image_collection(self.inputs["support"]))

    def _classify(self, support: Support, queries: FeatureTable) -> Generator[Event, None, QueryPredictions]:
        """Fit a head and classify. Raises BadInput where it cannot be fitted to what is there."""
        yield Progress(FITTING, 0, 1)
        space = self.extractor.space
        classifier = Classifier.fit(support, self.options.head, reject=self.options.reject, space=space)
        prediction = classifier.predict(queries.features)
        yield Progress(FITTING, 1, 1)
        if classifier.loo.accuracy is not None:
            yield Metric("leave-one-out accuracy", 100 * classifier.loo.accuracy, "%")
        if len(support.labels):
            yield Notice(classifier.loo.sentence)
        if classifier.words_sentence:
            yield Notice(classifier.words_sentence)
        return QueryPredictions(queries, classifier, prediction)

    def _require_enough(self, examples: Examples) -> None:
        """Raises BadInput, before an image is read, where the examples cannot be enough for any classifier."""
        if not examples.classes:
            raise BadInput("There are no examples: give a zip with one folder of pictures a class, or name classes.")
        if len(examples.classes) < 2:
            raise BadInput("Name at least two classes: with one there is nothing to tell apart.")
        without_image = [name for name in examples.classes if name not in examples.classes_with_images]
        if without_image and not self.options.words:
            raise BadInput(f"“{without_image[0]}” has no picture, and words do not count: add one, or let them count.")
        if without_image and not self.extractor.understands_words:
            raise BadInput(
                f"“{self.extractor.card.title}” understands no words, and “{without_image[0]}” has no picture: add "
                "one, or choose a model that understands words."
            )

    def _notices(self, query: ImageCollection, examples: Examples) -> list[str]:
        """What the user should know before the images are read."""
        notices = [query.notice(), *examples.notices]
        if not self.extractor.understands_words and any(examples.sentences.values()):
            title = self.extractor.card.title
            notices.append(f"“{title}” understands no words: the sentences of the classes were not used.")
        return [text for text in notices if text]

    def _support_set(self, examples: Examples, shots: FeatureTable, text: np.ndarray | None) -> Support:
        labels = np.array([examples.classes.index(examples.labels[item]) for item in shots.items], int)
        return Support(shots.features, labels, examples.classes, text, self.extractor.logit_scale)
