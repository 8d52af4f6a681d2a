"""Split a song into stems. One engine a file; `base.py` holds what they share."""

from backends.core.task import Task
from backends.separation.cards import CARDS, ENGINES
from backends.separation.formats import ALL_SUFFIXES

TASK = Task(
    name="separation",
    title="Split a song into stems",
    verb="separate",
    inputs=("song",),
    engines=ENGINES,
    cards=CARDS,
    suffixes=ALL_SUFFIXES,
    explainable="backends.separation.explanation:EXPLAINABLE",
    own={".th": "demucs", ".safetensors": "demucs", "folder": "demucs"},
)
