"""The classifier as a program of its own that takes pictures: network, head, script and card in one zip."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import streamlit as st
from PIL import Image

from backends.core.info import CardInfo
from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.picture_code import picture_code
from studio import services
from studio.pictures import image_tiles
from studio.pictures.fitted import FittedProject
from studio.pictures.inference_client import InferenceCall
from studio.pictures.project import Project
from studio.ui import downloads
from studio.web import filenames

NO_NETWORK = "prototypes"
"""The engine that looks without a network."""

ABOUT = (
    "The image network as ONNX, what it learned from your examples, and a script of 60 lines: "
    "`python picture.py PICTURE` answers on any computer with Python, without Fourfold and without network."
)


def show(project: Project, card: CardInfo, fitted: FittedProject, text: str) -> None:
    """The way to the program; its network is written by the model server when somebody wants it.

    Args:
        project: whose classifier it is.
        card: of the model that looks at the pictures.
        fitted: the classifier.
        text: of the card that goes along.
    """
    if card.engine == NO_NETWORK:
        st.caption("A program that takes pictures can be had with a model that has a network; this one has none.")
        return
    key = f"program-{project.token}"
    if st.button("A program that takes pictures (ZIP)", icon=":material/terminal:", help=ABOUT):
        st.session_state[key] = True
    if not st.session_state.get(key):
        return
    network = image_tiles.background_answer(
        f"network-{card.id}", lambda: fetch_network(card.id, project.token), "Writing the network as ONNX…"
    )
    if network is None:
        return
    name = filenames.clean(project.state.name) or "Pictures"
    size = len(network)
    downloads.show(
        [
            downloads.Download(
                "Save the program",
                ABOUT,
                size=size,
                make=lambda: program(fitted, network, text),
                file_name=f"{name} program.zip",
                media_type="application/zip",
            )
        ]
    )


def fetch_network(card: str, visitor: str, only: str = "network") -> bytes:
    """The network of a model as an ONNX file, from the model server: “network”, or “browser-network”.

    Raises:
        CallFailed: the server refused or was lost.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-network-") as folder:
        picture = Path(folder) / "none.png"  # a call has a picture, which is not looked at
        Image.new("RGB", (8, 8)).save(picture)
        made = InferenceCall(services.backend(), card, visitor).results({"query": picture}, {"only": only})
    return made["network"]


def program(fitted: FittedProject, network: bytes, card: str) -> bytes:
    """Everything that it takes to answer pictures elsewhere, in one zip."""
    target = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="fourfold-head-") as folder:
        head = Path(folder) / "head.npz"
        fitted.classifier.save(head)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as bundle:
            bundle.writestr("image.onnx", network)
            bundle.write(head, "head.npz")
            bundle.writestr("classify.py", classifier_code())
            bundle.writestr("picture.py", picture_code())
            bundle.writestr("requirements.txt", "numpy\npillow\nonnxruntime\n")
            bundle.writestr("README.md", card)
    return target.getvalue()
