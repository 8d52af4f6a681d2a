"""Second stage of the proteins starter: the folding trunk learns on crops, beside what the language model learned.

Backbones teach by frame-aligned errors of their atoms; of a Cα trace the frames are those of three Cα in a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.models.esm.modeling_esmfold import EsmFoldingTrunk

from backends.folding import esm_trunk
from evaluation.folding import compare
from training import protein_losses as losses_of
from training.protein_data import CHECK, RESTYPES, Chains
from training.protein_language import Language, picked
from training.protein_model import RECYCLES, read_layers

CROP, CROPS = 64, 8
"""Residues of a crop, crops in a batch."""
HIDDEN = 0.06
RECYCLED = (0, 0, 0, 0, 1, 1, 2, RECYCLES)
"""How many passes come before the one that is learned from, each as likely."""
CHECKED, LONGEST = 20, 100
"""Chains that are folded at a check, and their longest."""
LEARNED = ("network.esm.", "head.", "extra.")
"""What the first stage has taught."""
BLOCK_WEIGHT, ATOM_WEIGHT, TRACE_WEIGHT = 1.0, 1.0, 0.5


@dataclass
class Crops:
    """Whole chains as the language model reads them, and of each a crop: `starts` `(B,)`, the rest `(B, L, …)`.

    atoms `(B, L, 5, 3)` is 0 where `seen` `(B, L, 5)` says that there is none.
    """

    chains: Any
    starts: Tensor
    residues: Tensor
    mask: Tensor
    hidden: Tensor
    atoms: Tensor
    seen: Tensor


class Fold(Language):
    """The stage after `Language`, whose modules it goes on with."""

    peak, often = 1.5e-3, 400

    def __init__(self, chains: Chains, earlier: dict[str, Tensor] | None = None) -> None:
        super().__init__(chains)
        if earlier is not None:
            learned = {name: value for name, value in earlier.items() if name.startswith(LEARNED)}
            self.modules.load_state_dict(self.modules.state_dict() | learned)
        self.modules["sheets"] = nn.Linear(self.trunk.config.sequence_state_dim, 3)
        self.rotamers = losses_of.rotamer_table(RESTYPES)
        self.dice = np.random.default_rng(0)

    @property
    def trunk(self) -> Any:
        return self.modules["network"].trunk

    def learning(self) -> list[nn.Parameter]:
        return list(self.modules.parameters())

    def learned(self) -> list[nn.Parameter]:
        """What has been learned before, which is trained on more slowly."""
        return super().learning()

    def batches(self, rng: np.random.Generator) -> Iterator[Crops]:  # type: ignore[override]
        """Twice as many backbones as traces, by and large."""
        self.dice = rng
        while True:
            rows = picked(self.chains, rng)
            rows = rows[self.chains.whole[rows] | (rng.random(len(rows)) < 0.6)]
            rows = rng.permutation(rows[self.chains.lengths[rows] >= 16])
            for start in range(0, len(rows) - CROPS + 1, CROPS):
                yield self._crops(rows[start : start + CROPS], rng)

    def _crops(self, group: np.ndarray, rng: np.random.Generator) -> Crops:
        read = self._batch(group, rng)
        read.hidden &= torch.from_numpy(rng.random(read.hidden.shape) < HIDDEN / 0.1)
        read.shown = read.residues
        lengths = self.chains.lengths[group]
        starts = rng.integers(0, np.maximum(lengths - CROP, 0) + 1)
        places = torch.from_numpy(starts[:, None] + np.arange(CROP))
        inside = places < torch.from_numpy(lengths)[:, None]
        places = places.clamp(max=read.residues.shape[1] - 1)
        atoms = np.full((len(group), CROP, 5, 3), np.nan, np.float32)
        for row, chain in enumerate(group):
            taken = self.chains.atoms[self.chains.rows(chain)][starts[row] : starts[row] + CROP]
            atoms[row, : len(taken)] = taken
        seen = np.isfinite(atoms).all(-1)
        # Zero, and not far from the rest: a product with a mask has to have a gradient.
        made = torch.from_numpy(np.nan_to_num(atoms)), torch.from_numpy(seen)
        mask = inside.long()
        residues = read.residues.gather(1, places) * mask
        return Crops(read, torch.from_numpy(starts), residues, mask, read.hidden.gather(1, places) & inside, *made)

    def losses(self, batch: Crops) -> dict[str, Tensor]:  # type: ignore[override]
        read, modules = batch.chains, self.modules
        with torch.autocast("cpu", dtype=torch.bfloat16):
            layers = read_layers(modules["network"], read.shown, read.mask, read.hidden).float()
        told = modules["head"](layers, read.mask)
        known, asked = read.shape.isfinite(), read.hidden & (read.residues < len(RESTYPES))
        guessed, shape = modules["extra"](layers[:, :, -1])
        found = {
            "states": 0.5 * F.cross_entropy(told.flatten(0, 1), read.states.flatten(), ignore_index=-1),
            "residues": 0.1 * F.cross_entropy(guessed[asked], read.residues[asked]),
            "shape": 0.2 * F.smooth_l1_loss(shape[known], read.shape[known]),
        }
        places = (batch.starts[:, None] + torch.arange(CROP)).clamp(max=layers.shape[1] - 1)
        crop = layers.gather(1, places[:, :, None, None].expand(-1, -1, *layers.shape[2:]))
        states = torch.where(batch.mask > 0, read.states.gather(1, places), -1)
        s, z, structure = fold(modules["network"], crop, batch, int(self.dice.choice(RECYCLED)))
        found["sheets"] = 0.2 * F.cross_entropy(modules["sheets"](s).flatten(0, 1), states.flatten(), ignore_index=-1)
        return found | self._fold_losses(batch, s, z, structure)

    def _fold_losses(self, batch: Crops, s: Tensor, z: Tensor, structure: dict[str, Tensor]) -> dict[str, Tensor]:
        network = self.modules["network"]
        atoms, seen, mask = batch.atoms, batch.seen, batch.mask
        positions = structure["positions"][:, :, :, :5]  # N, CA, C, O, CB, which every residue has but glycine its CB
        frames = losses_of.frames_of_quaternions(structure["frames"])
        truth = losses_of.frames_of(atoms[:, :, 0], atoms[:, :, 1], atoms[:, :, 2])
        framed, points = seen[:, :, :3].all(-1), seen & ((batch.residues != 7)[:, :, None] | (torch.arange(5) != 4))
        clamped = torch.from_numpy(self.dice.random(len(mask)) < 0.9)
        ca, true_ca = positions[..., 1, :], atoms[:, :, 1]
        errors = losses_of.aligned_errors(frames, ca, truth, true_ca)  # (blocks, B, L, L)
        blocks = losses_of.fape(errors, framed[:, :, None] & seen[:, None, :, 1], clamped)
        last = frames[0][-1], frames[1][-1]
        whole = losses_of.aligned_errors(last, positions[-1].flatten(1, 2), truth, atoms.flatten(1, 2))
        every = losses_of.fape(whole, framed[:, :, None] & points.flatten(1)[:, None], clamped)
        traced = losses_of.aligned_errors(losses_of.trace_frames(ca), ca, losses_of.trace_frames(true_ca), true_ca)
        inner = (seen[:, :-2, 1] & seen[:, 2:, 1])[:, :, None] & seen[:, None, :, 1]
        beta = torch.where(seen[:, :, 4, None], atoms[:, :, 4], _beta(true_ca))
        placed = seen[:, :, 4] | F.pad(seen[:, :-2, 1] & seen[:, 1:-1, 1] & seen[:, 2:, 1], (1, 1))
        score = losses_of.lddt(ca[-1].detach(), true_ca, mask)
        confidence = network.lddt_head(structure["states"][-1]).unflatten(-1, (37, -1))[:, :, 1]
        hidden = network.lm_head(s)[..., : len(RESTYPES)][batch.hidden]
        return {
            "blocks": BLOCK_WEIGHT * blocks,
            "atoms": ATOM_WEIGHT * every,
            "trace": TRACE_WEIGHT * losses_of.fape(traced, inner, clamped),
            "distances": 0.3 * losses_of.distogram_loss(network.distogram_head(z), beta, losses_of.pairs(placed)),
            "confidence": 0.05 * losses_of.confidence_loss(confidence, score),
            "errors": 0.02
            * losses_of.aligned_error_loss(
                network.ptm_head(z), errors[-1].detach(), framed[:, :, None] & seen[:, None, :, 1]
            ),
            "joints": 0.3 * losses_of.joints_loss(positions[-1][:, :, :3], mask),
            "rotamers": 0.1 * self._rotamers(batch, structure),
            "hidden": 0.05 * F.cross_entropy(hidden, batch.residues[batch.hidden].clamp(max=19))
            if batch.hidden.any()
            else s.sum() * 0,
        }

    def _rotamers(self, batch: Crops, structure: dict[str, Tensor]) -> Tensor:
        """Side chains as their residue has them most often, and angles of length 1."""
        table, there = self.rotamers
        off = (structure["angles"][-1][:, :, 3:] - table[batch.residues]).square().sum(-1)
        length = losses_of.length_of(structure["unnormalized_angles"])
        present = there[batch.residues] & batch.mask.bool()[:, :, None]
        return losses_of.mean_over(off, present) + 0.1 * (length - 1).abs().mean()

    def check(self, part: int = CHECK) -> dict[str, float]:
        """Beside Q3, how good folds of some chains that are kept apart are, and how far pLDDT is off."""
        found = super().check(part)
        rows = self.chains.of(part)
        rows = rows[self.chains.whole[rows] & (self.chains.lengths[rows] <= LONGEST) & (self.chains.lengths[rows] > 39)]
        tm, kept, off = [], [], []
        for chain in rows[:: max(1, len(rows) // CHECKED)]:
            truth = self.chains.structure(int(chain))
            item = folded(self.modules["network"], truth.sequence)
            scored = compare(truth.from_ca(item.atoms[:, 1], truth.sequence), truth)
            tm.append(scored.tm)
            kept.append(scored.lddt)
            off.append(float(np.nanmean(item.plddt) / 100 - scored.lddt))
        if not tm:
            return found
        return found | {"tm": float(np.mean(tm)), "lddt": float(np.mean(kept)), "too_sure": float(np.mean(off))}


BETA = (1.12, -0.94, -0.17)
"""Where Cβ is, in Å along three axes of its Cα trace, on average over 200 chains trained on; off by 0.4 Å."""


def _beta(ca: Tensor) -> Tensor:
    """Cβ from a Cα trace `(B, L, 3)`: away from both neighbours, to the side that L-amino acids have it on."""
    step = ca[:, 1:] - ca[:, :-1]
    before, after = F.pad(step, (0, 0, 1, 0)), F.pad(step, (0, 0, 0, 1))
    away = F.normalize(before - after, dim=-1, eps=1e-3)
    side = F.normalize(torch.linalg.cross(before, after), dim=-1, eps=1e-3)
    return ca + BETA[0] * away + BETA[1] * side + BETA[2] * torch.linalg.cross(away, side)


def fold(network: Any, layers: Tensor, batch: Crops, recycles: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Single and pair representations and the structure after 1 + `recycles` passes, the last one with a gradient."""
    trunk, mask = network.trunk, batch.mask
    single = network.esm_s_mlp(torch.einsum("n,blnc->blc", network.esm_s_combine.softmax(0), layers))
    shown = batch.residues.masked_fill(batch.hidden, network.mask_idx)
    single = single + network.embedding(shown)
    places = torch.arange(mask.shape[1]).expand_as(mask)
    s, z = torch.zeros_like(single), single.new_zeros(*mask.shape, mask.shape[1], trunk.config.pairwise_state_dim)
    bins = torch.zeros(z.shape[:-1], dtype=torch.int64)
    for number in range(recycles + 1):
        with torch.set_grad_enabled(number == recycles and torch.is_grad_enabled()):
            s = single + trunk.recycle_s_norm(s)
            z = trunk.recycle_z_norm(z) + trunk.recycle_disto(bins)
            z = z + trunk.pairwise_positional_embedding(places, mask=mask)
            # Half precision halves the time of the blocks, and doubles that of the many small steps of the structure.
            with torch.autocast("cpu", dtype=torch.bfloat16):
                for block in trunk.blocks:
                    s, z = block(s, z, mask=mask, residue_index=places, chunk_size=None)
            s, z = s.float(), z.float()
            structure = trunk.structure_module(
                {"single": trunk.trunk2sm_s(s), "pair": trunk.trunk2sm_z(z)}, batch.residues, mask.float()
            )
            with torch.no_grad():
                bins = EsmFoldingTrunk.distogram(
                    structure["positions"][-1][:, :, :3], 3.375, 21.375, trunk.recycle_bins
                )
    return s, z, structure


def folded(network: Any, sequence: str) -> esm_trunk.Pass:
    """The last pass over `sequence` as the engine folds it."""
    aatype = esm_trunk.tokens(sequence, "cpu")
    single = esm_trunk.embed(network, aatype)
    passes = esm_trunk.passes(network, single, aatype, RECYCLES + 1, None)
    return [item for item in passes if isinstance(item, esm_trunk.Pass)][-1]
