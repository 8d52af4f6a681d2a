"""Scores that others measured: museval's JSON files (also packed by gzip), one a song, in a folder of each system.

A file holds for each target its frames with SDR, SIR, SAR and ISR; a frame without a value says NaN. A song is the
median of its frames, a system the median of its songs, as SiSEC 2018 reported them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import DatasetMissing


@dataclass(frozen=True)
class SongScore:
    """One measure of one target of a song: its median over `frames` frames, of which `silent` have no value."""

    system: str
    song: str
    target: str
    metric: str
    value: float
    frames: int
    silent: int


def read_scores(folder: Path) -> Iterator[SongScore]:
    """The scores below a folder; a system is called after its folder. Raises DatasetMissing or BadInput."""
    files = sorted([*folder.rglob("*.json"), *folder.rglob("*.json.gz")])
    if not files:
        raise DatasetMissing(f"There is no museval JSON below {folder}.")
    for path in files:
        yield from read_song(path, _system(path.relative_to(folder)))


def _system(path: Path) -> str:
    """The first folder on the way, which is not the name of a split."""
    return next((part for part in path.parts[:-1] if part not in ("test", "train")), "scores")


def read_song(path: Path, system: str = "") -> Iterator[SongScore]:
    """The scores of one file. Raises BadInput where it is no museval JSON."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        targets = json.loads(data)["targets"]  # Python's reader takes the NaN that museval writes
        for target in targets:
            metrics = {
                name: [frame["metrics"][name] for frame in target["frames"]] for name in ("SDR", "SIR", "SAR", "ISR")
            }
            for name, values in metrics.items():
                numbers = np.array(values, float)
                known = numbers[~np.isnan(numbers)]
                median = float(np.median(known)) if len(known) else float("nan")
                silent = len(numbers) - len(known)
                yield SongScore(
                    system,
                    path.name.removesuffix(".gz").removesuffix(".json"),
                    target["name"],
                    name,
                    median,
                    len(numbers),
                    silent,
                )
    except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
        raise BadInput(f"{path.name} is no JSON of museval's scores.") from error


def medians(scores: Iterator[SongScore]) -> dict[tuple[str, str, str], float]:
    """Median over songs by system, target and metric."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for score in scores:
        values.setdefault((score.system, score.target, score.metric), []).append(score.value)
    return {key: float(np.nanmedian(songs)) for key, songs in values.items()}
