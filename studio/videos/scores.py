"""Comparison of a cut-out with true mattes or object masks: those of the sample clip, or uploaded ones."""

from __future__ import annotations

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

from backends.core.errors import BadInput
from evaluation.metrics.base import Metric
from evaluation.metrics.matting import masks, mattes
from evaluation.metrics.matting.clips import score_clip
from evaluation.metrics.matting.frames import FramePair
from studio import services
from studio.jobs.background import Analysis
from studio.jobs.uploads import copy_upload
from studio.library.library import Library, Run
from studio.ui import charts, compare, file_chooser, formatting
from studio.videos import ground_truth, probe
from studio.videos.ground_truth import MASKS, MATTES
from studio.videos.matte_reader import finished_mattes
from studio.videos.sample import existing_clip
from studio.videos.source import of_upload

KIND, SCORES = "reference", "matte-scores"
MAX_SCORED_FRAMES = 240
"""Of a longer clip, so many frames are scored, spread over it."""
REFERENCE_MB = 500
SHAPE_TOLERANCE = 0.02
"""Two pictures have the same shape when the logarithms of their aspect ratios differ by no more than this."""

METRICS: Mapping[str, Sequence[Metric]] = {MATTES: mattes.METRICS, MASKS: masks.METRICS}
"""By the kind of truth."""


@dataclass(frozen=True)
class GroundTruth:
    """What a run is compared with: `kind` is MATTES or MASKS, `objects` are the masks that are the person."""

    path: Path
    kind: str
    objects: tuple[int, ...] = ()


def find_ground_truth(library: Library, run: Run) -> GroundTruth | None:
    """The truth that was uploaded for this run, or that of the sample clip where it is the run's input."""
    for stored in library.artifacts(run.id, KIND):
        return GroundTruth(library.local(run.id, stored), stored.name, tuple(stored.meta.get("objects", ())))
    sample = existing_clip()
    if sample and run.inputs and run.inputs[0]["sha256"] == sample.sha256:
        return GroundTruth(sample.alpha, MATTES)
    return None


def save_ground_truth(library: Library, run: Run, source: IO[bytes] | Path, kind: str, objects: Sequence[int]) -> None:
    """Store a truth with the run, in place of an earlier one and its scores.

    Args:
        library: that holds the run.
        run: the run.
        source: the uploaded file.
        kind: MATTES or MASKS.
        objects: of masks, those that are the person.
    """
    with tempfile.TemporaryDirectory(prefix="fourfold-truth-") as folder:
        path = Path(folder) / "reference"
        copy_upload(source, path)
        library.drop(run.id, KIND)
        library.keep(run.id, KIND, kind, path, meta={"objects": list(objects)}, move=True)
    services.analyses().forget(Analysis(run.id, SCORES))


def score(library: Library, run: Run, truth: GroundTruth) -> dict[str, Any]:
    """The scores of the run's finished mattes as `score_clip` gives them, with notes on how they were compared."""
    notes: list[str] = []
    rows = score_clip(_pairs(library, run, truth, notes), METRICS[truth.kind])
    return {"kind": truth.kind, "notes": notes, **rows}


def _pairs(library: Library, run: Run, truth: GroundTruth, notes: list[str]) -> Iterator[FramePair]:
    frames = int(run.facts.get("frames", 0))
    start = float(run.options.get("start") or 0)
    first = round(start * probe.probe(library.only(run.id, "input", "input")).rate) if start else 0
    step = max(1, math.ceil(2 * frames / MAX_SCORED_FRAMES)) if frames > MAX_SCORED_FRAMES else 1
    truths = ground_truth.read(truth.path, frames, first, truth.objects, step)
    alphas = finished_mattes(library, run)
    count = 0
    for index, true in truths:
        found = next(((seconds, alpha) for at, seconds, alpha in alphas if at == index), None)
        if found is None:
            break
        yield FramePair(index, found[0], _fit(found[1](), true, notes), true)
        count += 1
    if not count:
        raise BadInput(f"None of the references is for one of this result's {frames} frames: check their names.")
    if count < frames:
        notes.append(f"{count} of {frames} frames were compared.")


def _fit(alpha: np.ndarray, true: np.ndarray, notes: list[str]) -> np.ndarray:
    """`alpha` `(H, W)` scaled to the size of the truth. Raises BadInput where that has another shape."""
    if alpha.shape == true.shape:
        return alpha
    (height, width), (h, w) = alpha.shape, true.shape
    if abs(math.log((w / h) / (width / height))) > SHAPE_TOLERANCE:
        raise BadInput(f"The reference is {w} × {h} pixels and the video {width} × {height}: they must have one shape.")
    note = f"Compared at the size of the reference, {w} × {h} pixels."
    if note not in notes:
        notes.append(note)
    return cv2.resize(alpha, (w, h), interpolation=cv2.INTER_AREA)


def comparison(run: Run) -> None:
    """The scores where a truth is known, and the panel to give one."""
    library = services.library()
    truth = find_ground_truth(library, run)
    scores = []
    if truth is not None:
        make = partial(score, library, run, truth)
        scores = [compare.Score(SCORES, make, _draw, "Comparing frame by frame…")]
    form = compare.TruthForm(
        title="Give true mattes or object masks to compare with",
        other="Use other true mattes",
        about="A video of gray mattes, or a zip of PNGs: gray mattes, or masks with one number an object as in DAVIS "
        "and YouTube-VOS. One for each frame of this result, or named by the frames of the video, such as 00042.png.",
        ask=partial(_ask, library, run),
    )
    compare.show(run, scores, form, known=truth is not None)


def _draw(scores: dict[str, Any]) -> None:
    from viz.matting.figures import along

    metrics = METRICS[scores["kind"]]
    st.caption("Higher is better; 1 is perfect." if scores["kind"] == MASKS else "Lower is better; 0 is perfect.")
    for note in scores["notes"]:
        st.caption(f":material/info: {note}")
    for column, metric in zip(st.columns(len(metrics)), metrics, strict=True):
        mean = scores["means"].get(metric.id)
        column.metric(metric.name, metric.format(mean), border=True, help=metric.meaning)
    if len(scores["times"]) < 2:
        return
    recorded = {metric.name: metric for metric in metrics if metric.id in scores["frames"]}
    chosen = st.segmented_control("Along the clip", list(recorded), default=next(iter(recorded)), required=True)
    metric = recorded[chosen or next(iter(recorded))]
    figure, alt = along(scores, (metric,), metric.name)
    st.caption(metric.meaning)
    charts.show(figure, alt=alt, key="matte-scores")


def _ask(library: Library, run: Run) -> compare.Truth | None:
    """Draw the upload of a truth, and of masks the choice of objects."""
    upload = file_chooser.choose_file("References", f"truth-{run.id}", most_mb=REFERENCE_MB)
    if upload is None:
        return None
    content = _examine(upload)
    objects = content.objects
    kind = "true mattes" if content.kind == MATTES else f"masks of {formatting.count(len(objects), 'object')}"
    st.caption(f":material/check_circle: {formatting.count(content.pictures, 'picture')}, {kind}")
    if content.kind == MASKS and len(objects) > 1:
        chosen = st.pills("Objects that are the person", objects, selection_mode="multi", default=list(objects))
        objects = tuple(chosen or ())
    missing = "Choose at least one object." if content.kind == MASKS and not objects else ""
    return compare.Truth(partial(save_ground_truth, library, run, upload, content.kind, objects), missing)


def _examine(upload: Any) -> ground_truth.Reference:
    """What an upload holds; examined once a session."""
    key = f"reference-{upload.file_id}"
    if key not in st.session_state:
        st.session_state[key] = ground_truth.examine(of_upload(upload, "reference", examine=False).path)
    return st.session_state[key]
