"""Second stage of the proteins starter: the folding trunk and its structure module learn on crops.

The trunk learns how every two residues lie to each other; the structure module finds that in the first channels of what
it reads of a pair. At first it reads truths there, and learns to build a chain from them; later what the trunk tells.
Frame-aligned errors alone do not get there: a straight rod is a saddle of theirs, from which no small turn leads to a
helix.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.folding.engines import esm_trunk
from backends.folding.engines.rigid_geometry import frames_of
from backends.folding.engines.secondary_head import read_layers
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from evaluation.datasets.protein_chains import CHECK, TRAIN, Chains
from evaluation.metrics.folding.folds import compare
from training.esmfold import geometry
from training.esmfold.backbone import with_backbones
from training.esmfold.language import DECAY, EMA_DECAY, LOG_EVERY, PEAK, by_length, picked, tokens_of
from training.esmfold.networks import CONFIG, make_fold
from training.esmfold.rotamers import rotamer_table
from training.esmfold.structure_module import FRAME_CHANNELS, Built, aim, build, frame_pairs, run_trunk
from training.loop import Recipe, optimizer, weights_swapped_in

FOLD = "fold"
GUIDED = 0.2
"""The first share of the steps, in which the structure module reads truths."""
LENGTHS = ((0.0, (24, 32)), (0.35, (32, 48)), (0.6, (32, 48, 64)), (0.8, (48, 64, 96)))
"""Residues of a crop, from which share of the steps on; each with as many crops as have `PAIRS` pairs together."""
PAIRS = 16 * 32 * 32
AIMED_CHAINS, AIMED_LENGTH = 16, 24
"""Chains, and residues of each, after which the heads of the structure module are aimed before they learn."""
HIDDEN = 0.06
REFRESHED = 1500
"""Steps from one reading of all chains by the language model, with other residues hidden, to the next."""
READ_AT_ONCE = 6000
NEAR, MIDDLE, FARTHEST_ERROR = 5, 8.0, 15.0
"""Residues along the chain within which errors count most; over which they fade; Å from which on an error is one."""
WEIGHTS = {
    "relatives": 0.3, "distances": 0.1, "states": 0.1, "turns": 0.1, "residues": 0.05,
    "far": 0.1, "near": 0.33, "middle": 0.2, "first": 0.2, "joints": 3.0, "angles": 0.1,
    "confidence": 0.1, "errors": 0.05,
}  # fmt: skip
"""Of the losses. That from the first residue fades over the training, that of the joints grows from nothing."""
CHECKED, LONGEST = 24, 100
"""Chains that are folded at a check, and their longest."""


@dataclass
class Crops:
    """B crops of L residues: `layers` `(B, L, layers, C)` of the language model, which was not told `hidden` ones;
    `atoms` `(B, L, 5, 3)` are 0 where `seen` `(B, L, 5)` says that there is none."""

    residues: Tensor
    states: Tensor
    hidden: Tensor
    layers: Tensor
    atoms: Tensor
    seen: Tensor

    @property
    def framed(self) -> Tensor:
        """(B, L) bool: N, Cα and C are there."""
        return self.seen[:, :, :3].all(-1)

    def frames(self) -> geometry.Frames:
        return frames_of(*self.atoms[:, :, :3].unbind(2))


class Helpers(nn.Module):
    """What teaches the single representation and is thrown away: states, and sin and cos of φ and ψ."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.told = nn.LayerNorm(channels), nn.Linear(channels, 7)

    def forward(self, single: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.told(self.norm(single)).split([3, 2, 2], -1)


class Fold(Recipe):
    """The folding trunk, its structure module and its confidence heads, on crops of chains."""

    ema_decay, log_every, check_every = EMA_DECAY, LOG_EVERY, 500

    def __init__(self, chains: Chains, language: dict[str, Tensor] | None = None) -> None:
        self.chains = with_backbones(chains)
        fold = make_fold()
        if language:
            esm = {key.removeprefix("esm."): value for key, value in language.items() if key.startswith("esm.")}
            fold.esm.load_state_dict(esm)
        self.network = nn.ModuleDict({"network": fold, "helpers": Helpers(fold.trunk.config.sequence_state_dim)})
        self.rotamers = rotamer_table()
        self.progress = 0.0
        aim(fold.trunk.structure_module, frame_pairs(fold, self._some_frames()))
        self.layers = np.zeros((0,), np.float16)
        self.hidden = np.zeros((0,), bool)

    @property
    def fold(self) -> Any:
        """The network that ships, without what only teaches it."""
        return self.network["network"]

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, PEAK, DECAY, betas=(0.9, 0.98), fused=True)]

    def batches(self, step: int, steps: int) -> Iterator[Crops]:
        """Without end; of large clusters of like chains only some are taken each time round."""
        rng = np.random.default_rng(step)
        made, waiting = 0, np.array([], int)
        longest = int(self.chains.lengths[self.chains.of(TRAIN)].max())
        while True:
            self.progress = (step + made) / steps
            if made % REFRESHED == 0:
                self.read(rng)
            lengths = next(found for share, found in reversed(LENGTHS) if share <= self.progress)
            length = min(longest, int(rng.choice(lengths)))
            wanted = max(2, PAIRS // length**2)
            while (enough := waiting[self.chains.lengths[waiting] >= length]).size < wanted:
                longer = waiting[self.chains.lengths[waiting] >= min(lengths)]  # no crop is short enough for the rest
                waiting = np.append(longer, rng.permutation(picked(self.chains, rng)))
            group = enough[:wanted]
            waiting = waiting[~np.isin(waiting, group)]
            yield self._crops(group, length, rng)
            made += 1

    def _some_frames(self) -> geometry.Frames:
        """Of the beginnings of some chains."""
        atoms, lengths = self.chains.atoms, self.chains.lengths
        rows = np.flatnonzero(self.chains.whole & (lengths >= AIMED_LENGTH))[:AIMED_CHAINS]
        places = self.chains.offsets[rows, None] + np.arange(AIMED_LENGTH)
        return frames_of(*torch.from_numpy(np.nan_to_num(atoms[places][:, :, :3])).unbind(2))

    @torch.inference_mode()
    def read(self, rng: np.random.Generator) -> None:
        """What the language model says of every chain trained on, with some of its residues hidden."""
        chains = self.chains
        self.hidden = rng.random(len(chains.residues)) < HIDDEN
        self.layers = np.zeros(
            (len(chains.residues), CONFIG["num_hidden_layers"] + 1, CONFIG["hidden_size"]), np.float16
        )
        self.fold.esm.eval()
        for group in by_length(chains, chains.of(TRAIN), READ_AT_ONCE):
            residues, hidden = np.zeros((2, len(group), int(chains.lengths[group].max())), np.int64)
            mask = np.arange(residues.shape[1]) < chains.lengths[group][:, None]
            rows = np.concatenate([np.arange(chains.offsets[i], chains.offsets[i + 1]) for i in group])
            residues[mask], hidden[mask] = chains.residues[rows], self.hidden[rows]
            shown = tokens_of(*(torch.from_numpy(part) for part in (residues, mask.astype(int), hidden.astype(bool))))
            self.layers[rows] = read_layers(self.fold.esm, shown).numpy()[mask]

    def _crops(self, group: np.ndarray, length: int, rng: np.random.Generator) -> Crops:
        chains = self.chains
        starts = chains.offsets[group] + rng.integers(0, chains.lengths[group] - length + 1)
        rows = starts[:, None] + np.arange(length)
        atoms = torch.from_numpy(chains.atoms[rows])
        return Crops(
            torch.from_numpy(chains.residues[rows].astype(np.int64)),
            torch.from_numpy(chains.states[rows].astype(np.int64)),
            torch.from_numpy(self.hidden[rows]),
            torch.from_numpy(self.layers[rows]).float(),
            atoms.nan_to_num(0.0),  # zero, since a product with a mask has to have a gradient
            atoms.isfinite().all(-1),
        )

    def loss(self, batch: Crops) -> tuple[Tensor, dict[str, Tensor]]:
        terms = self.losses(batch)
        return torch.stack(list(terms.values())).sum(), terms

    def losses(self, batch: Crops) -> dict[str, Tensor]:
        network = self.fold
        s, z = run_trunk(network, batch.residues.masked_fill(batch.hidden, network.mask_idx), batch.layers)
        single, pair = network.trunk.trunk2sm_s(s), network.trunk.trunk2sm_z(z)
        frames, framed = batch.frames(), batch.framed
        truth = frame_pairs(network, frames)
        both = geometry.pairs(framed)
        found = self._pair_losses(batch, s, z, pair - truth, both)
        guided = self.progress < GUIDED
        if guided:
            pair = truth * both[..., None]
        built = build(network.trunk.structure_module, single, pair)
        found |= self._chain_losses(batch, built, frames) | self._sure_losses(batch, built, z, frames)
        found["first"] *= 1 - 0.8 * self.progress
        found["joints"] *= max(0.0, self.progress - GUIDED) ** 2
        return {name: WEIGHTS[name] * value for name, value in found.items()}

    def _pair_losses(self, batch: Crops, s: Tensor, z: Tensor, off: Tensor, both: Tensor) -> dict[str, Tensor]:
        network, apart = self.fold, geometry.offsets_of(s.shape[1])
        weight = both * (apart != 0) / (1 + apart.abs() / 6)
        told = off[..., :FRAME_CHANNELS].square().sum(-1)
        places = off[..., FRAME_CHANNELS:].square().mean(-1) if self.progress < GUIDED else torch.zeros_like(told)
        state, *turns = self.network["helpers"](s)
        n, ca, c = batch.atoms[:, :, :3].unbind(2)
        phi = geometry.dihedral(c[:, :-1], n[:, 1:], ca[:, 1:], c[:, 1:])
        psi = geometry.dihedral(n[:, :-1], ca[:, :-1], c[:, :-1], n[:, 1:])
        joined = batch.framed[:, 1:] & batch.framed[:, :-1]
        off_turns = (turns[0][:, 1:] - phi).square().sum(-1) + (turns[1][:, :-1] - psi).square().sum(-1)
        hidden = network.lm_head(s)[..., :20][batch.hidden & (batch.residues < 20)]
        return {
            "relatives": ((told + places) * weight).sum() / weight.sum().clamp(min=1),
            "distances": geometry.distogram_loss(network.distogram_head(z), batch.atoms[:, :, 4], weight.sqrt()),
            "states": F.cross_entropy(state.flatten(0, 1), batch.states.flatten(), ignore_index=-1),
            "turns": (off_turns * joined).sum() / joined.sum().clamp(min=1),
            "residues": F.cross_entropy(hidden, batch.residues[batch.hidden & (batch.residues < 20)])
            if len(hidden)
            else s.sum() * 0,
        }

    def _chain_losses(self, batch: Crops, built: Built, truth: geometry.Frames) -> dict[str, Tensor]:
        """Errors seen from frames near and far, from the first residue as a start, joints and other angles."""
        length = batch.residues.shape[1]
        apart = geometry.offsets_of(length).abs()
        points, true_points = (part.transpose(-3, -2).flatten(-3, -2) for part in (
            geometry.backbone_of(built.frames), batch.atoms[:, :, :3],
        ))  # fmt: skip
        errors = geometry.aligned_errors(built.frames, points, truth, true_points)  # (blocks, B, L, 3 L)
        seen = geometry.pairs(batch.framed).repeat(1, 1, 3)
        first = F.pad(1 / (1 + 0.15 * torch.arange(length))[None], (0, 0, 0, length - 1))
        weights = {
            "far": torch.ones(length, length),
            "near": (apart <= NEAR).float(),
            "middle": torch.exp(-apart / MIDDLE),
            "first": first,
        }
        found = {}
        for name, weight in weights.items():
            off = errors.clamp(max=FARTHEST_ERROR) if name == "far" else errors
            blocks = geometry.mean_over(off, seen * weight.repeat(1, 3))
            found[name] = blocks.mean() + blocks[-1]
        joints = geometry.joints_loss(geometry.backbone_of((built.frames[0][-1], built.frames[1][-1])))
        return found | {"joints": joints, "angles": self._angles(batch, built)}

    def _angles(self, batch: Crops, built: Built) -> Tensor:
        """Where the oxygen is, side chains as their residue has them most often, and angles of length 1."""
        n, ca, c, o = batch.atoms[:, :, :4].unbind(2)
        oxygen = (built.angles[:, :, 2] - geometry.psi_by_oxygen(n, ca, c, o)).square().sum(-1)
        table, there = self.rotamers
        chi = (built.angles[:, :, 3:] - table[batch.residues]).square().sum(-1)
        seen, present = batch.seen[:, :, :4].all(-1), there[batch.residues]
        length = geometry.length_of(built.unscaled)
        off = (oxygen * seen).sum() / seen.sum().clamp(min=1) + (chi * present).sum() / present.sum().clamp(min=1)
        return off + 0.1 * (length - 1).abs().mean()

    def _sure_losses(self, batch: Crops, built: Built, z: Tensor, truth: geometry.Frames) -> dict[str, Tensor]:
        """How sure the network is of each residue and pair, which what it knows of them has to hold too."""
        network, framed = self.fold, batch.framed
        last = built.frames[0][-1].detach(), built.frames[1][-1].detach()
        score = geometry.lddt(last[1], batch.atoms[:, :, 1], framed)
        confidence = network.lddt_head(built.states).unflatten(-1, (37, -1))[:, :, 1]
        errors = geometry.aligned_errors(last, last[1], truth, batch.atoms[:, :, 1])
        known, there = score.isfinite() & framed, geometry.pairs(framed)
        return {
            "confidence": F.cross_entropy(confidence[known], geometry.score_bins(score[known])),
            "errors": F.cross_entropy(network.ptm_head(z)[there], geometry.error_bins(errors[there])),
        }

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        with weights_swapped_in(self.network, weights):
            return self.scores()

    def scores(self, part: int = CHECK) -> dict[str, float]:
        """Of folds of some chains that are kept apart: how good, how far pLDDT is off, and what of true helix and
        strand came out as such."""
        chains = self.chains
        rows = chains.of(part)
        rows = rows[chains.whole[rows] & (chains.lengths[rows] <= LONGEST) & (chains.lengths[rows] > 39)]
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, CHECKED).astype(int))] if len(rows) else rows
        found: dict[str, list[float]] = {"tm": [], "lddt": [], "plddt": []}
        told, true = [], []
        for chain in rows:
            truth = chains.structure(int(chain))
            item = folded(self.fold, truth.sequence)
            scored = compare(Structure.from_ca(item.atoms[:, 1], truth.sequence), truth)
            for key, value in zip(found, (scored.tm, scored.lddt, item.plddt.mean() / 100), strict=True):
                found[key].append(float(value))
            told.append(
                assign_secondary_structure(Structure.from_backbone(item.atoms[:, (0, 1, 2, 4, 3)], truth.sequence))
            )
            true.append(chains.letters(int(chain)))
        if not told:
            return {}
        letters, truths = np.concatenate(told), np.concatenate(true)
        kept = {name: float((letters[truths == s] == s).mean()) for s, name in (("H", "helix"), ("E", "strand"))}
        return {key: float(np.mean(values)) for key, values in found.items()} | kept


def folded(network: Any, sequence: str) -> esm_trunk.TrunkPass:
    """`sequence` as the engine folds it."""
    aatype = esm_trunk.tokens(sequence, "cpu")
    found = list(esm_trunk.passes(network, esm_trunk.embed(network, aatype), aatype, 1, None))[-1]
    assert isinstance(found, esm_trunk.TrunkPass)
    return found
