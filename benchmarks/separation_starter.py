"""The starter of songs beside the built-in separator: singers kept apart, the sample song, a recorded band, and speed.

MIR-1K as in `benchmarks/separation_quality.py`: 60 clips of the four singers that nothing was trained or tuned on, as
one track at
16 kHz. The interval is over singers and their clips. Of the sample song and of the recorded band, which nobody sings
to, the true stems are known; they are one song each, so there is no interval. All figures of sound are the dB by which
SI-SDR grows over the untouched mixture; where a stem is silent, the dB by which it is below the mixture.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

from backends.core.engine import Result
from backends.separation.types import Separation
from benchmarks.separation_quality import choose, interval, load_engine, score
from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from evaluation.synthetic.song import STEMS, make_song

MIR1K, BAND = "audio/mir1k", "audio/mdn_multitrack"
ENGINES = {"htdemucs-starter": ("demucs", "htdemucs-starter"), "dsp": ("dsp", "dsp")}
"""By card: engine and weights."""

STARTER, YARDSTICK = ENGINES
TRACKS = {"drums": ("drums",), "bass": ("bassguitar",), "other": ("clav", "horns", "leadguitar")}
BAND_SECONDS, BAND_START = 40, 20


def measure(data: Path) -> Iterator[dict[str, Any]]:
    torch.set_num_threads(1)  # several would wait for each other, and waiting counts as work
    yield from _singers(choose(data / MIR1K, "held-out"))
    sample = make_song()
    songs = {"sample song": (sample.stems, sample.samplerate), "recorded band": _band(data / BAND)}
    for title, (stems, rate) in songs.items():
        for name in ENGINES:
            yield from _stems(name, title, stems, rate)


def _singers(clips: list[Path]) -> Iterator[dict[str, Any]]:
    scores = {name: [score(*engine, clip) for clip in clips] for name, engine in ENGINES.items()}
    singers = np.array([one.singer for one in scores[STARTER]])
    for stem in ("vocals", "accompaniment"):
        gains = {name: np.array([getattr(one, stem) for one in found]) for name, found in scores.items()}
        for name, values in gains.items():
            yield _told(name, f"MIR-1K, {stem}", values, singers)
        yield _told(STARTER, f"MIR-1K, {stem}, more than {YARDSTICK}", gains[STARTER] - gains[YARDSTICK], singers)


def _told(model: str, what: str, values: np.ndarray, singers: np.ndarray) -> dict[str, Any]:
    low, high = interval(values, singers)
    bounds = [round(low, 2), round(high, 2)]
    each = {name: round(float(values[singers == name].mean()), 2) for name in np.unique(singers)}
    mean, worst = round(float(values.mean()), 2), round(float(values.min()), 2)
    return {"model": model, "measure": what, "mean": mean, "interval": bounds, "worst": worst, "singers": each}


def _band(folder: Path) -> tuple[dict[str, np.ndarray], int]:
    """`(2, T)` stems of a song that is played by people; there is no voice."""
    read = {path.stem: soundfile.read(path, dtype="float32", always_2d=True) for path in folder.glob("*.mp3")}
    rate = next(iter(read.values()))[1]
    span = slice(BAND_START * rate, (BAND_START + BAND_SECONDS) * rate)
    stems = {name: np.sum([read[part][0][span].T for part in parts], axis=0) for name, parts in TRACKS.items()}
    stems = {name: np.broadcast_to(stem, (2, stem.shape[1])) for name, stem in stems.items()}
    gain = 0.9 / np.abs(np.sum(list(stems.values()), axis=0)).max()
    silence = np.zeros_like(stems["drums"])
    return {name: (gain * stems[name]).astype(np.float32) if name in stems else silence for name in STEMS}, rate


def _stems(name: str, title: str, stems: Mapping[str, np.ndarray], rate: int) -> Iterator[dict[str, Any]]:
    mix = np.sum(list(stems.values()), axis=0)
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        soundfile.write(Path(folder) / "song.wav", mix.T, rate, subtype="FLOAT")
        engine = load_engine(*ENGINES[name])
        began = time.process_time()
        events = engine.run({"song": Path(folder) / "song.wav"}, {}, Path(folder) / "out")
        result = [event for event in events if isinstance(event, Result)][-1]
        took = time.process_time() - began
        assert isinstance(result, Separation)
        found = {stem: soundfile.read(result.stem(stem).path, dtype="float32")[0].T for stem in STEMS}
    for stem, true in stems.items():
        if true.any():
            yield {"model": name, "measure": f"{title}, {stem}", "mean": _gain(found[stem], true, mix)}
        else:
            below = round(float(10 * np.log10(np.mean(mix**2) / (np.mean(found[stem] ** 2) + 1e-12))), 2)
            yield {"model": name, "measure": f"{title}, {stem}, which is silent, below the mixture", "mean": below}
    yield {
        "model": name,
        "measure": f"{title}, seconds of one core a second",
        "mean": round(took / (mix.shape[1] / rate), 3),
    }


def _gain(found: np.ndarray, true: np.ndarray, mix: np.ndarray) -> float:
    return round(si_sdr_improvement(found.T, true.T, mix.T), 2)
