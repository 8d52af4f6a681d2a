"""A sound out of the visitor's own songs, for a network that learned sounds: some seconds of a stem."""

from __future__ import annotations

import numpy as np
import streamlit as st

from backends.core.errors import BadInput
from studio import services, tasks
from studio.how import own_choice, stems
from studio.library.library import Run
from studio.ui import formatting, opus

PARAMETER = "stem"
GONE = "There is no such run here: it was deleted, or the address is not complete."
TASK, MAX_RUNS, MAX_STEMS = "separation", 20, 60
SECONDS, KBITS = 12.0, 64
"""How much of a stem goes to the browser, around its loudest moment, and how well it sounds there."""


def loudest(wave: np.ndarray, rate: int) -> np.ndarray:
    """The `SECONDS` of a wave `(T,)` with most power in them; all of it where it is shorter."""
    length = round(SECONDS * rate)
    if len(wave) <= length:
        return wave
    power = np.concatenate([[0.0], np.cumsum(np.square(wave, dtype=np.float64))])
    start = int((power[length:] - power[:-length]).argmax())
    return wave[start : start + length]


@st.cache_data(max_entries=8, show_spinner="Reading the sound…")
def _sound(run_id: str, stem: str) -> dict[str, str]:
    """What the exhibit is given. The files of a finished run do not change."""
    run = services.library().get(run_id)
    if run is None:
        raise BadInput(GONE)
    wave, rate = stems.first_minute(run, stem)
    address = opus.stereo_address(loudest(wave, rate)[None], rate, KBITS)
    return {"id": f"{run_id}.{stem}", "title": f"{stem} of {run.title}", "address": address}


def chosen() -> dict[str, str] | None:
    """The sound that the address names; None where it names none, or after saying why there is none."""
    asked = st.query_params.get(PARAMETER, "")
    if not asked:
        return None
    run_id, _, stem = asked.partition(".")
    try:
        if services.library().get(run_id) is None:  # what others' pages have read is cached, too
            raise BadInput(GONE)
        return _sound(run_id, stem)
    except BadInput as error:
        st.warning(error.sentence)
        return None


def offer() -> None:
    """Let the visitor take a stem of a finished song."""
    offered = {
        f"{run.id}.{stem}": f"{formatting.escape(run.title)}: {stem}" for run in _songs() for stem in stems.names(run)
    }
    if not offered:
        st.caption("Split a song first, and a hit or a note of its stems can become a code here too.")
        return
    own_choice.choose(
        f"{tasks.get(TASK).icon} Or a sound of what you made here",
        dict(list(offered.items())[:MAX_STEMS]),
        parameter=PARAMETER,
        key="how-stem",
        placeholder="Half a second of a stem becomes a code and comes back",
    )


def _songs() -> tuple[Run, ...]:
    return tuple(services.library().list(task=TASK, status="done", limit=MAX_RUNS))
