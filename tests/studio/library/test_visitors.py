"""Each visitor's own library: nobody finds, reads, changes or deletes what is another's, and older rows stay."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from studio import visitors
from studio.library import maintenance, manifest
from studio.library.catalogue import Catalogue, Query
from studio.library.catalogue_tables import EntryRow, FindingRow
from studio.library.findings import Evidence, Findings, Step, UnknownFinding
from studio.library.library import Library, Run
from studio.library.models import SCHEMA, LibraryError, RunRow, UnknownRun
from studio.library.shelf import ShelfItem
from tests.support.library import begin, folder

ADA, BOB = "https://id.example|ada", "https://id.example|bob"


def song(library: Library, title: str, visitor: str | None) -> Run:
    """A finished run of a visitor with one file."""
    with visitors.acting(visitor):
        run = begin(library, title)
        library.keep(run.id, "stem", "vocals", title.encode(), file="vocals.wav")
        return library.finish(run.id, "done", 1.0)


@pytest.fixture
def hers(library: Library) -> Run:
    return song(library, "Ada's song", ADA)


def test_a_visitor_finds_only_their_own_runs(library: Library, hers: Run) -> None:
    his, catalogue = song(library, "Bob's song", BOB), Catalogue(library)
    for visitor, mine, other in ((ADA, hers, his), (BOB, his, hers)):
        with visitors.acting(visitor):
            assert [run.id for run in library.list()] == [mine.id] and library.total() == 1
            assert library.get(mine.id) == mine and library.get(other.id) is None
            entries, total = catalogue.search(Query(text="song"))
            assert [entry.id for entry in entries] == [mine.id] and total == 1
            assert catalogue.get(other.id) is None
            assert catalogue.sizes() == (len(mine.title), 0)
            assert set(library.usage().runs) == {mine.id}
    assert {run.id for run in library.list()} == {hers.id, his.id}, "a studio without a log-in sees all there is"


def test_the_files_of_another_are_not_there(library: Library, hers: Run) -> None:
    (file,) = library.artifacts(hers.id)
    with visitors.acting(BOB):
        assert library.artifacts(hers.id) == () and library.find(hers.id, file.file) is None
        assert library.count(hers.id) == 0
    with visitors.acting(ADA):
        assert library.find(hers.id, file.file) == file


@pytest.mark.parametrize(
    "change",
    [
        lambda library, run: library.rename(run, "Mine now"),
        lambda library, run: library.delete(run),
        lambda library, run: library.note(run, facts={"seen": True}),
        lambda library, run: library.finish(run, "failed", 0.0, "no"),
        lambda library, run: library.keep(run, "stem", "vocals", b"other sound"),
    ],
)
def test_nobody_changes_the_run_of_another(
    library: Library, hers: Run, change: Callable[[Library, str], object]
) -> None:
    before = library.artifacts(hers.id)
    with visitors.acting(BOB), pytest.raises(UnknownRun):
        change(library, hers.id)
    assert library.get(hers.id) == hers and library.artifacts(hers.id) == before
    assert library.local(hers.id, before[0]).read_bytes() == b"Ada's song"


def test_stars_notes_and_the_trash_of_another_stay_as_they_are(library: Library, hers: Run) -> None:
    catalogue = Catalogue(library)
    with visitors.acting(BOB):
        catalogue.star([hers.id])
        catalogue.tag([hers.id], ["mine"])
        catalogue.write_note(hers.id, "hello")
        library.drop(hers.id, "stem")
        catalogue.remove(hers.id)
        assert catalogue.trash([hers.id]) == () and catalogue.tags() == ()
    entry = catalogue.get(hers.id)
    assert entry is not None and not (entry.starred or entry.trashed or entry.tags or entry.note)
    assert [stored.name for stored in library.artifacts(hers.id)] == ["vocals"]


def test_statements_that_name_no_visitor_are_confined_as_well(library: Library, hers: Run) -> None:
    """Of whoever writes the next query, nothing is asked."""
    his = song(library, "Bob's song", BOB)
    with visitors.acting(BOB), library.database.session(write=True) as session:
        session.execute(update(EntryRow).values(note="all"))
        session.execute(delete(RunRow).where(RunRow.id == hers.id))
        assert session.get(RunRow, hers.id) is None
    notes = {entry.id: entry.note for entry in Catalogue(library).search(Query())[0]}
    assert notes == {hers.id: "", his.id: "all"}
    assert library.get(hers.id) == hers


def test_findings_and_stories_are_their_visitors(library: Library, hers: Run) -> None:
    findings = Findings(library.database)
    with visitors.acting(ADA):
        finding = findings.create("It is clear", evidence=[Evidence("separation", hers.id)])
        story = findings.create_story("A talk", steps=[Step("finding", finding.id)])
    with visitors.acting(BOB):
        assert findings.list() == () and findings.total() == 0 and findings.stories() == ()
        assert findings.get(finding.id) is None and findings.story(story.id) is None
        assert findings.findings_of(story) == {}
        with pytest.raises(UnknownFinding):
            findings.update(finding.id, title="Mine")
        with pytest.raises(UnknownFinding):
            findings.delete_story(story.id)
        with pytest.raises(LibraryError):
            findings.put([finding], [], newer_only=False)  # under an id that is taken
    assert findings.get(finding.id) == finding and findings.story(story.id) == story


def test_what_is_everybodys_is_seen_by_all_and_changed_by_none(library: Library) -> None:
    catalogue, findings = Catalogue(library), Findings(library.database)
    catalogue.enter("separation", ShelfItem("a" * 32, "A study", 1.0, visitor=visitors.SHARED), "study")
    with visitors.acting(visitors.SHARED):
        story = findings.create_story("Ten steps")
    shared = song(library, "Built in", visitors.SHARED)
    with visitors.acting(BOB):
        assert catalogue.get("a" * 32) is not None and library.get(shared.id) is not None
        for change in (
            lambda: catalogue.trash(["a" * 32]),
            lambda: findings.update_story(story.id, title="My steps"),
            lambda: findings.delete_story(story.id),
            lambda: library.delete(shared.id),
            lambda: library.rename(shared.id, "Mine"),
        ):
            with pytest.raises(LibraryError, match="belongs to everybody"):
                change()
        copy = findings.duplicate_story(story.id)
        library.keep(shared.id, "cover", "cover", b"drawn later")
    with visitors.acting(ADA):
        assert [one.id for one in findings.stories()] == [story.id]
        assert library.count(shared.id, "cover") == 1
    with visitors.acting(BOB):
        assert {one.id for one in findings.stories()} == {story.id, copy.id}


def test_nobody_without_a_log_in_sees_or_keeps_anything(library: Library, hers: Run) -> None:
    song(library, "Built in", visitors.SHARED)
    with visitors.acting(visitors.NOBODY):
        assert library.list() == () and library.get(hers.id) is None
        with pytest.raises(LibraryError, match="Log in first"):
            begin(library, "A song")
    assert library.total() == 2


def test_a_thread_goes_on_for_the_visitor_who_began_it(library: Library, hers: Run) -> None:
    seen: list[object] = []
    with visitors.acting(BOB):
        work = visitors.bind(lambda: seen.append(library.get(hers.id)))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [None] and visitors.current() is visitors.EVERYBODY


def test_a_lost_database_gives_each_run_back_to_its_visitor(library: Library, hers: Run, own_home: Path) -> None:
    """Its manifest says whose it is, and only there: a run without a visitor has none."""
    alone = song(library, "Before there was a log-in", visitors.EVERYBODY)
    assert "visitor" not in json.loads((folder(library, alone) / manifest.FILE).read_text())
    for file in (own_home / "home").glob("library.sqlite*"):
        file.unlink()
    found = Library()
    assert set(maintenance.repair(found).adopted) == {hers.id, alone.id}
    assert (found.visitor_of(hers.id), found.visitor_of(alone.id)) == (ADA, "")


def test_an_older_library_keeps_all_its_rows_for_the_one_user(library: Library, own_home: Path) -> None:
    """Version 2 had no visitors. Whoever logs in later does not find these, and the one user finds them all."""
    run, findings = song(library, "From before", visitors.EVERYBODY), Findings(library.database)
    finding = findings.create("It is clear", evidence=[Evidence("separation", run.id)])
    Catalogue(library).enter("separation", ShelfItem("b" * 32, "A study", 1.0), "study")
    before = (library.list(), library.artifacts(run.id), findings.list(), Catalogue(library).search(Query())[0])
    with sqlite3.connect(own_home / "home" / "library.sqlite") as database:
        for table in ("runs", "entries", "findings", "stories"):
            database.execute(f"DROP INDEX ix_{table}_visitor")
            database.execute(f"ALTER TABLE {table} DROP COLUMN visitor")
        database.execute("UPDATE schema SET version = 2")
    database.close()

    again = Library()
    store = Findings(again.database)
    assert (again.list(), again.artifacts(run.id), store.list(), Catalogue(again).search(Query())[0]) == before
    with visitors.acting(ADA):
        assert again.list() == () and store.get(finding.id) is None
        assert [entry.title for entry in Catalogue(again).search(Query())[0]] == ["A study"]
    with again.database.session() as session:
        assert session.scalar(FindingRow.__table__.select().with_only_columns(FindingRow.visitor)) == ""
    assert SCHEMA == 3
