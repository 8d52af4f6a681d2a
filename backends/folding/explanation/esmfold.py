"""ESMFold and networks of its kind as the methods of attribution see them.

Residues are hidden from the language model and the trunk by their mask tokens. Gradients begin at the trunk's first
single representation, behind the language model, which runs without any: a residue's value is the sum over its numbers.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.attribution.baselines import RESIDUE
from backends.attribution.sanity import shuffle_weights
from backends.attribution.types import Axis, Network, Subject
from backends.folding.engines import esm_trunk, language
from backends.folding.engines.distances import CONTACT_DISTANCE, DISTOGRAM_BINS
from backends.folding.explanation import EXPLAINABLE
from backends.folding.explanation.subject import hidden_parts, nearness, residue_axis
from backends.folding.residues import ALPHAFOLD_ORDER
from backends.folding.structure.atoms import CA

LETTERS = {"alanine": "A", "glycine": "G"}
"""Baselines that exchange a residue instead of hiding it."""


@dataclass(frozen=True)
class Chain:
    """A chain with what is asked about it.

    Attributes:
        engine: the loaded EsmFoldEngine.
        sequence: its letters.
        pair: two residues whose contact is asked about, counted from 0; None for the confidence.
        stretch: residues whose confidence is asked about.
        baseline: what takes the place of a residue, of `baselines.RESIDUE`.
    """

    engine: Any
    sequence: str
    pair: tuple[int, int] | None
    stretch: slice
    baseline: str = "mask"

    @property
    def length(self) -> int:
        return len(self.sequence)

    @cached_property
    def aatype(self) -> Tensor:
        """`(1, L)`."""
        return esm_trunk.tokens(self.sequence, self.engine.device)

    def single(self, hidden: np.ndarray | None = None) -> Tensor:
        """`(1, L, C)`: the trunk's first representation with some residues, `(L,)` bool, hidden or exchanged."""
        masked = None if hidden is None else torch.from_numpy(hidden)[None].to(self.engine.device)
        if masked is not None and self.baseline in LETTERS:
            letter = torch.full_like(self.aatype, ALPHAFOLD_ORDER.index(LETTERS[self.baseline]))
            return esm_trunk.embed(self.engine.network, torch.where(masked, letter, self.aatype))
        return esm_trunk.embed(self.engine.network, self.aatype, masked)

    def score(self, network: Any, single: Tensor) -> Tensor:
        """`()`: log-odds of the contact, or the mean confidence of the stretch (0 to 100), after one pass of the trunk;
        with a graph behind it where gradients are on."""
        trunk = network.trunk
        state = esm_trunk.initial_state(trunk, single)
        steps = esm_trunk.blocks(trunk, single, state, self.engine.chunk("auto", self.length))
        s, z = deque(steps, maxlen=1)[0]  # the last; all together would not fit into the memory
        if self.pair is not None:
            return contact_log_odds(network, z, self.pair)
        if torch.is_grad_enabled():
            forget_inference_tensors(trunk.structure_module)
        shape_of = torch.where(
            self.aatype == esm_trunk.UNKNOWN, torch.full_like(self.aatype, esm_trunk.GLYCINE), self.aatype
        )
        mask = torch.ones_like(self.aatype).float()
        out = trunk.structure_module({"single": trunk.trunk2sm_s(s), "pair": trunk.trunk2sm_z(z)}, shape_of, mask)
        logits = network.lddt_head(out["states"][-1]).reshape(1, self.length, -1, network.lddt_bins)[0, :, CA]
        middles = (torch.arange(network.lddt_bins, device=logits.device) + 0.5) / network.lddt_bins
        return 100 * (logits.softmax(-1) * middles).sum(-1)[self.stretch].mean()


def forget_inference_tensors(module: nn.Module) -> None:
    """Replace constants that the library made on its first pass, in inference mode: they can be in no graph."""
    from transformers.models.esm.openfold_utils import rigid_utils

    rigid_utils._get_quat.cache_clear()
    for part in module.modules():
        for name, value in part.named_buffers(recurse=False):
            if value.is_inference():
                setattr(part, name, value.clone())


def contact_log_odds(network: Any, pair: Tensor, residues: tuple[int, int]) -> Tensor:
    """`()`: the log-odds that two residues lie within 8 Å, by the distogram of `pair` `(1, L, L, C)`."""
    logits = network.distogram_head(pair)
    one, other = residues
    row = (logits[0, one, other] + logits[0, other, one]) / 2
    first, last, count = DISTOGRAM_BINS
    near = int((np.linspace(first, last, count - 1) <= CONTACT_DISTANCE).sum())
    return row[:near].float().logsumexp(0) - row[near:].float().logsumexp(0)


def chain_subject(chain: Chain, target: str, detail: int = 8) -> Subject:
    """A chain with one number about it as its score."""
    network = chain.engine.network

    @torch.inference_mode()
    def hidden_scores(hidden: np.ndarray) -> np.ndarray:  # (B, L) bool -> (B,)
        return np.array([float(chain.score(network, chain.single(one))) for one in hidden])

    plain = None if chain.pair is None else nearness(chain.length, chain.pair)
    absent = RESIDUE[chain.baseline]
    residues, stretches = hidden_parts(chain.length, detail, hidden_scores, hidden=absent, plain=plain)
    return Subject(
        target,
        given_cells=residues,
        players=stretches,
        network=_network(chain),
        attention=lambda: _attention(chain),
        control=lambda share, seed=0: chain_subject(_shuffled(chain, share, seed), target, detail),
        unit="log-odds" if chain.pair is not None else "pLDDT",
        reasons=EXPLAINABLE.offers["esmfold"].reasons,
    )


def _network(chain: Chain) -> Network:
    def forward(module: nn.Module, single: Tensor) -> Tensor:
        return chain.score(module, single)[None, None]

    return Network(
        chain.engine.network,
        chain.single().clone(),  # a tensor of inference mode has no gradients
        forward,
        lambda out: out[:, 0],
        arrange=lambda values: values[0].sum(-1).numpy(),
        baseline=chain.single(np.ones(chain.length, bool)).clone(),
        baseline_name=f"{RESIDUE[chain.baseline]} everywhere",
    )


def _attention(chain: Chain) -> tuple[list[Tensor], Tensor, tuple[Axis, ...], float]:
    """The attention of the language model, read out at the residues that are asked about."""
    network = chain.engine.network
    with torch.inference_mode(), language.record_attention(network.esm) as recorder:
        score = float(chain.score(network, chain.single()))
    assert recorder is not None
    maps = [torch.from_numpy(layer.astype(np.float32)) for layer in recorder.maps()]  # (H, L, L)
    # Without the marks of beginning and end; what went to them is given back to the residues in proportion.
    maps = [layer / layer.sum(-1, keepdim=True).clamp(min=1e-9) for layer in maps]
    readout = torch.zeros(chain.length)
    readout[list(chain.pair) if chain.pair is not None else chain.stretch] = 1.0
    return maps, readout, (residue_axis(chain.length),), score


def _shuffled(chain: Chain, share: float, seed: int) -> Chain:
    engine = copy.copy(chain.engine)
    engine.network = shuffle_weights(chain.engine.network, seed, share)
    return replace(chain, engine=engine)
