"""Work of the studio in processes of their own, such as studies and trainings: a crash costs that work alone.

They outlive a reload of the page. What they note lies in files, so that a studio that was started anew finds it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
END_SECONDS = 10
SILENT = "It ended without a word."


class Processes:
    """Those that this studio started, by a name, and the files that their output goes to."""

    def __init__(self) -> None:
        self._started: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    def start(self, name: str, command: Sequence[str], log: Path) -> None:
        """Run a command from the project's folder, unless the one of that name runs still."""
        if self.is_running(name):
            return
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self._started[name] = (process, log)

    def stop(self, name: str) -> None:
        """Ask it to end, and wait a little for it."""
        if not self.is_running(name):
            return
        process, _ = self._started.pop(name)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):  # it is at a step that takes longer, and ends after that
            process.wait(END_SECONDS)

    def is_running(self, name: str) -> bool:
        return name in self._started and self._started[name][0].poll() is None

    def fault(self, name: str, *fine: int) -> str:
        """What it said last before it ended otherwise than with 0 or one of `fine`; empty where it did not."""
        if name not in self._started:
            return ""
        process, log = self._started[name]
        if process.poll() in (None, 0, *fine):
            return ""
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else SILENT
