"""Folding by descent: a population of chains is drawn to its restraints, its best disturbed and drawn again.

Torsion angles move, so every chain is of ideal geometry at every step. In one turn half of each island starts from
the other half with its loops reflected: contacts do not tell a fold from its mirror image, right-handed helices do.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TypeVar

import torch

from backends.folding.alignment.profile import LOOP
from backends.folding.coevolution.restraints import FORGIVING, WIDE, Restraints

TURNS, STEPS, FINISHING = 7, 150, 100
ISLANDS, A_ISLAND = 4, 6
REFLECTED = 3
RATE = 0.06
KICK = 0.5
FINISHED = 4
CHUNK = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """The population after `steps` steps: `torsions` (B, L, 3) and `energies` (B,), the best of each so far."""

    steps: int
    turn: int
    torsions: torch.Tensor
    energies: torch.Tensor

    @property
    def order(self) -> torch.Tensor:
        return self.energies.argsort()


def total_steps() -> int:
    return TURNS * STEPS + FINISHING


def search(restraints: Restraints, seed: int = 0) -> Iterator[Found | int]:
    """Yields the steps done every CHUNK of them, and what each turn found; the last holds the FINISHED best."""
    return on_one_thread(_search(restraints, seed))


def on_one_thread(items: Generator[T, None, None]) -> Iterator[T]:
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


def _search(restraints: Restraints, seed: int) -> Generator[Found | int, None, None]:
    generator = torch.Generator().manual_seed(seed)
    start = restraints.start(ISLANDS * A_ISLAND, generator)
    best, energies = start, torch.full((len(start),), torch.inf)
    for turn in range(TURNS):
        for step, moved in _descend(restraints, start, first=turn == 0):
            torsions = moved
            if step % CHUNK == 0:
                yield turn * STEPS + step
        with torch.no_grad():
            reached = restraints.energy(torsions)
        better = reached < energies
        best = torch.where(better[:, None, None], torsions, best)
        energies = torch.where(better, reached, energies)
        yield Found((turn + 1) * STEPS, turn + 1, best, energies)
        if turn and turn < TURNS - 1:
            best, energies = _selected(best, energies)
        start = _disturbed(best, restraints, generator)
        if turn == REFLECTED:
            start = _reflected(start, restraints)
    best = best[energies.argsort()[:FINISHED]]
    for step, moved in _finish(restraints, best):
        best = moved
        if step % CHUNK == 0:
            yield TURNS * STEPS + step
    with torch.no_grad():
        energies = restraints.energy(best) + restraints.clashes(best)
    yield Found(total_steps(), TURNS, best, energies)


def _descend(restraints: Restraints, start: torch.Tensor, first: bool) -> Iterator[tuple[int, torch.Tensor]]:
    """Adam on φ and ψ: contacts from wide to narrow, overlaps from soft to hard, at first from near to far."""
    torsions, optimiser = _movable(start)
    for step in range(STEPS):
        share = step / STEPS
        width = FORGIVING + (WIDE if first else 6.0) * max(0.0, 1 - share / 0.7)
        span = 8 + 2 * share * restraints.length if first else torch.inf
        energy = restraints.energy(torsions, width, min(1.0, 0.05 + share / 0.6), span)
        _step(optimiser, torsions, energy, RATE * min(1.0, max(0.1, (1 - share) / 0.4)))
        yield step + 1, torsions.detach()


def _finish(restraints: Restraints, start: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
    """A last descent in which every backbone atom counts."""
    torsions, optimiser = _movable(start)
    for step in range(FINISHING):
        energy = restraints.energy(torsions) + restraints.clashes(torsions)
        _step(optimiser, torsions, energy, 0.3 * RATE * (1 - step / FINISHING))
        yield step + 1, torsions.detach()


def _movable(start: torch.Tensor) -> tuple[torch.Tensor, torch.optim.Adam]:
    torsions = start.clone().requires_grad_(True)
    return torsions, torch.optim.Adam([torsions], lr=RATE, betas=(0.9, 0.98))


def _step(optimiser: torch.optim.Adam, torsions: torch.Tensor, energy: torch.Tensor, rate: float) -> None:
    optimiser.zero_grad()
    energy.sum().backward()
    assert torsions.grad is not None
    torsions.grad[:, :, 2] = 0  # peptide bonds stay flat
    optimiser.param_groups[0]["lr"] = rate
    optimiser.step()


def _selected(best: torch.Tensor, energies: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """On each island the better half takes the place of the worse."""
    half = A_ISLAND // 2
    order = energies.reshape(ISLANDS, A_ISLAND).argsort(1) + A_ISLAND * torch.arange(ISLANDS)[:, None]
    better, worse = order[:, :half].flatten(), order[:, -half:].flatten()
    best, energies = best.clone(), energies.clone()
    best[worse], energies[worse] = best[better], energies[better]
    return best, energies


def _disturbed(best: torch.Tensor, restraints: Restraints, generator: torch.Generator) -> torch.Tensor:
    """Each chain kicked about one place in it, its loops most."""
    count, length = best.shape[:2]
    centre = torch.rand(count, 1, generator=generator) * length
    width = 4 + torch.rand(count, 1, generator=generator) * length / 3
    near = torch.exp(-(((torch.arange(length) - centre) / width) ** 2))  # (B, L)
    soft = 0.05 + 0.95 * restraints.secondary[:, LOOP]
    out = best.clone()
    out[:, :, :2] += KICK * torch.randn(count, length, 2, generator=generator) * (near * soft)[..., None]
    return out


def _reflected(torsions: torch.Tensor, restraints: Restraints) -> torch.Tensor:
    """Every second chain with its loops mirrored."""
    loops = restraints.secondary[:, LOOP] > 0.5
    out = torsions.clone()
    out[1::2, loops, :2] *= -1
    return out
