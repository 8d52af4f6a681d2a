"""Every data set by its id: how to open it, and how to tell from a folder that it is one."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.core.errors import BadInput
from evaluation.datasets.base import Dataset

MADE, RECORDED, SKETCHED = "made by rule", "recorded or measured", "drawn by hand"
DOMAINS = (MADE, RECORDED, SKETCHED)
"""Kinds of data, in the order in which they are shown side by side."""


@dataclass(frozen=True)
class DatasetEntry:
    """One data set.

    Args:
        id: how studies and the command line name it.
        title: how people name it.
        task: separation, matting, folding or fewshot.
        target: `module:class`, imported when it is opened.
        split: the split that is measured if none is named.
        leaks: what published models may have seen of it, in one sentence; empty where nothing is known.
        own: whether the project makes it, so that it takes no folder.
        domain: what kind of data it is, of DOMAINS, unless a study says otherwise.
    """

    id: str
    title: str
    task: str
    target: str
    split: str
    leaks: str = ""
    own: bool = False
    domain: str = RECORDED


def _own(id: str, title: str, task: str, name: str) -> DatasetEntry:
    return DatasetEntry(id, title, task, f"evaluation.datasets.own_samples:{name}", "all", "", True, MADE)


ENTRIES: Mapping[str, DatasetEntry] = {
    entry.id: entry
    for entry in (
        _own("drawn-songs", "Rendered mixes", "separation", "DrawnSongs"),
        _own("drawn-clips", "Rendered clips", "matting", "DrawnClips"),
        _own("built-proteins", "Structures built by rule", "folding", "BuiltProteins"),
        _own("drawn-pictures", "Drawn pictures", "fewshot", "DrawnPictures"),
        DatasetEntry(
            "mir1k", "MIR-1K", "separation", "evaluation.datasets.mir1k:Mir1k", "held-out",
            "Every third singer is kept apart from the training of the starter; the others are not.",
        ),
        DatasetEntry(
            "musdb18", "MUSDB18", "separation", "evaluation.datasets.musdb18:Musdb18", "test",
            "Published Demucs weights were trained on the songs of “train”, and on none of “test”.",
        ),
        DatasetEntry("songs", "Songs with stems", "separation", "evaluation.datasets.song_folders:SongFolders", "all"),
        DatasetEntry(
            "youtube-vos", "YouTube-VOS", "matting", "evaluation.datasets.video_objects:YoutubeVos", "all",
        ),
        DatasetEntry(
            "portraits", "Portraits with masks", "matting", "evaluation.datasets.portraits:Portraits", "held-out",
            "The starter was trained on the other portraits of this collection.",
        ),
        DatasetEntry(
            "omniglot-runs", "Omniglot, one-shot runs", "fewshot", "evaluation.datasets.omniglot:OmniglotRuns", "all",
            domain=SKETCHED,
        ),
        DatasetEntry("davis", "DAVIS", "matting", "evaluation.datasets.video_objects:Davis", "all"),
        DatasetEntry(
            "matte-pairs", "Pictures or clips with mattes (PPM-100, P3M, VideoMatte240K)", "matting",
            "evaluation.datasets.matte_pairs:MattePairs", "all",
            "MODNet's authors trained on pictures of their own and chose PPM-100 as their test set.",
        ),
        DatasetEntry(
            "proteinnet", "ProteinNet", "folding", "evaluation.datasets.proteinnet:ProteinNet", "all",
            "ESMFold and AlphaFold2 were trained on most of the Protein Data Bank, and so on many of these chains.",
        ),
        DatasetEntry(
            "structures", "Folder of structures", "folding",
            "evaluation.datasets.aligned_proteins:StructureFiles", "all",
            "Structures of the Protein Data Bank from before a model's training may have been trained on.",
        ),
        DatasetEntry(
            "class-folders", "Class folders", "fewshot", "evaluation.datasets.class_episodes:ClassEpisodes", "all",
            "OpenAI's CLIP has seen pictures from all over the web, and perhaps these.",
        ),
        DatasetEntry(
            "laion", "Captioned pictures (LAION)", "fewshot", "evaluation.datasets.laion:LaionPools", "all",
            "OpenCLIP's LAION weights were trained on these pictures.",
        ),
        DatasetEntry(
            "clip-benchmark", "CLIP Benchmark", "fewshot", "evaluation.datasets.clip_benchmark:ClipBenchmark", "test",
            "CLIP's training data from the web may hold pictures of these test sets.",
        ),
        DatasetEntry(
            "targets", "Targets with structures (CASP, CAMEO)", "folding", "evaluation.datasets.targets:Targets", "all",
            "Structures that were published before a model's training may have been trained on: look at their dates.",
        ),
    )
}  # fmt: skip


def open_dataset(id: str, folder: Path | None = None, options: Mapping[str, Any] | None = None) -> Dataset:
    """The data set of that name.

    Args:
        id: a key of ENTRIES.
        folder: where it lies; None for one that the project makes.
        options: further arguments of its class.

    Raises:
        BadInput: there is no such data set, or it needs a folder.
    """
    entry = ENTRIES.get(id)
    if entry is None:
        raise BadInput(f"No data set is called “{id}”; there are {', '.join(ENTRIES)}.")
    module, _, name = entry.target.partition(":")
    kind = getattr(importlib.import_module(module), name)
    if entry.own:
        return kind(**(options or {}))
    if folder is None:
        raise BadInput(f"{entry.title} does not come with Fourfold: say in which folder it lies.")
    try:
        return kind(folder, **(options or {}))
    except TypeError as error:
        raise BadInput(f"{entry.title} does not know one of these options: {', '.join(options or {})}.") from error
