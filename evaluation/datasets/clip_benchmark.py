"""CLIP Benchmark's data sets: `classnames.txt`, `zeroshot_classification_templates.txt` and tar shards below `test/`.

A sample is `KEY.webp` (or png, jpg) with `KEY.cls`, the number of its class, or `KEY.txt`, one caption a line, where
`dataset_type.txt` says `retrieval`. Templates have `{c}` in the place of the name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split
from evaluation.datasets.laion import retrieval
from evaluation.datasets.webdataset import Entry, index_shard, list_files, pools, read_pictures

PLAIN = ("a photo of a {c}.",)


class ClipBenchmark:
    """One data set, at any address that fsspec knows. A unit is `pool` pictures that follow each other.

    For classification the inputs are `queries` (encoded pictures), `names` and `templates`, with no examples, and the
    reference holds the labels; for retrieval they are as those of LaionPools.
    """

    id, title, task, licence = "clip-benchmark", "CLIP Benchmark", "fewshot", "as the pictures' owner says"
    splits = ("test", "train")

    def __init__(self, folder: Path | str, pool: int = 100) -> None:
        self.folder, self.pool = str(folder), pool

    def _lines(self, name: str) -> list[str]:
        """The lines of a text file; empty where it is not there."""
        import fsspec

        system, path = fsspec.core.url_to_fs(f"{self.folder.rstrip('/')}/{name}")
        if not system.isfile(path):
            return []
        try:
            text = system.cat_file(path).decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadInput(f"{name} is no text.") from error
        return [line.strip() for line in text.splitlines() if line.strip()]

    @cached_property
    def names(self) -> list[str]:
        return self._lines("classnames.txt")

    @cached_property
    def templates(self) -> list[str]:
        return self._lines("zeroshot_classification_templates.txt") or list(PLAIN)

    @cached_property
    def retrieves(self) -> bool:
        return self._lines("dataset_type.txt") == ["retrieval"]

    def units(self, split: str = "test") -> Iterator[Unit]:
        check_split(self, split)
        shards = list_files(self.folder, ".tar")
        shards = sorted((path for path in shards if f"/{split}/" in path), key=_number)
        if not shards or not (self.retrieves or self.names):
            raise DatasetMissing(f"{self.folder} needs classnames.txt and shards such as {split}/0.tar.")
        for entries in pools((entry for shard in shards for entry in index_shard(shard)), self.pool):
            name = f"{entries[0].key} to {entries[-1].key}"
            load = partial(retrieval, entries, True) if self.retrieves else partial(self._classified, entries)
            yield Unit(name, name, load)

    def _classified(self, entries: Sequence[Entry]) -> Sample:
        labels = [_label(entry, len(self.names)) for entry in entries]
        inputs = {"queries": read_pictures(entries), "names": self.names, "templates": self.templates}
        return Sample({**inputs, "shots": [], "labels": np.zeros(0, int)}, np.array(labels))


def _number(path: str) -> tuple[int, str]:
    """Shards are numbered without leading zeros."""
    stem = Path(path).stem
    return (int(stem) if stem.isdigit() else 0, path)


def _label(entry: Entry, classes: int) -> int:
    """Raises BadInput where a picture has no class, or one that has no name."""
    try:
        label = int(entry.texts[".cls"])
    except (KeyError, ValueError) as error:
        raise BadInput(f"The picture {entry.key} has no number of a class beside it.") from error
    if not 0 <= label < classes:
        raise BadInput(f"The picture {entry.key} is of class {label}, and classnames.txt names {classes}.")
    return label
