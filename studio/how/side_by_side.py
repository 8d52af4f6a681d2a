"""The exhibit "Side by side" on points in the plane, trained in the browser."""

from __future__ import annotations

from studio.how import lab
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    lab.show("side")


EXHIBIT = Exhibit(
    "side",
    "Side by side",
    "The three families learn the same data for the same seconds, and are measured by the same yardsticks.",
    show,
    ":material/balance:",
)
