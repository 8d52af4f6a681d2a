"""Heads: classifiers over the features of a few images and sentences. Pure numpy, refitted in milliseconds.

>>> import numpy as np
>>> shots = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0], [-0.6, 0.8]])
>>> support = Support(shots, np.array([0, 0, 1, 1]), ("x", "y"))
>>> head = head_class("nearest")().fit(support)
>>> head.scores(np.array([[1.0, 0.0], [0.0, 1.0]])).argmax(axis=1)
array([0, 1])
>>> default_head(support)
'gda'
"""

import numpy as np

from backends.core.errors import BadInput
from backends.fewshot.heads.base import Contributions, Head, Hyperparameter
from backends.fewshot.heads.gda import GDA
from backends.fewshot.heads.linear_probe import LinearProbe
from backends.fewshot.heads.nearest import Nearest
from backends.fewshot.heads.proker import ProKeR
from backends.fewshot.heads.tip_adapter import TipAdapter
from backends.fewshot.heads.tip_adapter_f import TipAdapterF
from backends.fewshot.heads.zero_shot import ZeroShot
from backends.fewshot.types import Support

MAX_RATIO = 2.0
"""Of the largest class to the smallest one, up to which their numbers of shots count as equal."""

HEADS: dict[str, type[Head]] = {
    head.id: head for head in (ZeroShot, Nearest, GDA, TipAdapter, TipAdapterF, ProKeR, LinearProbe)
}


def head_class(head_id: str) -> type[Head]:
    """The head with this id. Raises BadInput if there is none."""
    if head_id not in HEADS:
        raise BadInput(f"There is no head called “{head_id}”; there are {', '.join(HEADS)}.")
    return HEADS[head_id]


def default_head(support: Support) -> str:
    """The id of the head that suits this support set.

    Text only: zero-shot. Unequal numbers of shots: Tip-Adapter, which measured the same with one shot against ten as
    with ten against ten, where ProKeR answers nearly everything with the larger class. Images only: Gaussian classes,
    or the nearest class mean while no class has two images. Both: ProKeR, or Tip-Adapter with the paper's
    hyperparameters while no class has two images.
    """
    has_repeats = len(support.labels) > 0 and support.counts.max() >= 2
    if has_repeats and are_unequal(support.distinct_counts):
        return TipAdapter.id
    if not support.has_text.any():
        return GDA.id if has_repeats else Nearest.id
    if not len(support.labels):
        return ZeroShot.id
    return ProKeR.id if has_repeats else TipAdapter.id


def are_unequal(counts: np.ndarray) -> bool:
    """Whether some class has far fewer shots than another; classes without any do not count.

    >>> are_unequal(np.array([10, 1])), are_unequal(np.array([10, 9, 0]))
    (True, False)
    """
    some = counts[counts > 0]
    return len(some) > 1 and bool(some.max() > MAX_RATIO * some.min())


__all__ = ["HEADS", "Contributions", "Head", "Hyperparameter", "are_unequal", "default_head", "head_class"]
