"""The comparison with other programs names only what is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "docs" / "compare.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith(("| What", "| ---"))
]


def test_every_row_says_yes_part_or_no_and_where_to_look() -> None:
    assert len(ROWS) > 50
    for row in ROWS:
        assert len(row) == 4, row
        _, state, how, where = row
        assert state in ("yes", "part", "no"), row
        assert state == "no" or where, row
        assert state != "part" or how, row


def test_every_place_that_is_named_exists() -> None:
    named = re.findall(r"`((?:backends|benchmarks|evaluation|pages|studio|tests|viz)/[^`]*)`", TEXT)
    assert len(named) > 40
    assert [place for place in named if not (ROOT / place).exists()] == []


def test_every_command_that_is_named_exists() -> None:
    commands = re.findall(r"python -m ([\w.]+)", TEXT)
    assert commands
    assert [name for name in commands if importlib.util.find_spec(name) is None] == []
