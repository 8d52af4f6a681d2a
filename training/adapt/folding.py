"""ESMFold to one's own structures: structure module and confidence by low-rank changes (LoRA), the rest stays.

The language model and the trunk read each chain once; what they say is kept, and the structure module, which turns it
into a chain in space, learns from it. Measured is the whole engine on chains kept apart.
"""

from __future__ import annotations

import copy
import shutil
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from backends.core.errors import BadInput, UserError
from backends.folding.alignment.sequence import Chain, Query
from backends.folding.engines import esm_trunk
from backends.folding.engines.esmfold import read_network
from backends.folding.engines.rigid_geometry import frames_of
from backends.folding.engines.secondary_head import HEAD_FILE
from backends.folding.structure.atoms import ATOM37, CA
from backends.folding.structure.reader import read_structure
from backends.folding.structure.structure import Structure
from backends.folding.types import Model
from evaluation.datasets.protein_chains import ALIKE, same_share
from evaluation.metrics.folding.folds import compare
from training.adapt import low_rank
from training.adapt.base import Adaptation, Measure, Split, Unit, Values, halves
from training.esmfold import geometry
from training.esmfold.structure_module import Built, build
from training.loop import Recipe, optimizer, warm_then_linear

SHORTEST, LONGEST = 20, 384
"""Residues of a chain; beyond, a step of learning takes too much memory."""
CROP = 96
"""Residues that are learned from at once."""
RANK, RATE, DECAY = 4, 1e-3, 0.01
NEAR, MIDDLE, FARTHEST_ERROR = 5, 8.0, 15.0
"""Residues along the chain within which errors count most; over which they fade; Å from which on an error is one."""
JOINTS, CONFIDENCE = 3.0, 0.1
"""How much broken joints count, and a confidence that is off."""


class FoldingAdaptation(Adaptation):
    """The structure module by LoRA; the result is a folder as the hub has it."""

    measures = (
        Measure("lDDT-Cα", "", 3),
        Measure("TM-score", "", 3),
        Measure("how far its confidence is off (pLDDT less lDDT)", "", 3, higher_is_better=False),
    )

    def units(self) -> list[Unit]:
        """One a structure; of chains that are alike in sequence all get the same label, lest one tells the other."""
        self.truths: dict[str, Structure] = {}
        units: list[Unit] = []
        for path in self.files_in(self.folder):
            try:
                truth = _only_chain(read_structure(path))
            except UserError as error:
                self.notices.append(f"“{path.name}” was left out: {error.sentence}")
                continue
            if twin := next((unit for unit in units if _alike(self.truths[unit.name], truth)), None):
                self.notices.append(f"“{path.name}” was left out: its sequence is like that of “{twin.name}”.")
                continue
            self.truths[path.stem] = truth
            units.append(Unit(path.stem, (path,)))
        return units

    def recipe(self, learned: Sequence[Unit]) -> Recipe:
        network, _ = read_network(self.path)
        return Fold(network, [self.truths[unit.name] for unit in learned], self.seed)

    def export(self, recipe: Recipe, averaged: Mapping[str, Tensor], out: Path) -> Path:
        fold: Any = copy.deepcopy(recipe.network)
        fold.load_state_dict(dict(averaged), strict=False)
        low_rank.merge(fold)
        folder = out / "esmfold"
        folder.mkdir()
        fold.config.save_pretrained(folder)
        # The rows in which the engine works are no part of the network's own names.
        state = {name.replace(".mlp_pair.layer.", ".mlp_pair."): value for name, value in fold.state_dict().items()}
        save_file(halves(state), folder / "model.safetensors", {"format": "pt"})
        if (self.path / HEAD_FILE).is_file():  # beside the language model, which is the same
            shutil.copyfile(self.path / HEAD_FILE, folder / HEAD_FILE)
        return folder

    def measure(self, engine: Any, split: Split) -> Iterator[Values]:
        for unit in split.apart:
            truth = self.truths[unit.name]
            query = Query("sequence", (Chain(unit.name, truth.sequence),), unit.files[0])
            model = next(item for item in engine.predict(query, {}) if isinstance(item, Model))
            found = compare(model.structure, truth)
            assert model.confidence.plddt is not None  # this engine always says how sure it is
            yield found.lddt, found.tm, abs(float(model.confidence.plddt.mean()) / 100 - found.lddt)


@dataclass(frozen=True)
class Example:
    """What the trunk says of a chain, single `(L, C)` and pair `(L, L, C)`, and its backbone `(L, 3, 3)`."""

    single: Tensor
    pair: Tensor
    backbone: Tensor
    seen: Tensor


class Fold(Recipe):
    """Errors of the backbone seen from frames near and far, and joints that hold, on crops of the chains."""

    ema_decay, log_every = 0.95, 10

    def __init__(self, network: Any, truths: Sequence[Structure], seed: int) -> None:
        self.network, self.seed = network, seed
        self.examples = [_read(network, truth) for truth in truths]
        self.module: Any = network.trunk.structure_module
        network.requires_grad_(False)
        self.changed = [name for part in (self.module, network.lddt_head) for name in low_rank.attach(part, RANK)]

    def set_mode(self) -> None:
        self.network.eval()
        self.module.train()

    def averaged(self) -> dict[str, Tensor]:
        return low_rank.learned(self.network)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, RATE, DECAY)]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=5, fall=0.8)

    def batches(self, step: int, steps: int) -> Iterator[Example]:
        while True:
            rng = np.random.default_rng([self.seed, step])
            example = self.examples[int(rng.integers(len(self.examples)))]
            start = int(rng.integers(max(1, len(example.single) - CROP + 1)))
            span = slice(start, start + CROP)
            yield Example(example.single[span], example.pair[span, span], example.backbone[span], example.seen[span])
            step += 1

    def loss(self, batch: Example) -> tuple[Tensor, dict[str, Tensor]]:
        built = build(self.module, batch.single[None], batch.pair[None])
        n, ca, c = batch.backbone[None].unbind(2)
        truth, seen = frames_of(n, ca, c), batch.seen[None]
        points = geometry.backbone_of(built.frames).flatten(-3, -2)  # (blocks, 1, 3 L, 3)
        errors = geometry.aligned_errors(built.frames, points, truth, batch.backbone[None].flatten(1, 2))
        both = geometry.pairs(seen).repeat_interleave(3, dim=2)
        apart = geometry.offsets_of(seen.shape[1]).abs().repeat_interleave(3, dim=1)
        weights = {
            "far": torch.ones(apart.shape),
            "near": (apart <= NEAR).float(),
            "middle": torch.exp(-apart / MIDDLE),
        }
        shares = {"far": 0.1, "near": 0.33, "middle": 0.2}
        terms = {}
        for name, weight in weights.items():
            off = errors.clamp(max=FARTHEST_ERROR) if name == "far" else errors
            blocks = geometry.mean_over(off, both * weight)
            terms[name] = shares[name] * (blocks.mean() + blocks[-1])
        last = (built.frames[0][-1], built.frames[1][-1])
        terms["joints"] = JOINTS * geometry.joints_loss(geometry.backbone_of(last))
        terms["confidence"] = CONFIDENCE * self._confidence(built, ca, seen)
        return torch.stack(list(terms.values())).sum(), terms

    def _confidence(self, built: Built, ca: Tensor, seen: Tensor) -> Tensor:
        """How sure it is of each residue has to go with what it makes of it now."""
        score = geometry.lddt(built.frames[1][-1].detach(), ca, seen)
        logits = self.network.lddt_head(built.states).unflatten(-1, (len(ATOM37), -1))[:, :, CA]
        known = score.isfinite() & seen
        if not bool(known.any()):
            return logits.sum() * 0
        return F.cross_entropy(logits[known], geometry.score_bins(score[known]))


@torch.no_grad()
def _read(network: Any, truth: Structure) -> Example:
    """One pass of the trunk over a chain."""
    aatype = esm_trunk.tokens(truth.sequence, "cpu")
    single = esm_trunk.embed(network, aatype).clone()
    trunk = network.trunk
    state = esm_trunk.initial_state(trunk, single)
    s, z = deque(esm_trunk.blocks(trunk, single, state, None), maxlen=1)[0]
    backbone = torch.from_numpy(truth.atoms[:, :3].astype(np.float32))
    seen = torch.from_numpy(truth.mask[:, :3].all(axis=1))
    return Example(trunk.trunk2sm_s(s)[0].clone(), trunk.trunk2sm_z(z)[0].clone(), backbone, seen)


def _only_chain(structure: Structure) -> Structure:
    """Raises BadInput where it is not one chain of a length that can be learned."""
    if len(set(structure.chains)) > 1:
        raise BadInput("it has several chains; save one of them.")
    if not SHORTEST <= len(structure) <= LONGEST:
        raise BadInput(f"it has {len(structure)} residues, and from {SHORTEST} to {LONGEST} can be learned from.")
    if not structure.mask[:, :3].all(axis=1).any():
        raise BadInput("it has no whole backbone (N, Cα and C).")
    return structure


def _alike(one: Structure, other: Structure) -> bool:
    return same_share(one.sequence, other.sequence) > ALIKE
