"""The classifier as a program of its own that takes pictures: network, head, script and card in one zip."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

import streamlit as st

from backends.core.info import CardInfo
from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.picture_code import picture_code
from studio.pictures.fitted import FittedProject
from studio.pictures.network_offer import NO_NETWORK, NetworkOffer, network_on_demand
from studio.pictures.project import Project
from studio.ui import downloads
from studio.web import filenames

OFFER = NetworkOffer(
    kind="network",
    label="A program that takes pictures (ZIP)",
    icon=":material/terminal:",
    about="The image network as ONNX, what it learned from your examples, and a script of 60 lines: "
    "`python picture.py PICTURE` answers on any computer with Python, without Fourfold and without network.",
    doing="Writing the network as ONNX…",
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
    network = network_on_demand(project, card, OFFER)
    if network is None:
        return
    name = filenames.clean(project.state.name) or "Pictures"
    size = len(network)
    downloads.show(
        [
            downloads.Download(
                "Save the program",
                OFFER.about,
                size=size,
                make=lambda: program(fitted, network, text),
                file_name=f"{name} program.zip",
                media_type="application/zip",
            )
        ]
    )


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
