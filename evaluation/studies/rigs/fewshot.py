"""Episodes in a study: a classifier is fitted to the examples and answers the questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from hashlib import sha256
from typing import Any

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.base import FeatureEngine
from backends.fewshot.classifier import Classifier
from backends.fewshot.types import Support
from evaluation.datasets.base import Sample
from evaluation.metrics.base import metrics as metrics_of
from evaluation.metrics.fewshot import retrieval
from evaluation.studies.rig import Answer, Score, Trust
from evaluation.systems.fewshot import feature_engine, features_of, text_features

CACHED = 20_000
TEMPLATE = "a photo of a {c}."


def system(card: str, options: Mapping[str, Any]) -> Answer:
    """`head` names the classifier (empty: the one that suits), `words` adds the classes' names, `zero_shot` uses
    them alone."""
    if card == "chance":
        return _chance
    return partial(_answers, card, options)


@cache
def _engine(card: str) -> FeatureEngine:
    return feature_engine(card)


_features: dict[tuple[str, str], np.ndarray] = {}


def features(card: str, files: Sequence[bytes]) -> np.ndarray:
    """`(N, D)`; a picture that was met before is not looked at again."""
    keys = [(card, sha256(data).hexdigest()) for data in files]
    new = {key: data for key, data in zip(keys, files, strict=True) if key not in _features}
    if len(_features) > CACHED:
        _features.clear()
        new = dict(zip(keys, files, strict=True))
    if new:
        _features.update(zip(new, features_of(_engine(card), list(new.values())), strict=True))
    return np.stack([_features[key] for key in keys])


@lru_cache(maxsize=200)
def _words(card: str, names: tuple[str, ...], templates: tuple[str, ...]) -> np.ndarray:
    """`(C, D)` features of the classes' names, each the normalised mean over the templates (Radford et al. 2021)."""
    return text_features(_engine(card), [[template.format(c=name) for template in templates] for name in names])


def _chance(sample: Sample, seed: int) -> np.ndarray:
    queries = len(sample.inputs["queries"])
    if "captions" in sample.inputs:
        return np.zeros((queries, len(sample.inputs["captions"])))
    return np.full((queries, len(sample.inputs["names"])), 1 / len(sample.inputs["names"]))


def _answers(card: str, options: Mapping[str, Any], sample: Sample, seed: int) -> np.ndarray:
    """`(Q, C)` probabilities; of pictures with captions `(P, T)` cosines."""
    engine, inputs = _engine(card), sample.inputs
    queries = features(card, inputs["queries"])
    if "captions" in inputs:
        if not engine.understands_words:
            raise BadInput(f"{card} understands no words, so that it cannot find a picture by its caption.")
        return queries @ text_features(engine, [[caption] for caption in inputs["captions"]]).T
    names, zero_shot = tuple(inputs["names"]), bool(options.get("zero_shot"))
    if not zero_shot and not len(inputs["shots"]):
        raise BadInput("This data set has no examples: give the model the option `zero_shot: true`.")
    templates = tuple(inputs.get("templates", (TEMPLATE,)))
    text = _words(card, names, templates) if options.get("words") or zero_shot else None
    if zero_shot:
        support = Support(np.zeros((0, queries.shape[1])), np.zeros(0, int), names, text, engine.logit_scale)
    else:
        labels = np.asarray(inputs["labels"])
        support = Support(features(card, inputs["shots"]), labels, names, text, engine.logit_scale)
    return Classifier.fit(support, str(options.get("head", ""))).predict(queries).probabilities


def scores(output: np.ndarray, sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    labels, known = np.asarray(sample.reference), metrics_of("fewshot")
    retrieved = "captions" in sample.inputs
    if retrieved:
        where = float(retrieval.ranks(output, labels).argmax())
    else:
        where = float(output[np.arange(len(labels)), labels].argmin())
    of_retrieval = {metric.id for metric in retrieval.METRICS}
    for metric in metrics:
        compute = known[metric].compute
        if compute is None:
            continue
        if (metric in of_retrieval) != retrieved:
            what = "needs captions" if metric in of_retrieval else "needs classes"
            raise BadInput(f"{known[metric].name} {what}, and this data set has none.")
        yield Score(metric, float(compute(output, labels)), "", where)


def trust(output: np.ndarray, sample: Sample) -> Trust | None:
    """The probability of each answer, and whether it is right."""
    if "captions" in sample.inputs:
        return None
    right = output.argmax(axis=1) == np.asarray(sample.reference)
    return output.max(axis=1).tolist(), right.astype(float).tolist()
