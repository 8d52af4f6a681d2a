"""What the folding engines share with their callers: one model of a protein, and the finished result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from backends.core.engine import Result

if TYPE_CHECKING:
    from backends.folding.structure.confidence import Confidence
    from backends.folding.structure.structure import Structure


@dataclass(frozen=True)
class Step:
    """The structure as it stands on the way, after `number` of `total` rounds (recycles, or phases of a descent)."""

    structure: Structure
    confidence: Confidence
    number: int
    total: int


@dataclass(frozen=True)
class Model:
    """What an engine found: a structure, how sure it is of it, and what it can show of the way there.

    `extras` maps a name to an array, each kept as one artifact of that kind: "contacts" `(L, L)` probabilities that
    two Cβ lie within 8 Å, "distogram" `(L, L, bins)` probabilities, "attention" `(layers, heads, L, L)`,
    "mutations" `(L, 20)` scores. `meta` says more about an array, such as its axes, and travels with the artifact.
    `others` are further models of the same protein, best first.
    """

    structure: Structure
    confidence: Confidence
    extras: Mapping[str, np.ndarray] = field(default_factory=dict)
    meta: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    method: str = ""
    others: tuple[tuple[Structure, Confidence], ...] = ()


@dataclass(frozen=True)
class Folding(Result):
    """A finished structure.

    `artifacts` holds two of kind "structure" (`model.pdb`, `model.cif`), one "confidence" and one "sanity" (JSON),
    one a name of `Model.extras` (NPZ with the array under that name), and one "ranked" for each other model. `plddt`
    is the mean, 0 to 100; it, `ptm` and `iptm` are None where the engine gives none. `sanity` is the verdict of the
    geometry check, "good", "doubtful" or "broken", and may well contradict them.
    """

    sequence: str = ""
    chains: tuple[str, ...] = ()
    length: int = 0
    plddt: float | None = None
    ptm: float | None = None
    iptm: float | None = None
    sanity: str = ""
    sanity_sentence: str = ""
    method: str = ""
