"""How fast each model has been on each kind of device here, kept beside the weights for the next start."""

from __future__ import annotations

import json
import logging
import math
import threading
from pathlib import Path
from tempfile import NamedTemporaryFile

log = logging.getLogger(__name__)

VERSION = 2
"""Raise it when what one unit of an engine's work means changes: seconds of another unit would mislead."""


class Speeds:
    """Seconds of work for one unit of input, by device kind ("cpu", "cuda") and card id, in one JSON file.

    An estimate is never worth a failed job: a file that cannot be read or written is logged and done without.
    Safe to use from several threads; of several processes the last to write wins one card at a time.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._known = self._read()

    def get(self, device: str, card: str) -> float | None:
        return self._known.get(device, {}).get(card)

    def note(self, device: str, card: str, seconds: float) -> None:
        with self._lock:
            self._known.setdefault(device, {})[card] = seconds
            merged = self._read()  # Another process may have written since.
            merged.setdefault(device, {})[card] = seconds
            self._write(merged)

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            told = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("the measured speeds in %s cannot be read (%s)", self.path, error)
            return {}
        if not isinstance(told, dict) or not isinstance(told.get("speeds", {}), dict):
            log.warning("the measured speeds in %s are not as they were written", self.path)
            return {}
        if told.get("version") != VERSION:
            return {}  # They are measured anew, and this file goes with the first of them.
        return {
            device: {card: float(seconds) for card, seconds in cards.items() if _is_speed(seconds)}
            for device, cards in told.get("speeds", {}).items()
            if isinstance(cards, dict)
        }

    def _write(self, speeds: dict[str, dict[str, float]]) -> None:
        """In one step, so that no reader ever finds half a file."""
        written = ""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile("w", encoding="utf-8", dir=self.path.parent, suffix=".part", delete=False) as file:
                written = file.name
                json.dump({"version": VERSION, "speeds": speeds}, file, indent=1, sort_keys=True)
            Path(written).replace(self.path)
        except OSError as error:
            log.warning("the measured speeds cannot be kept in %s (%s)", self.path, error)
            if written:
                Path(written).unlink(missing_ok=True)


def _is_speed(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0
