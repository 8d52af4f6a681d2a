"""Why a stem holds what it holds: a song as places in time and frequency, and as the parts that it is made of."""

from backends.attribution.baselines import SOUND
from backends.attribution.costs import BACKWARD
from backends.attribution.offer import Explainable, Offer
from backends.attribution.probe import Probe
from backends.attribution.types import Size

SOURCES = 4
"""Of the usual network."""


def _size(detail: int) -> Size:
    return Size((detail, detail), (1, 1), (1, 1), SOURCES)


GRADIENT_FREE = frozenset({"cells", "players"})

EXPLAINABLE = Explainable(
    subject="backends.separation.explanation.subject:make_subject",
    offers={
        "demucs": Offer(
            GRADIENT_FREE | {"gradient"},
            "coarse_to_fine",
            _size,
            {
                "integrated": "The network divides a song by its own loudness, so that on the way from silence to the "
                "song nothing changes but the level: this method would add nothing to “gradient × input”.",
            },
            SOUND,
        ),
        "dsp": Offer(GRADIENT_FREE, "coarse_to_fine", _size, baselines=SOUND),
        "spleeter": Offer(GRADIENT_FREE, "coarse_to_fine", _size, baselines=SOUND),
    },
    targets="the name of a stem",
    probes=(
        Probe(
            "branches",
            "Which half heard it?",
            "how near the stem is to what the waveform branch, and the spectrogram branch, give alone",
            ("demucs",),
            "backends.separation.explanation.probes:branches",
        ),
        Probe(
            "reach",
            "How far does it listen?",
            "the share of the gradient's energy within so many seconds of the stretch",
            ("demucs",),
            "backends.separation.explanation.probes:reach",
            BACKWARD,
        ),
        Probe(
            "attention_maps",
            "What does its attention join?",
            "attention from time to time, layer by layer and head by head; it shows where numbers flow, not why",
            ("demucs",),
            "backends.separation.explanation.probes:attention",
        ),
        Probe(
            "attention_bands",
            "Which pitches does its attention read?",
            "attention from time to bands of frequency, layer by layer and head by head, where layers look at the "
            "spectrogram",
            ("demucs",),
            "backends.separation.explanation.probes:attention_bands",
        ),
    ),
)
