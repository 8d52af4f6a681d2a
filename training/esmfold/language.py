"""What the proteins starter learns: a language model reads sequences and tells their secondary structure.

From a chain with some residues hidden and some put in place by like ones it tells helix, strand and loop, the hidden
residues, and the shape of the Cα trace; the last two are there to teach it, and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.folding.engines.secondary_head import read_layers
from backends.folding.residues import ALPHAFOLD_ORDER, ESM_TOKENS
from backends.folding.structure.geometry import angle, dihedral
from evaluation.datasets.protein_chains import CHECK, TRAIN, Chains
from training.arithmetic import quick_arithmetic
from training.esmfold.networks import CONFIG, LanguageHeads, make_esm, make_head
from training.loop import Recipe, optimizer, weights_swapped_in

LANGUAGE = "language"
PEAK, DECAY, EMA_DECAY, LOG_EVERY = 2e-3, 0.05, 0.995, 25
"""As in the second stage: the highest learning rate, decay of weights, what stays of their running mean at a step."""
RESIDUES = 1800
"""In a batch."""
HIDDEN, SWAPPED = 0.1, 0.08
"""Shares of the residues that are hidden, and that are put in place by a like one."""
ALIKE = ("AST", "DENQ", "KRQ", "ILMV", "FYWH", "NSG", "CA", "PA")
"""Residues that proteins exchange for each other most readily."""
NEIGHBOURS, SPREAD = 10.0, 6.0
"""Å within which another Cα makes a residue buried; how many of them count as one."""

_SWAP = np.stack([
    np.resize(
        [ALPHAFOLD_ORDER.index(other) for group in ALIKE if letter in group for other in group if other != letter], 12
    )
    for letter in ALPHAFOLD_ORDER
])  # fmt: skip


@dataclass
class LanguageBatch:
    """Chains as they are (`residues`, 0 beyond their ends), as they are shown, and what is to be told of them."""

    residues: Tensor
    mask: Tensor
    shown: Tensor
    hidden: Tensor
    states: Tensor
    shape: Tensor


def shapes(trace: np.ndarray) -> np.ndarray:
    """(L, 4) of a Cα trace (L, 3): cos, sin of the dihedral and cos of the angle about it, and how buried; NaN if not
    known."""
    found = np.full((len(trace), 4), np.nan, np.float32)
    if len(trace) > 3:
        a, b, c, d = (trace[i : len(trace) - 3 + i].astype(float) for i in range(4))
        turn = np.deg2rad(dihedral(a, b, c, d))
        found[1:-2, 0], found[1:-2, 1] = np.cos(turn), np.sin(turn)
        bend = np.deg2rad(angle(trace[:-2].astype(float), trace[1:-1].astype(float), trace[2:].astype(float)))
        found[1:-1, 2] = np.cos(bend)
    near = (np.linalg.norm(trace[:, None] - trace[None], axis=-1) < NEIGHBOURS).sum(1)
    found[:, 3] = (near - 15) / SPREAD
    return found


class Language(Recipe):
    """The language model, its secondary-structure head, and heads that are only there to teach it."""

    ema_decay, log_every, check_every = EMA_DECAY, LOG_EVERY, 150

    def __init__(self, chains: Chains) -> None:
        self.chains = chains
        self.network = nn.ModuleDict({"esm": make_esm(), "head": make_head(), "extra": LanguageHeads()})
        self.shapes = np.concatenate([shapes(chains.atoms[chains.rows(i), 1]) for i in range(len(chains))])

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, PEAK, DECAY, betas=(0.9, 0.98), fused=True)]

    def batches(self, step: int, steps: int) -> Iterator[LanguageBatch]:
        """Without end; of large clusters of like chains only some are taken each time round."""
        chains, rng = self.chains, np.random.default_rng(step)
        while True:
            for group in by_length(chains, picked(chains, rng), RESIDUES, rng):
                yield self._batch(group, rng)

    def _batch(self, group: np.ndarray, rng: np.random.Generator) -> LanguageBatch:
        batch = self._plain(group)
        chance = torch.from_numpy(rng.random(batch.residues.shape))
        inside = batch.mask.bool()
        batch.hidden = (chance < HIDDEN) & inside
        swapped = (chance > 1 - SWAPPED) & inside & (batch.residues < len(ALPHAFOLD_ORDER))
        other = torch.from_numpy(_SWAP[batch.residues.clamp(max=19), rng.integers(12, size=batch.residues.shape)])
        batch.shown = torch.where(swapped, other, batch.residues)
        return batch

    def _plain(self, group: np.ndarray) -> LanguageBatch:
        chains = self.chains
        longest = int(chains.lengths[group].max())
        residues, states = np.zeros((2, len(group), longest), np.int64)
        states -= 1
        mask, shape = np.zeros((len(group), longest), np.int64), np.full((len(group), longest, 4), np.nan, np.float32)
        for row, chain in enumerate(group):
            rows, length = chains.rows(chain), chains.lengths[chain]
            residues[row, :length], states[row, :length] = chains.residues[rows], chains.states[rows]
            mask[row, :length], shape[row, :length] = 1, self.shapes[rows]
        made = [torch.from_numpy(part) for part in (residues, mask, states, shape)]
        return LanguageBatch(made[0], made[1], made[0], torch.zeros_like(made[1], dtype=torch.bool), *made[2:])

    def loss(self, batch: LanguageBatch) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self._terms(batch)
        return torch.stack(list(terms.values())).sum(), terms

    def _terms(self, batch: LanguageBatch) -> dict[str, Tensor]:
        modules = self.network
        with quick_arithmetic():
            layers = read_layers(modules["esm"], tokens_of(batch.shown, batch.mask, batch.hidden))
            told = modules["head"](layers, batch.mask).float()
            guessed, shape = (part.float() for part in modules["extra"](layers[:, :, -1]))
        known = batch.shape.isfinite()
        asked = (batch.hidden | (batch.shown != batch.residues)) & (batch.residues < len(ALPHAFOLD_ORDER))
        return {
            "states": F.cross_entropy(
                told.flatten(0, 1), batch.states.flatten(), ignore_index=-1, label_smoothing=0.05
            ),
            "residues": 0.3 * F.cross_entropy(guessed[asked], batch.residues[asked]),
            "shape": 0.3 * F.smooth_l1_loss(shape[known], batch.shape[known]),
        }

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        with weights_swapped_in(self.network, weights):
            return self.q3()

    @torch.inference_mode()
    def q3(self, part: int = CHECK) -> dict[str, float]:
        """Q3: the fraction of residues whose state is predicted right, on held-out chains."""
        right = asked = 0
        for group in by_length(self.chains, self.chains.of(part), 4 * RESIDUES):
            batch = self._plain(group)
            tokens = tokens_of(batch.residues, batch.mask, batch.hidden)
            told = self.network["head"](read_layers(self.network["esm"], tokens), batch.mask)
            known = batch.states >= 0
            right += int((told.argmax(-1) == batch.states)[known].sum())
            asked += int(known.sum())
        return {"q3": right / max(asked, 1)}


def tokens_of(residues: Tensor, mask: Tensor, hidden: Tensor) -> Tensor:
    """`(B, L + 2)` tokens of residues `(B, L)` between the marks of beginning and end; `hidden` ones are not told."""
    names = [*ALPHAFOLD_ORDER, "X"]
    tokens = torch.tensor([ESM_TOKENS.index(name) for name in names])[residues]
    tokens = tokens.masked_fill(hidden, ESM_TOKENS.index("<mask>"))
    tokens = F.pad(tokens.masked_fill(mask == 0, CONFIG["pad_token_id"]), (1, 1), value=CONFIG["pad_token_id"])
    tokens[:, 0] = ESM_TOKENS.index("<cls>")
    tokens[torch.arange(len(tokens)), mask.sum(1) + 1] = ESM_TOKENS.index("<eos>")
    return tokens


def picked(chains: Chains, rng: np.random.Generator, among: np.ndarray | None = None) -> np.ndarray:
    """Chains to train on this time round: of a cluster of n like ones about √n."""
    rows = chains.of(TRAIN) if among is None else among
    clusters = chains.cluster[rows]
    names, counts = np.unique(clusters, return_counts=True)
    size = np.where(clusters < 0, 1, counts[np.searchsorted(names, clusters)])
    return rows[rng.random(len(rows)) < size**-0.5]


def by_length(
    chains: Chains, rows: np.ndarray, residues: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """`rows` in groups of about so many residues and of like length, in random order with `rng`."""
    lengths = chains.lengths[rows] * (1 if rng is None else 1 + 0.1 * rng.random(len(rows)))
    order = rows[np.argsort(lengths, kind="stable")]
    ends = np.cumsum(chains.lengths[order])
    cuts = np.searchsorted(ends, np.arange(residues, ends[-1] if len(ends) else 0, residues))
    groups = [group for group in np.split(order, cuts) if len(group)]
    for index in np.arange(len(groups)) if rng is None else rng.permutation(len(groups)):
        yield groups[index]
