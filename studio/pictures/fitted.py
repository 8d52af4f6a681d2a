"""The classifier of a project as it is now: refitted from cached features after every change, in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backends.core.errors import UserError
from backends.fewshot.classifier import Classifier, Prediction
from backends.fewshot.types import Support
from studio.pictures.feature_loader import FeatureLoader, text_key
from studio.pictures.project import Project
from studio.pictures.schema import ImageClass


@dataclass(frozen=True)
class FittedProject:
    """A classifier with the examples it was fitted on and its predictions for the questions.

    `shots` and `questions` are sha256 in the order of the support's rows and of the prediction's; `classes` those of
    the project that have examples or text, in the order of all scores, and `places` the position of each on the page.
    """

    classifier: Classifier
    support: Support
    classes: tuple[ImageClass, ...]
    places: tuple[int, ...]
    shots: tuple[str, ...]
    questions: tuple[str, ...]
    queries: np.ndarray
    """`(M, D)` features of the questions."""
    prediction: Prediction | None
    seconds: float
    memo: dict[str, Any] = field(default_factory=dict)
    """Results derived from this classifier, kept for as long as it is valid."""

    @property
    def names(self) -> tuple[str, ...]:
        return self.support.classes

    @property
    def labels(self) -> np.ndarray:
        return self.support.labels

    def query_features(self, question: str) -> np.ndarray:
        """The feature of a question `(D,)`."""
        return self.queries[self.questions.index(question)]


def missing_step(project: Project, loader: FeatureLoader) -> str:
    """The next step that is needed before there can be an answer, as a sentence; "" where nothing is missing."""
    usable = [each for each in project.state.classes if each.shots or uses_text(project, loader, each)]
    if len(project.state.classes) < 2:
        return "Make at least two classes: with one there is nothing to tell apart."
    if len(usable) < 2:
        what = "a picture or a sentence" if loader.understands_words else "a picture"
        return f"Give at least two classes {what} each."
    return ""


def empty_classes(project: Project, loader: FeatureLoader) -> list[str]:
    """Names of classes without examples and text, which can never be the answer."""
    return [each.name for each in project.state.classes if not each.shots and not uses_text(project, loader, each)]


def uses_text(project: Project, loader: FeatureLoader, each: ImageClass) -> bool:
    return loader.understands_words and project.state.words


def fit_project(project: Project, loader: FeatureLoader) -> FittedProject | None:
    """The classifier fitted to the features that are loaded so far; None while they are too few.

    Raises:
        BadInput: the chosen head cannot be fitted to them.
    """
    key = (project.revision, loader.store.version)
    held: tuple[Any, FittedProject | None] | None = getattr(loader, "fitted", None)
    if held is not None and held[0] == key:
        return held[1]
    made = _fit(project, loader)
    loader.fitted = (key, made)  # type: ignore[attr-defined]
    return made


def near_copies(project: Project, loader: FeatureLoader) -> dict[str, list[str]]:
    """By an example that can stand for them, its near copies such as frames of one burst; the first of them stands."""
    try:
        fitted = fit_project(project, loader)
    except UserError:  # of a way to decide that does not fit, which the answers say
        return {}
    if fitted is None:
        return {}
    first: dict[int, str] = {}
    alike: dict[str, list[str]] = {}
    for sha, group in zip(fitted.shots, fitted.support.groups.tolist(), strict=True):
        if group in first:
            alike.setdefault(first[group], []).append(sha)
        else:
            first[group] = sha
    return alike


def _fit(project: Project, loader: FeatureLoader) -> FittedProject | None:
    started = time.perf_counter()
    # One look at what is known, which another thread may be adding to or, for another model, beginning anew.
    state, store, known = project.state, loader.store, loader.store.images
    rows: list[tuple[ImageClass, int, list[str], np.ndarray | None]] = []
    for place, each in enumerate(state.classes):
        seen = [sha for sha in each.shots if sha in known]
        said = store.words.get(text_key(state.templates, each)) if uses_text(project, loader, each) else None
        if seen or said is not None:
            rows.append((each, place, seen, said))
    if len(rows) < 2:
        return None
    shots = tuple(sha for _, _, seen, _ in rows for sha in seen)
    labels = np.repeat(np.arange(len(rows)), [len(seen) for _, _, seen, _ in rows])
    support = Support(
        np.stack([known[sha] for sha in shots]) if shots else np.zeros((0, len(_any(rows))), np.float32),
        labels,
        tuple(each.name for each, *_ in rows),
        _words([said for *_, said in rows]),
        store.logit_scale,
    )
    classifier = Classifier.fit(support, state.head, reject=state.reject, space=store.space)
    questions = tuple(sha for sha in state.questions if sha in known)
    queries = np.stack([known[sha] for sha in questions]) if questions else support.image_features[:0]
    prediction = classifier.predict(queries) if questions else None
    return FittedProject(
        classifier,
        classifier.support,
        tuple(each for each, *_ in rows),
        tuple(place for _, place, *_ in rows),
        shots,
        questions,
        queries,
        prediction,
        time.perf_counter() - started,
    )


def _any(rows: Sequence[tuple[ImageClass, int, list[str], np.ndarray | None]]) -> np.ndarray:
    return next(said for *_, said in rows if said is not None)


def _words(said: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """`(C, D)`, a row of NaN where a class has no words; None where none has."""
    known = [row for row in said if row is not None]
    if not known:
        return None
    return np.stack([np.full_like(known[0], np.nan) if row is None else row for row in said])
