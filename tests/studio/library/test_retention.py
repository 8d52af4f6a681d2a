"""Old runs go where the operator wants that, and only those that nobody holds on to."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from backends.core.errors import BadInput
from studio.library import models, retention
from studio.library.catalogue import Catalogue, Query
from studio.library.catalogue_tables import EntryRow
from studio.library.findings import Evidence, Findings
from studio.library.library import Library
from tests.support.library import begin


def make_old(library: Library, run_id: str, days: float, field: str = "changed") -> None:
    with library.database.session(write=True) as session:
        when = models.now() - days * retention.DAY
        session.execute(update(EntryRow).where(EntryRow.id == run_id).values({field: when}))


def test_only_old_runs_that_nobody_holds_on_to_go_into_the_trash(library: Library) -> None:
    catalogue = Catalogue(library)
    runs = {name: begin(library, title=name).id for name in ("old", "starred", "evidence", "new", "running")}
    for name, run_id in runs.items():
        if name != "running":
            library.finish(run_id, "done")
        if name != "new":
            make_old(library, run_id, 100)
    catalogue.star([runs["starred"]])
    Findings(library.database).create("A claim.", evidence=[Evidence("separation", runs["evidence"])])
    for name in ("starred", "evidence"):
        make_old(library, runs[name], 100)
    assert retention.clear(library, catalogue, 120) == retention.Cleared((), ())
    assert retention.clear(library, catalogue, 90) == retention.Cleared((runs["old"],), ())
    assert {entry.title for entry in catalogue.search(Query())[0]} == set(runs) - {"old"}
    catalogue.restore([runs["old"]])  # there is time to
    assert library.get(runs["old"]) is not None


def test_what_lay_in_the_trash_for_a_month_is_deleted_with_its_files(library: Library) -> None:
    catalogue = Catalogue(library)
    run = begin(library)
    library.keep(run.id, "stem", "vocals", b"sound")
    library.finish(run.id, "done")
    catalogue.trash([run.id])
    make_old(library, run.id, 29, "trashed")
    assert retention.clear(library, catalogue, 90).deleted == ()
    make_old(library, run.id, 31, "trashed")
    assert retention.clear(library, catalogue, 90).deleted == (run.id,)
    assert library.get(run.id) is None and run.id not in library.storage.runs()


@pytest.mark.parametrize(("text", "days"), [("", None), (" 90 ", 90.0), ("0.5", 0.5)])
def test_the_setting_is_a_number_of_days(monkeypatch: pytest.MonkeyPatch, text: str, days: float | None) -> None:
    monkeypatch.setenv(retention.SETTING, text)
    assert retention.keep_days() == days


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan", "inf"])
def test_what_is_no_number_of_days_is_told(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(retention.SETTING, text)
    with pytest.raises(BadInput, match="number of days"):
        retention.keep_days()
