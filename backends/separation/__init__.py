"""Split a song into stems. One engine a file; `base.py` holds what they share."""

from backends.core.adapting import Material
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
    material=Material(
        engine="demucs",
        what="A Demucs learns to tell the voice from everything else in music like yours.",
        noun="song",
        layout=(
            "One folder a song: a file called vocals, and beside it either mixture, or accompaniment, or what else "
            "there is apart (drums, bass, other)."
        ),
        endings=(".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aif", ".aiff"),
        least=6,
        steps=60,
        by="the dB by which the voice gains SI-SDR over the mixture",
    ),
)
