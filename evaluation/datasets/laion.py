"""Pictures with captions as LAION-400M and img2dataset store them: Parquet of metadata, tar shards of pictures.

`NAME.parquet` has `URL TEXT NSFW similarity LICENSE WIDTH HEIGHT`, or img2dataset's `url caption key status`, and
`00000.tar` holds `KEY.jpg KEY.txt KEY.json` for each picture that could be fetched; those that could not be are in the
Parquet file and not in the tar, so that the two belong together by key and never by position. Shards may lie at any
address that fsspec knows, and nothing is copied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing, Sample, Unit, check_split
from evaluation.datasets.webdataset import Entry, index_shard, list_files, pools, read_pictures

if TYPE_CHECKING:
    import pandas as pd

SAFE = ("UNLIKELY", "", None)
"""What LAION calls the pictures that its filter found harmless; pictures that nobody judged count as such."""

RENAMED = {"url": "URL", "caption": "TEXT", "text": "TEXT", "nsfw": "NSFW", "license": "LICENSE"}


class Laion:
    """A folder of shards, or one shard. A unit is a picture, its group the shard.

    The input is its `picture`, encoded; the reference its caption. Pictures that are marked as unsafe, or are less
    like their caption than `similarity`, are left out.
    """

    id, title, task, licence = (
        "laion",
        "Captioned pictures (LAION)",
        "fewshot",
        "metadata CC BY 4.0; pictures: as theirs",
    )
    splits = ("all",)

    def __init__(self, folder: Path | str, similarity: float = 0.0, unsafe: bool = False) -> None:
        self.folder, self.similarity, self.unsafe = str(folder), similarity, unsafe

    def shards(self) -> list[str]:
        return list_files(self.folder, ".tar")

    def entries(self) -> Iterator[Entry]:
        """The pictures that pass, in the order of the shards."""
        for shard in self.shards():
            yield from (entry for entry in index_shard(shard) if self.passes(renamed(entry.about)))

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        found = False
        for entry in self.entries():
            found = True
            yield Unit(entry.key, Path(entry.shard).stem, partial(_picture, entry))
        if not found:
            raise DatasetMissing(f"There are no shards with pictures in {self.folder}.")

    def passes(self, about: Mapping[str, Any]) -> bool:
        """Whether a picture is harmless enough and like its caption."""
        safe = self.unsafe or about.get("NSFW") in SAFE
        similarity = float("nan") if about.get("similarity") is None else float(about["similarity"])
        return safe and not similarity < self.similarity  # where nobody knows it, it is no reason to leave it out

    def problems(self) -> Iterator[str]:
        """What the metadata names and the shards have not."""
        for path in list_files(self.folder, ".parquet"):
            table = read_metadata(path)
            if not self.shards():
                yield f"{Path(path).name} has {len(table)} rows of metadata, and there is no shard of pictures for it."
            if "status" in table.columns:
                for status, count in table["status"].value_counts().items():
                    if status != "success":
                        yield f"{Path(path).name}: {count} of {len(table)} pictures were not fetched ({status})."
            if "NSFW" in table.columns and (marked := int((~table["NSFW"].isin(SAFE) & table["NSFW"].notna()).sum())):
                yield f"{Path(path).name}: {marked} of {len(table)} pictures are marked as unsafe and left out."


class LaionPools(Laion):
    """The same shards for retrieval. A unit is a pool of `pool` pictures that follow each other, its group the shard.

    Inputs are `queries` (encoded pictures) and `captions`; the reference says for each caption which picture it is of.
    How hard retrieval is depends on the size of the pool, so that figures of two sizes are not comparable.
    """

    def __init__(self, folder: Path | str, similarity: float = 0.0, unsafe: bool = False, pool: int = 100) -> None:
        super().__init__(folder, similarity, unsafe)
        if pool < 2:
            raise BadInput("A pool for retrieval holds at least two pictures.")
        self.pool = pool

    def units(self, split: str = "all") -> Iterator[Unit]:
        check_split(self, split)
        found = False
        for entries in pools((entry for entry in self.entries() if caption(entry)), self.pool):
            found = True
            name = f"{entries[0].key} to {entries[-1].key}"
            yield Unit(name, Path(entries[0].shard).stem, partial(retrieval, entries))
        if not found:
            raise DatasetMissing(f"There are no shards with captioned pictures in {self.folder}.")


def renamed(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a shard says of a picture, by LAION's names."""
    return {RENAMED.get(name, name): value for name, value in about.items()}


def caption(entry: Entry) -> str:
    """The caption beside a picture, or that of its JSON; empty where there is none."""
    return " ".join(entry.captions) or str(renamed(entry.about).get("TEXT") or "")


def retrieval(entries: Sequence[Entry], several: bool = False) -> Sample:
    """A pool of pictures with their captions; with `several`, every line of a caption file is one."""
    texts = [entry.captions if several else [caption(entry)] for entry in entries]
    owners = np.array([number for number, own in enumerate(texts) for _ in own])
    captions = [text for own in texts for text in own]
    return Sample({"queries": read_pictures(entries), "captions": captions}, owners)


def _picture(entry: Entry) -> Sample:
    return Sample({"picture": read_pictures([entry])[0], "about": renamed(entry.about)}, caption(entry))


def read_metadata(address: str) -> pd.DataFrame:
    """The rows of a metadata file, its columns named as LAION names them. Raises BadInput."""
    import pandas as pd
    import pyarrow as pa

    try:
        table = pd.read_parquet(address)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{Path(address).name} is no Parquet file, or it is damaged.") from error
    return table.rename(columns=RENAMED)
