"""A fitted head with its calibration and rejection: one thing to use, save to a file and take elsewhere."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.calibration import default_temperature, fit_temperature, probabilities
from backends.fewshot.heads import Contributions, Head, default_head, head_class
from backends.fewshot.trust.leave_one_out import LeaveOneOut, leave_one_out
from backends.fewshot.trust.out_of_distribution import Rejection, Scale, fit_rejection, in_class_score
from backends.fewshot.trust.words import judge_words
from backends.fewshot.types import Support

VERSION = 1
"""Of the file format."""


@dataclass(frozen=True)
class Prediction:
    """Predictions for M images.

    Attributes:
        probabilities: `(M, C)`, over the classes alone: that it is none of them is said by `abstained`.
        best: `(M,)` index of the most probable class.
        abstained: `(M,)` bool: “none of these”.
        margins: `(M,)` probability of the best class minus that of the second best.
        in_class_scores: `(M,)` z-score of the similarity to the best class, 0 for a typical image; NaN where it could
            not be measured.
    """

    probabilities: np.ndarray
    best: np.ndarray
    abstained: np.ndarray
    margins: np.ndarray
    in_class_scores: np.ndarray


@dataclass(frozen=True)
class Classifier:
    """A fitted head and what leaving its shots out showed.

    Attributes:
        support: the shots and text features it was fitted to.
        head: the fitted head.
        loo: the leave-one-out scores of the shots.
        temperature: the scores are divided by it before the softmax.
        calibrated: False where nothing could be left out: then the probabilities are a guess.
        rejection: when to answer “none of these”.
        reject: whether “none of these” is an answer here.
        space: of the features that it was fitted to; "" where nobody said.
        words_sentence: what is to be said of words that have no vote; "" where all do.

    >>> shots = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
    >>> support = Support(shots, np.array([0, 0, 1, 1]), ("x", "y"))
    >>> classifier = Classifier.fit(support, "nearest")
    >>> classifier.predict(np.array([[0.0, 1.0]])).best
    array([1])
    >>> classifier.loo.sentence
    '4 of 4 pictures are right when each is left out in turn.'
    """

    support: Support
    head: Head
    loo: LeaveOneOut
    temperature: float
    calibrated: bool
    rejection: Rejection
    reject: bool = True
    space: str = ""
    words_sentence: str = ""

    @classmethod
    def fit(
        cls, support: Support, head_id: str = "", *, reject: bool = True, space: str = "", **fixed: float
    ) -> Classifier:
        """Fit the head `head_id`, or the one that suits the support set, and calibrate it.

        Args:
            support: at least two classes, each with images or text.
            head_id: a key of HEADS; "" for `default_head`.
            reject: whether “none of these” is an answer.
            space: of the extractor that made the features.
            fixed: hyperparameters by name that are not to be selected.

        Raises:
            BadInput: no such head, or it cannot be fitted to this support set.
        """
        sentence = ""
        if not head_id or head_class(head_id).needs == "either":
            support, sentence = judge_words(support)
        head = head_class(head_id or default_head(support))(**fixed).fit(support)
        loo = leave_one_out(head, support)
        rows = loo.measurable
        calibrated = loo.counted >= 2
        temperature = (
            fit_temperature(loo.plain[rows], loo.labels[rows])
            if calibrated and loo.plain is not None
            else default_temperature(head.scores(_known_features(support)))
        )
        rejection = fit_rejection(support, loo)
        return cls(support, head, loo, temperature, calibrated, rejection, reject, space, sentence)

    def predict(self, queries: np.ndarray, reject: bool | None = None) -> Prediction:
        """Classify unit vectors `(M, D)`; whether “none of these” is an answer is as saved unless `reject` says so."""
        reject = self.reject if reject is None else reject
        class_probabilities = probabilities(self.head.scores(queries), self.temperature)
        best = class_probabilities.argmax(axis=1)
        scores = in_class_score(self.support, self.rejection, queries, best)
        threshold = self.rejection.threshold
        abstained = np.zeros(len(best), bool) if threshold is None or not reject else scores < threshold
        top = np.sort(class_probabilities, axis=1)[:, -2:]
        return Prediction(class_probabilities, best, abstained, top[:, 1] - top[:, 0], scores)

    def contributions(self, query: np.ndarray) -> Contributions:
        """The terms behind the scores of one image `(D,)`, in units of the temperature, as the softmax sees them."""
        terms = self.head.contributions(query)
        return Contributions(*(term / self.temperature for term in (terms.text, terms.images, terms.shots)))

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays, no pickle. The names are those of the file format."""
        support, rejection = self.support, self.rejection
        threshold = np.nan if rejection.threshold is None else rejection.threshold
        scales = [rejection.images.mean, rejection.images.spread, rejection.text.mean, rejection.text.spread]
        features = support.text_features
        text = {} if features is None else {"support_words": features.astype(np.float32)}
        return {
            "version": np.array(VERSION),
            "classes": np.array(support.classes),
            "temperature": np.array(self.temperature),
            "calibrated": np.array(self.calibrated),
            "threshold": np.array(threshold),
            "scales": np.array(scales),
            "rejection": np.array([rejection.rejection_recall, rejection.false_rejection_rate]),
            "rejection_sentence": np.array(rejection.sentence),
            "support_images": support.image_features.astype(np.float32),
            "support_labels": support.labels.astype(np.int64),
            "logit_scale": np.array(support.logit_scale),
            "left_out_scores": self.loo.scores,
            "left_out_measurable": self.loo.measurable,
            "left_out_copies": np.array(self.loo.copies),
            "reject": np.array(self.reject),
            "space": np.array(self.space),
            "words_sentence": np.array(self.words_sentence),
            **text,
            **{f"head_{name}": value for name, value in self.head.state().items()},
        }

    def save(self, path: Path) -> None:
        """Write one .npz that `load`, or the script of `classifier_code`, reads."""
        with path.open("wb") as file:
            np.savez_compressed(file, **self.state())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote. Raises BadInput for anything else."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                return cls.from_state({name: stored[name] for name in stored.files})
        except (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile) as error:
            raise BadInput(f"“{path.name}” is not a classifier saved here, or it is damaged.") from error

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> Classifier:
        if int(state["version"]) != VERSION:
            raise BadInput(f"This classifier was saved in version {int(state['version'])}; this is {VERSION}.")
        labels = state["support_labels"]
        classes = tuple(str(name) for name in state["classes"])
        scale = float(state["logit_scale"])
        support = Support(state["support_images"], labels, classes, state.get("support_words"), scale)
        inner = {name.removeprefix("head_"): value for name, value in state.items() if name.startswith("head_")}
        head = head_class(str(inner["head"])).from_state(inner)
        images, text = Scale(*map(float, state["scales"][:2])), Scale(*map(float, state["scales"][2:]))
        threshold = float(state["threshold"])
        recall, false_rejections = map(float, state["rejection"])
        sentence = str(state["rejection_sentence"])
        rejection = Rejection(
            images, text, None if np.isnan(threshold) else threshold, recall, false_rejections, sentence
        )
        copies = int(state.get("left_out_copies", 0))
        loo = LeaveOneOut(state["left_out_scores"], labels, state["left_out_measurable"], copies=copies)
        reject, space = bool(state.get("reject", True)), str(state.get("space", ""))
        words = str(state.get("words_sentence", ""))
        temperature, calibrated = float(state["temperature"]), bool(state["calibrated"])
        return cls(support, head, loo, temperature, calibrated, rejection, reject, space, words)


def _known_features(support: Support) -> np.ndarray:
    """The features that show how far scores spread: the shots', or the text's where there is no image."""
    if len(support.image_features):
        return support.image_features
    assert support.text_features is not None  # a head was fitted, so there is text or an image
    return support.text_features[support.has_text]
