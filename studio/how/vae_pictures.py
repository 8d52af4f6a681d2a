"""The exhibit "VAE: pictures", of networks that ship."""

from __future__ import annotations

from studio.how import nets, own_sounds
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    nets.show("vae", own_sounds.chosen())
    own_sounds.offer()


EXHIBIT = Exhibit(
    "vae_pictures",
    "Pictures and sounds",
    "A picture, yours or a drawn one, becomes a few numbers and comes back; drag in the plane of all codes.",
    show,
    ":material/compress:",
    family="VAE",
)
