"""The stand-alone script that goes with a saved classifier: numpy alone, for a place where the project is not."""

from __future__ import annotations


def classifier_code() -> str:
    """Source text of a script that runs a saved `head.npz` on `features.npz`."""
    return SCRIPT


SCRIPT = '''"""Run a saved few-shot classifier on features of pictures; needs numpy only.

    python classify.py head.npz features.npz > predictions.csv

features.npz holds `images`, one row of numbers a picture from the same model that the classifier was taught with, and
may hold `names`, and `space`, which names the model. From your own code: `Classifier("head.npz").predict(rows)`.
"""

import csv
import sys

import numpy as np


class Classifier:
    def __init__(self, path):
        with np.load(path, allow_pickle=False) as stored:
            self.part = {name: stored[name] for name in stored.files}
        self.classes = [str(name) for name in self.part["classes"]]
        self.space = str(self.part.get("space", ""))
        # Where "none of these" was switched off, every picture gets the name of a class.
        self.rejects = bool(self.part.get("reject", True))

    def scores(self, q):
        """(M, D) rows of length 1 -> (M, C): words, a line, and the nearness to each key."""
        words, weights, bias, keys, values, sharpness = (
            self.part["head_" + name].astype(float)
            for name in ("words", "weights", "bias", "keys", "values", "sharpness")
        )
        near = np.exp(-sharpness * (1 - q @ keys.T)) @ values
        return q @ words.T + q @ weights.T + bias + near

    def familiarity(self, q, answers):
        """How like its class each picture is, 0 for a usual one: to its three nearest examples, and to its words."""
        images, labels = self.part["support_images"].astype(float), self.part["support_labels"]
        mean, spread, word_mean, word_spread = self.part["scales"]
        words = self.part.get("support_words")
        if words is not None:
            cosines = q @ words.astype(float).T
            cosines = cosines - cosines[:, np.isfinite(words).all(axis=1)].mean(axis=1, keepdims=True)
        found = np.full(len(q), np.nan)
        for row, answer in enumerate(answers):
            known = []
            own = images[labels == answer]
            if len(own) and spread > 1e-9:
                known.append((np.sort(own @ q[row])[-3:].mean() - mean) / spread)
            if words is not None and word_spread > 1e-9 and np.isfinite(cosines[row, answer]):
                known.append((cosines[row, answer] - word_mean) / word_spread)
            if known:
                found[row] = np.mean(known)
        return found

    def predict(self, features):
        """(M, D) -> probabilities (M, C), index of the best (M,), and whether it is none of these (M,)."""
        q = np.asarray(features, float)
        size = self.part["head_words"].shape[1]
        if q.ndim != 2 or q.shape[1] != size:
            raise ValueError(f"These features have {q.shape[-1]} numbers a picture, the classifier knows {size}: "
                             "they come from another model.")
        length = np.linalg.norm(q, axis=1, keepdims=True)
        q = np.where(np.abs(length - 1) < 1e-3, q, q / np.maximum(length, 1e-12))
        logits = self.scores(q) / self.part["temperature"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        best = shares.argmax(axis=1)
        # A threshold that is not a number refuses nothing, since no comparison with it is true.
        return shares, best, (self.familiarity(q, best) < self.part["threshold"]) & self.rejects


def cell(text):
    """Text that no spreadsheet takes for a formula."""
    return "'" + text if text.lstrip(" '").startswith(tuple("=+-@\\t\\r\\n＝＋－＠")) and not number(text) else text


def number(text):
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def main(head, features):
    classifier = Classifier(head)
    with np.load(features, allow_pickle=False) as stored:
        space = str(stored["space"]) if "space" in stored.files else classifier.space
        if classifier.space and space != classifier.space:
            raise ValueError(f"These features come from another model ({space}) than the classifier's "
                             f"({classifier.space}): make them with that one.")
        images = stored["images"]
        names = stored["names"] if "names" in stored.files else np.arange(len(images)).astype(str)
    shares, best, none = classifier.predict(images)
    sys.stdout.write("\\ufeff")  # tells spreadsheets that this is UTF-8
    writer = csv.writer(sys.stdout)
    fixed = ["file", "class", "probability", "abstained"]
    titles = [f"{name} (class)" if name in fixed else cell(name) for name in classifier.classes]
    writer.writerow([*fixed, *titles])
    for name, row, answer, unknown in zip(names, shares, best, none):
        chances = [f"{share:.6f}" for share in row]
        answers = [cell(str(name)), cell(classifier.classes[answer]), chances[answer], "yes" if unknown else "no"]
        writer.writerow([*answers, *chances])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    try:
        main(*sys.argv[1:3])
    except (OSError, KeyError, ValueError) as error:
        raise SystemExit(f"{error}")
'''
