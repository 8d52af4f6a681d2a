"""Integrated gradients (Sundararajan et al. 2017): (x − b) · ∫₀¹ ∂f/∂x (b + t (x − b)) dt, from a baseline b.

The sum over all elements is f(x) − f(b); by how much it misses that, as the steps are few, is kept as `gap`.
"""

from __future__ import annotations

import torch
from captum.attr import IntegratedGradients

from backends.attribution.costs import STEPS
from backends.attribution.methods.gradient import Differentiable, plain_score
from backends.attribution.types import Attribution, Subject, Unsupported


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """The sum over each cell, in units of the score."""
    network = subject.network
    if network is None or network.arrange is None or subject.cells is None:
        raise Unsupported("This model has no gradients by its input.")
    if network.baseline is None:
        raise Unsupported("This model has no input that says nothing, from which this method could start.")
    scored = Differentiable(subject, network)
    with torch.enable_grad():
        found, gap = IntegratedGradients(scored).attribute(
            network.inputs.detach(),
            baselines=network.baseline.detach(),
            n_steps=STEPS,
            internal_batch_size=1,
            return_convergence_delta=True,
        )
    values = network.arrange(found.detach().float().cpu())
    score = plain_score(subject, network)
    return subject.attribution(
        values, subject.cells.axes, "integrated", score, network.baseline_name, facts={"gap": float(gap[0])}
    )
