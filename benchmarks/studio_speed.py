"""How long people wait for the studio itself: `python benchmarks/studio_speed.py [--runs N]`.

Cold start: from starting the process to the first page painted in headless Chromium, libraries installed, data folder
new. Page switch: from a click in the navigation to the other page's title. Job overhead: from submitting a job whose
work takes no time to its end in the library, over a real backend process.
"""

from __future__ import annotations

import argparse
import io
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        starts = [cold_start(browser) for _ in range(runs)]
        report("cold start to first painted page", starts, goal=5.0)
        report("page switch", page_switches(browser, 2 * runs), goal=0.5)
        browser.close()
    report("job overhead", job_overheads(2 * runs), goal=0.5)


def report(what: str, seconds: list[float], goal: float) -> None:
    middle, low, high = statistics.median(seconds), min(seconds), max(seconds)
    print(f"{what}: median {middle:.2f} s ({low:.2f} to {high:.2f}, n={len(seconds)}), goal {goal} s")  # noqa: T201


def chromium() -> str:
    """The path of a Chromium; ends the program where there is none."""
    from evaluation.report import pdf

    return pdf.browser() or sys.exit("No Chromium was found; install one or name it in CHROMIUM.")


@contextmanager
def studio(data: str = "") -> Iterator[str]:
    """A studio process with a data folder of its own, or the one that is given; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "FOURFOLD_HOME": data or home, "FOURFOLD_WEIGHTS": home, "PORT": str(port)}
        command = [sys.executable, "-m", "studio"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(20)


def cold_start(browser: Browser) -> float:
    page = browser.new_context().new_page()
    started = time.monotonic()
    with studio() as address:
        open_page(page, address)
        took = time.monotonic() - started
    page.context.close()
    return took


def open_page(page: Page, address: str) -> None:
    """Open the first page as soon as anybody listens at `address`, and wait until it is painted."""
    host, port = address.removeprefix("http://").split(":")
    end = time.monotonic() + 120
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                break
        time.sleep(0.02)
    page.goto(address)
    page.get_by_role("heading", name="Fourfold").wait_for(timeout=60_000)


def page_switches(browser: Browser, count: int) -> list[float]:
    """The first visit of each page loads its code; it is not counted."""
    page, took = browser.new_context().new_page(), []
    with studio() as address:
        open_page(page, address)
        page.wait_for_timeout(20_000)  # The backend's own start must not be measured here.
        for index in range(count + 2):
            name, title = (("Songs", "Split a song into stems"), ("Home", "Fourfold"))[index % 2]
            started = time.monotonic()
            page.get_by_role("link", name=name, exact=True).click()
            page.get_by_role("heading", name=title, exact=True).wait_for()
            took.append(time.monotonic() - started)
            page.wait_for_timeout(300)
    page.context.close()
    return took[2:]


def job_overheads(count: int) -> list[float]:
    from studio.jobs.backend import EmbeddedBackend
    from studio.jobs.jobs import Jobs
    from studio.library.library import Library

    took = []
    with tempfile.TemporaryDirectory() as home:
        backend = EmbeddedBackend([sys.executable, "-m", "tests.support.ticking"])
        backend.start()
        if not backend.wait_ready(120).ready:
            sys.exit("The backend did not start.")
        jobs = Jobs(Library(f"sqlite:///{home}/library.sqlite", f"{home}/runs"), backend)
        for _ in range(count + 1):
            started = time.monotonic()
            job = jobs.submit("ticking", "a.txt", io.BytesIO(b"hello"), "ticker", {"ticks": 1, "delay": 0})
            while (view := jobs.get(job)) is None or not view.ended:
                time.sleep(0.005)
            took.append(time.monotonic() - started)
        backend.stop()
    return took[1:]


if __name__ == "__main__":
    main()
