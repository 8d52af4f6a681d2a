"""A head with what makes it trustworthy, as one thing to use, keep in a file and take elsewhere."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.calibration import probabilities, temperature, usual_temperature
from backends.fewshot.heads import Evidence, Head, head_class, usual
from backends.fewshot.trust.leave_one_out import LeftOut, leave_one_out
from backends.fewshot.trust.out_of_distribution import Rejection, Scale, familiarity, find
from backends.fewshot.types import Support

VERSION = 1


@dataclass(frozen=True)
class Prediction:
    """Answers to M pictures.

    Attributes:
        probabilities: `(M, C)`, of the classes alone: that it is none of them is said by `abstained`.
        best: `(M,)` index of the likeliest class. abstained: `(M,)` bool: “none of these”.
        margins: `(M,)` probability of the best less that of the next.
        familiarity: `(M,)` how like its class a picture is, 0 for a usual one; NaN where it could not be measured.
    """

    probabilities: np.ndarray
    best: np.ndarray
    abstained: np.ndarray
    margins: np.ndarray
    familiarity: np.ndarray


@dataclass(frozen=True)
class Classifier:
    """A fitted head, and what leaving its shots out told of it.

    `calibrated` is False where nothing could be left out: then the probabilities are a guess.
    """

    support: Support
    head: Head
    left_out: LeftOut
    temperature: float
    calibrated: bool
    rejection: Rejection

    @classmethod
    def fit(cls, support: Support, head_id: str = "", **fixed: float) -> Classifier:
        """Teach the head `head_id`, or the one that suits the support; settings given by name are kept."""
        head = head_class(head_id or usual(support))(**fixed).fit(support)
        left = leave_one_out(head, support)
        rows = left.measurable
        calibrated = left.counted >= 2
        warmth = (
            temperature(left.plain[rows], left.labels[rows])
            if calibrated and left.plain is not None
            else usual_temperature(head.scores(support.images if len(support.images) else known_words(support)))
        )
        return cls(support, head, left, warmth, calibrated, find(support, left))

    def predict(self, queries: np.ndarray, reject: bool = True) -> Prediction:
        """Of unit rows `(M, D)`; without `reject` nothing is “none of these”."""
        shares = probabilities(self.head.scores(queries), self.temperature)
        best = shares.argmax(axis=1)
        near = familiarity(self.support, self.rejection, queries, best)
        threshold = self.rejection.threshold
        unlike = np.zeros(len(best), bool) if threshold is None or not reject else near < threshold
        top = np.sort(shares, axis=1)[:, -2:]
        return Prediction(shares, best, unlike, top[:, 1] - top[:, 0], near)

    def evidence(self, query: np.ndarray) -> Evidence:
        """The votes behind the answer to one picture `(D,)`, in units of the temperature, as the softmax sees them."""
        found = self.head.evidence(query)
        return Evidence(*(vote / self.temperature for vote in (found.words, found.pictures, found.shots)))

    def state(self) -> dict[str, np.ndarray]:
        """Plain arrays, no pickle."""
        support, rejection = self.support, self.rejection
        limit = np.nan if rejection.threshold is None else rejection.threshold
        scales = [rejection.pictures.mean, rejection.pictures.spread, rejection.words.mean, rejection.words.spread]
        words = {} if support.words is None else {"support_words": support.words.astype(np.float32)}
        return {
            "version": np.array(VERSION),
            "classes": np.array(support.classes),
            "temperature": np.array(self.temperature),
            "calibrated": np.array(self.calibrated),
            "threshold": np.array(limit),
            "scales": np.array(scales),
            "rejection": np.array([rejection.caught, rejection.refused]),
            "rejection_sentence": np.array(rejection.sentence),
            "support_images": support.images.astype(np.float32),
            "support_labels": support.labels.astype(np.int64),
            "logit_scale": np.array(support.logit_scale),
            "left_out_scores": self.left_out.scores,
            "left_out_measurable": self.left_out.measurable,
            **words,
            **{f"head_{name}": value for name, value in self.head.state().items()},
        }

    def save(self, path: Path) -> None:
        """One .npz that `load`, or the script of `classifier_code`, reads."""
        with path.open("wb") as file:
            np.savez_compressed(file, **self.state())  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path) -> Classifier:
        """Read what `save` wrote; anything else is refused in words."""
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
        pictures, words = Scale(*map(float, state["scales"][:2])), Scale(*map(float, state["scales"][2:]))
        limit = float(state["threshold"])
        caught, refused = map(float, state["rejection"])
        sentence = str(state["rejection_sentence"])
        rejection = Rejection(pictures, words, None if np.isnan(limit) else limit, caught, refused, sentence)
        left = LeftOut(state["left_out_scores"], labels, state["left_out_measurable"])
        return cls(support, head, left, float(state["temperature"]), bool(state["calibrated"]), rejection)


def known_words(support: Support) -> np.ndarray:
    """The sentences themselves, where there is no picture to tell how far scores spread."""
    assert support.words is not None  # a head was fitted, so there are words or pictures
    return support.words[support.worded]
