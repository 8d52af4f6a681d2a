"""How much each visitor may keep: FOURFOLD_MAX_STORED_GB, asked before a job begins, so that nothing is lost by it."""

from __future__ import annotations

from sqlalchemy import func, select

from backends.core.errors import TooLarge
from studio import visitors
from studio.library.catalogue_tables import EntryRow
from studio.library.library import Library
from studio.library.settings import positive

SETTING = "FOURFOLD_MAX_STORED_GB"
GB = 1e9

NO_NUMBER = f"{SETTING} is a number of gigabytes, such as 50; without it each visitor keeps as much as fits."


def most_bytes() -> float | None:
    """How much a visitor may keep; None for as much as fits. Raises BadInput."""
    gigabytes = positive(SETTING, NO_NUMBER)
    return None if gigabytes is None else gigabytes * GB


def stored_bytes(library: Library) -> int:
    """What the visitor who asks keeps, with the trash; what is everybody's counts for nobody."""
    mine = select(func.coalesce(func.sum(EntryRow.bytes), 0)).where(EntryRow.visitor != visitors.SHARED)
    with library.database.session() as session:
        return int(session.scalar(mine) or 0)


def check(library: Library, coming: int) -> None:
    """See to it that files of `coming` bytes still fit. Raises TooLarge."""
    most = most_bytes()
    if most is None:
        return
    stored = stored_bytes(library)
    if stored + coming > most:
        raise TooLarge(
            f"Your results take {_size(stored)} of the {_size(most)} that each visitor may keep here, and this needs "
            f"{_size(coming)} more: delete some for good on the page Findings, where the trash counts too, then start "
            "again."
        )


def _size(size: float) -> str:
    return f"{size / GB:,.1f} GB" if size >= GB else f"{size / 1e6:.1f} MB"
