"""Heads: what turns features of a few pictures and words into a classifier. Pure numpy, refitted in milliseconds."""

from backends.core.errors import BadInput
from backends.fewshot.heads.base import Evidence, Head, Setting
from backends.fewshot.heads.gda import GDA
from backends.fewshot.heads.linear_probe import LinearProbe
from backends.fewshot.heads.nearest import Nearest
from backends.fewshot.heads.proker import ProKeR
from backends.fewshot.heads.tip_adapter import TipAdapter
from backends.fewshot.heads.tip_adapter_f import TipAdapterF
from backends.fewshot.heads.zero_shot import ZeroShot
from backends.fewshot.types import Support

HEADS: dict[str, type[Head]] = {
    head.id: head for head in (ZeroShot, Nearest, GDA, TipAdapter, TipAdapterF, ProKeR, LinearProbe)
}


def head_class(head_id: str) -> type[Head]:
    """The head of this id, refused in words if there is none."""
    if head_id not in HEADS:
        raise BadInput(f"There is no head called “{head_id}”; there are {', '.join(HEADS)}.")
    return HEADS[head_id]


def usual(support: Support) -> str:
    """The id of the head that suits what is there.

    Words only: words alone. Pictures only: Gaussian classes, or the nearest average while no class has two pictures.
    Both: words corrected by pictures, or Tip-Adapter with the paper's settings while no class has two pictures.
    """
    repeated = len(support.labels) > 0 and support.counts.max() >= 2
    if not support.worded.any():
        return GDA.id if repeated else Nearest.id
    if not len(support.labels):
        return ZeroShot.id
    return ProKeR.id if repeated else TipAdapter.id


__all__ = ["HEADS", "Evidence", "Head", "Setting", "head_class", "usual"]
