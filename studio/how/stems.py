"""Sound out of the visitor's own separations, for the exhibits."""

from __future__ import annotations

import numpy as np
import soundfile

from backends.core.errors import BadInput
from studio import services
from studio.library.library import Run
from studio.songs.excerpt import GAIN

SECONDS = 60.0
"""How much of a song is read."""


def names(run: Run) -> tuple[str, ...]:
    """The stems that are there, in the order of the run."""
    kept = dict.fromkeys(item.name for item in services.library().artifacts(run.id, "segment"))
    order = [name for name in run.facts.get("stems", ()) if name in kept]
    return tuple(dict.fromkeys([*order, *(name for name in kept if name != "mix")]))


def first_minute(run: Run, name: str) -> tuple[np.ndarray, int]:
    """The first minute of a stem in mono `(T,)`, and its rate in Hz. Raises BadInput where it is gone."""
    library, parts, rate, seconds = services.library(), [], 0, 0.0
    items = [item for item in library.artifacts(run.id, "segment") if item.name == name]
    if not items:
        raise BadInput("The sound of this song is not in the library any more.")
    for item in sorted(items, key=lambda one: one.index):
        sound, rate = soundfile.read(library.local(run.id, item), dtype="float32", always_2d=True)
        parts.append(sound.mean(axis=1) / GAIN)
        seconds += len(sound) / rate
        if seconds >= SECONDS:
            break
    return np.concatenate(parts)[: round(SECONDS * rate)], rate
