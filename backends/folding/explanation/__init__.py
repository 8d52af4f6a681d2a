"""Why two residues are thought to touch, and why a model is unsure: a chain as residues that can be hidden."""

from backends.attribution.baselines import RESIDUE
from backends.attribution.offer import Explainable, Offer
from backends.attribution.probe import Probe
from backends.attribution.types import Size

USUAL_LENGTH = 64
SEGMENTS = 6
"""Stretches of the chain whose Shapley values are exact."""


def window_of(length: int, detail: int = 8) -> tuple[int, int]:
    """How many residues are hidden at once, and how far the window moves, so that `detail`² places are enough.

    >>> window_of(64), window_of(120), window_of(12)
    ((1, 1), (3, 2), (1, 1))
    """
    stride = max(1, -(-length // (detail * detail)))
    return (2 * stride - 1, stride)


def _size(detail: int) -> Size:
    window, stride = window_of(USUAL_LENGTH, detail)
    return Size((USUAL_LENGTH,), (window,), (stride,), SEGMENTS)


BY_HIDING = frozenset({"cells", "players"})
LANGUAGE = (
    "The language model under the fold runs without gradients, so its attention cannot be weighed by them; ask for the "
    "rollout, which needs none."
)

EXPLAINABLE = Explainable(
    subject="backends.folding.explanation.subject:make_subject",
    offers={
        "esmfold": Offer(BY_HIDING | {"gradient", "attention"}, "gradient", _size, {"attention": LANGUAGE}, RESIDUE),
        "alphafold2": Offer(BY_HIDING, "occlusion", _size),
        "esmfold2": Offer(BY_HIDING, "occlusion", _size),
        "coevolution": Offer(BY_HIDING, "occlusion", _size),
    },
    targets="two residues such as “12,40”, or “plddt”",
    probes=(
        Probe(
            "heads",
            "Which head holds the contacts?",
            "how many of each attention head's strongest pairs are contacts that the model believes in",
            ("esmfold",),
            "backends.folding.explanation.probes:heads",
        ),
        Probe(
            "influence",
            "Which residues hang together?",
            "how far hiding one residue moves what the language model thinks of every other",
            ("esmfold",),
            "backends.folding.explanation.probes:influence",
            USUAL_LENGTH,
        ),
        Probe(
            "jacobian",
            "Which residues hang together, by every exchange?",
            "how far exchanging one residue for each of the twenty moves what the language model thinks of every other",
            ("esmfold",),
            "backends.folding.explanation.probes:jacobian",
            20 * USUAL_LENGTH,
        ),
        Probe(
            "film",
            "When did it become sure?",
            "contacts, entropy and confidence after each block and each recycle, as if it had stopped there",
            ("esmfold",),
            "backends.folding.explanation.probes:film",
            4,
        ),
        Probe(
            "broken",
            "Would a broken sequence fool it?",
            "how much of its fold and its confidence stays when residues are exchanged by chance",
            ("esmfold", "alphafold2", "esmfold2"),
            "backends.folding.explanation.probes:broken",
            6,
        ),
    ),
)
