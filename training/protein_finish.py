"""The weights that ship: `python -m training.protein_finish --work WORK --out backends/starters/esmfold-starter`.

Before they are written, the last layers of both confidences are set such that they say how good folds of the chains of
CHECK are; what those tell nobody was trained on. Chains of TEST are not looked at.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as F

from backends.folding import esm_trunk
from training import protein_losses as losses_of
from training.protein_data import CHECK, Chains
from training.protein_fold import folded
from training.protein_model import make_head, make_network

CA = 1
ATOMS = 37
FOLDED, SHORTEST = 100, 30
"""Chains that the confidences are fitted to, at most, and their least length."""
UNUSED = "esm.contact_head."
"""Contacts from attention were not learned, so none are shown."""


@dataclass(frozen=True)
class Tilt:
    """Logits z of ordered bins b, from 0 to 1, become `scale` · z + `slope` · b + `bend` · b²."""

    scale: float
    slope: float
    bend: float

    def shifts(self, bins: int) -> Tensor:
        places = (torch.arange(bins) + 0.5) / bins
        return self.slope * places + self.bend * places**2


def fitted(logits: Tensor, binned: Tensor) -> Tilt:
    """The tilt of logits `(N, bins)` that makes what came true `(N,)` likeliest."""
    knobs = torch.tensor([1.0, 0.0, 0.0], requires_grad=True)
    places = (torch.arange(logits.shape[1]) + 0.5) / logits.shape[1]
    optimiser = torch.optim.LBFGS([knobs], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        tilted = knobs[0] * logits + knobs[1] * places + knobs[2] * places**2
        loss = F.cross_entropy(tilted, binned) + 1e-4 * knobs.square().sum()
        loss.backward()
        return loss

    optimiser.step(closure)
    return Tilt(*knobs.detach().tolist())


@torch.no_grad()
def apply(tilt: Tilt, linear: Any, rows: slice) -> None:
    """Put a tilt into the rows of a layer that gives the logits."""
    linear.weight[rows] *= tilt.scale
    linear.bias[rows] = tilt.scale * linear.bias[rows] + tilt.shifts(rows.stop - rows.start)


def outcomes(network: Any, chains: Chains, part: int) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Of folds of chains of a part: logits of lDDT and its bins, logits of aligned errors and their bins."""
    rows = chains.of(part)
    rows = rows[chains.whole[rows] & (chains.lengths[rows] >= SHORTEST)]
    taps: dict[str, Tensor] = {}
    hooks = [
        layer.register_forward_hook(lambda _, __, output, name=name: taps.__setitem__(name, output))
        for name, layer in (("lddt", network.lddt_head), ("errors", network.ptm_head))
    ]
    for chain in rows[:: max(1, len(rows) // FOLDED)]:
        item = folded(network, chains.sequence(int(chain)))
        atoms = torch.from_numpy(chains.atoms[chains.rows(int(chain))])[None]
        model = torch.from_numpy(item.atoms)[None]
        ca, true = model[:, :, CA], atoms[:, :, CA]
        score = losses_of.lddt(ca, true, torch.ones(atoms.shape[:2]))[0]
        frames, truth = (losses_of.frames_of(x[:, :, 0], x[:, :, 1], x[:, :, 2]) for x in (model, atoms))
        errors = losses_of.aligned_errors(frames, ca, truth, true)[0]
        edges = torch.linspace(0, losses_of.PAE_MAX, losses_of.PAE_BINS - 1)
        some = torch.randperm(errors.numel())[: 20 * len(score)]  # pairs of long chains are many
        known = score.isfinite()
        yield (
            taps["lddt"].reshape(len(score), ATOMS, -1)[:, CA][known],
            (score[known] * losses_of.LDDT_BINS).long().clamp(max=losses_of.LDDT_BINS - 1),
            taps["errors"].reshape(-1, losses_of.PAE_BINS)[some],
            torch.bucketize(errors, edges).flatten()[some],
        )
    for hook in hooks:
        hook.remove()


def calibrate(network: Any, chains: Chains) -> tuple[Tilt, Tilt]:
    """Set the last layers of pLDDT and of the aligned error; every atom is then as sure as its Cα, which is trained."""
    lddt, lddt_bins, errors, error_bins = (
        torch.cat(parts).clone() for parts in zip(*outcomes(network, chains, CHECK), strict=True)
    )
    tilts = fitted(lddt, lddt_bins), fitted(errors, error_bins)
    last = network.lddt_head[-1]
    own = slice(CA * losses_of.LDDT_BINS, (CA + 1) * losses_of.LDDT_BINS)
    apply(tilts[0], last, own)
    with torch.no_grad():
        last.weight.copy_(last.weight[own].repeat(ATOMS, 1))
        last.bias.copy_(last.bias[own].repeat(ATOMS))
    apply(tilts[1], network.ptm_head, slice(0, losses_of.PAE_BINS))
    return tilts


def trained(work: Path) -> tuple[Any, Any]:
    """Network and head with the averaged weights of the last checkpoint."""
    state = torch.load(work / "fold.pt", weights_only=True)["average"]
    modules = make_network(), make_head()
    for name, module in zip(("network.", "head."), modules, strict=True):
        module.load_state_dict({key.removeprefix(name): value for key, value in state.items() if key.startswith(name)})
        module.eval().requires_grad_(False)
    return modules


def export(work: Path, out: Path) -> tuple[Tilt, Tilt]:
    """Write configuration, network and head in half precision."""
    out.mkdir(parents=True, exist_ok=True)
    network, head = trained(work)
    tilts = calibrate(esm_trunk.by_rows(network), Chains.load(work / "chains.npz"))
    weights = {name.replace(".mlp_pair.layer.", ".mlp_pair."): value for name, value in network.state_dict().items()}
    weights = {name: value for name, value in weights.items() if not name.startswith(UNUSED)}
    network.config.architectures = ["EsmForProteinFolding"]
    network.config.save_pretrained(out)
    save_file(_half(weights), out / "model.safetensors", {"format": "pt"})
    save_file(_half(head.state_dict()), out / "secondary.safetensors")
    return tilts


def _half(state: dict[str, Tensor]) -> dict[str, Tensor]:
    halves = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    return {name: value.contiguous().clone() for name, value in halves.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    np.random.seed(0)
    for what, tilt in zip(("pLDDT", "aligned error"), export(given.work, given.out), strict=True):
        print(f"{what}: {tilt}")  # noqa: T201


if __name__ == "__main__":
    main()
