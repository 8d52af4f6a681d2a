"""Repairs the library after a crash, a lost database or a lost file. Runs once, when a studio starts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, select

from studio.library import manifest, models
from studio.library.entries import enter, update_size
from studio.library.library import Library
from studio.library.models import FINISHED, RUN_ID, ArtifactRow, RunRow

MANIFEST_BYTES = 16 << 20

INTERRUPTED = "The studio was closed or stopped while this was running."


@dataclass(frozen=True)
class RepairReport:
    """What a repair did.

    Attributes:
        interrupted: runs whose studio died; they are marked so.
        deleted: runs whose deletion was cut short and is now complete.
        adopted: runs entered again from their folders.
        leftovers: how many files without a row were removed.
        missing: how many rows without a file there were.
        unknown: folders that nothing explains; they are left alone.
    """

    interrupted: tuple[str, ...]
    deleted: tuple[str, ...]
    adopted: tuple[str, ...]
    leftovers: int
    missing: int
    unknown: tuple[str, ...]


def repair(library: Library) -> RepairReport:
    """Put right what a crash left behind.

    Runs whose process is gone become "interrupted"; half-done deletes are completed; files without a row (a `keep`
    cut short) are removed from the folders of finished runs, and rows whose file vanished from a folder are dropped
    with a notice on the run. Unknown folders that a manifest explains are entered again (their database was lost).
    Whole folders that are missing (a disk that is not plugged in) or unexplained are only counted.
    """
    with library.database.session(write=True) as session:
        rows = session.scalars(select(RunRow).where(RunRow.status.in_(("running", "deleting")))).all()
        dead = [r for r in rows if r.status == "running" and not models.alive(r.owner, models.now() - r.touched)]
        for row in dead:
            row.status, row.error = "interrupted", INTERRUPTED
            enter(session, row)
        interrupted = tuple(row.id for row in dead)
        deleting = tuple(row.id for row in rows if row.status == "deleting")
        ended = [row.record() for row in dead]
    for run in ended:
        library.explain(run)
    for run_id in deleting:
        library.erase(run_id)
    folders = library.storage.runs()
    with library.database.session() as session:
        states = dict(session.execute(select(RunRow.id, RunRow.status)).all())
    strange = folders - set(states) - set(deleting)
    adopted = tuple(sorted(folder for folder in strange if _adopt(library, folder)))
    known = _known_files(library)
    tidied = [_tidy(library, run_id, known[run_id]) for run_id, status in states.items() if status in FINISHED]
    library.storage.trim_cache()
    leftovers, missing = (sum(pair[i] for pair in tidied) for i in (0, 1))
    return RepairReport(interrupted, deleting, adopted, leftovers, missing, tuple(sorted(strange - set(adopted))))


def _known_files(library: Library) -> Mapping[str, set[str]]:
    """The names of every run's files, asked for at once: thousands of runs would take a question each."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    with library.database.session() as session:
        for run_id, file in session.execute(select(ArtifactRow.run_id, ArtifactRow.file)):
            known[run_id].add(file)
    return known


def _tidy(library: Library, run_id: str, known: set[str]) -> tuple[int, int]:
    """Match the folder of a finished run with its rows: how many files removed, how many rows dropped."""
    there = library.storage.files(run_id)
    if there is None:
        return 0, len(known)
    if there - {manifest.FILE} == known:
        return 0, 0
    rows = {stored.file: stored for stored in library.artifacts(run_id)}  # as they are now: another studio may write
    leftovers = [file for file in there - set(rows) - {manifest.FILE} if library.storage.settled(run_id, file)]
    for file in leftovers:
        library.storage.remove(run_id, file)
    lost = set(rows) - there
    if lost:
        with library.database.session(write=True) as session:
            wanted = (ArtifactRow.run_id == run_id, ArtifactRow.file.in_(lost))
            session.execute(delete(ArtifactRow).where(*wanted))
            update_size(session, run_id)
        names = ", ".join(sorted({rows[file].name for file in lost})[:5])
        library.note(run_id, notices=[f"Files of this run are no longer in the storage folder: {names}."])
    return len(leftovers), len(lost)


def _adopt(library: Library, folder: str) -> bool:
    """Enter a folder whose rows are lost, with the files that are still in it; False where nothing explains it."""
    files = library.storage.files(folder) if RUN_ID.fullmatch(folder) else None
    if not files or manifest.FILE not in files:
        return False
    try:
        with library.storage.open(folder, manifest.FILE) as file:
            text = file.read(MANIFEST_BYTES)
        run, artifacts = manifest.load(text, folder)
        labels, run.visitor = manifest.load_labels(text), manifest.load_visitor(text)
    except (ValueError, KeyError, TypeError):
        return False
    there = [row for row in artifacts if row.file in files]
    with library.database.session(write=True) as session:
        if session.get(RunRow, folder):  # another studio was first
            return False
        session.add(run)
        session.flush()
        session.add_all(there)
        session.flush()
        enter(session, run, labels)
        session.flush()
        update_size(session, folder)
    return True
