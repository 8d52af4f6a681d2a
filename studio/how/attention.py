"""The exhibit "Attention", of networks that ship."""

from __future__ import annotations

from studio.how import elsewhere, nets
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    nets.show("attention")
    elsewhere.own_attention()


EXHIBIT = Exhibit(
    "attention",
    "Attention",
    "How words look at each other: type some, follow queries and keys, and switch heads off to see what they did.",
    show,
    ":material/hub:",
)
