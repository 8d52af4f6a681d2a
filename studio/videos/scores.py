"""A cut-out compared with true mattes or object masks: known for the sample clip, or given."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import streamlit as st

from backends.core.errors import BadInput, UserError
from evaluation.metrics.matting.clips import Pair, mask_scores, matte_scores
from studio import services
from studio.jobs.receiver import copy_upload
from studio.library.library import Library, Run
from studio.ui import formatting
from studio.ui.run_sections import analysed
from studio.videos import ground_truth, probe
from studio.videos.ground_truth import MASKS, MATTES
from studio.videos.matte_reader import finished_mattes
from studio.videos.sample import clip_if_made
from studio.videos.source import of_upload

KIND, SCORES = "reference", "matte-scores"
MOST_SCORED = 240
"""So many frames of a clip are scored at most, spread over it."""
REFERENCE_MB = 500
ALIKE = 0.02
"""Two pictures have one shape when their proportions differ by no more than this."""


@dataclass(frozen=True)
class Measure:
    """What a score is called, the factor and the digits that it is written with, and what it means."""

    name: str
    scale: float
    digits: int
    meaning: str


MATTE_MEASURES: Mapping[str, Measure] = {
    "sad": Measure("SAD", 1, 2, "Sum of absolute differences to the true matte, in thousands; grows with the picture."),
    "mad": Measure("MAD × 1000", 1000, 2, "Mean absolute difference of alpha to the true one, times a thousand."),
    "mse": Measure("MSE × 1000", 1000, 2, "Mean squared difference of alpha, times a thousand: weighs large errors."),
    "gradient": Measure("Gradient", 1, 2, "How differently the matte's edges rise and fall, in thousands."),
    "connectivity": Measure("Connectivity", 1, 2, "Parts that hang loose or holes that should not be, in thousands."),
    "dtssd": Measure("dtSSD", 1, 2, "How wrongly the matte changes from frame to frame, in hundredths: its flicker."),
}
MASK_MEASURES: Mapping[str, Measure] = {
    "jf": Measure("J&F", 1, 3, "The mean of region similarity J and contour accuracy F."),
    "j": Measure("J", 1, 3, "Region similarity: what matte and mask share, over what either covers; 1 is perfect."),
    "f": Measure("F", 1, 3, "Contour accuracy: how well the outlines match, precision and recall together."),
}
MEASURES = {MATTES: MATTE_MEASURES, MASKS: MASK_MEASURES}


@dataclass(frozen=True)
class Truth:
    """A reference of a run; `objects` are the chosen ones of a palette."""

    path: Path
    kind: str
    objects: tuple[int, ...] = ()


def known_truth(library: Library, run: Run) -> Truth | None:
    """The reference that was given for this run, else that of the sample clip where it is its input."""
    for stored in library.artifacts(run.id, KIND):
        return Truth(library.local(run.id, stored), stored.name, tuple(stored.meta.get("objects", ())))
    sample = clip_if_made()
    if sample and run.inputs and run.inputs[0]["sha256"] == sample.sha256:
        return Truth(sample.alpha, MATTES)
    return None


def keep_truth(library: Library, run: Run, source: IO[bytes] | Path, kind: str, objects: Sequence[int]) -> None:
    """Keep a reference with the run, in place of an earlier one and its scores."""
    with tempfile.TemporaryDirectory(prefix="fourfold-truth-") as folder:
        path = Path(folder) / "reference"
        copy_upload(source, path)
        library.drop(run.id, KIND)
        library.keep(run.id, KIND, kind, path, meta={"objects": list(objects)}, move=True)
    services.analyses().forget(run.id, SCORES)


def score(library: Library, run: Run, truth: Truth) -> dict[str, Any]:
    """The scores of the run's finished mattes, frame by frame, with notes on how they were compared."""
    notes: list[str] = []
    rows = (matte_scores if truth.kind == MATTES else mask_scores)(_pairs(library, run, truth, notes))
    return {"kind": truth.kind, "notes": notes, **rows}


def _pairs(library: Library, run: Run, truth: Truth, notes: list[str]) -> Iterator[Pair]:
    frames = int(run.facts.get("frames", 0))
    start = float(run.options.get("start") or 0)
    first = round(start * probe.probe(library.only(run.id, "input", "input")).rate) if start else 0
    step = max(1, math.ceil(2 * frames / MOST_SCORED)) if frames > MOST_SCORED else 1
    given = ground_truth.read(truth.path, frames, first, truth.objects, step)
    alphas = finished_mattes(library, run)
    count = 0
    for index, true in given:
        found = next(((seconds, alpha) for at, seconds, alpha in alphas if at == index), None)
        if found is None:
            break
        yield Pair(index, found[0], _fitted(found[1](), true, notes), true)
        count += 1
    if not count:
        raise BadInput(f"None of the references is for one of this result's {frames} frames: check their names.")
    if count < frames:
        notes.append(f"{count} of {frames} frames were compared.")


def _fitted(alpha: np.ndarray, true: np.ndarray, notes: list[str]) -> np.ndarray:
    """`alpha` at the size of the reference. Raises BadInput where that has another shape."""
    if alpha.shape == true.shape:
        return alpha
    (height, width), (h, w) = alpha.shape, true.shape
    if abs(math.log((w / h) / (width / height))) > ALIKE:
        raise BadInput(f"The reference is {w} × {h} pixels and the video {width} × {height}: they must have one shape.")
    note = f"Compared at the size of the reference, {w} × {h} pixels."
    if note not in notes:
        notes.append(note)
    return cv2.resize(alpha, (w, h), interpolation=cv2.INTER_AREA)


def comparison(run: Run) -> None:
    """The scores where a truth is known, and the way to give one."""
    library = services.library()
    truth = known_truth(library, run)
    if truth is not None:
        make = partial(_scored, run, truth)
        analysed(run, SCORES, make, "Comparing frame by frame…", lambda answer: _shown(json.loads(answer)))
    _ask(library, run, truth is not None)


def _scored(run: Run, truth: Truth) -> bytes:
    return json.dumps(score(services.library(), run, truth)).encode()


def _shown(scores: dict[str, Any]) -> None:
    from viz.matting.figures import along

    measures = MEASURES[scores["kind"]]
    st.caption("Higher is better; 1 is perfect." if scores["kind"] == MASKS else "Lower is better; 0 is perfect.")
    for note in scores["notes"]:
        st.caption(f":material/info: {note}")
    for column, (key, measure) in zip(st.columns(len(measures)), measures.items(), strict=True):
        mean = scores["means"][key]
        value = "–" if mean is None else f"{mean * measure.scale:.{measure.digits}f}"
        column.metric(measure.name, value, border=True, help=measure.meaning)
    if len(scores["times"]) < 2:
        return
    names = {measure.name: key for key, measure in measures.items()}
    shown = st.segmented_control("Along the clip", list(names), default=next(iter(names)), required=True)
    key = names[shown or next(iter(names))]
    measure = measures[key]
    scaled = [None if value is None else value * measure.scale for value in scores["frames"][key]]
    mean = scores["means"][key]
    told = {
        "times": scores["times"],
        "frames": {key: scaled},
        "means": {key: None if mean is None else mean * measure.scale},
    }
    figure, alt = along(told, {key: measure.name}, measure.name)
    st.caption(measure.meaning)
    st.plotly_chart(figure, alt=alt, key="matte-scores")


def _ask(library: Library, run: Run, known: bool) -> None:
    title = "Use other true mattes" if known else "Give true mattes or object masks to compare with"
    with st.expander(title, expanded=not known):
        st.caption(
            "A video of gray mattes, or a zip of PNGs: gray mattes, or masks with one number an object as in DAVIS and "
            "YouTube-VOS. One for each frame of this result, or named by the frames of the video, such as 00042.png."
        )
        upload = st.file_uploader(
            "References",
            type=["zip", *probe.VIDEO_TYPES],
            max_upload_size=REFERENCE_MB,
            key=f"truth-{run.id}",
        )
        if upload is None:
            return
        try:
            found = _examined(upload)
        except UserError as error:
            st.error(error.sentence, icon=":material/error:")
            return
        objects = found.objects
        said = "true mattes" if found.kind == MATTES else f"masks of {formatting.count(len(objects), 'object')}"
        st.caption(f":material/check_circle: {formatting.count(found.pictures, 'picture')}, {said}")
        if found.kind == MASKS and len(objects) > 1:
            chosen = st.pills("Objects that are the person", objects, selection_mode="multi", default=list(objects))
            objects = tuple(chosen or ())
        missing = "Choose at least one object." if found.kind == MASKS and not objects else ""
        if st.button("Compare", type="primary", disabled=bool(missing), help=missing):
            keep_truth(library, run, upload, found.kind, objects)
            st.rerun()


def _examined(upload: Any) -> ground_truth.Reference:
    """What an upload holds; looked at once."""
    key = f"reference-{upload.file_id}"
    if key not in st.session_state:
        st.session_state[key] = ground_truth.examine(of_upload(upload, "reference", look=False).path)
    return st.session_state[key]
