"""The exhibit "Diffusion: pictures, sounds", of networks that ship."""

from __future__ import annotations

from studio.how import nets
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    nets.show("diffusion")


EXHIBIT = Exhibit(
    "diffusion_pictures",
    "Pictures and sounds",
    "A picture, or a drum you can hear, comes out of noise step by step; change one thing and see what follows.",
    show,
    ":material/grain:",
    family="Diffusion",
)
