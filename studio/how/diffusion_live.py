"""The exhibit "Diffusion" on points in the plane, trained in the browser."""

from __future__ import annotations

from studio.how import lab
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    lab.show("diffusion")


EXHIBIT = Exhibit(
    "diffusion",
    "Points, trained here",
    "Noise is added until nothing is left; a network learns to take it away again, step by step.",
    show,
    ":material/grain:",
    family="Diffusion",
)
