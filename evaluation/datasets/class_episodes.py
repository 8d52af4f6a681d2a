"""Few-shot episodes from folders of pictures that bear the names of their classes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split
from evaluation.datasets.class_folders import ClassFolders

EPISODES = 40


class ClassEpisodes:
    """Episodes drawn from a folder or zip of class folders. A unit is an episode of `ways` classes.

    Inputs are `shots` and `queries` (encoded pictures), `labels` of the shots and `names`; the reference holds the
    labels `(Q,)` of the queries. The i-th episode is the same whatever the number of episodes.
    """

    id, title, task, licence = "class-folders", "Class folders", "fewshot", "as the pictures' owner says"
    splits = ("all",)

    def __init__(self, folder: Path, ways: int = 5, shots: int = 5, queries: int = 5, episodes: int = EPISODES) -> None:
        self.folder, self.ways, self.shots, self.queries, self.episodes = folder, ways, shots, queries, episodes

    @cached_property
    def classes(self) -> dict[str, list[Unit]]:
        """The pictures of each class that has enough of them."""
        found: dict[str, list[Unit]] = {}
        for unit in ClassFolders(self.folder).units():
            found.setdefault(unit.group, []).append(unit)
        enough = {name: units for name, units in sorted(found.items()) if len(units) >= self.shots + self.queries}
        if len(enough) < 2:
            raise DatasetMissing(
                f"{self.folder} needs two classes of {self.shots + self.queries} pictures each; it has {len(enough)}."
            )
        return enough

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        self.classes  # noqa: B018 (says what is missing before the first unit)
        for number in range(self.episodes):
            yield Unit(f"episode {number + 1}", f"episode {number + 1}", partial(self._draw, number))

    def _draw(self, number: int) -> Sample:
        rng = np.random.default_rng([15, number])
        names = sorted(rng.choice(sorted(self.classes), min(self.ways, len(self.classes)), replace=False).tolist())
        shots, queries, labels, truth = [], [], [], []
        for label, name in enumerate(names):
            units = self.classes[name]
            rows = rng.permutation(len(units))[: self.shots + self.queries]
            pictures = [units[row].load().inputs["picture"] for row in rows]
            shots += pictures[: self.shots]
            queries += pictures[self.shots :]
            labels += [label] * self.shots
            truth += [label] * self.queries
        inputs = {"shots": shots, "labels": np.array(labels), "queries": queries, "names": names}
        return Sample(inputs, np.array(truth))
