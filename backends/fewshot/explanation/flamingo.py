"""A Flamingo as the methods of attribution see it: the picture as cells, the examples of its prompt as players."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution.parts import image_cells
from backends.attribution.question import Question
from backends.attribution.types import Axis, Parts, Subject
from backends.core.errors import BadInput
from backends.fewshot.data.examples import read_examples
from backends.fewshot.data.image_collection import open_image_collection
from backends.fewshot.explanation.asking import EXPLAINABLE
from backends.fewshot.explanation.subject import picture_axes
from backends.fewshot.feature_extraction import DECODE_OVERSAMPLING
from backends.fewshot.flamingo.options import FlamingoOptions
from backends.fewshot.flamingo.prompt_runner import PromptRunner
from backends.fewshot.flamingo.results import Shot
from backends.shared.images import read

WHOLE = (0.0, 0.0, 1.0, 1.0)
"""A Flamingo sees the whole picture, squeezed to a square."""

MAX_SHOTS = 8
"""Examples of a prompt that are weighed: each is an image more in every evaluation."""


@dataclass(frozen=True)
class Prompt:
    """A picture with the examples that are shown beside it.

    Attributes:
        runner: with all examples.
        picture: `(H, W, 3)` uint8.
        features: of the picture.
        order: indices of the examples in the prompt.
        classes: their names.
    """

    runner: PromptRunner
    picture: np.ndarray
    features: Any
    order: np.ndarray
    classes: tuple[str, ...]

    def likelihoods(self, features: Any, order: np.ndarray | None = None) -> np.ndarray:
        """Mean log-likelihood per token `(C,)` of each class for a picture, with these examples in its prompt."""
        return self.runner.score("picture", features, self.order if order is None else order)


def read_prompt(engine: Any, inputs: Mapping[str, Path]) -> Prompt:
    """The first picture of `inputs["query"]` and the examples. Raises BadInput."""
    with ExitStack() as stack:
        query = stack.enter_context(open_image_collection(inputs["query"]))
        support = stack.enter_context(open_image_collection(inputs["support"])) if "support" in inputs else None
        examples = read_examples(support, inputs.get("classes"))
        if len(examples.classes) < 2:
            raise BadInput("Name at least two classes, or give examples of two: with one there is nothing to choose.")
        side = DECODE_OVERSAMPLING * engine.model.side
        picture = read(query.items[0].read(), side=side).rgb
        shots = [
            Shot(
                item,
                examples.classes.index(examples.labels[item]),
                examples.labels[item].replace("_", " "),
                engine.model.encode_image(read(item.read(), side=side).rgb),
            )
            for item in examples.items
        ]
    runner = PromptRunner(engine.model, shots, examples.classes, FlamingoOptions(shots=MAX_SHOTS))
    features = engine.model.encode_image(picture)
    return Prompt(runner, picture, features, runner.select_shots(features), examples.classes)


def flamingo_subject(engine: Any, inputs: Mapping[str, Path], question: Question) -> Subject:
    """A picture and a class, by the log-likelihood of its name as the answer. Raises BadInput."""
    prompt = read_prompt(engine, inputs)
    model, classes, order, shots = engine.model, prompt.classes, prompt.order, prompt.runner.shots
    plain = prompt.likelihoods(prompt.features)
    folded = [one.casefold() for one in classes]
    for asked in (question.target, question.against):
        if asked and asked.casefold() not in folded:
            raise BadInput(f"There is no class called “{asked}”; there is {', '.join(classes)}.")
    target = folded.index(question.target.casefold()) if question.target else int(plain.argmax())
    against = folded.index(question.against.casefold()) if question.against else None

    def margin(likelihoods: np.ndarray) -> float:
        others = np.delete(likelihoods, target).mean() if against is None else likelihoods[against]
        return float(likelihoods[target] - others)

    def of_images(images: np.ndarray) -> np.ndarray:
        return np.array([margin(prompt.likelihoods(model.encode_image(image))) for image in images])

    def of_examples(keep: np.ndarray) -> np.ndarray:
        return np.array([margin(prompt.likelihoods(prompt.features, order[one >= 0.5])) for one in keep])

    shape = (question.detail, question.detail)
    labels = tuple(f"{shots[int(index)].answer}: {shots[int(index)].item.name}" for index in order)
    players = Parts((Axis("example", labels=labels),), (len(labels),), of_examples, "left out of the prompt")
    return Subject(
        classes[target],
        of_images,
        image=prompt.picture,
        given_cells=image_cells(prompt.picture, of_images, picture_axes(WHOLE, shape), shape, question.baseline),
        players=players if labels else None,
        contrast="" if against is None else classes[against],
        unit="nats",
        reasons=EXPLAINABLE.offers["flamingo"].reasons,
    )
