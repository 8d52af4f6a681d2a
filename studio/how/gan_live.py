"""The exhibit "GAN" on points in the plane, trained in the browser."""

from __future__ import annotations

from studio.how import lab
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    lab.show("gan")


EXHIBIT = Exhibit(
    "gan",
    "Points, trained here",
    "A generator paints points, a judge tells them from real ones, and each learns from the other. Watch them train.",
    show,
    ":material/swords:",
    family="GAN",
)
