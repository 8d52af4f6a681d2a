"""Make the README's pictures: starts the studio on a new data folder, runs the samples, photographs the pages."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.studio_speed import chromium, open_page, studio  # noqa: E402

FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""The last two draw WebGL, which the proteins are shown with, on machines without a graphics card too."""


def main() -> None:
    folder = ROOT / "docs"
    with sync_playwright() as playwright, studio() as address:
        browser = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        open_page(page, address)
        page.get_by_role("button", name="Try the sample song").click()
        page.get_by_text("The whole song", exact=True).wait_for(timeout=300_000)
        page.wait_for_timeout(3000)
        page.screenshot(path=folder / "songs.png")
        page.get_by_role("link", name="Home", exact=True).click()
        page.get_by_role("button", name="Try the sample clip").click()
        page.get_by_text("Make another export").wait_for(timeout=300_000)
        page.wait_for_timeout(3000)
        page.set_viewport_size({"width": 1280, "height": 1100})
        page.wait_for_timeout(1000)
        page.screenshot(path=folder / "videos.png")
        page.get_by_role("link", name="Home", exact=True).click()
        page.get_by_role("button", name="Try the sample structure").click()
        page.get_by_text("Could it be a protein?").wait_for(timeout=300_000)
        page.wait_for_timeout(6000)
        page.screenshot(path=folder / "proteins.png")
        page.get_by_role("link", name="Home", exact=True).click()
        page.get_by_role("button", name="Try the sample pictures").click()
        page.get_by_text("Take it away").wait_for(timeout=300_000)
        page.wait_for_timeout(4000)
        page.screenshot(path=folder / "pictures.png")
        page.set_viewport_size({"width": 1280, "height": 860})
        page.get_by_role("link", name="Home", exact=True).click()
        page.get_by_text("What you did before").wait_for()
        page.wait_for_timeout(1500)
        page.screenshot(path=folder / "home.png", clip={"x": 0, "y": 0, "width": 1280, "height": 560})
        browser.close()


if __name__ == "__main__":
    main()
