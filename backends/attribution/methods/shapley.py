"""Shapley values (Shapley 1953) of a few parts with names: what each adds to the score, over all orders of adding them.

They sum to the score of the whole input less that of nothing. Exact for up to EXACT parts, where all 2ⁿ combinations
are asked for once; by random orders above.
"""

from __future__ import annotations

import torch
from captum.attr import ShapleyValues, ShapleyValueSampling

from backends.attribution.coalitions import Coalitions
from backends.attribution.costs import EXACT, ORDERS
from backends.attribution.types import Attribution, Subject, Unsupported


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """Of each part what it adds to the score, in its units; `nothing` is the score without any part."""
    players = subject.players
    if players is None:
        raise Unsupported("This input has no few parts with names.")
    coalitions = Coalitions(subject, players)
    everything = torch.ones(1, *players.shape, dtype=torch.float64)
    torch.manual_seed(seed)
    with torch.no_grad():
        if players.count <= EXACT:
            found = ShapleyValues(coalitions).attribute(everything, baselines=0)
        else:
            found = ShapleyValueSampling(coalitions).attribute(everything, baselines=0, n_samples=ORDERS)
    values, whole, nothing = found[0].numpy(), coalitions.whole, coalitions.nothing
    facts = {"nothing": nothing, "gap": float(values.sum() - (whole - nothing))}
    return subject.attribution(values, players.axes, "shapley", whole, players.baseline, facts=facts)
