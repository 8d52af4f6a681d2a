"""The catalogue: what was made is found by its words, marked, thrown away and brought back; older libraries get one."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from backends.core.errors import BadInput
from studio.library import catalogue_tables, maintenance, manifest
from studio.library.catalogue import Catalogue, Entry, Query
from studio.library.library import Library, Run
from studio.library.models import FINISHED
from studio.library.shelf import ShelfItem
from tests.support.library import begin, folder


def done(library: Library, title: str, size: int = 0, **changes: object) -> Run:
    run = begin(library, title, **changes)
    if size:
        library.keep(run.id, "stem", "a", b"x" * size)
    return library.finish(run.id, "done", 1.0)


def titles(catalogue: Catalogue, **query: object) -> list[str]:
    return [entry.title for entry in catalogue.search(Query(**query))[0]]


def test_a_run_is_found_by_the_beginnings_of_its_words_wherever_they_stand(library: Library) -> None:
    catalogue = Catalogue(library)
    run = done(library, "Träumerei", card={"title": "Demucs, fine-tuned"}, inputs=[{"name": "kinderszenen_7.flac"}])
    library.note(run.id, facts={"genre": "romantic"}, notices=["The file ends early."])
    done(library, "Something else", task="matting")
    catalogue.write_note(run.id, "for the *lecture* in May")
    catalogue.tag([run.id], ["piano solo"])
    for words in ("träum", "TRAUM", "demucs fine", "kinder 7", "romantic early", "lect may", "piano"):
        assert titles(catalogue, text=words) == ["Träumerei"], words
    for words in ("umerei", "romantic matting", '" OR *', "''", "NEAR("):
        assert titles(catalogue, text=words) == [], words
    library.rename(run.id, "Reverie")
    assert titles(catalogue, text="rev") == ["Reverie"] and titles(catalogue, text="traum") == []


def test_filters_orders_and_pages(library: Library) -> None:
    catalogue = Catalogue(library)
    runs = [done(library, title, size) for title, size in (("b", 30), ("C", 10), ("a", 20))]
    done(library, "clip", task="matting")
    catalogue.star([runs[1].id])
    catalogue.tag([runs[0].id, runs[2].id], ["live"])
    catalogue.tag([runs[1].id], ["live set"])
    assert titles(catalogue, sort="oldest") == ["b", "C", "a", "clip"]
    assert titles(catalogue, sort="title") == ["a", "b", "C", "clip"]
    assert titles(catalogue, task="separation", sort="largest") == ["b", "a", "C"]
    assert titles(catalogue, starred=True) == ["C"]
    assert titles(catalogue, tag="live", sort="title") == ["a", "b"]
    assert catalogue.tags() == ("live", "live set")
    page, total = catalogue.search(Query(sort="title"), limit=2, offset=2)
    assert [entry.title for entry in page] == ["C", "clip"] and total == 4
    assert catalogue.sizes() == (60, 0)
    failing = begin(library, "bad")
    library.finish(failing.id, "failed", error="It broke.")
    assert titles(catalogue, status="failed") == ["bad"]
    assert len(titles(catalogue, status="finished")) == 5 and "failed" in FINISHED


def test_the_trash_hides_keeps_and_gives_back(library: Library) -> None:
    catalogue = Catalogue(library)
    run, going = done(library, "old", 5), begin(library, "going")
    assert catalogue.trash([run.id, going.id]) == (run.id,)
    assert titles(catalogue) == ["going"] and titles(catalogue, trashed=True) == ["old"]
    assert [one.title for one in library.list()] == ["going"] and library.total() == 1
    assert catalogue.sizes() == (5, 5) and [entry.id for entry in catalogue.trashed("run")] == [run.id]
    catalogue.restore([run.id])
    assert sorted(titles(catalogue)) == ["going", "old"] and library.artifacts(run.id)
    catalogue.trash([run.id])
    library.delete(run.id)
    assert titles(catalogue, trashed=True) == [] and catalogue.get(run.id) is None


def test_labels_that_cannot_be_are_refused(library: Library) -> None:
    catalogue, run = Catalogue(library), done(library, "a")
    for tag, words in ((" \n", "empty"), ("x" * 41, "at most 40")):
        with pytest.raises(BadInput, match=words):
            catalogue.tag([run.id], [tag])
    with pytest.raises(BadInput, match="more than 20"):
        catalogue.tag([run.id], [str(number) for number in range(21)])
    with pytest.raises(BadInput, match="at most"):
        catalogue.write_note(run.id, "x" * 10_001)
    assert catalogue.get(run.id).tags == ()


def test_labels_outlive_a_lost_database(library: Library, absent_home: Path) -> None:
    catalogue, run = Catalogue(library), done(library, "a song", 5)
    catalogue.star([run.id])
    catalogue.tag([run.id], ["live"])
    catalogue.write_note(run.id, "good")
    for file in absent_home.glob("library.sqlite*"):
        file.unlink()
    fresh = Library()
    assert maintenance.repair(fresh).adopted == (run.id,)
    entry = Catalogue(fresh).get(run.id)
    assert (entry.starred, entry.tags, entry.note, entry.bytes) == (True, ("live",), "good", 5)
    assert titles(Catalogue(fresh), text="song") == ["a song"]


def test_a_manifest_of_an_older_version_is_still_read(library: Library) -> None:
    run = done(library, "a")
    whole = json.loads((folder(library, run) / manifest.FILE).read_bytes())
    del whole["labels"]
    assert manifest.load(json.dumps(whole).encode(), run.id)[0].title == "a"
    assert manifest.load_labels(json.dumps(whole).encode()) == {}


def test_a_library_of_version_1_gets_its_catalogue_and_loses_nothing(library: Library, absent_home: Path) -> None:
    runs = [done(library, f"song {number}", 10 * number) for number in (1, 2)]
    library.note(runs[0].id, facts={"genre": "jazz"})
    before = (library.list(), [library.artifacts(run.id) for run in runs])
    with sqlite3.connect(absent_home / "library.sqlite") as connection:  # as version 1 left it
        for name in ("entries_inserted", "entries_deleted", "entries_updated"):
            connection.execute(f"DROP TRIGGER {name}")
        for name in ("entry_words", *(table.name for table in catalogue_tables.NEW_TABLES)):
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE schema SET version = 1")
    newer = Library()
    assert (newer.list(), [newer.artifacts(run.id) for run in runs]) == before
    found = Catalogue(newer).search(Query(text="jazz"))[0]
    assert [(entry.title, entry.bytes) for entry in found] == [("song 1", 10)]
    assert done(newer, "song 3").title in titles(Catalogue(newer), text="song")


class FakeShelf:
    def __init__(self, *items: ShelfItem) -> None:
        self.all = items

    def items(self) -> tuple[ShelfItem, ...]:
        return self.all


def test_projects_are_listed_beside_runs_and_keep_their_labels(library: Library) -> None:
    catalogue = Catalogue(library)
    done(library, "a run")

    def sync(*items: ShelfItem) -> list[Entry]:
        catalogue.sync_shelf("fewshot", FakeShelf(*items))
        return list(catalogue.search(Query(task="fewshot"))[0])

    assert [entry.kind for entry in sync(ShelfItem("p" * 32, "Pets", 1.0, "3 classes"))] == ["project"]
    catalogue.tag(["p" * 32], ["mine"])
    renamed = sync(ShelfItem("p" * 32, "Cats", 2.0, "4 classes"))
    assert [(entry.title, entry.tags) for entry in renamed] == [("Cats", ("mine",))]
    assert titles(catalogue, text="4 cla") == ["Cats"]
    assert sync(ShelfItem("p" * 32, "Cats", 2.0, trashed=True)) == []
    assert titles(catalogue, trashed=True) == ["Cats"]
    assert sync() == [] and titles(catalogue, trashed=True) == [] and titles(catalogue) == ["a run"]
