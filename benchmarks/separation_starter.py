"""The starter of songs, and Spleeter where it is here, beside the built-in separator.

Measured are held-out singers, the sample song, a recorded band, and speed.

MIR-1K: 60 clips of the four singers that nothing was trained or tuned on, as one track at 16 kHz. The interval is over
the singers. Of the sample song and of the recorded band, which nobody sings to, the true stems are known; they are one
song each, so there is no interval. All figures of sound are the dB by which SI-SDR grows over the untouched mixture;
where a stem is silent, the dB by which it is below the mixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backends.separation import TASK
from backends.serving.host import RUNNABLE_STATES, Host
from evaluation.datasets.base import Sample, Unit
from evaluation.datasets.mir1k import Mir1k
from evaluation.datasets.multitrack import RecordedBand
from evaluation.runner import Results, Suite, mean, run
from evaluation.synthetic.song import make_song
from evaluation.systems.separation import VOICE_METRICS, separate, separator, singing, stem_score

MIR1K, BAND = "audio/mir1k", "audio/mdn_multitrack"
ENGINES = {
    "spleeter": ("spleeter", "spleeter"),
    "htdemucs-starter": ("demucs", "htdemucs-starter"),
    "dsp": ("dsp", "dsp"),
}
"""By card: engine and weights."""

YARDSTICK = "dsp"


def engines_here() -> dict[str, tuple[str, str]]:
    """Those whose weights are on this machine."""
    host = Host(device="cpu")
    here = {card.id for card in TASK.cards if host.weights_state(card) in RUNNABLE_STATES}
    return {card: engine for card, engine in ENGINES.items() if card in here}


def measure(data: Path) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(1)  # several would wait for each other, and waiting counts as work
    yield from _singers(Mir1k(data / MIR1K))
    (band,) = RecordedBand(data / BAND).units()
    for title, song in {"sample song": _sample_song(), RecordedBand.title: band}.items():
        for card in engines_here():
            yield from _song(card, title, song)


def _singers(clips: Mir1k) -> Iterator[dict[str, Any]]:
    systems = {card: singing(*engine) for card, engine in engines_here().items()}
    results = Results(run(Suite(clips.units("held-out"), systems, VOICE_METRICS)))
    for metric in VOICE_METRICS:
        singers, title = results.groups(YARDSTICK, metric), f"MIR-1K, {metric}"
        for card in systems:
            yield _row(card, title, results.values(card, metric), singers)
            for lesser in (YARDSTICK, "htdemucs-starter") if card == "spleeter" else (YARDSTICK,):
                if card != lesser:
                    yield _row(card, f"{title}, more than {lesser}", results.minus(card, lesser, metric), singers)


def _row(model: str, what: str, values: np.ndarray, singers: np.ndarray) -> dict[str, Any]:
    interval = mean(values, singers)
    return {
        "model": model,
        "measure": what,
        "mean": round(interval.estimate, 2),
        "interval": [round(interval.low, 2), round(interval.high, 2)],
        "worst": round(float(values.min()), 2),
        "singers": {name: round(float(values[singers == name].mean()), 2) for name in np.unique(singers)},
        "note": interval.note,
    }


def _sample_song() -> Unit:
    song = make_song()
    inputs = {"mixture": np.sum(list(song.stems.values()), axis=0), "samplerate": song.samplerate}
    return Unit("sample song", "sample song", lambda: Sample(inputs, song.stems))


def _song(card: str, title: str, song: Unit) -> Iterator[dict[str, Any]]:
    """A row a stem, and what the work cost."""
    mixture, samplerate = song.inputs["mixture"], song.inputs["samplerate"]
    found = separate(separator(*ENGINES[card]), mixture, samplerate)
    for stem, true in song.reference.items():
        silent = "" if true.any() else ", which is silent, below the mixture"
        value = round(stem_score(found, song, stem), 2)
        yield {"model": card, "measure": f"{title}, {stem}{silent}", "mean": value}
    cost = round(found.work / (mixture.shape[1] / samplerate), 3)
    yield {"model": card, "measure": f"{title}, seconds of one core a second", "mean": cost}
