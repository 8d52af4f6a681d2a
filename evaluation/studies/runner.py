"""Runs a study into its folder: what is there already is not run again, whenever the run before was killed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from backends.core.errors import UserError
from evaluation.conditions.base import CLEAN, conditions
from evaluation.datasets.base import Sample, Unit
from evaluation.datasets.registry import open_dataset
from evaluation.studies.about import describe
from evaluation.studies.excerpts import OutputFile, keeper
from evaluation.studies.pools import processes, ray_cluster
from evaluation.studies.rig import Score, rig
from evaluation.studies.store import TRUST, StudyFolder, part_key
from evaluation.studies.study import Study

log = logging.getLogger(__name__)

NOTED_SECONDS = 0.5
"""Progress is written down at most this often."""


@dataclass(frozen=True)
class Progress:
    """How far a run is. `before` parts were there when it began; `rate` is in parts a second, None before the first."""

    done: int
    total: int
    before: int
    seconds: float

    @property
    def rate(self) -> float | None:
        fresh = self.done - self.before
        return fresh / self.seconds if fresh and self.seconds else None

    @property
    def left(self) -> float | None:
        """Seconds."""
        return (self.total - self.done) / self.rate if self.rate else None

    def to_json(self, state: str) -> dict[str, Any]:
        return {
            "state": state,
            "done": self.done,
            "total": self.total,
            "rate": self.rate,
            "left": self.left,
            "updated": time.time(),
        }


@dataclass(frozen=True)
class Part:
    """What one unit under one condition gave: rows, and the files that the study keeps."""

    rows: list[dict[str, Any]]
    files: tuple[OutputFile, ...] = ()


Watch = Callable[[Progress, StudyFolder], None]
Level = tuple[str, int]


def units_of(study: Study) -> list[Unit]:
    """The units that a study takes, in the order of its data set. Raises BadInput or DatasetMissing."""
    dataset = open_dataset(study.dataset.id, study.dataset.folder, study.dataset.options)
    units = list(dataset.units(study.split()))
    return _spread(units)[: study.units] if study.units else units


def _spread(units: Sequence[Unit]) -> list[Unit]:
    """One unit of each group after the other, so that the first few are not all of one singer or person."""
    seen: dict[str, int] = {}
    turns = []
    for unit in units:
        seen[unit.group] = seen.get(unit.group, 0) + 1
        turns.append(seen[unit.group])
    return [units[row] for row in np.argsort(turns, kind="stable")]


def run(study: Study, folder: Path, workers: int = 1, watch: Watch | None = None, cluster: str = "") -> StudyFolder:
    """Run what is missing of a study.

    Args:
        study: what to run.
        folder: its own folder; made where it is not there.
        workers: processes that share the units.
        watch: told after each part, in this process.
        cluster: the address of a Ray cluster that computes in their place; empty for none.

    Returns:
        The folder, with every row.

    Raises:
        UserError: the study cannot be run, or the folder is another's; the sentence says why.
    """
    store, units = StudyFolder(folder), units_of(study)
    with store.writing():
        store.begin(describe(study, units))
        known = store.keys()
        plan = [(unit.id, level) for unit in units for level in study.levels()]
        todo = [(unit, level) for unit, level in plan if part_key(unit, *level) not in known]
        before, began, noted = len(plan) - len(todo), time.monotonic(), 0.0
        progress = Progress(before, len(plan), before, 0.0)
        store.note_progress(progress.to_json("running"))
        state = "stopped"
        try:
            for (unit, level), part in _compute(study, units, todo, workers, cluster):
                store.add(part_key(unit, *level), part.rows, part.files)
                store.join()
                progress = Progress(progress.done + 1, len(plan), before, time.monotonic() - began)
                if time.monotonic() - noted > NOTED_SECONDS:
                    noted = time.monotonic()
                    store.note_progress(progress.to_json("running"))
                if watch is not None:
                    watch(progress, store)
            store.join(1)
            state = "done"
        finally:
            store.note_progress(progress.to_json(state))
    return store


def _compute(
    study: Study, units: Sequence[Unit], todo: Sequence[tuple[str, Level]], workers: int, cluster: str
) -> Iterator[tuple[tuple[str, Level], Part]]:
    """The rows of each part as they are there."""
    by_id = {unit.id: unit for unit in units}
    if workers <= 1 and not cluster:
        for unit_id, level in todo:
            yield (unit_id, level), measure(study, by_id[unit_id], level)
        return
    with ray_cluster(cluster, _measure_by_id) if cluster else processes(workers, _measure_by_id) as pool:
        parts, pending = iter(todo), dict[Hashable, tuple[str, Level]]()
        while True:
            for part in islice(parts, 2 * pool.size - len(pending)):
                pending[pool.submit(study, *part)] = part
            if not pending:
                return
            for handle, rows in pool.finished(pending.keys()):
                yield pending.pop(handle), rows


@cache
def _units(study: str) -> Mapping[str, Unit]:
    return {unit.id: unit for unit in units_of(Study.model_validate_json(study))}


def _measure_by_id(study: Study, unit_id: str, level: Level) -> Part:
    return measure(study, _units(study.model_dump_json())[unit_id], level)


def measure(study: Study, unit: Unit, level: Level) -> Part:
    """The rows of a unit under one condition, every system, seed, metric and part, with what is kept of it."""
    condition, severity = level
    sample: Sample | None = None
    fault, rows, files = "", [], []
    try:
        sample = _sample(study.task, _read(unit), level, unit.id)
    except UserError as error:
        fault = error.sentence
    except Exception as error:
        log.exception("unit %s could not be read", unit.id)
        fault = f"The unit could not be read: {type(error).__name__}."
    kept = sample if study.keep != "nothing" and condition == CLEAN else None
    if kept is not None and study.keep == "everything":
        files += keeper(study.task).whole_input(kept)
    for choice in study.cards:
        for seed in study.seeds:
            place: dict[str, Any] = {"unit": unit.id, "group": unit.group, "system": choice.label}
            place |= {"condition": condition, "severity": severity, "seed": seed}
            found, output = _scores(study, choice, sample, seed, fault)
            rows += [{**place, **values} for values in found]
            if kept is not None and output is not None and seed == study.seeds[0]:
                files += _files(study, choice.label, kept, output, found)
    return Part(rows, tuple(files))


def _files(study: Study, system: str, sample: Sample, output: Any, rows: list[dict[str, Any]]) -> Iterator[OutputFile]:
    """What is kept of an answer: an excerpt at the worst place by the first metric, or all of it as well."""
    where = next((row["where"] for row in rows if row["where"] is not None), None)
    own = keeper(study.task)
    yield from (replace(file, system=system) for file in own.excerpt(sample, output, where))
    if study.keep == "everything":
        yield from (replace(file, role="whole", system=system) for file in own.whole_output(sample, output))


@lru_cache(maxsize=1)
def _read(unit: Unit) -> Sample:
    """The sample of a unit, which is read once for all conditions, as they follow each other."""
    return unit.load()


def _sample(task: str, sample: Sample, level: Level, unit: str) -> Sample:
    condition, severity = level
    if condition == CLEAN:
        return sample
    seed = int.from_bytes(sha256(f"{unit}|{condition}|{severity}".encode()).digest()[:8], "big")
    return conditions(task)[condition].at(sample, severity, np.random.default_rng(seed))


def _scores(
    study: Study, choice: Any, sample: Sample | None, seed: int, fault: str
) -> tuple[list[dict[str, Any]], Any]:
    """The values of one system, and its answer; where it fails, a row a metric without a value, with the reason."""
    began = time.perf_counter()
    try:
        if sample is not None:
            output = _system(study.task, choice.card, choice.model_dump_json(include={"options"}))(sample, seed)
            seconds = time.perf_counter() - began
            own = rig(study.task)
            rows = [_row(score, seconds) for score in own.scores(output, sample, study.metrics)]
            if rows and (trust := own.trust(output, sample)) is not None:
                rows[0] |= dict(zip(TRUST, trust, strict=True))
            return rows, output
    except UserError as error:
        fault = error.sentence
    except Exception as error:
        log.exception("%s failed", choice.label)
        fault = f"{choice.label} failed on this unit: {type(error).__name__}."
    empty = {"part": "", "value": None, "where": None, "seconds": None, "note": fault}
    return [{"metric": metric, **empty} for metric in study.metrics], None


def _row(score: Score, seconds: float) -> dict[str, Any]:
    known = bool(np.isfinite(score.value))
    return {
        "metric": score.metric,
        "part": score.part,
        "value": score.value if known else None,
        "where": score.where,
        "seconds": seconds,
        "note": "" if known else "Not defined for this unit.",
    }


@cache
def _system(task: str, card: str, options: str) -> Any:
    import json

    return rig(task).system(card, json.loads(options)["options"])
