"""What can be taken along: the answers as a table, the classifier with code that runs it, its card, the project."""

from __future__ import annotations

import io
import tempfile
import zipfile
from datetime import datetime
from pathlib import Path

import streamlit as st

from backends.fewshot.classifier_code import classifier_code
from backends.fewshot.data.image_collection import unique_names
from backends.fewshot.results import COLUMNS
from backends.shared.spreadsheet import write_rows
from studio import services
from studio.pictures import addresses, batch, program_panel, pupil_page_panel
from studio.pictures.feature_loader import FeatureLoader
from studio.pictures.fitted import FittedProject
from studio.pictures.model_card import model_card
from studio.pictures.project import Project
from studio.ui import downloads, formatting
from studio.ui.downloads import Download
from studio.web import filenames, urls

SAVE = ":material/save:"


def show(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """The downloads, and sorting many pictures at once."""
    version = services.backend().info().version
    card = model_card(project.state, fitted, loader.card, version, datetime.now().astimezone())
    downloads.show(offers(project, fitted, card))
    left, right = st.columns([2, 3], vertical_alignment="center")
    with left:
        save_button(project)
    right.caption("Classes, sentences, all pictures: to go on elsewhere, or as a copy. Fourfold opens it again.")
    with st.container(horizontal=True):
        program_panel.show(project, loader.card, fitted, card)
        pupil_page_panel.show(project, loader.card, fitted, card)
    with st.expander("Read the card", icon=":material/description:"):
        st.markdown(card)
    st.markdown("**Sort many pictures at once**")
    batch.offer(project, loader, fitted)


def offers(project: Project, fitted: FittedProject, card: str) -> tuple[Download, ...]:
    """The classifier, its `card` alone, and its answers."""
    name = filenames.clean(project.state.name) or "Pictures"
    return (
        Download(
            "The classifier (ZIP)",
            "What it learned (head.npz), a script that runs it with numpy alone, and its card.",
            make=lambda: package(fitted, card),
            file_name=f"{name} classifier.zip",
            media_type="application/zip",
            icon=":material/deployed_code:",
        ),
        Download(
            "The card (Markdown)",
            "What it tells apart, how well as measured, and its limits: to be read before it is used.",
            make=lambda: card,
            file_name=f"{name} card.md",
            media_type="text/markdown",
            icon=":material/description:",
        ),
        Download(
            "The answers (CSV)",
            f"The {formatting.count(len(fitted.questions), 'question')} above, one row each, one column a class.",
            make=lambda: answers_table(project, fitted),
            file_name=f"{name} answers.csv",
            media_type="text/csv",
            icon=":material/table:",
        ),
    )


def everything(project: Project, loader: FeatureLoader, fitted: FittedProject | None) -> tuple[Download, ...]:
    """What the menu at the top holds: the project, and of a classifier that is taught all that it can be taken as."""
    url = addresses.saved_url(project, urls.base_path())
    saved = Download(
        "The whole project (ZIP)", "Classes, sentences, all pictures: Fourfold opens it again.", url, icon=SAVE
    )
    if fitted is None:
        return (saved,)
    version = services.backend().info().version
    card = model_card(project.state, fitted, loader.card, version, datetime.now().astimezone())
    return (saved, *offers(project, fitted, card))


def save_button(project: Project) -> None:
    """The project as one file; it is put together when asked for, on disk, and streamed."""
    url = addresses.saved_url(project, urls.base_path())
    st.link_button("The whole project (ZIP)", url, icon=SAVE, width="stretch")


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
    titles = [f"{name} (class)" if name in COLUMNS else name for name in fitted.names]
    rows: list[list[str]] = [[*COLUMNS, *titles]]
    files = unique_names([project.state.title(sha) for sha in fitted.questions])
    if fitted.prediction is not None:
        found = fitted.prediction
        for row, name in enumerate(files):
            best = int(found.best[row])
            shares = [f"{share:.6f}" for share in found.probabilities[row]]
            abstained = "yes" if found.abstained[row] else "no"
            rows.append([name, fitted.names[best], shares[best], abstained, *shares])
    file = io.StringIO()
    write_rows(file, rows)
    return file.getvalue()
