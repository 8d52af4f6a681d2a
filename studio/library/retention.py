"""Lets go of old runs, where the operator wants that: FOURFOLD_KEEP_DAYS, after which a run goes into the trash.

Runs with a star, and those that a finding rests on, stay. What lies in the trash is deleted after TRASH_DAYS more, so
that there is time to take it out again; that counts for what people threw away, too.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from threading import Event

from sqlalchemy import select

from backends.core.errors import UserError
from studio.library import models
from studio.library.catalogue import Catalogue
from studio.library.catalogue_tables import EntryRow, FindingRow
from studio.library.library import Library
from studio.library.settings import positive

log = logging.getLogger(__name__)

SETTING = "FOURFOLD_KEEP_DAYS"
DAY = 86_400.0
TRASH_DAYS = 30.0
HOUR = 3600.0

NO_NUMBER = "FOURFOLD_KEEP_DAYS is a number of days, such as 90; without it runs are kept for ever."


@dataclass(frozen=True)
class Cleared:
    """The ids of the runs that went into the trash, and of those that were deleted from it."""

    trashed: tuple[str, ...]
    deleted: tuple[str, ...]


def keep_days() -> float | None:
    """For how many days runs are kept; None for ever. Raises BadInput."""
    return positive(SETTING, NO_NUMBER)


def clear(library: Library, catalogue: Catalogue, days: float) -> Cleared:
    """Put runs that were last changed so long ago into the trash, and delete what lay there for TRASH_DAYS."""
    now = models.now()
    with library.database.session() as session:
        evidence = {item["source"] for row in session.scalars(select(FindingRow)) for item in row.evidence}
        runs = select(EntryRow.id).where(EntryRow.kind == "run")
        old = runs.where(EntryRow.trashed.is_(None), ~EntryRow.starred, EntryRow.changed < now - days * DAY)
        thrown = runs.where(EntryRow.trashed < now - TRASH_DAYS * DAY)
        wanted = [run_id for run_id in session.scalars(old) if run_id not in evidence]
        gone = [run_id for run_id in session.scalars(thrown) if run_id not in evidence]
    for run_id in gone:
        library.delete(run_id)
    return Cleared(catalogue.trash(wanted), tuple(gone))


def clear_hourly(library: Library, catalogue: Catalogue, days: float, stop: Event | None = None) -> None:
    """Do so every hour, until `stop` is set."""
    stop = stop or Event()
    while not stop.is_set():
        begin = time.monotonic()
        try:
            cleared = clear(library, catalogue, days)
        except UserError as error:  # a database that is away for a while: the next hour tries again
            log.warning("old runs could not be cleared away: %s", error.sentence)
        else:
            if cleared.trashed or cleared.deleted:
                facts = {"trashed": len(cleared.trashed), "deleted": len(cleared.deleted)}
                log.info("old runs were cleared away", extra={"facts": facts})
        stop.wait(HOUR - (time.monotonic() - begin))
