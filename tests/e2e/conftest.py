"""A real Chromium for the browser tests, and a small Streamlit app that serves runs made by the tests.

All of it ends with the last of these tests: an idle browser with its pages and servers takes a third of a core.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import FLAGS, TEST_SECONDS, WEBGL_FLAGS, Harness, Studio, outside

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Programs that will do. The first has no windows to draw: a page costs it half the work of the others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests have a time limit of their own, and a visit to the whole studio is slow."""
    for item in items:
        if not item.get_closest_marker("browser"):
            continue
        if "studio" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """A browser test that failed says what its page showed and what the studio printed."""
    report = yield
    if report.when == "call" and report.failed:
        used = getattr(item, "funcargs", {})
        if "page" in used:
            report.sections.append(("the page", used["page"].inner_text("body")))
            report.sections.append(("what went wrong in it", "\n".join(getattr(used["page"], "problems", []))))
        if "studio" in used:
            report.sections.append(("the studio's log", used["studio"].log.read_text()[-8000:]))
    return report


@pytest.fixture(scope="package")
def playwright_driver() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium_path(playwright_driver: Any) -> str:
    """Where Chromium is: `$CHROMIUM`, the system's, or playwright's own; skips where there is none."""
    named = os.environ.get("CHROMIUM")
    found = [named] if named else [path for path in map(shutil.which, NAMES) if path]
    bundled = playwright_driver.chromium.executable_path
    path = next((one for one in [*found, bundled] if one and Path(one).exists()), None)
    if path is None:
        pytest.skip("no Chromium found: install one or set CHROMIUM to its path")
    return path


@pytest.fixture(scope="package")
def chromium(playwright_driver: Any, chromium_path: str) -> Iterator[Any]:
    """A running Chromium."""
    browser = playwright_driver.chromium.launch(executable_path=chromium_path, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def webgl_chromium(playwright_driver: Any, chromium_path: str) -> Iterator[Any]:
    """A Chromium that draws WebGL without a graphics card."""
    browser = playwright_driver.chromium.launch(executable_path=chromium_path, args=WEBGL_FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def harness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    """The Streamlit app that shows each component by itself; one for all browser tests."""
    running = Harness(tmp_path_factory.mktemp("harness"))
    yield running
    running.stop()


@pytest.fixture(scope="package")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The whole studio with its backend, as `python -m studio` starts it; one for all browser tests."""
    running = Studio(tmp_path_factory.mktemp("studio"))
    yield running
    running.stop()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    """A page that remembers what went wrong in it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    made = context.new_page()
    made.set_default_timeout(60_000)
    made.problems = []
    made.on("console", lambda line: made.problems.append(line.text) if line.type == "error" else None)
    made.on("pageerror", lambda error: made.problems.append(str(error)))
    made.on("request", lambda request: made.problems.append(request.url) if outside(request.url) else None)
    yield made
    context.close()
