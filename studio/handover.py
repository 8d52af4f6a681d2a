"""Gives what was made before there was a log-in to one visitor: `python -m studio.handover [--to VISITOR]`.

Without `--to` it lists the visitors of this library by the names that `--to` takes, so whoever is to get the older rows
logs in once and makes anything. Do it with no studio at work on the library; nothing is copied or deleted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from sqlalchemy import func, select, update

from backends.cli.terminal import answer, say
from backends.core.errors import UserError
from studio import services, tasks
from studio.library.catalogue_tables import EntryRow
from studio.library.library import Library
from studio.library.models import RunRow
from studio.library.privacy import OWNED

UNOWNED = ""
UNKNOWN = "Nobody of that name has made anything here: see the list without --to."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m studio.handover", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--to", metavar="VISITOR", help="who gets what belongs to nobody")
    asked = parser.parse_args(arguments)
    try:
        library = services.library()
        if asked.to is None:
            for visitor, entries, size in visitors_of(library):
                answer(f"{visitor or '(from before there was a log-in)'}: {entries} results, {size:,} bytes")
        elif asked.to in {visitor for visitor, _, _ in visitors_of(library)} - {UNOWNED}:
            answer(f"{give(library, asked.to)} rows and projects are theirs now.")
        else:
            say(UNKNOWN)
            return 2
    except UserError as error:
        say(error.sentence)
        return 2
    return 0


def visitors_of(library: Library) -> list[tuple[str, int, int]]:
    """Each visitor with how many results they have, and the bytes of these."""
    sums = select(EntryRow.visitor, func.count(), func.sum(EntryRow.bytes)).group_by(EntryRow.visitor)
    with library.database.session() as session:
        return [(visitor, count, int(size or 0)) for visitor, count, size in session.execute(sums)]


def give(library: Library, visitor: str) -> int:
    """Let everything that belongs to nobody be a visitor's; how many rows and projects that were."""
    with library.database.session(write=True) as session:
        runs = list(session.scalars(select(RunRow.id).where(RunRow.visitor == UNOWNED)))
        given = 0
        for table in OWNED:
            rows = session.scalar(select(func.count()).select_from(table).where(table.visitor == UNOWNED))
            session.execute(update(table).where(table.visitor == UNOWNED).values(visitor=visitor))
            given += rows or 0
    for run_id in runs:
        if (run := library.get(run_id)) is not None:
            library.explain(run)  # its folder says so too
    shelves = (task.shelf() for task in tasks.registered().values() if task.shelf is not None)
    return given + sum(shelf.give(visitor) for shelf in shelves)


if __name__ == "__main__":
    sys.exit(main())
