"""What can be taken along: the answers as a table, the classifier with code that runs it, its card, the project."""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import streamlit as st

from backends.fewshot.classifier_code import classifier_code
from studio import services
from studio.pictures import addresses, batch
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.model_card import model_card
from studio.pictures.project import Project
from studio.ui import formatting
from studio.web import filenames, urls


@dataclass(frozen=True)
class Offer:
    """One file to take along: what its button says, what it holds, and `make`, which is called once it is wanted."""

    label: str
    file: str
    kind: str
    icon: str
    about: str
    make: Callable[[], str | bytes]


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The downloads, and sorting many pictures at once."""
    version = services.backend().info().version
    card = model_card(project.state, fitted, loader.card, version, datetime.now().astimezone())
    for offer in offers(project, fitted, card):
        left, right = st.columns([2, 3], vertical_alignment="center")
        left.download_button(
            offer.label,
            offer.make,
            offer.file,
            offer.kind,
            icon=offer.icon,
            width="stretch",
            on_click="ignore",
            key=f"take-{offer.file}",
        )
        right.caption(offer.about)
    left, right = st.columns([2, 3], vertical_alignment="center")
    with left:
        save_button(project)
    right.caption("Classes, sentences, all pictures: to go on elsewhere, or as a copy. Fourfold opens it again.")
    with st.expander("Read the card", icon=":material/description:"):
        st.markdown(card)
    st.markdown("**Sort many pictures at once**")
    batch.offer(project, loader, fitted)


def offers(project: Project, fitted: FittedProject, card: str) -> tuple[Offer, ...]:
    """The classifier, its `card` alone, and its answers."""
    name = filenames.clean(project.state.name) or "Pictures"
    return (
        Offer(
            "The classifier (ZIP)",
            f"{name} classifier.zip",
            "application/zip",
            ":material/deployed_code:",
            "What it learned (head.npz), a script that runs it with numpy alone, and its card.",
            lambda: package(fitted, card),
        ),
        Offer(
            "The card (Markdown)",
            f"{name} card.md",
            "text/markdown",
            ":material/description:",
            "What it tells apart, how well as measured, and its limits: to be read before it is used.",
            lambda: card,
        ),
        Offer(
            "The answers (CSV)",
            f"{name} answers.csv",
            "text/csv",
            ":material/table:",
            f"The {formatting.count(len(fitted.questions), 'question')} above, one row each, one column a class.",
            lambda: answers_table(project, fitted),
        ),
    )


def save_button(project: Project) -> None:
    """The project as one file; it is put together when asked for, on disk, and streamed."""
    url = addresses.saved_url(project, urls.base_path())
    st.link_button("The whole project (ZIP)", url, icon=":material/save:", width="stretch")


def package(fitted: FittedProject, card: str) -> bytes:
    """The classifier, a script that runs it, and its card, in one zip."""
    target = io.BytesIO()
    with tempfile.TemporaryDirectory(prefix="fourfold-head-") as folder:
        head = Path(folder) / "head.npz"
        fitted.classifier.save(head)
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as bundle:
            bundle.write(head, "head.npz")
            bundle.writestr("classify.py", classifier_code())
            bundle.writestr("README.md", card)
    return target.getvalue()


def answers_table(project: Project, fitted: FittedProject) -> str:
    """The questions with their answers, in the columns that the command line writes."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["file", "class", "probability", "abstained", *fitted.names])
    if fitted.prediction is not None:
        found = fitted.prediction
        for row, sha in enumerate(fitted.questions):
            best = int(found.best[row])
            shares = [f"{share:.6f}" for share in found.probabilities[row]]
            told = "yes" if found.abstained[row] else "no"
            writer.writerow([project.state.title(sha), fitted.names[best], shares[best], told, *shares])
    return file.getvalue()
