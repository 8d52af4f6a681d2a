"""How good networks are that make pictures or sounds of which every factor is known.

A judge, a classifier trained on real ones, reads what is made; its own error belongs beside every figure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score
from torch import Tensor, nn

from backends.generation.base import SURELY
from backends.generation.networks.gan import NOISE_SIZE
from evaluation.statistics.intervals import Interval, student

IN_USE = 0.1
"""Nats that a coordinate of a code says, on average, where it is in use."""


def fixed_noise(count: int, seed: int = 5) -> Tensor:
    """Noise for a GAN's generator `(N, 16)`, the same at every checkpoint."""
    return torch.randn(count, NOISE_SIZE, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def readings(judge: nn.Module, made: Tensor) -> tuple[Tensor, Tensor]:
    """What the judge reads `(N, L)`, and how sure it is of the label that it is least sure of `(N,)`."""
    told = [one.softmax(1) for one in judge(made)]
    return torch.stack([one.argmax(1) for one in told], 1), torch.stack([one.amax(1) for one in told], 1).amin(1)


def surely_recognised(judge: nn.Module, made: Tensor) -> Tensor:
    """Whether the judge is sure what each is `(N,)`, and not of its being nothing that it knows."""
    read, sureness = readings(judge, made)
    return (sureness >= SURELY) & (read[:, 0] < judge.heads[0].out_features - 1)  # type: ignore[union-attr, index]


def count_modes(judge: nn.Module, made: Tensor) -> tuple[int, float]:
    """How many combinations of labels are made, and the share that the judge surely recognises."""
    read, _ = readings(judge, made)
    known = surely_recognised(judge, made)
    return len(torch.unique(read[known], dim=0)), float(known.float().mean())


DRAWS, DRAW = 8, 512
"""How often kinds are counted, each time among as many pictures."""


def modes_over_draws(judge: nn.Module, draw: Callable[[int], Tensor], draws: int = DRAWS) -> tuple[Interval, Interval]:
    """How many combinations of labels are made, and the share that is surely recognised, over several draws.

    Args:
        judge: reads them.
        draw: pictures `(DRAW, C, 16, 16)` of a seed.
        draws: how many.
    """
    counted = np.array([count_modes(judge, draw(seed)) for seed in range(draws)], float)  # (draws, 2)
    return student(counted[:, 0]), student(counted[:, 1])


def number(interval: Interval) -> dict[str, float]:
    """An interval as the page reads it."""
    return {
        "value": round(interval.estimate, 5), "low": round(interval.low, 5), "high": round(interval.high, 5),
        "count": interval.count,
    }  # fmt: skip


def plain_noise(real: Tensor, count: int, seed: int) -> Tensor:
    """`(count, …)`: each number normal with its mean and spread in `real` `(N, …)`; what needs no network."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(count, *real.shape[1:], generator=generator)
    return (real.mean(0) + drawn * real.std(0)).clamp(-1, 1)


def nearest(made: Tensor, examples: Tensor) -> NDArray[np.float64]:
    """The root mean square distance of each of `made` `(N, …)` from the nearest of `examples` `(M, …)`, `(N,)`."""
    flat, others = made.flatten(1), examples.flatten(1)
    distances = torch.cdist(flat, others).amin(1) / flat.shape[1] ** 0.5
    return distances.double().numpy()


def variety(made: Tensor, labels: Tensor) -> NDArray[np.float64]:
    """The root mean square distance of each from the next one of the same labels, `(N,)`; 0 where all are the same."""
    distances = []
    for label in torch.unique(labels, dim=0):
        group = made[(labels == label).all(1)].flatten(1)
        if len(group) > 1:
            distances.append((group - group.roll(1, 0)).square().mean(1).sqrt())
    return torch.cat(distances).double().numpy()


def coverage(made: Tensor, real: Tensor, neighbours: int = 5) -> NDArray[np.bool_]:
    """Of each real one, whether a made one is nearer than its fifth neighbour among the real (Naeem et al. 2020).

    Args:
        made, real: features `(N, D)` and `(M, D)`.
        neighbours: k.
    """
    radius = torch.cdist(real, real).kthvalue(neighbours + 1, dim=1).values
    return (torch.cdist(real, made).amin(1) <= radius).numpy()


def information_gap(codes: NDArray[np.float64], factors: Sequence[NDArray[np.float64]], bins: int = 20) -> list[float]:
    """Of each factor, how much more the best coordinate tells of it than the second best, in parts of its entropy.

    (I₁ − I₂) / H, the mutual information gap of Chen et al. 2018, on values in `bins` equally filled bins.

    Args:
        codes: `(N, Z)`.
        factors: values `(N,)` each.
        bins: of a continuous value.
    """
    columns = [_binned(codes[:, k], bins) for k in range(codes.shape[1])]
    gaps = []
    for factor in factors:
        values = _binned(factor, bins)
        told = sorted((mutual_info_score(column, values) for column in columns), reverse=True)
        gaps.append(float((told[0] - told[1]) / mutual_info_score(values, values)))
    return gaps


def principal_components(train: Tensor, size: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """The best linear code of `size` numbers, learned from `train` `(N, …)` by arithmetic alone.

    Returns:
        What gives of examples `(M, …)` their code `(M, size)` and what comes back of it `(M, …)`.
    """
    flat = train.flatten(1)
    centre = flat.mean(0)
    _, vectors = torch.linalg.eigh((flat - centre).T @ (flat - centre))
    basis = vectors[:, -size:].flip(1)  # (D, size), the greatest first

    def there_and_back(x: Tensor) -> tuple[Tensor, Tensor]:
        code = (x.flatten(1) - centre) @ basis
        return code, (centre + code @ basis.T).reshape(x.shape)

    return there_and_back


def _binned(values: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    if len(np.unique(values)) <= bins:
        return np.unique(values, return_inverse=True)[1]
    return np.searchsorted(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]), values)
