"""ESMFold one block at a time: the recycling loop of its trunk, drawn apart so that it can be watched and stopped.

Lin et al. 2023, "Evolutionary-scale prediction of atomic-level protein structure with a language model". The layers
are those of `transformers.EsmForProteinFolding`; what `forward` does in one go is done here in steps, with the same
numbers, and with the pair transition in rows so that its memory grows with L and not with L².

Inference mode belongs to a thread, and each step of a generator may be asked for by another: as a decorator it is set
anew for every step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers.models.esm.modeling_esmfold import EsmFoldingTrunk, categorical_lddt
from transformers.models.esm.openfold_utils.data_transforms import make_atom14_masks
from transformers.models.esm.openfold_utils.feats import atom14_to_atom37
from transformers.models.esm.openfold_utils.loss import compute_predicted_aligned_error, compute_tm

from backends.folding.residues import ALPHAFOLD_ORDER, encode
from backends.folding.structure.atoms import CA

GLYCINE = ALPHAFOLD_ORDER.index("G")
UNKNOWN = len(ALPHAFOLD_ORDER)
PAE_MAX = 31
CHUNKS = (128, 64, 32, 16, 8, 4)
ATTENTION_COPIES = 3
"""Arrays of the size of the attention weights alive at once: the scores, their softmax, and a working copy."""

FREE_MEMORY_FRACTION = 0.25


@dataclass(frozen=True)
class TrunkPass:
    """What is known after one pass of the trunk: `number` from 0, atoms `(L, 37, 3)` in Å, mask `(L, 37)`, plddt
    `(L,)` 0 to 100, pae `(L, L)` Å; `angles` `(L, 7, 2)` are sin and cos of ω, φ, ψ and χ1 to χ4. `pair` stays on the
    device, for the heads that only the last pass needs."""

    number: int
    atoms: np.ndarray
    mask: np.ndarray
    plddt: np.ndarray
    pae: np.ndarray
    ptm: float
    angles: np.ndarray
    pair: Tensor


def tokens(sequence: str, device: str) -> Tensor:
    """`(1, L)` residues as AlphaFold numbers them, 20 for X."""
    return torch.tensor([encode(sequence)], device=device)


def choose_chunk(length: int, heads: int, free_bytes: int) -> int | None:
    """How many rows of triangle attention to work on at once, so that their weights fit a share of the free memory.

    None where all rows at once do. One row has `heads` × L × L weights of four bytes.
    """
    row = ATTENTION_COPIES * heads * length**2 * 4
    room = FREE_MEMORY_FRACTION * free_bytes / row
    if length <= min(room, CHUNKS[0]):
        return None
    return next((chunk for chunk in CHUNKS if chunk <= room), CHUNKS[-1])


class RowChunked(nn.Module):
    """A layer that treats every pair alone, applied to some rows of `(1, L, L, C)` at a time."""

    def __init__(self, layer: nn.Module, rows: int) -> None:
        super().__init__()
        self.layer = layer
        self.rows = rows

    def forward(self, pair: Tensor) -> Tensor:
        if pair.shape[1] <= self.rows:
            return self.layer(pair)
        out = torch.empty_like(pair)
        for start in range(0, pair.shape[1], self.rows):
            out[:, start : start + self.rows] = self.layer(pair[:, start : start + self.rows])
        return out


def chunk_by_rows(model: Any, rows: int = CHUNKS[0]) -> Any:
    """`model` with the transitions of its pair representation done in rows; their numbers stay what they are."""
    for block in model.trunk.blocks:
        if not isinstance(block.mlp_pair, RowChunked):
            block.mlp_pair = RowChunked(block.mlp_pair, rows)
    return model


def has_recycling(trunk: Any) -> bool:
    """Whether a pass sees anything of the one before: where these layers are nought, it gives the same again."""
    layers = (trunk.recycle_s_norm, trunk.recycle_z_norm, trunk.recycle_disto)
    return any(bool(weight.any()) for layer in layers for weight in layer.parameters())


@torch.inference_mode()
def embed(model: Any, aatype: Tensor, masked: Tensor | None = None) -> Tensor:
    """`(1, L)` residues to the trunk's first single representation `(1, L, C)`, through the language model.

    `masked` `(1, L)` bool hides residues from both the language model and the trunk.
    """
    ones = torch.ones_like(aatype)
    esm_tokens = model.af2_idx_to_esm_idx(aatype, ones)
    seen = aatype
    if masked is not None:
        esm_tokens = esm_tokens.masked_fill(masked, model.esm_dict_mask_idx)
        seen = aatype.masked_fill(masked, model.mask_idx)
    layers = model.compute_language_model_representations(esm_tokens).to(model.esm_s_combine.dtype)  # (1, L, 37, C)
    single = model.esm_s_mlp((model.esm_s_combine.softmax(0).unsqueeze(0) @ layers).squeeze(2))
    if model.config.esmfold_config.embed_aa:
        single = single + model.embedding(seen)
    return single


@torch.inference_mode()
def passes(model: Any, single: Tensor, aatype: Tensor, count: int, chunk: int | None) -> Iterator[int | TrunkPass]:
    """Run the trunk `count` times, each fed with the last result; yields the blocks done so far and each Pass.

    Args:
        single: `(1, L, C)` from `embed`.
        chunk: rows of triangle attention at once, None for all.
    """
    # An unknown residue folds as a glycine: the library would put its whole backbone into one point.
    shape_of = torch.where(aatype == UNKNOWN, torch.full_like(aatype, GLYCINE), aatype)
    trunk, mask = model.trunk, torch.ones_like(aatype)
    s, z, bins = initial_state(trunk, single)
    done = 0
    for number in range(count):
        for state in blocks(trunk, single, (s, z, bins), chunk):
            s, z = state
            done += 1
            yield done
        outputs = trunk.structure_module(
            {"single": trunk.trunk2sm_s(s), "pair": trunk.trunk2sm_z(z)}, shape_of, mask.float()
        )
        bins = EsmFoldingTrunk.distogram(outputs["positions"][-1][:, :, :3], 3.375, 21.375, trunk.recycle_bins)
        yield _pass(model, number, outputs, shape_of, z)


def single_pass(model: Any, single: Tensor, aatype: Tensor, chunk: int | None) -> TrunkPass:
    """What the trunk makes of `single` `(1, L, C)` in one pass, without recycling."""
    return next(item for item in passes(model, single, aatype, 1, chunk) if isinstance(item, TrunkPass))


@torch.inference_mode()
def residue_scores(model: Any, single: Tensor, chunk: int | None) -> Iterator[int | Tensor]:
    """The trunk's own guess at each residue after one pass: yields the blocks done, then logits `(1, L, 20)`.

    The columns are the residues in the order of `ALPHAFOLD_ORDER`.
    """
    s = single
    for done, state in enumerate(blocks(model.trunk, single, initial_state(model.trunk, single), chunk), 1):
        s = state[0]
        yield done
    yield model.lm_head(s)[..., : len(ALPHAFOLD_ORDER)]


def initial_state(trunk: Any, single: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """What the first pass is fed with in place of an earlier result."""
    length = single.shape[1]
    pair = single.new_zeros(1, length, length, trunk.config.pairwise_state_dim)
    return torch.zeros_like(single), pair, torch.zeros(1, length, length, dtype=torch.int64, device=single.device)


def blocks(
    trunk: Any, single: Tensor, earlier: tuple[Tensor, Tensor, Tensor], chunk: int | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """One pass: yields the representations s `(1, L, C)` and z `(1, L, L, C)` after each block.

    `earlier` are both and the binned distances `(1, L, L)` of the pass before.
    """
    places = torch.arange(single.shape[1], device=single.device)[None]
    mask = torch.ones_like(places)
    s = single + trunk.recycle_s_norm(earlier[0])
    z = trunk.recycle_z_norm(earlier[1])
    z += trunk.recycle_disto(earlier[2])
    z += trunk.pairwise_positional_embedding(places, mask=mask)
    for block in trunk.blocks:
        s, z = block(s, z, mask=mask, residue_index=places, chunk_size=chunk)
        yield s, z


def _pass(model: Any, number: int, outputs: dict[str, Tensor], shape_of: Tensor, z: Tensor) -> TrunkPass:
    atom_maps: dict[str, Tensor] = make_atom14_masks({"aatype": shape_of})
    atoms = atom14_to_atom37(outputs["positions"][-1].float(), atom_maps)[0]  # (L, 37, 3)
    mask = atom_maps["atom37_atom_exists"][0].bool().cpu().numpy()
    scores = model.lddt_head(outputs["states"][-1]).reshape(1, len(mask), -1, model.lddt_bins)
    # The confidence of a residue is that of its Cα, which is what lDDT-Cα and the published B-factors speak of.
    plddt = 100 * categorical_lddt(scores, bins=model.lddt_bins)[0, :, CA]
    logits = model.ptm_head(z)
    aligned = compute_predicted_aligned_error(logits, max_bin=PAE_MAX, no_bins=model.distogram_bins)
    ptm = compute_tm(logits, max_bin=PAE_MAX, no_bins=model.distogram_bins)
    return TrunkPass(
        number,
        atoms.cpu().numpy(),
        mask,
        plddt.float().cpu().numpy(),
        aligned["predicted_aligned_error"][0].float().cpu().numpy(),
        float(ptm),
        outputs["angles"][-1][0].float().cpu().numpy(),
        z,
    )


@torch.inference_mode()
def distogram(model: Any, pair: Tensor) -> np.ndarray:
    """`(L, L, 64)` probabilities of the distance between Cβ, over the bins of DISTOGRAM, symmetric."""
    logits = model.distogram_head(pair)
    logits = (logits + logits.transpose(1, 2)) / 2
    return logits[0].float().softmax(-1).cpu().numpy()
