"""Split a song into stems. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.separation.cards import CARDS

TASK = Task(
    name="separation",
    title="Split a song into stems",
    verb="separate",
    inputs=("song",),
    meanings={
        "stems": "Which stems to take out, such as “vocals” or “bass,drums”; empty for all of them.",
        "overlap": "Demucs: the share of a segment that it shares with the next, from 0 to 0.9; 0.25 if not given.",
        "shifts": "Demucs: how many shifted runs to average, up to 10; 0 for one plain run. Slower, a little better.",
        "seed": "Demucs: a whole number from which the shifts are drawn; the same one repeats a result.",
        "precision": "Demucs: “full”, or “half” to be faster on a GPU.",
    },
    engines={
        "dsp": EngineSpec("backends.separation.dsp.engine:DspEngine"),
        "demucs": EngineSpec("backends.separation.demucs.engine:DemucsEngine"),
    },
    cards=CARDS,
    own={".th": "demucs", ".safetensors": "demucs", "folder": "demucs"},
)
