"""Starting a job from a page and going to where it can be watched."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

import streamlit as st

from studio import samples, services
from studio.proteins import probe


@dataclass(frozen=True)
class Place:
    """Where the runs of a task are shown, and what the sample that the project makes for it is called."""

    page: str
    icon: str
    noun: str
    fallback: str
    """The model to try where the server has not said which is best."""


PLACES: Mapping[str, Place] = {
    "separation": Place("pages/songs.py", ":material/graphic_eq:", "song", "dsp"),
    "matting": Place("pages/videos.py", ":material/movie:", "video", "classical"),
    "folding": Place("pages/proteins.py", ":material/deployed_code:", "protein", "structure"),
    "fewshot": Place("pages/pictures.py", ":material/photo_library:", "set of pictures", "prototypes"),
}
"""By task. A run of a task that is not here was made by a later Fourfold."""


def go_to(run_id: str, task: str) -> NoReturn:
    """Show a run; its address can be reloaded, kept and shared."""
    st.switch_page(PLACES[task].page, query_params={"run": run_id})


def start(
    task: str,
    name: str,
    source: IO[bytes] | Path,
    card: str,
    options: Mapping[str, Any],
    **more: Any,
) -> NoReturn:
    """Submit a job, `more` as for `Jobs.submit`, and show its run."""
    go_to(services.jobs().submit(task, name, source, card, options, **more), task)


def best_card(task: str) -> str:
    """The best model of a task that is on the server now."""
    return services.backend().info().get("tasks", {}).get(task, {}).get("default", "") or PLACES[task].fallback


def start_sample_song() -> NoReturn:
    """Run the sample song through the best model that is present."""
    with st.spinner("Making the sample song…"):
        sample = samples.song()
    start("separation", f"{sample.title}.flac", sample.mix, best_card("separation"), {})


def start_sample_clip() -> NoReturn:
    """Cut the person out of the sample clip with the best model that is present."""
    with st.spinner("Making the sample clip…"):
        sample = samples.clip()
    start("matting", f"{sample.title}.mp4", sample.video, best_card("matting"), {"export": "webm"})


def start_sample_protein() -> NoReturn:
    """Open the first structure that the project builds by rule; it needs no weights."""
    sample = probe.samples()[0]
    start("folding", sample.file, io.BytesIO(sample.text.encode()), PLACES["folding"].fallback, {})


def start_sample_pictures() -> NoReturn:
    """A project of its own with the sample pictures as examples and questions."""
    from evaluation.synthetic.pictures import SENTENCES
    from studio.pictures import files
    from studio.pictures.schema import State

    with st.spinner("Drawing the sample pictures…"):
        folder = samples.pictures()
        project = services.projects().create(State(name="Sample pictures"))
        for kind, sentence in SENTENCES.items():
            project.add_class(kind, sentence)
        files.take_zip(project, folder / "shots.zip")
        asked = sorted((folder / "questions").iterdir(), key=lambda path: int(path.stem.split()[-1]))
        files.take(project, [(path.name, path.read_bytes) for path in asked], None)
    open_project(project.token)


def open_project(token: str) -> NoReturn:
    """Show a picture project; its address can be reloaded and kept."""
    st.switch_page(PLACES["fewshot"].page, query_params={"project": token})
