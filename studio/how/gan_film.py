"""The exhibit "GAN: the film", of networks that ship."""

from __future__ import annotations

from studio.how import nets
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    nets.show("gan")


EXHIBIT = Exhibit(
    "gan_film",
    "Pictures and sounds",
    "Two generators learn from their judges; one finds everything there is, the other gets stuck. Step through both.",
    show,
    ":material/movie:",
    family="GAN",
)
