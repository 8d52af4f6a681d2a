"""The exhibit "VAE" on points in the plane, trained in the browser."""

from __future__ import annotations

from studio.how import lab
from studio.how.exhibits import Exhibit


def show() -> None:
    """The exhibit below its title."""
    lab.show("vae")


EXHIBIT = Exhibit(
    "vae",
    "Points, trained here",
    "A variational autoencoder folds points into a small plane of codes and back. Train it here and drag in the plane.",
    show,
    ":material/compress:",
    family="VAE",
)
