"""Points in the plane out of the visitor's own results: the angles of a fold, the pitch and loudness of a song."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import streamlit as st

from backends.core.errors import BadInput
from backends.folding.structure.geometry import torsions
from studio import services, tasks
from studio.how import own_choice, stems
from studio.library.library import Run
from studio.proteins.run_data import require_fold
from studio.ui import formatting

PARAMETER = "from"
MAX_RUNS = 40
MAX_POINTS = 4000
LOWEST_HZ, HIGHEST_HZ = 65.0, 1000.0
FRAME, HOP = 2048, 512
QUIET_DB = 35.0
"""How far below the loudest moment a moment may be, to count as sung."""


def fold_points(run: Run) -> tuple[np.ndarray, tuple[str, str]]:
    """`(N, 2)` degrees: φ and ψ of every residue that has both. Raises BadInput where the structure is gone."""
    data = require_fold(run)
    angles = torsions(data.structure)
    points = np.stack([angles.phi, angles.psi], axis=1)
    return points[np.isfinite(points).all(axis=1)], ("φ in degrees", "ψ in degrees")


def song_points(run: Run) -> tuple[np.ndarray, tuple[str, str]]:
    """`(N, 2)`: pitch in semitones (69 is the A of 440 Hz) and loudness in dB of the voice's first minute.

    The pitch is YIN's (de Cheveigné and Kawahara 2002). Raises BadInput where nothing is to be heard.
    """
    import librosa  # here, because its import takes seconds of a processor

    wave, rate = _voice(run)
    pitch = librosa.yin(wave, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=rate, frame_length=FRAME, hop_length=HOP)
    level = librosa.feature.rms(y=wave, frame_length=FRAME, hop_length=HOP)[0]
    decibels = 20 * np.log10(np.maximum(level, 1e-9))
    loud = (decibels > decibels.max() - QUIET_DB) & (pitch > LOWEST_HZ * 1.02) & (pitch < HIGHEST_HZ * 0.98)
    points = np.stack([librosa.hz_to_midi(pitch), decibels], axis=1)
    return points[loud & (decibels > -90)], ("pitch in semitones", "loudness in dB")


def _voice(run: Run) -> tuple[np.ndarray, int]:
    """The first minute of the vocals in mono, or of the first stem where there are none; and its rate in Hz."""
    there = stems.names(run)
    return stems.first_minute(run, "vocals" if "vocals" in there or not there else there[0])


READERS: Mapping[str, Callable[[Run], tuple[np.ndarray, tuple[str, str]]]] = {
    "folding": fold_points,
    "separation": song_points,
}
"""How each task's run becomes points."""

WHAT = {"folding": "angles φ and ψ", "separation": "pitch and loudness"}


@st.cache_data(max_entries=20, show_spinner="Reading the points…")
def _points(run_id: str, task: str) -> dict[str, Any]:
    """What the lab is given. The files of a finished run do not change."""
    run = services.library().get(run_id)
    if run is None:
        raise BadInput("There is no such run here: it was deleted, or the address is not complete.")
    points, names = READERS[task](run)
    if len(points) > MAX_POINTS:
        points = points[np.random.default_rng(0).choice(len(points), MAX_POINTS, replace=False)]
    return {
        "id": run_id,
        "title": f"{run.title}: {WHAT[task]}",
        "names": list(names),
        "points": np.round(points, 3).ravel().tolist(),
    }


def chosen() -> dict[str, Any] | None:
    """The points of the run that the address names; None where it names none, or after saying why there are none."""
    run_id = st.query_params.get(PARAMETER, "")
    run = services.library().get(run_id) if run_id else None
    if not run_id:
        return None
    if run is None or run.task not in READERS or run.status != "done":
        st.warning("The run of this address is not here, or has no points to learn: choose another one below.")
        return None
    try:
        return _points(run.id, run.task)
    except BadInput as error:
        st.warning(error.sentence)
        return None


def offer() -> None:
    """Let the visitor take points from a finished run."""
    runs = [run for task in READERS for run in services.library().list(task=task, status="done", limit=MAX_RUNS)]
    if not runs:
        st.caption("Fold a protein or split a song first, and its angles or its melody can be learned here too.")
        return
    titles = {run.id: f"{tasks.get(run.task).icon} {formatting.escape(run.title)}: {WHAT[run.task]}" for run in runs}
    own_choice.choose(
        "Or learn what you made here",
        titles,
        parameter=PARAMETER,
        key="how-own",
        placeholder="Angles of a fold, or pitch and loudness of a song",
    )
