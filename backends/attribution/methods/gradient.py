"""Gradient × input with SmoothGrad (Smilkov et al. 2017): x · ∂f/∂x, the mean over slightly noisy inputs.

Of a score that is linear in the input, x · ∂f/∂x is exactly what each element adds to it.
"""

from __future__ import annotations

import torch
from captum.attr import InputXGradient, NoiseTunnel
from torch import Tensor

from backends.attribution.costs import BACKWARD, NOISY
from backends.attribution.types import Attribution, Network, Subject, Unsupported

NOISE = 0.05
"""Standard deviation of the noise, in that of the input."""


def attribute(subject: Subject, seed: int = 0) -> Attribution:
    """The sum over each cell of x · ∂f/∂x, in units of the score."""
    network = subject.network
    if network is None or network.arrange is None or subject.cells is None:
        raise Unsupported("This model has no gradients by its input.")
    scored = Differentiable(subject, network)
    torch.manual_seed(seed)
    with torch.enable_grad():
        found = NoiseTunnel(InputXGradient(scored)).attribute(
            network.inputs.detach().clone().requires_grad_(True),
            nt_type="smoothgrad",
            nt_samples=NOISY,
            nt_samples_batch_size=1,
            stdevs=NOISE * float(network.inputs.detach().std()),
        )
    values = network.arrange(found.detach().cpu())
    return subject.attribution(values, subject.cells.axes, "gradient", plain_score(subject, network))


class Differentiable:
    """From inputs `(1, ...)` to the score `(1,)` with a graph behind it; each call counts as one pass both ways."""

    def __init__(self, subject: Subject, network: Network) -> None:
        self._subject, self._network = subject, network

    def __call__(self, inputs: Tensor) -> Tensor:
        self._subject.meter.add(BACKWARD)
        return self._network.score(self._network.forward(self._network.module, inputs))


def plain_score(subject: Subject, network: Network) -> float:
    """The score of the input as it is."""
    with torch.no_grad():
        subject.meter.add(1)
        return float(network.score(network.forward(network.module, network.inputs.detach()))[0])
