"""A button that has the model server write the network of a model as a file, once somebody wants it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from PIL import Image

from backends.core.info import CardInfo
from studio import services
from studio.pictures import image_tiles
from studio.pictures.inference_client import InferenceCall
from studio.pictures.project import Project

NO_NETWORK = "prototypes"
"""The engine that looks without a network."""


@dataclass(frozen=True)
class NetworkOffer:
    """What is made of a network.

    Attributes:
        kind: which file the model server writes: “network”, or “browser-network”.
        label: of the button.
        icon: of the button.
        about: what it is good for, in a sentence or two.
        doing: what the page says while the file is written.
    """

    kind: str
    label: str
    icon: str
    about: str
    doing: str


def network_on_demand(project: Project, card: CardInfo, offer: NetworkOffer) -> bytes | None:
    """The network as an ONNX file; None before the button was pressed and while the file is being written."""
    key = f"{offer.kind}-wanted-{project.token}"
    if st.button(offer.label, icon=offer.icon, help=offer.about):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return None
    written: bytes | None = image_tiles.background_answer(
        f"{offer.kind}-{card.id}", lambda: fetch_network(card.id, project.token, offer.kind), offer.doing
    )
    return written


def fetch_network(card: str, visitor: str, kind: str = "network") -> bytes:
    """The network of a model as an ONNX file, from the model server.

    Raises:
        CallFailed: the server refused or was lost.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-network-") as folder:
        picture = Path(folder) / "none.png"  # a call has a picture, which is not looked at
        Image.new("RGB", (8, 8)).save(picture)
        made = InferenceCall(services.backend(), card, visitor).results({"query": picture}, {"only": kind})
    return made["network"]
