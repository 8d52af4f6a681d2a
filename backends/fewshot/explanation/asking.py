"""What can be asked of the pictures' engines, known before any is loaded."""

from __future__ import annotations

from backends.attribution.baselines import PICTURE
from backends.attribution.offer import Explainable, Offer
from backends.attribution.probe import Probe
from backends.attribution.types import Size

USUAL_EXAMPLES = 10
BOTH_EVALUATIONS = 1 + 6 + 4 * 4
"""For a sentence of six words, and four times four patches."""


def _size(detail: int) -> Size:
    return Size((detail, detail), (2, 2), (1, 1), USUAL_EXAMPLES)


BY_COVERING = frozenset({"cells", "players"})

EXPLAINABLE = Explainable(
    subject="backends.fewshot.explanation.subject:make_subject",
    offers={
        # Which of both a CLIP has depends on its image tower: a transformer or a convolutional network.
        "clip": Offer(BY_COVERING | {"gradient", "maps", "attention"}, "occlusion", _size, baselines=PICTURE),
        "efficientnet": Offer(BY_COVERING | {"gradient", "maps"}, "occlusion", _size, baselines=PICTURE),
        "prototypes": Offer(BY_COVERING, "occlusion", _size, baselines=PICTURE),
        "flamingo": Offer(BY_COVERING, "occlusion", _size, baselines=PICTURE),
    },
    targets="a class of the examples",
    optional=("support", "classes"),
    probes=(
        Probe(
            "gates",
            "How far does it let pictures in?",
            "the strength of each gate through which pictures reach the words",
            ("flamingo",),
            "backends.fewshot.explanation.probes:gates",
        ),
        Probe(
            "looked",
            "Did it look, or guess?",
            "its answer with the picture, with a black one, and with a wrong one",
            ("flamingo",),
            "backends.fewshot.explanation.probes:look_or_guess",
            3,
        ),
        Probe(
            "words",
            "Where does each word look?",
            "from each word through the gates and latents to the patches of the picture; what is read, not why",
            ("flamingo",),
            "backends.fewshot.explanation.gaze:words",
            2,
        ),
        Probe(
            "latents",
            "What does it keep of the picture?",
            "which patches each latent of the resampler gathers, and how much the answer reads from it",
            ("flamingo",),
            "backends.fewshot.explanation.gaze:latents",
            2,
        ),
        Probe(
            "both",
            "Words or picture: what counts more?",
            "how far one score falls without each word, and with each patch of the picture covered",
            ("flamingo", "clip"),
            "backends.fewshot.explanation.common_scale:words_and_patches",
            BOTH_EVALUATIONS,
        ),
    ),
)
