"""How long the findings page takes with thousands of runs: `python -m benchmarks.findings [--runs 20000] [--browser]`.

The library is filled with runs of all tasks. Search: `Catalogue.search` of words, filters and a late page. Page: the
whole script of the findings page, as Streamlit runs it. With `--browser`, from the address to the painted list in
headless Chromium. Export: the built-in story as one HTML file.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TASKS = ("separation", "matting", "folding", "fewshot")
WORDS = ("amber", "river", "stone", "glass", "winter", "signal", "copper", "forest", "meadow", "harbour", "violet")
REPEATS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--browser", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ.update({"FOURFOLD_HOME": home, "FOURFOLD_BACKEND": "http://127.0.0.1:9"})
        started = time.monotonic()
        fill(asked.runs)
        print(f"{asked.runs:,} runs entered in {time.monotonic() - started:.1f} s")  # noqa: T201
        searches()
        page()
        if asked.browser:
            browser(home)
        export()


def fill(count: int) -> None:
    """Rows of finished runs, written at once: 20,000 folders would measure the disk."""
    from sqlalchemy import insert

    from studio import services
    from studio.library import entries
    from studio.library.catalogue_tables import EntryRow
    from studio.library.models import ArtifactRow, RunRow

    chance, library = random.Random(0), services.library()
    runs, files, listed = [], [], []
    for number in range(count):
        words, seconds, made = chance.sample(WORDS, 4), 1.0 + number % 90, 1.7e9 + 60 * number
        run = {
            "id": f"{number:032x}", "task": TASKS[number % 4], "title": f"{words[0]} {words[1]} {number}",
            "engine": "e", "weights": "w", "status": "done", "owner": "", "created": made, "touched": 1.7e9,
            "seconds": seconds, "error": "", "card": {"title": f"Model {number % 7}"},
            "options": {"level": number % 5}, "inputs": [{"name": f"{words[2]}.wav", "sha256": "ab", "bytes": 1}],
            "versions": {}, "metrics": {"level": {"value": number % 100 / 10, "unit": "dB"}}, "notices": [],
            "facts": {"place": words[3]},
        }  # fmt: skip
        runs.append(run)
        files += [
            {"run_id": run["id"], "kind": "stem", "name": "a", "index": index, "file": f"a-{index}.wav",
             "bytes": 1000 + number, "meta": {}}
            for index in range(3)
        ]  # fmt: skip
        listed.append({
            **{name: run[name] for name in ("id", "task", "title", "status", "created", "seconds")},
            "kind": "run", "model": run["card"]["title"], "changed": 1.7e9, "bytes": 3 * (1000 + number),
            "words": entries.words_of(RunRow(**run)), "starred": False, "note": "", "tags": "",
        })  # fmt: skip
    with library.database.session(write=True) as session:
        for table, rows in ((RunRow, runs), (ArtifactRow, files), (EntryRow, listed)):
            session.execute(insert(table), rows)


def searches() -> None:
    from studio import services
    from studio.library.catalogue import Query

    catalogue = services.catalogue()
    for what, query, offset in (
        ("two words", Query(text="amber riv"), 0),
        ("the beginning of a word", Query(text="s"), 0),
        ("one run by its number", Query(text="19876"), 0),
        ("a task, largest first", Query(task="matting", sort="largest"), 0),
        ("the last page", Query(), 19_980),
    ):
        report(f"search: {what}", timed(lambda q=query, at=offset: catalogue.search(q, 20, at)), goal=0.3)
    report("sizes and tags", timed(lambda: (catalogue.sizes(), catalogue.tags())), goal=0.3)


def page() -> None:
    """The first run loads code; it is not counted."""
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120).run().switch_page("pages/findings.py")
    app.run()
    assert not app.exception
    report("page script", timed(app.run), goal=0.5)
    app.text_input(key="q").set_value("amber riv").run()
    report("page script with a search", timed(app.run), goal=0.5)


def browser(home: str) -> None:
    from playwright.sync_api import sync_playwright

    from benchmarks.studio_speed import chromium, open_page, studio

    with sync_playwright() as playwright, studio(home) as address:
        shown = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        one = shown.new_page()
        open_page(one, address)
        took = []
        for _ in range(REPEATS + 1):
            started = time.monotonic()
            one.get_by_role("link", name="Findings", exact=True).click()
            one.get_by_text("results. Everything takes").wait_for()
            took.append(time.monotonic() - started)
            one.get_by_role("link", name="Home", exact=True).click()
            one.get_by_role("heading", name="Fourfold", exact=True).wait_for()
            one.wait_for_timeout(500)
        shown.close()
    report("page in the browser", took[1:], goal=0.5)


def export() -> None:
    from studio import services
    from studio.findings import builtin
    from studio.findings.export import LIMITS, html_file

    if not builtin.enter_once():
        print("export: there is no built-in story here")  # noqa: T201
        return
    story = services.findings().stories()[0]
    started = time.monotonic()
    size = len(html_file(story.id, LIMITS["20"]))
    took = time.monotonic() - started
    print(f"export of “{story.title}”: {size / 1e6:.1f} MB in {took:.1f} s, goals 20 MB and 60 s")  # noqa: T201


def timed(action: Callable[[], object]) -> list[float]:
    took = []
    for _ in range(REPEATS):
        started = time.monotonic()
        action()
        took.append(time.monotonic() - started)
    return took


def report(what: str, seconds: list[float], goal: float) -> None:
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{what}: median {middle:.3f} s ({low:.3f} to {high:.3f}, n={len(seconds)}), goal {goal} s")  # noqa: T201


if __name__ == "__main__":
    main()
