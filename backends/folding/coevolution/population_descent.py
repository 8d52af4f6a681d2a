"""Folding by descent in torsion space: populations of chains are minimised, perturbed and minimised again.

In every round all chains descend along the gradient of `Restraints.energy` (Adam on φ and ψ, so that every chain has
ideal geometry at every step), the better half of each population replaces the worse, and all are perturbed (basin
hopping; Wales & Doye 1997, J. Phys. Chem. A 101, 5111). Contacts do not distinguish a fold from its mirror image, but
right-handed helices do: in one round every second chain starts with its loops reflected.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch

from backends.folding.alignment.profile import LOOP
from backends.folding.coevolution.restraints import FINAL_WIDTH, INITIAL_WIDTH, Restraints

ROUNDS, STEPS_PER_ROUND, REFINEMENT_STEPS = 7, 150, 100
POPULATIONS, POPULATION_SIZE = 4, 6
REFLECTION_ROUND = 3
LEARNING_RATE = 0.06
PERTURBATION = 0.5
REFINED_CHAINS = 4
REPORT_EVERY = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Population:
    """The population after `steps` steps: `torsions` (B, L, 3) and `energies` (B,), the best of each so far."""

    steps: int
    round_number: int
    torsions: torch.Tensor
    energies: torch.Tensor

    @property
    def order(self) -> torch.Tensor:
        return self.energies.argsort()


def total_steps() -> int:
    return ROUNDS * STEPS_PER_ROUND + REFINEMENT_STEPS


def search(restraints: Restraints, seed: int = 0) -> Iterator[Population | int]:
    """Yields the steps done, every REPORT_EVERY of them, and the population after each round.

    The last population holds the REFINED_CHAINS best chains, refined.
    """
    return single_threaded(_search(restraints, seed))


def single_threaded(items: Generator[T, None, None]) -> Iterator[T]:
    """The same items, each worked out with gradients and on one thread.

    The operations of a descent are so small that sharing them out costs more than it saves. Both settings belong to
    whoever runs this: they are as before whenever an item is handed over, and so too where nobody asks for the next.
    """
    with closing(items):
        while True:
            threads = torch.get_num_threads()
            torch.set_num_threads(1)
            try:
                with torch.enable_grad():
                    item = next(items)
            except StopIteration:
                return
            finally:
                torch.set_num_threads(threads)
            yield item


def _search(restraints: Restraints, seed: int) -> Generator[Population | int, None, None]:
    generator = torch.Generator().manual_seed(seed)
    start = restraints.initial_torsions(POPULATIONS * POPULATION_SIZE, generator)
    best, energies = start, torch.full((len(start),), torch.inf)
    for number in range(ROUNDS):
        for step, moved in _descend(restraints, start, first=number == 0):
            torsions = moved
            if step % REPORT_EVERY == 0:
                yield number * STEPS_PER_ROUND + step
        with torch.no_grad():
            reached = restraints.energy(torsions)
        better = reached < energies
        best = torch.where(better[:, None, None], torsions, best)
        energies = torch.where(better, reached, energies)
        yield Population((number + 1) * STEPS_PER_ROUND, number + 1, best, energies)
        if number and number < ROUNDS - 1:
            best, energies = _select(best, energies)
        start = _perturb(best, restraints, generator)
        if number == REFLECTION_ROUND:
            start = _reflect(start, restraints)
    best = best[energies.argsort()[:REFINED_CHAINS]]
    for step, moved in _refine(restraints, best):
        best = moved
        if step % REPORT_EVERY == 0:
            yield ROUNDS * STEPS_PER_ROUND + step
    with torch.no_grad():
        energies = restraints.energy(best) + restraints.clash_energy(best)
    yield Population(total_steps(), ROUNDS, best, energies)


def _descend(restraints: Restraints, start: torch.Tensor, first: bool) -> Iterator[tuple[int, torch.Tensor]]:
    """Adam on φ and ψ: contacts from wide to narrow, overlaps from soft to hard, at first from near to far."""
    torsions, optimiser = _trainable(start)
    for step in range(STEPS_PER_ROUND):
        share = step / STEPS_PER_ROUND
        width = FINAL_WIDTH + (INITIAL_WIDTH if first else 6.0) * max(0.0, 1 - share / 0.7)
        span = 8 + 2 * share * restraints.length if first else torch.inf
        energy = restraints.energy(torsions, width, min(1.0, 0.05 + share / 0.6), span)
        _step(optimiser, torsions, energy, LEARNING_RATE * min(1.0, max(0.1, (1 - share) / 0.4)))
        yield step + 1, torsions.detach()


def _refine(restraints: Restraints, start: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """A last descent in which every backbone atom counts."""
    torsions, optimiser = _trainable(start)
    for step in range(REFINEMENT_STEPS):
        energy = restraints.energy(torsions) + restraints.clash_energy(torsions)
        _step(optimiser, torsions, energy, 0.3 * LEARNING_RATE * (1 - step / REFINEMENT_STEPS))
        yield step + 1, torsions.detach()


def _trainable(start: torch.Tensor) -> tuple[torch.Tensor, torch.optim.Adam]:
    torsions = start.clone().requires_grad_(True)
    return torsions, torch.optim.Adam([torsions], lr=LEARNING_RATE, betas=(0.9, 0.98))


def _step(optimiser: torch.optim.Adam, torsions: torch.Tensor, energy: torch.Tensor, rate: float) -> None:
    optimiser.zero_grad()
    energy.sum().backward()
    assert torsions.grad is not None
    torsions.grad[:, :, 2] = 0  # peptide bonds stay flat
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()


def _select(best: torch.Tensor, energies: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """In each population the better half takes the place of the worse."""
    half = POPULATION_SIZE // 2
    order = (
        energies.reshape(POPULATIONS, POPULATION_SIZE).argsort(1) + POPULATION_SIZE * torch.arange(POPULATIONS)[:, None]
    )
    better, worse = order[:, :half].flatten(), order[:, -half:].flatten()
    best, energies = best.clone(), energies.clone()
    best[worse], energies[worse] = best[better], energies[better]
    return best, energies


def _perturb(best: torch.Tensor, restraints: Restraints, generator: torch.Generator) -> torch.Tensor:
    """Each chain with noise on φ and ψ around one random residue, most of it in loops."""
    count, length = best.shape[:2]
    centre = torch.rand(count, 1, generator=generator) * length
    width = 4 + torch.rand(count, 1, generator=generator) * length / 3
    near = torch.exp(-(((torch.arange(length) - centre) / width) ** 2))  # (B, L)
    soft = 0.05 + 0.95 * restraints.secondary[:, LOOP]
    out = best.clone()
    out[:, :, :2] += PERTURBATION * torch.randn(count, length, 2, generator=generator) * (near * soft)[..., None]
    return out


def _reflect(torsions: torch.Tensor, restraints: Restraints) -> torch.Tensor:
    """Every second chain with its loops mirrored."""
    loops = restraints.secondary[:, LOOP] > 0.5
    out = torsions.clone()
    out[1::2, loops, :2] *= -1
    return out
