"""Omniglot's one-shot classification (Lake et al. 2015): twenty runs of twenty characters drawn by hand."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split, existing


class OmniglotRuns:
    """The zip `all_runs.zip`. A unit is a run: 20 characters drawn once each, and 20 drawn by somebody else.

    Inputs are `shots` and `queries`, the encoded pictures in their order; the reference lists for each query which of
    the shots is the same character.
    """

    id, title, task, licence = "omniglot-runs", "Omniglot, 20-way one-shot", "fewshot", "MIT"
    splits = ("all",)

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        with zipfile.ZipFile(existing(self.archive, "zip of Omniglot's runs")) as source:
            runs = sorted(name.split("/")[0] for name in source.namelist() if name.endswith("class_labels.txt"))
        if not runs:
            raise DatasetMissing(f"There are no runs of Omniglot in {self.archive}.")
        for run in runs:
            yield Unit(run, run, partial(_read, self.archive, run))


def _read(archive: Path, run: str) -> Sample:
    with zipfile.ZipFile(archive) as source:
        lines = source.read(f"{run}/class_labels.txt").decode().split("\n")
        pairs = [line.split() for line in lines if line.strip()]  # a query, and the shot of the same character
        shots = sorted({shot for _, shot in pairs})
        inputs = {
            "shots": [source.read(name) for name in shots],
            "queries": [source.read(name) for name, _ in pairs],
            "names": shots,
            "labels": list(range(len(shots))),
        }
    return Sample(inputs, [shots.index(shot) for _, shot in pairs])
