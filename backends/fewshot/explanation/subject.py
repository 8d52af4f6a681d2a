"""Engines of the pictures' page as the methods of attribution see them.

The score is how far a picture's features lie towards a class and away from another, or from the mean of all others:
`direction · f(x)`, with the direction the gradient of the classifier's score at this picture. A Flamingo fits nothing:
there it is the log-likelihood of the class as the answer, less that of the other.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from backends.attribution import baselines
from backends.attribution.parts import image_cells
from backends.attribution.question import Question
from backends.attribution.sanity import shuffle_weights
from backends.attribution.types import Axis, Network, Parts, Subject
from backends.core.errors import BadInput
from backends.fewshot.base import FeatureEngine
from backends.fewshot.classifier import Classifier
from backends.fewshot.data.examples import read_examples
from backends.fewshot.data.image_collection import open_image_collection
from backends.fewshot.explanation.asking import EXPLAINABLE
from backends.fewshot.explanation.job import PreparedImage, prepare_images
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.feature_extraction import extract_features
from backends.fewshot.features import FeatureExtractor
from backends.fewshot.text_features import class_text_features
from backends.fewshot.types import Support

AVERAGE = "the average example"


def make_subject(engine: Any, inputs: Mapping[str, Path], question: Question) -> Subject:
    """A picture with how far it speaks for a class as its score. Raises BadInput."""
    if engine.name == "flamingo":
        from backends.fewshot.explanation.flamingo import flamingo_subject

        return flamingo_subject(engine, inputs, question)
    asked = read_classifier(engine, inputs)
    picture = asked.picture
    row = engine.encode_images(picture.pixels[None])
    target, against = choose_classes(asked.classifier, row, question)
    return picture_subject(engine, asked, target, against, question.detail, baseline=question.baseline)


@dataclass(frozen=True)
class QueryPicture:
    """A picture with the classifier that answers about it.

    Attributes:
        picture: as the model takes it.
        classifier: fitted to the examples, the words, or both.
        names: of the examples' files.
        sentences: what was written about each class.
    """

    picture: PreparedImage
    classifier: Classifier
    names: tuple[str, ...]
    sentences: Mapping[str, str] = field(default_factory=dict)


def read_classifier(engine: FeatureEngine, inputs: Mapping[str, Path]) -> QueryPicture:
    """The first picture of `inputs["query"]`, and a classifier by `support` and `classes`. Raises BadInput."""
    if "support" not in inputs and "classes" not in inputs:
        raise BadInput("Give the examples, or a list of classes: without them there is no answer to explain.")
    with ExitStack() as stack:
        query = stack.enter_context(open_image_collection(inputs["query"]))
        support = stack.enter_context(open_image_collection(inputs["support"])) if "support" in inputs else None
        examples = read_examples(support, inputs.get("classes"))
        if len(examples.classes) < 2:
            raise BadInput("Name at least two classes: with one there is nothing to tell apart.")
        cache = FeatureCache()
        shown = prepare_images(engine, query.items[:1])
        text = _last(class_text_features(engine, examples.classes, examples.sentences, "photo", cache))
        features, labels, names = np.zeros((0, engine.dimensions), np.float32), np.zeros(0, int), ()
        if examples.items:
            table = _last(extract_features(engine, examples.items, cache))
            features, names = table.features, tuple(item.name for item in table.items)
            labels = np.array([examples.classes.index(examples.labels[item]) for item in table.items], int)
    if text is None and not len(features):
        raise BadInput(f"“{engine.card.title}” understands no words: give it pictures as examples.")
    known = Support(features, labels, examples.classes, text, engine.logit_scale)
    picture = replace(shown[0], pixels=shown[0].pixels.copy())  # of its own, which torch may write to
    return QueryPicture(picture, Classifier.fit(known), names, examples.sentences)


def _last(events: Generator[Any, None, Any]) -> Any:
    """What a job's generator returns, without its events."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


def choose_classes(classifier: Classifier, row: np.ndarray, question: Question) -> tuple[int, int | None]:
    """The class to explain, by default the likeliest, and what it is explained against; None for all others."""
    classes = classifier.support.classes
    folded = [name.casefold() for name in classes]
    for name in (question.target, question.against):
        if name and name.casefold() not in folded:
            raise BadInput(f"There is no class called “{name}”; there is {', '.join(classes)}.")
    best = int(classifier.predict(row, reject=False).best[0])
    target = folded.index(question.target.casefold()) if question.target else best
    if not question.against:
        return target, None
    against = folded.index(question.against.casefold())
    if against == target:
        raise BadInput("A class cannot be explained against itself; name another one.")
    return target, against


def picture_subject(
    engine: FeatureEngine,
    asked: QueryPicture,
    target: int,
    against: int | None,
    detail: int = 8,
    *,
    baseline: str = "",
) -> Subject:
    """A picture and a class, against another or against the mean of the others.

    Args:
        engine: what answers.
        asked: the picture and its classifier.
        target, against: classes, by their place; None for the mean of all others.
        detail: cells a side.
        baseline: what covers a cell, of `baselines.PICTURE`.
    """
    classifier, prepared = asked.classifier, asked.picture.pixels
    row = engine.encode_images(prepared[None])
    direction = class_direction(classifier, row, target, against)
    classes = classifier.support.classes
    network = engine.image_network(prepared, direction)
    ready = None if network is None else _on_cells(network, engine, prepared, detail, baseline)
    subject = _subject(engine, asked, classes[target], direction, network=ready, detail=detail, baseline=baseline)
    return subject if against is None else replace(subject, contrast=classes[against])


def class_direction(classifier: Classifier, row: np.ndarray, target: int, against: int | None) -> np.ndarray:
    """`(D,)` of length 1: the gradient of the class's score at `row` `(1, D)`, less that of the other class, or the
    mean of all others."""
    gradients = classifier.head.gradient(row)[0]  # (C, D)
    others = np.delete(gradients, target, axis=0).mean(0) if against is None else gradients[against]
    away = gradients[target] - others
    return (away / max(float(np.linalg.norm(away)), 1e-12)).astype(np.float32)


def _subject(
    engine: FeatureExtractor,
    asked: QueryPicture,
    target: str,
    direction: np.ndarray,
    *,
    network: Network | None,
    detail: int,
    baseline: str = "",
    encode: Any = None,
) -> Subject:
    """A subject with `direction · f` as its score.

    Args:
        engine: what answers.
        asked: the picture and its classifier.
        target: the class.
        direction: `(D,)`.
        network: for methods that need gradients; None where there is none.
        detail: cells a side.
        baseline: what covers a cell.
        encode: gives the features of prepared images in place of the engine's own.
    """
    encode = encode or engine.encode_images
    prepared = asked.picture.pixels
    score = lambda images: encode(images) @ direction  # noqa: E731
    control = None
    if network is not None:
        known = network

        def control(share: float, seed: int = 0) -> Subject:
            shuffled = replace(known, module=shuffle_weights(known.module, seed, share))
            by_control = lambda images: _features(shuffled, engine, images)  # noqa: E731
            return _subject(
                engine, asked, target, direction,
                network=shuffled, detail=detail, baseline=baseline, encode=by_control,
            )  # fmt: skip

    axes = picture_axes(asked.picture.box, (detail, detail))
    return Subject(
        target,
        score,
        image=prepared,
        given_cells=image_cells(prepared, score, axes, (detail, detail), baseline),
        players=None if not asked.names else _examples(engine, asked, target),
        network=network,
        control=control,
        reasons=EXPLAINABLE.offers[engine.name].reasons,
    )


def picture_axes(box: tuple[float, float, float, float], shape: tuple[int, int]) -> tuple[Axis, Axis]:
    """The middles of cells as shares of the whole picture, of which the model sees `box`."""
    left, top, right, bottom = box
    rows = top + (np.arange(shape[0]) + 0.5) / shape[0] * (bottom - top)
    columns = left + (np.arange(shape[1]) + 0.5) / shape[1] * (right - left)
    return Axis("y", coordinates=tuple(rows.tolist())), Axis("x", coordinates=tuple(columns.tolist()))


def _on_cells(network: Network, engine: Any, prepared: np.ndarray, detail: int, baseline: str = "") -> Network:
    """The network with its pixels summed to cells, and a picture that says nothing as its baseline."""
    import torch

    from backends.attribution.parts import mean_of_cells

    size = prepared.shape[0] * prepared.shape[1] / detail**2

    def arrange(values: torch.Tensor) -> np.ndarray:
        return (mean_of_cells(values[0].sum(0).float().numpy(), (detail, detail)) * size).astype(np.float32)

    name = baselines.usual(baselines.PICTURE, baseline)
    flat = np.broadcast_to(baselines.behind(prepared, name).astype(np.uint8), prepared.shape)
    start = engine.pixels(np.ascontiguousarray(flat)[None])
    return replace(network, arrange=arrange, baseline=start, baseline_name=baselines.PICTURE[name])


def _features(network: Network, engine: Any, images: np.ndarray) -> np.ndarray:
    """`(B, D)` unit features of prepared images by the network in place of the engine's own."""
    import torch

    with torch.inference_mode():
        rows = [network.forward(network.module, engine.pixels(image[None])) for image in images]
        found = torch.cat(rows).float().cpu().numpy()
    return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)


def _examples(engine: FeatureExtractor, asked: QueryPicture, target: str) -> Parts:
    """The examples as players: one that is taken away gives its place to the average of all examples, so that the
    classifier is fitted to as many of each class as before."""
    support, head = asked.classifier.support, asked.classifier.head
    row = engine.encode_images(asked.picture.pixels[None])
    place = support.classes.index(target)
    mean = support.image_features.mean(0)
    mean /= max(float(np.linalg.norm(mean)), 1e-12)

    def score(keep: np.ndarray) -> np.ndarray:
        scores = []
        for one in keep:
            features = np.where(one[:, None] >= 0.5, support.image_features, mean).astype(np.float32)
            fitted = copy.copy(head)  # with the hyperparameters that were chosen on all examples
            fitted.formula = head.solve(replace(support, image_features=features), head.hyperparameters)
            found = fitted.scores(row)[0]
            scores.append(float(found[place] - np.delete(found, place).mean()))
        return np.array(scores)

    labels = tuple(f"{support.classes[label]}: {name}" for label, name in zip(support.labels, asked.names, strict=True))
    return Parts((Axis("example", labels=labels),), (len(labels),), score, AVERAGE, batch=16)
