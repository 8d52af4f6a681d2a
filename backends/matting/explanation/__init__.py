"""Why a spot belongs to the person: a frame as cells that can be painted out."""

from backends.attribution.baselines import FRAME
from backends.attribution.costs import windows
from backends.attribution.offer import Explainable, Offer
from backends.attribution.probe import Probe
from backends.attribution.types import Size

TILES = (2, 3)
"""Rows and columns of the tiles whose Shapley values are exact."""


def cells_of(detail: int, height: int = 9, width: int = 16) -> tuple[int, int]:
    """Rows and columns of nearly square cells: `detail` along the shorter side.

    >>> cells_of(8), cells_of(8, 640, 480)
    ((8, 14), (11, 8))
    """
    short = min(height, width)
    return round(detail * height / short), round(detail * width / short)


def _size(detail: int) -> Size:
    return Size(cells_of(detail), (2, 2), (1, 1), TILES[0] * TILES[1])


BY_COVERING = frozenset({"cells", "players"})
COVERED = ("modnet", "onnx", "lite", "lite_edge", "classical")

EXPLAINABLE = Explainable(
    subject="backends.matting.explanation.subject:make_subject",
    offers={
        "modnet": Offer(BY_COVERING | {"gradient"}, "occlusion", _size, baselines=FRAME),
        "onnx": Offer(BY_COVERING, "occlusion", _size, baselines=FRAME),
        "lite": Offer(BY_COVERING, "occlusion", _size, baselines=FRAME),
        "lite_edge": Offer(BY_COVERING, "occlusion", _size, baselines=FRAME),
        "classical": Offer(BY_COVERING, "occlusion", _size, baselines=FRAME),
    },
    targets="“person”, or “background”",
    probes=(
        Probe(
            "branches",
            "Which branch made this edge?",
            "where people are (semantics), the edges (detail), and the matte that is made of both",
            ("modnet",),
            "backends.matting.explanation.probes:branches",
        ),
        Probe(
            "elsewhere",
            "Would it hold elsewhere?",
            "how far the matte changes when the person is pasted on six other backgrounds",
            COVERED,
            "backends.matting.explanation.probes:elsewhere",
            7,
        ),
        Probe(
            "steady",
            "Is the reason the same along the clip?",
            "how alike the maps of a few moments are, by rank correlation",
            COVERED,
            "backends.matting.explanation.probes:steady",
            4 * windows(Size(cells_of(4), (2, 2), (1, 1))),
        ),
    ),
)
