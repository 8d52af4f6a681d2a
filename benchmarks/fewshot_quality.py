"""How often few-shot classifiers are right: random episodes of a folder of classes, and Omniglot's one-shot runs.

    python -m benchmarks.fewshot_quality --data FOLDER --omniglot all_runs.zip --heads gda nearest

FOLDER has one folder of pictures a class. An episode teaches every class with 1, 2, 4, 8 or 16 random pictures and
asks about the rest, as many a class; no query is ever among the shots, and the head's settings are chosen on the shots
alone. Intervals are over episodes, which are the unit; they share pictures, so they tell of the draw of shots, not of
a population of pictures. “foretold” is what leaving shots out in turn promised, “sure” the mean probability of the
answers: both should be near the accuracy. The zip holds the twenty runs of Lake (2015): 20 characters drawn once each
to teach, 20 drawn by somebody else to ask. With `--weights FILE` a CLIP is measured instead of the descriptors.

The descriptors without weights (`prototypes`), 60 pictures of each class of CIFAR-10, 100 episodes: right in percent,
with half of the 95 % interval, and in brackets foretold and sure. Chance is 10 %.

    shots  nearest              gda                  tip_adapter          proker               linear_probe
     1     20.2 ± 0.6 (-, 22)   20.2 ± 0.6 (-, 22)   20.2 ± 0.6 (-, 19)   21.4 ± 0.6 (-, 23)   21.2 ± 0.6 (-, 23)
     2     24.5 ± 0.6 (22, 22)  24.5 ± 0.6 (22, 21)  23.6 ± 0.6 (22, 24)  25.3 ± 0.6 (23, 19)  25.4 ± 0.6 (23, 20)
     4     28.7 ± 0.5 (28, 28)  29.1 ± 0.5 (29, 29)  26.6 ± 0.5 (26, 28)  28.9 ± 0.5 (28, 28)  28.9 ± 0.5 (28, 28)
     8     33.7 ± 0.5 (33, 31)  35.1 ± 0.5 (35, 34)  30.2 ± 0.5 (30, 31)  34.3 ± 0.5 (34, 34)  33.6 ± 0.4 (33, 32)
    16     37.7 ± 0.4 (38, 34)  41.3 ± 0.5 (42, 40)  34.0 ± 0.4 (34, 34)  40.9 ± 0.5 (40, 41)  37.6 ± 0.4 (37, 35)

tip_adapter_f: 19.8, 24.4, 28.4 and 35.1 with 1 to 8 shots; it is a little too sure (18, 31, 33 and 37). Omniglot, where
chance is 5 %: nearest, gda and tip_adapter 39.8 ± 7.7, proker 41.2 ± 6.6, linear_probe 41.2 ± 6.9 over the 20 runs.
"""

from __future__ import annotations

import argparse
import time
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.data.class_list import prompts
from backends.fewshot.data.image_collection import open_image_collection
from backends.fewshot.types import Support
from backends.shared.images import read
from evaluation.metrics.fewshot.episodes import EpisodeResult, episodes, run_episode
from evaluation.statistics.intervals import mean

SHOTS = (1, 2, 4, 8, 16)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder, or a zip, with one folder of pictures a class")
    parser.add_argument("--omniglot", type=Path, help="all_runs.zip of Omniglot's one-shot classification")
    parser.add_argument("--heads", nargs="+", default=["nearest", "gda"])
    parser.add_argument("--shots", type=int, nargs="+", default=SHOTS)
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--words", action="store_true", help="teach with the names of the folders too")
    parser.add_argument("--weights", type=Path, help="a CLIP checkpoint or folder; without, the descriptors")
    parser.add_argument("--architecture", default="", help="open_clip's name of the network, where the file says none")
    arguments = parser.parse_args()
    if not arguments.data and not arguments.omniglot:
        parser.error("name --data, --omniglot or both")
    engine = build_engine(arguments.weights, arguments.architecture)
    if arguments.data:
        folder(engine, arguments)
    if arguments.omniglot:
        omniglot(engine, arguments.omniglot, arguments.heads)


def build_engine(weights: Path | None, architecture: str) -> FeatureEngine:
    if weights is None:
        from backends.fewshot.prototypes import PrototypesEngine

        card = next(card for card in CARDS if card.engine == "prototypes")
        engine: FeatureEngine = PrototypesEngine(card)
    else:
        from backends.fewshot.cards import ARCHITECTURES
        from backends.fewshot.clip.engine import ClipEngine

        ARCHITECTURES["own"] = architecture
        card = next(card for card in CARDS if card.engine == "clip")
        engine = ClipEngine(replace(card, id="own", tier="yours", files=(), needs=()), (weights,))
    engine.load("cpu")
    return engine


def folder(engine: FeatureEngine, arguments: argparse.Namespace) -> None:
    """A line a number of shots and head."""
    began = time.perf_counter()
    with open_image_collection(arguments.data) as gallery:
        items = [item for item in gallery.items if item.folder]
        classes = tuple(sorted({item.folder for item in items}))
        labels = np.array([classes.index(item.folder) for item in items])
        features = looked_at(engine, [item.read() for item in items])
    say(f"{len(items)} pictures of {len(classes)} classes looked at in {time.perf_counter() - began:.0f} s")
    words = named(engine, classes) if arguments.words else None
    for shots in arguments.shots:
        for head in arguments.heads:
            outcomes = []
            for episode in episodes(labels, shots, arguments.episodes):
                taught = Support(features[episode.shots], labels[episode.shots], classes, words, engine.logit_scale)
                outcomes.append(run_episode(taught, features[episode.queries], labels[episode.queries], head))
            say(f"{shots:3} shots  {head:13} {outcomes_text(outcomes)}")


def named(engine: FeatureEngine, classes: Sequence[str]) -> np.ndarray:
    """`(C, D)` features of the classes' names, put into sentences as the app does."""
    if not engine.understands_words:
        raise SystemExit("This model understands no words: leave --words out.")
    rows = [engine.encode_text(prompts(name, "", "ensemble")) for name in classes]
    means = np.stack([np.mean(row, axis=0) for row in rows if row is not None])
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def outcomes_text(outcomes: Sequence[EpisodeResult]) -> str:
    found = mean([outcome.accuracy for outcome in outcomes])
    spread = 100 * np.std([outcome.accuracy for outcome in outcomes])
    loo_accuracy = np.array([outcome.loo_accuracy for outcome in outcomes])
    known = loo_accuracy[np.isfinite(loo_accuracy)]
    words = (
        f"{100 * found.estimate:5.1f} % ± {100 * found.half_width:.1f} ({found.method}; episodes spread {spread:.1f})"
    )
    words += f"  foretold {100 * known.mean():5.1f} %" if len(known) else "  foretold       "
    return words + f"  sure {100 * np.mean([outcome.confidence for outcome in outcomes]):5.1f} %"


def omniglot(engine: FeatureEngine, path: Path, heads: Sequence[str]) -> None:
    """A line a head: the mean over runs, and each run."""
    with zipfile.ZipFile(path) as archive:
        runs = sorted({name.split("/")[0] for name in archive.namelist() if name.endswith("class_labels.txt")})
        read_runs = [one_shot_run(engine, archive, run) for run in runs]
    for head in heads:
        right = [
            float((Classifier.fit(taught, head).predict(queries).best == truth).mean())
            for taught, queries, truth in read_runs
        ]
        found = mean(right)
        each = " ".join(f"{100 * share:.0f}" for share in right)
        say(
            f"Omniglot, 20-way one-shot, {len(right)} runs  {head:13} {100 * found.estimate:5.1f} % ± "
            f"{100 * found.half_width:.1f} ({found.method}): {each}"
        )


def one_shot_run(engine: FeatureEngine, archive: zipfile.ZipFile, run: str) -> tuple[Support, np.ndarray, np.ndarray]:
    """What to teach with, the features to ask about `(20, D)`, and the true classes `(20,)`."""
    lines = archive.read(f"{run}/class_labels.txt").decode().split("\n")
    pairs = [line.split() for line in lines if line.strip()]
    taught = sorted({train for _, train in pairs})
    shots = looked_at(engine, [archive.read(name) for name in taught])
    queries = looked_at(engine, [archive.read(name) for name, _ in pairs])
    truth = np.array([taught.index(train) for _, train in pairs])
    support = Support(shots, np.arange(len(taught)), tuple(taught), None, engine.logit_scale)
    return support, queries, truth


def looked_at(engine: FeatureEngine, files: Sequence[bytes]) -> np.ndarray:
    return engine.embed([read(data, 2 * engine.side).rgb for data in files])


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
