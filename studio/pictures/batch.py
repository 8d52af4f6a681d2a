"""Sorting a whole zip of pictures as a run of its own: started from a project, watched, and shown sorted."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import streamlit as st

from studio import launch, services
from studio.library.library import Run
from studio.pictures import image_tiles, labelled_test, sorted_panel
from studio.pictures.feature_loader import FeatureLoader, line
from studio.pictures.fitted import FittedProject
from studio.pictures.project import Project
from studio.pictures.project_archive import folders
from studio.pictures.sorted_run import FIXED, table
from studio.pictures.task import open_project
from studio.ui import charts, downloads, file_chooser, formatting, run_page, run_sections

OPTION_LABELS = {
    "head": "decides by",
    "templates": "phrasing",
    "reject": "may answer none of these",
    "words": "words count",
}


def offer(project: Project, loader: FeatureLoader, fitted: FittedProject) -> None:
    """A zip of pictures to be sorted with this classifier."""
    st.caption(
        "A zip of pictures, thousands if you like: the model server sorts them with these examples. Look through them, "
        "put right what is wrong, and fetch them as folders. Where they lie in folders called like the classes, it is "
        "measured how many of each are recognised."
    )
    upload = file_chooser.choose_file(
        "Zip of pictures", f"batch-{project.token}", most_mb=image_tiles.UPLOAD_MB, label_visibility="collapsed",
        instead="Pack it in parts.",
    )  # fmt: skip
    ready = not any(loader.missing())
    help = None if ready else "Wait until all examples have been looked at."
    if st.button("Sort them", type="primary", icon=":material/sort:", disabled=upload is None or not ready, help=help):
        start(project, loader, fitted, upload)


def start(project: Project, loader: FeatureLoader, fitted: FittedProject, upload: Any) -> None:
    """Submit the run and show it."""
    launch.go_to(submit(project, loader, fitted, upload.name, upload), "fewshot")


def submit(project: Project, loader: FeatureLoader, fitted: FittedProject, name: str, source: Path | IO[bytes]) -> str:
    """Submit a run that sorts pictures as the project does; returns its id.

    Args:
        project: whose examples go along, as a zip of folders, and whose classes do, as a file.
        loader: of the model.
        fitted: the classifier.
        name: of the pictures' file; shown.
        source: a zip of pictures, or one picture.
    """
    state = project.state
    reject = "on" if state.reject else "off"
    options = {"head": fitted.classifier.head.id, "templates": state.templates, "reject": reject}
    if not fitted.support.has_text.any():
        options["words"] = "off"
    with tempfile.TemporaryDirectory(prefix="fourfold-batch-") as folder:
        here = Path(folder)
        extra: dict[str, Path] = {}
        if fitted.shots:
            folders(project, fitted.classes, here / "support.zip")
            extra["support"] = here / "support.zip"
        if loader.understands_words and state.words:
            lines = [line(each.name, each.sentence) for each in fitted.classes]
            (here / "classes.txt").write_text("\n".join(lines), "utf-8")
            extra["classes"] = here / "classes.txt"
        asked = {"project": project.token}
        return services.jobs().submit("fewshot", name, source, loader.card.id, options, extra=extra, asked=asked)


def show(run_id: str) -> None:
    """The run at this address, whether it is waiting, running, finished or gone."""
    run_page.show(PAGE, run_id)


def _watch(run_id: str, live: bool) -> None:
    if live:
        st.caption("They appear here once all pictures have been looked at.")


def _answers(run: Run) -> None:
    """How many of each, and every picture with its answer; unsure ones first where asked."""
    found = table(run)
    if found is None:
        st.info("This run has no table of answers.", icon=":material/info:")
        return
    none = found["abstained"] == "yes"
    counts = found.loc[~none, "class"].value_counts()
    said = [f"{formatting.escape(str(name))} {count:,}" for name, count in counts.items()]
    said += [f"none of these {int(none.sum()):,}"] if none.any() else []
    st.markdown(f"**{formatting.count(len(found), 'picture')}**: {', '.join(said)}")
    unsure = st.toggle("The least sure first", key=f"unsure-rows-{run.id}")
    shown = found.sort_values("probability") if unsure else found
    st.dataframe(
        shown,
        hide_index=True,
        height=420,
        column_config={
            name: st.column_config.ProgressColumn(name, min_value=0.0, max_value=1.0, format="percent")
            for name in found.columns
            if name not in FIXED
        },
    )
    charts.pin_table(shown, f"{formatting.count(len(found), 'picture')} with their answers.", f"answers-{run.id}")


def _files(run: Run) -> None:
    downloads.show(_file_list(run))


def _file_list(run: Run) -> list[downloads.Download]:
    """The table, the features and the classifier."""
    library = services.library()
    about = {
        "predictions": "The table above, for any spreadsheet.",
        "features": "What the model saw in each picture, as numbers (NPZ).",
        "head": "The classifier, to be run with classify.py.",
    }
    return [
        downloads.from_artifact(run.id, stored, stored.name, sentence)
        for kind, sentence in about.items()
        for stored in library.artifacts(run.id, kind)
    ]


def _about(run: Run) -> None:
    run_sections.origin(run, option_labels(run.options))
    token = run.facts.get("asked", {}).get("project", "")
    if token and st.button("Open the project it was sorted with", icon=":material/photo_library:"):
        open_project(token)
    run_sections.repeat_or_delete(run)


def option_labels(options: Mapping[str, Any]) -> dict[str, str]:
    """The options of a run as a person reads them."""
    return {OPTION_LABELS.get(name, name): str(value) for name, value in options.items() if value not in (None, "")}


PAGE = run_page.RunPage(
    task="fewshot",
    begin="Your projects",
    cancelled="Your pictures are kept; nothing was sorted yet.",
    watch=_watch,
    views={
        "Pictures, sorted": sorted_panel.show,
        "Test set": labelled_test.show,
        "Table": _answers,
        "Files": _files,
        "About this run": _about,
    },
    files=_file_list,
)
