"""What a study's folder says of itself: the study, its units, the models with their origin, the versions."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from backends.core.task import task_named
from evaluation.datasets.base import Unit
from evaluation.datasets.labels import labels_of
from evaluation.datasets.registry import ENTRIES, open_dataset
from evaluation.studies.study import Study
from evaluation.studies.yardsticks import YARDSTICKS

PACKAGES = ("numpy", "scipy", "statsmodels", "torch", "pyarrow")


def describe(study: Study, units: Sequence[Unit]) -> dict[str, Any]:
    """Plain JSON. `study` and `units` say whether a run may go on in a folder."""
    dataset = open_dataset(study.dataset.id, study.dataset.folder, study.dataset.options)
    return {
        "study": study.to_json(),
        "units": [[unit.id, unit.group] for unit in units],
        "labels": labels_of(dataset, study.dataset.folder, (unit.id for unit in units)),
        "notes": {unit.id: list(unit.notes) for unit in units if unit.notes},
        "dataset": {
            "id": dataset.id,
            "title": dataset.title,
            "licence": dataset.licence,
            "split": study.split(),
            "leaks": ENTRIES[study.dataset.id].leaks,
        },
        "systems": {choice.label: _system(study.task, choice.card) for choice in study.cards},
        "versions": {"python": platform.python_version(), **dict(filter(None, map(_version, PACKAGES)))},
        "begun": time.time(),
    }


def _system(task: str, card_id: str) -> Mapping[str, Any]:
    """Title, licence and weights of a card, or what a yardstick does."""
    if card_id in YARDSTICKS[task]:
        return {"card": card_id, "title": YARDSTICKS[task][card_id], "yardstick": True}
    card = next(card for card in task_named(task).cards if card.id == card_id)
    return {
        "card": card.id,
        "title": card.title,
        "licence": card.licence,
        "tier": card.tier,
        "weights": {file.name: file.sha256 for file in card.files},
        "measured": card.measured,
        "weak_at": card.weak_at,
        "trained_on": card.licence_note,
    }


def _version(package: str) -> tuple[str, str] | None:
    try:
        return package, version(package)
    except PackageNotFoundError:
        return None
