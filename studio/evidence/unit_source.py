"""A unit of a data set as a file that a page can work on, and the way to its workbench."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from backends.core.errors import BadInput
from evaluation.datasets.base import Sample
from evaluation.datasets.registry import open_dataset
from evaluation.studies.results import StudyResults
from studio import services, tasks

REMEMBERED_RUNS = 200


def open_unit(study: str, results: StudyResults, unit: str, system: str, where: float | None) -> NoReturn:
    """Show a unit in the workbench of its task, at its worst place; the model is run on it the first time.

    Args:
        study: the name of the study's folder.
        results: of the study.
        unit: its id.
        system: whose answer is to be seen; of a yardstick, the first model's.
        where: the worst second, frame, residue or question.

    Raises:
        UserError: the unit cannot be read, or the model cannot be run.
    """
    import streamlit as st

    task, sample = results.study.task, read_sample(results, unit)
    if task == "fewshot":
        st.switch_page(tasks.get(task).page, query_params={"project": _project(unit, sample, where)})
    asked = {"study": study, "unit": unit}
    card = card_of(results, system)
    run_id = _earlier(task, card, asked)
    if run_id is None:
        with source_file(task, unit, sample) as path:
            run_id = services.jobs().submit(task, f"{unit}{path.suffix}", path, card, {}, asked=asked)
    query = {"run": run_id} | ({} if where is None else {"at": f"{where:g}"})
    st.switch_page(tasks.get(task).page, query_params=query)


def card_of(results: StudyResults, system: str) -> str:
    """The card behind the name of a system."""
    about = results.about["systems"]
    if not about[system].get("yardstick"):
        return about[system]["card"]
    cards = [each["card"] for each in about.values() if not each.get("yardstick")]
    if not cards:
        raise BadInput("This study measured no model that could be shown at work.")
    return cards[0]


def read_sample(results: StudyResults, unit: str) -> Sample:
    """The unit of that name, read. Raises BadInput where it is gone."""
    choice = results.study.dataset
    for each in open_dataset(choice.id, choice.folder, choice.options).units(results.study.split()):
        if each.id == unit:
            return each.load()
    raise BadInput(f"“{unit}” is no longer in the data set.")


def _earlier(task: str, card: str, asked: dict[str, str]) -> str | None:
    """The run that was made of this unit before."""
    for run in services.library().list(task, limit=REMEMBERED_RUNS):
        if run.weights == card and run.facts.get("asked") == asked and run.status in ("running", "done"):
            return run.id
    return None


@contextmanager
def source_file(task: str, unit: str, sample: Sample) -> Iterator[Path]:
    """The input of a sample as a file of the kind that its page takes."""
    with tempfile.TemporaryDirectory(prefix="fourfold-unit-") as name:
        yield _WRITERS[task](Path(name), unit, sample)


def _song(folder: Path, unit: str, sample: Sample) -> Path:
    import soundfile

    path = folder / "song.wav"
    soundfile.write(path, np.asarray(sample.inputs["mixture"], np.float32).T, sample.inputs["samplerate"], "FLOAT")
    return path


def _video(folder: Path, unit: str, sample: Sample) -> Path:
    """A clip without loss, so that the model sees what it was measured on; a photo as PNG."""
    if "photo" in sample.inputs:
        from PIL import Image

        path = folder / "photo.png"
        Image.fromarray(np.ascontiguousarray(sample.inputs["photo"])).save(path)
        return path
    import av

    path, frames = folder / "clip.mkv", sample.inputs["frames"]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=int(sample.inputs["fps"]))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "bgr0"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def _protein(folder: Path, unit: str, sample: Sample) -> Path:
    path = folder / "protein.fasta"
    path.write_text(f">{' '.join(unit.split())}\n{sample.inputs['sequence']}\n", "utf-8")
    return path


_WRITERS = {"separation": _song, "matting": _video, "folding": _protein}


def _project(unit: str, sample: Sample, where: float | None) -> str:
    """A project with the episode's examples and questions, the worst question chosen; returns its token."""
    import streamlit as st

    from studio.pictures import files
    from studio.pictures.schema import ProjectState

    project = services.get("projects").create(ProjectState(name=unit))
    inputs = sample.inputs
    for label, name in enumerate(inputs["names"]):
        own = [data for data, of in zip(inputs["shots"], inputs["labels"], strict=True) if of == label]
        kind = project.add_class(str(name))
        files.import_files(project, _named(name, own), kind.id)
    questions = list(inputs["queries"])
    files.import_files(project, _named("question", questions), None)
    if where is not None and int(where) < len(project.state.questions):
        st.session_state[f"question-{project.token}"] = project.state.questions[int(where)]
    return project.token


def _named(name: str, pictures: list[bytes]) -> list[tuple[str, Any]]:
    return [(f"{name} {number + 1}.png", io.BytesIO(data).getvalue) for number, data in enumerate(pictures)]
