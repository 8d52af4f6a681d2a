"""What the cards of videos say was measured is what the guide to the starters says was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.matting.cards import CARDS

GUIDE = Path(__file__).resolve().parents[3] / "training" / "README.md"


@pytest.fixture(scope="module")
def portraits() -> dict[str, str]:
    """The mean absolute error on the portraits with its interval, by the column of the guide's table."""
    lines = GUIDE.read_text().splitlines()
    row = next(number for number, line in enumerate(lines) if line.startswith("| 60 portraits, MAD |"))
    names, errors = ([cell.strip() for cell in lines[number].strip("|").split("|")] for number in (row - 2, row))
    return dict(zip(names[1:], errors[1:], strict=True))


@pytest.mark.parametrize(
    ("card", "columns"),
    [
        ("modnet-starter", ("starter", "built-in cut-out", "selfie network")),
        ("selfie-edge", ("the same with its edge solved", "selfie network")),
        ("selfie-lite", ("selfie network",)),
    ],
)
def test_cards_quote_the_errors_of_the_guide(card: str, columns: tuple[str, ...], portraits: dict[str, str]) -> None:
    said = next(each.measured for each in CARDS if each.id == card).replace("95 % interval ", "")
    for column in columns:
        assert portraits[column] in said, column
