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
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from backends.fewshot.base import FeatureEngine
from backends.fewshot.data.class_list import prompts
from evaluation.datasets.class_folders import ClassFolders
from evaluation.datasets.omniglot import OmniglotRuns
from evaluation.runner import Results, Suite, run
from evaluation.statistics.intervals import mean
from evaluation.systems.fewshot import (
    EPISODE_METRICS,
    LabelledFeatures,
    OneShotRun,
    feature_engine,
    own_clip,
    text_features,
)

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
    weights = arguments.weights
    engine = own_clip(weights, arguments.architecture) if weights else feature_engine("prototypes")
    if arguments.words and not engine.understands_words:
        raise SystemExit("This model understands no words: leave --words out.")
    if arguments.data:
        folder(engine, arguments)
    if arguments.omniglot:
        omniglot(engine, OmniglotRuns(arguments.omniglot), arguments.heads)


def folder(engine: FeatureEngine, arguments: argparse.Namespace) -> None:
    """A line a number of shots and head."""
    began = time.perf_counter()
    data = LabelledFeatures.of(engine, ClassFolders(arguments.data).units())
    seconds = time.perf_counter() - began
    say(f"{len(data.labels)} pictures of {len(data.classes)} classes looked at in {seconds:.0f} s")
    text = text_features(engine, [prompts(name, "", "ensemble") for name in data.classes]) if arguments.words else None
    systems = {head: data.system(head, text) for head in arguments.heads}
    for shots in arguments.shots:
        results = Results(run(Suite(data.episodes(shots, arguments.episodes), systems, EPISODE_METRICS)))
        for head in arguments.heads:
            say(f"{shots:3} shots  {head:13} {line(results, head)}")


def line(results: Results, head: str) -> str:
    right, left_out = results.interval(head, "accuracy"), results.values(head, "left out")
    spread, known = 100 * np.std(results.values(head, "accuracy")), left_out[np.isfinite(left_out)]
    words = (
        f"{100 * right.estimate:5.1f} % ± {100 * right.half_width:.1f} ({right.method}; episodes spread {spread:.1f})"
    )
    words += f"  foretold {100 * known.mean():5.1f} %" if len(known) else "  foretold       "
    return words + f"  sure {100 * results.values(head, 'confidence').mean():5.1f} %"


def omniglot(engine: FeatureEngine, dataset: OmniglotRuns, heads: Sequence[str]) -> None:
    """A line a head: the mean over runs, and each run."""
    runs = [OneShotRun.of(engine, unit) for unit in dataset.units()]
    for head in heads:
        right = [one.accuracy(head) for one in runs]
        found = mean(right)
        each = " ".join(f"{100 * fraction:.0f}" for fraction in right)
        say(
            f"Omniglot, 20-way one-shot, {len(right)} runs  {head:13} {100 * found.estimate:5.1f} % ± "
            f"{100 * found.half_width:.1f} ({found.method}): {each}"
        )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
