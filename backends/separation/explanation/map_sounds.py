"""A map over time and frequency as sound: the mixture through the map, and what is left, at one level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from backends.attribution.types import Attribution
from backends.core.events import Artifact
from backends.separation.explanation.passage import Passage

MAX_GAIN_DB = 30.0
"""A sound that is quieter than the mixture by more than this stays quieter: it is as good as nothing."""

PEAK = 0.98


def write_sounds(passage: Passage, attribution: Attribution, out: Path) -> tuple[Artifact, ...]:
    """Write `heard.wav` and `rest.wav`, and the passage itself; nothing for a map over other axes.

    Each cell is let through in proportion to its positive value, the square root so that what is half as strong is
    still heard; the rest is everything else. `gain_db` says by how much each was raised.
    """
    if attribution.axes[0].name != "time" or attribution.values.shape != (passage.detail, passage.detail):
        return ()
    share = np.sqrt(np.clip(attribution.values, 0, None) / max(float(attribution.values.max()), 1e-12))
    sounds = {"mixture": passage.samples, "heard": passage.filtered(share), "rest": passage.filtered(1 - share)}
    own = float(np.sqrt(np.mean(passage.samples**2)))
    artifacts = []
    for name, samples in sounds.items():
        level = max(float(np.sqrt(np.mean(samples**2))), 1e-9)
        gain = min(own / level, 10 ** (MAX_GAIN_DB / 20), PEAK / max(float(np.abs(samples).max()), 1e-9))
        gain = 1.0 if name == "mixture" else gain
        path = out / f"{name}.wav"
        soundfile.write(path, (gain * samples).T, passage.samplerate, subtype="FLOAT")
        meta = {"start": passage.start, "seconds": passage.seconds, "gain_db": round(20 * float(np.log10(gain)), 2)}
        artifacts.append(Artifact("sound", name, path, meta))
    return tuple(artifacts)
