"""The studies of this studio: those that ship, those that have been run, and starting one in a process of its own."""

from __future__ import annotations

import hashlib
import os
import re
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from backends.core.errors import BadInput
from evaluation.studies.results import StudyResults
from evaluation.studies.store import StudyFolder, find_studies
from evaluation.studies.study import Study, read_study
from studio.jobs.processes import ROOT, Processes
from studio.library.library import home

SHIPPED = ROOT / "studies"
SILENT_SECONDS = 600.0
"""A run that has noted nothing for so long has stopped, whatever it noted last: one unit takes less."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def folder() -> Path:
    """Where the studies of this studio lie; `FOURFOLD_STUDIES` names another place."""
    return Path(os.environ.get("FOURFOLD_STUDIES") or home() / "studies").expanduser()


@cache
def shipped() -> Mapping[str, Study]:
    """The studies on the project's own samples by name."""
    return {path.stem: read_study(path) for path in sorted(SHIPPED.glob("*-samples.yaml"))}


@cache
def elsewhere() -> Mapping[str, Study]:
    """The studies that ship for data sets that do not, by name."""
    paths = [path for path in sorted(SHIPPED.glob("*.yaml")) if path.stem not in shipped()]
    return {path.stem: read_study(path) for path in paths}


def progress(store: StudyFolder) -> dict[str, Any]:
    """How far a study is; counted from its rows where only these were passed on."""
    noted = store.progress()
    about = store.about()
    if noted or about is None:
        return noted
    total = len(about["units"]) * len(list(Study.model_validate(about["study"]).levels()))
    done = len(store.keys())
    return {"state": "done" if done >= total else "stopped", "done": done, "total": total}


def known() -> dict[str, StudyFolder]:
    """The studies that have been begun, newest first, by the name of their folder."""
    return {store.path.name: store for store in find_studies([folder()])}


def entry_id(name: str) -> str:
    """The id of a study in the catalogue and in findings, which has the form of a run's id."""
    return hashlib.sha256(f"study {name}".encode()).hexdigest()[:32]


def open_study(name: str) -> StudyResults:
    """What a study found. Raises BadInput where there is none of that name."""
    if not NAME.fullmatch(name) or not (folder() / name / "study.json").is_file():
        raise BadInput("There is no such study here: it was deleted, or the address is not complete.")
    return StudyResults.read(StudyFolder(folder() / name))


def stamp(name: str) -> tuple[float, int]:
    """Changes whenever rows of the study do."""
    place = folder() / name
    files = [*place.glob("rows-*.parquet"), *(place / "parts").glob("*.parquet")]
    return max((path.stat().st_mtime for path in files), default=0.0), len(files)


def running(progress: Mapping[str, object]) -> bool:
    """Whether somebody works on a study, by what was noted of it last."""
    updated = progress.get("updated")
    recent = isinstance(updated, int | float) and time.time() - updated < SILENT_SECONDS
    return progress.get("state") == "running" and recent


_processes = Processes()


def start(name: str) -> None:
    """Run a shipped study in a process of its own, or go on with it. It outlives a reload of the page."""
    if name not in shipped():
        raise BadInput("No study of that name ships with Fourfold.")
    place = folder() / name
    command = [sys.executable, "-m", "evaluation", "run", str(SHIPPED / f"{name}.yaml"), "--out", str(place)]
    _processes.start(name, command, place / "run.log")


def stop(name: str) -> None:
    """End a run that this studio started; what it has measured stays, and it can go on later."""
    _processes.stop(name)


def is_ours(name: str) -> bool:
    return _processes.is_running(name)


def fault(name: str) -> str:
    """What a run of this studio said last before it ended without a result; empty where it did not."""
    return _processes.fault(name)
