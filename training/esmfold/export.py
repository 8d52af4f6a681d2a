"""The weights that ship, in half precision: `python -m training.esmfold.export --work WORK --out FOLDER`.

On chains that were only looked at during training the network is first told how sure it may be.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from backends.folding.engines.rigid_geometry import frames_of
from backends.folding.engines.secondary_head import HEAD_FILE, read_layers
from evaluation.datasets.protein_chains import CHECK, TRAIN, Chains
from training.esmfold import geometry
from training.esmfold.backbone import with_backbones
from training.esmfold.fold import FOLD
from training.esmfold.language import LANGUAGE, tokens_of
from training.esmfold.networks import HEAD, make_fold
from training.esmfold.structure_module import build, run_trunk
from training.loop import averaged_weights

CA, ATOMS = 1, 37
UNUSED = "contact_head."
"""Contacts from attention were not learned."""
WHOLE = "inv_freq"
"""Frequencies of a rotary embedding do not bear rounding."""
PAIRS = 500
"""Of a chain, that are asked how sure the network is of them."""
SCORED = torch.arange(geometry.LDDT_BINS) + CA * geometry.LDDT_BINS
"""Rows of the last layer of pLDDT that speak of Cα."""
EVERY = torch.arange(geometry.PAE_BINS)
LEARNED_FROM, STEPS, BATCH = 1500, 800, 4096
"""Chains that the heads learn on from in the end; steps; residues or pairs in each."""


def learned(work: Path) -> Any:
    """The averaged network of the last checkpoint, to be used."""
    network = make_fold()
    state = averaged_weights(work / f"{FOLD}.pt")
    network.load_state_dict({k.removeprefix("network."): v for k, v in state.items() if k.startswith("network.")})
    return network.eval().requires_grad_(False)


def calibrate(network: Any, chains: Chains) -> None:
    """Set pLDDT and predicted aligned error to what is likeliest given what the network knows.

    Both heads learn on from whole chains trained on, with the rest of the network as it is. Then they are scaled, and
    made to lean to either end, on chains of CHECK, so that their order stays as learned.
    """
    known = with_backbones(chains)
    trained = np.random.default_rng(0).permutation(chains.of(TRAIN))[:LEARNED_FROM]
    states, score, pairs, error = _all_looked_at(network, known, trained)
    _learn(network.lddt_head, SCORED, states, geometry.score_bins(score))
    _learn(network.ptm_head, EVERY, pairs, geometry.error_bins(error))
    states, score, pairs, error = _all_looked_at(network, known, chains.of(CHECK))
    last = network.lddt_head[-1]
    with torch.no_grad():
        sure = network.lddt_head[:-1](states)
    temper(last, SCORED, sure, geometry.score_bins(score))
    for weight in (last.weight, last.bias):  # all atoms of a residue are as sure as its Cα, which alone was learned
        weight.copy_(weight[SCORED].repeat(ATOMS, *[1] * (weight.ndim - 1)))
    temper(network.ptm_head, EVERY, pairs, geometry.error_bins(error))


def _learn(head: nn.Module, rows: Tensor, inputs: Tensor, truth: Tensor) -> None:
    """Teach `head` to tell in `rows` of its answers the bins `truth` `(N,)` from `inputs` `(N, C)`."""
    head.requires_grad_(True)
    optimiser = torch.optim.AdamW(head.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    draw = torch.Generator().manual_seed(0)
    for _ in range(STEPS):
        batch = torch.randint(len(inputs), (BATCH,), generator=draw)
        optimiser.zero_grad()
        F.cross_entropy(head(inputs[batch])[:, rows], truth[batch]).backward()
        optimiser.step()
        schedule.step()
    head.requires_grad_(False)


def _all_looked_at(network: Any, chains: Chains, rows: np.ndarray) -> tuple[Tensor, ...]:
    found = [_looked_at(network, chains, int(row)) for row in rows]
    return tuple(torch.cat(parts) for parts in zip(*found, strict=True))


@torch.inference_mode()
def _looked_at(network: Any, chains: Chains, chain: int) -> tuple[Tensor, ...]:
    """Of residues their states and lDDT; of some pairs their representation and aligned error."""
    rows = chains.rows(chain)
    residues, atoms = torch.from_numpy(chains.residues[rows].astype(np.int64))[None], chains.atoms[rows][None]
    seen = torch.from_numpy(np.isfinite(atoms[:, :, :3]).all((-1, -2)))
    n, ca, c = torch.from_numpy(np.nan_to_num(atoms[:, :, :3])).unbind(2)
    mask = torch.ones_like(residues)
    layers = read_layers(network.esm, tokens_of(residues, mask, torch.zeros_like(mask, dtype=torch.bool)))
    s, z = run_trunk(network, residues, layers, quick=False)
    built = build(network.trunk.structure_module, network.trunk.trunk2sm_s(s), network.trunk.trunk2sm_z(z))
    frames = built.frames[0][-1], built.frames[1][-1]
    score = geometry.lddt(frames[1], ca, seen)
    told = score.isfinite() & seen
    error = geometry.aligned_errors(frames, frames[1], frames_of(n, ca, c), ca)
    pairs = geometry.pairs(seen).nonzero()
    pairs = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(chain))[:PAIRS]].unbind(1)
    return built.states[told], score[told], z[pairs], error[pairs]


def temper(linear: nn.Linear, rows: Tensor, inputs: Tensor, truth: Tensor) -> None:
    """Scale the logits of `linear` in `rows`, bins in order, and let them lean, so that `truth` `(N,)` is likeliest."""
    with torch.no_grad():
        logits = F.linear(inputs, linear.weight[rows], linear.bias[rows])  # (N, bins)
    place = torch.linspace(-1, 1, len(rows))
    scale, lean, bend = (torch.full((), value, requires_grad=True) for value in (1.0, 0.0, 0.0))
    optimiser = torch.optim.LBFGS([scale, lean, bend], max_iter=100, line_search_fn="strong_wolfe")

    def off() -> Tensor:
        optimiser.zero_grad()
        wrong = F.cross_entropy(scale * logits + lean * place + bend * place.square(), truth)
        wrong.backward()
        return wrong

    optimiser.step(off)
    with torch.no_grad():
        linear.weight[rows] *= scale
        linear.bias[rows] = scale * linear.bias[rows] + lean * place + bend * place.square()


def export(work: Path, out: Path) -> None:
    """The folding network and, beside it, the head that tells secondary structure from the same language model."""
    network = learned(work)
    calibrate(network, Chains.load(work / "chains.npz"))
    language = averaged_weights(work / f"{LANGUAGE}.pt")
    head = {key.removeprefix("head."): value for key, value in language.items() if key.startswith("head.")}
    out.mkdir(parents=True, exist_ok=True)
    network.config.save_pretrained(out)
    save_file(_halves(network.state_dict()), out / "model.safetensors", {"format": "pt"})
    save_file(_halves(head), out / HEAD_FILE, {"hidden": str(HEAD)})
    for file in out.iterdir():
        file.chmod(0o644)


def _halves(state: dict[str, Tensor]) -> dict[str, Tensor]:
    kept = {key: value for key, value in state.items() if UNUSED not in key}
    return {
        key: (value.half() if value.is_floating_point() and WHOLE not in key else value).contiguous().clone()
        for key, value in kept.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    export(given.work, given.out)


if __name__ == "__main__":
    main()
