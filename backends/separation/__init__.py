"""Split a song into stems. One engine a file; `base.py` holds what they share."""

from backends.core.task import EngineSpec, Task
from backends.separation.cards import CARDS
from backends.separation.demucs.options import DemucsOptions
from backends.separation.options import SeparationOptions

TASK = Task(
    name="separation",
    title="Split a song into stems",
    verb="separate",
    inputs=("song",),
    engines={
        "dsp": EngineSpec("backends.separation.dsp.engine:DspEngine", SeparationOptions),
        "demucs": EngineSpec("backends.separation.demucs.engine:DemucsEngine", DemucsOptions),
    },
    cards=CARDS,
    own={".th": "demucs", ".safetensors": "demucs", "folder": "demucs"},
)
