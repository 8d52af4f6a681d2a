"""Rows of others stay unseen: every statement of a visitor's session is confined to the visitor's own rows.

It is done where sessions begin, and so holds for each query there is and for each that is written later: a `select`
finds, an `update` or `delete` touches only what is the visitor's or everybody's, and a new row is the visitor's.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event, inspect, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from studio.library.catalogue_tables import EntryRow, FindingRow, StoryRow
from studio.library.models import ArtifactRow, LibraryError, RunRow
from studio.visitors import NOBODY, SHARED

OWNED = (RunRow, EntryRow, FindingRow, StoryRow)
"""The tables whose rows say whose they are; the files of a run are its visitor's."""

OPERATORS = ("title", "status", "trashed", "claim", "limits", "author", "evidence", "steps", "visitor")
"""What no visitor may change of what is everybody's."""

LOG_IN_FIRST = "Log in first: what you make here is kept for you alone."
EVERYBODYS = "This belongs to everybody who uses this studio, so it stays as it is: make a copy and change that."


def confine(session: Session, visitor: str) -> None:
    """Show `session` the rows of one visitor only, and mark its new ones."""
    seen = (visitor,) if visitor == NOBODY else (visitor, SHARED)
    criteria = [with_loader_criteria(table, table.visitor.in_(seen), include_aliases=True) for table in OWNED]
    runs = select(RunRow.id).where(RunRow.visitor.in_(seen))
    criteria.append(with_loader_criteria(ArtifactRow, ArtifactRow.run_id.in_(runs), include_aliases=True))

    def add_criteria(state: ORMExecuteState) -> None:
        if state.is_select or state.is_update or state.is_delete:
            state.statement = state.statement.options(*criteria)

    def before_flush(session: Session, _context: Any, _instances: Any) -> None:
        if visitor == NOBODY and (session.new or session.dirty or session.deleted):
            raise LibraryError(LOG_IN_FIRST)
        for row in session.new:
            if isinstance(row, OWNED) and not row.visitor:
                row.visitor = visitor
        for row in (*session.dirty, *session.deleted):
            if isinstance(row, OWNED) and row.visitor == SHARED != visitor and _is_changed(row, session):
                raise LibraryError(EVERYBODYS)

    event.listen(session, "do_orm_execute", add_criteria)
    event.listen(session, "before_flush", before_flush)


def _is_changed(row: Any, session: Session) -> bool:
    """Whether a row is to go, or anything of it was changed that only the operator may change."""
    attributes = inspect(row).attrs
    return row in session.deleted or any(
        attributes[name].history.has_changes() for name in OPERATORS if name in attributes
    )
