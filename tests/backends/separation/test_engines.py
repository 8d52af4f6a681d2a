"""One row an engine: what its stems hold, on a song whose true stems are known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.core.engine import Result
from backends.core.task import Task, task_named
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from evaluation.metrics.separation.bss_eval import si_sdr_improvement

ROWS = [
    # card, stem, its source, and the dB by which the stem's SI-SDR is above the mixture's at least
    ("dsp", "vocals", "vocals", 3.0),
    ("dsp", "drums", "drums", 3.0),
    ("htdemucs-starter", "vocals", "vocals", 1.0),
    ("spleeter", "vocals", "vocals", 8.0),
    ("spleeter", "drums", "drums", 3.0),
]


@pytest.mark.slow
@pytest.mark.parametrize(("card", "stem", "source", "least"), ROWS)
def test_a_stem_is_nearer_to_its_source_than_the_song_is(
    card: str, stem: str, source: str, least: float, short_song: Path, tmp_path: Path, packaged: Callable[[str], None]
) -> None:
    packaged(card)
    assert improvement(task_named("separation"), card, stem, short_song, source, tmp_path) > least


def improvement(task: Task, card: str, stem: str, song: Path, source: str, out: Path) -> float:
    """The SI-SDR in dB that a stem has over the mixture, both against the true `source`."""
    host = Host(device="cpu")
    chosen, weights = host.choose(task, weights=card)
    result = list(run_job(host, JobRequest(task, chosen, weights, {"song": song}, {}, out)))[-1]
    assert isinstance(result, Result)
    path = next(artifact.path for artifact in result.artifacts if artifact.name == stem)
    estimate, truth, mixture = (samples(file) for file in (path, song.with_name(f"{source}.wav"), song))
    return si_sdr_improvement(estimate, truth, mixture)


def samples(path: Path) -> np.ndarray:
    """(2 T,) the left channel and then the right one."""
    return soundfile.read(path, always_2d=True)[0].T.ravel()
