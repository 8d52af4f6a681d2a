"""The stand-alone script that goes with a saved classifier: numpy alone, for a place where the project is not."""

from __future__ import annotations


def classifier_code() -> str:
    """Source text of a script that runs a saved `head.npz` on `features.npz`."""
    return SCRIPT


SCRIPT = '''"""Run a saved few-shot classifier on features of pictures; needs numpy only.

    python classify.py head.npz features.npz > predictions.csv

features.npz holds `images`, one row of numbers a picture from the same model that the classifier was taught with, and
may hold `names`. Rows are scaled to length 1. From your own code: `Classifier("head.npz").predict(rows)`.
"""

import csv
import sys

import numpy as np


class Classifier:
    def __init__(self, path):
        with np.load(path, allow_pickle=False) as stored:
            self.part = {name: stored[name] for name in stored.files}
        self.classes = [str(name) for name in self.part["classes"]]

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
        q = q / np.linalg.norm(q, axis=1, keepdims=True)
        logits = self.scores(q) / self.part["temperature"]
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        best = shares.argmax(axis=1)
        # A threshold that is not a number refuses nothing, since no comparison with it is true.
        return shares, best, self.familiarity(q, best) < self.part["threshold"]


def main(head, features):
    classifier = Classifier(head)
    with np.load(features, allow_pickle=False) as stored:
        images = stored["images"]
        names = stored["names"] if "names" in stored.files else np.arange(len(images)).astype(str)
    shares, best, none = classifier.predict(images)
    writer = csv.writer(sys.stdout)
    writer.writerow(["file", "class", "probability", "abstained", *classifier.classes])
    for name, row, answer, unknown in zip(names, shares, best, none):
        chances = [f"{share:.6f}" for share in row]
        writer.writerow([name, classifier.classes[answer], chances[answer], "yes" if unknown else "no", *chances])


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    main(*sys.argv[1:3])
'''
