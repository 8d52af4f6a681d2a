"""An HTML page as a PDF, printed by a Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from backends.core.errors import BadInput, EngineFailed

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chromium-headless-shell")
SECONDS = 180


def browser() -> str:
    """The path of a Chromium, `$CHROMIUM` first; empty where there is none."""
    named = [os.environ["CHROMIUM"]] if "CHROMIUM" in os.environ else []
    return next((found for name in (*named, *CHROMIUMS) if (found := shutil.which(name))), "")


def print_page(page: str) -> bytes:
    """The PDF of a report. Raises BadInput where there is no Chromium, EngineFailed where it prints nothing."""
    program = browser()
    if not program:
        raise BadInput("A PDF needs Chromium or Chrome on this machine: write an .html file and print that instead.")
    try:
        return print_with(program, page, SECONDS)
    except (subprocess.SubprocessError, OSError) as error:
        raise EngineFailed("The browser could not print the report: write an .html file instead.") from error


def print_with(program: str, page: str, seconds: float) -> bytes:
    """The PDF of an HTML page.

    Args:
        program: the path of a Chromium.
        page: the whole document.
        seconds: that it may take.

    Raises:
        subprocess.SubprocessError: it failed or took longer.
        OSError: it could not be run, or printed nothing.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-print-") as folder:
        source, target = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, "utf-8")
        command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", source.as_uri()]
        subprocess.run(command, check=True, timeout=seconds, capture_output=True)
        return target.read_bytes()
