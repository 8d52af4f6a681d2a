"""The proteins starter's networks: a small ESM-2, its secondary-structure head, and ESMFold's own class around it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from transformers import EsmConfig, EsmForProteinFolding, EsmModel
from transformers.models.esm.modeling_esmfold import EsmFoldInvariantPointAttention, EsmFoldLinear

from backends.folding.engines.secondary_head import SecondaryHead
from backends.folding.residues import ESM_TOKENS

DROPOUT = 0.15
CONFIG: dict[str, Any] = {
    "vocab_size": 33,
    "mask_token_id": 32,
    "pad_token_id": 1,
    "hidden_size": 128,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "hidden_dropout_prob": DROPOUT,
    "attention_probs_dropout_prob": 0.0,
    "max_position_embeddings": 1026,
    "layer_norm_eps": 1e-5,
    "position_embedding_type": "rotary",
    "emb_layer_norm_before": False,
    "token_dropout": True,
}
HEAD = 96
"""Channels of the secondary-structure head."""


def make_esm() -> Any:
    return EsmModel(EsmConfig(**CONFIG), add_pooling_layer=False)


def make_head() -> SecondaryHead:
    return SecondaryHead(CONFIG["num_hidden_layers"] + 1, CONFIG["hidden_size"], HEAD, 0.3)


class LanguageHeads(nn.Module):
    """What the language model is taught by and that is thrown away: hidden residues, and the shape of the Cα trace."""

    def __init__(self) -> None:
        super().__init__()
        self.residues = nn.Linear(CONFIG["hidden_size"], 20)
        self.shape = nn.Linear(CONFIG["hidden_size"], 4)

    def forward(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(B, L, 20)`; cos and sin of the trace's dihedral, cos of its angle, and how buried `(B, L, 4)`."""
        return self.residues(last), self.shape(last)


FARTHEST = 256
"""Residues along the chain, up to which the network knows how far apart two are."""
PAIR = 48
"""Channels of a pair of residues."""
PERIODS = (
    3.6, 1.8, 7.2, 4.3, 2.2, 2.0, 2.6, 3.0, 5, 6, 9, 11, 13, 16, 20, 25, 32, 40, 55, 80, 128, 256, 512, 1024,
)  # fmt: skip
"""Residues: of a helix 3.6 make a turn. Waves of these lengths tell where along the chain a pair is."""

FOLD: dict[str, Any] = CONFIG | {
    "is_folding_model": True,
    "esmfold_config": {
        "esm_type": "esm2",
        "fp16_esm": False,
        "lddt_head_hid_dim": 32,
        "trunk": {
            "num_blocks": 2,
            "sequence_state_dim": 128,
            "pairwise_state_dim": PAIR,
            "sequence_head_width": 32,
            "pairwise_head_width": 24,
            "position_bins": FARTHEST,
            "dropout": 0.1,
            "max_recycles": 1,
            "chunk_size": None,
            "structure_module": {
                "sequence_dim": 128,
                "pairwise_dim": PAIR,
                "ipa_dim": 16,
                "resnet_dim": 64,
                "num_heads_ipa": 8,
                "num_qk_points": 4,
                "num_v_points": 8,
                "dropout_rate": 0.05,
                "num_blocks": 6,
            },
        },
    },
}


def make_fold() -> Any:
    """The folding network, new; what it is not to learn has no gradient."""
    network = EsmForProteinFolding(EsmConfig(**FOLD, vocab_list=ESM_TOKENS)).float().requires_grad_(True)
    with torch.no_grad():
        _begin(network)
        _know_places(network.trunk.pairwise_positional_embedding.embedding)
        _without_recycling(network.trunk)
    fixed = [network.esm, network.trunk.pairwise_positional_embedding, *_recycling(network.trunk)]
    fixed += [half for block in network.trunk.blocks for half in (block.tri_att_start, block.tri_att_end)]
    for module in fixed:
        module.requires_grad_(False)
    return network


def _recycling(trunk: Any) -> list[nn.Module]:
    return [trunk.recycle_s_norm, trunk.recycle_z_norm, trunk.recycle_disto]


def _without_recycling(trunk: Any) -> None:
    """A further pass sees what the first did, and gives the same."""
    for module in _recycling(trunk):
        for weight in module.parameters():
            weight.zero_()


def _know_places(embedding: nn.Embedding) -> None:
    """Row 0 stands for a pair that is not there, the others for j − i from −FARTHEST to FARTHEST."""
    apart = torch.arange(-FARTHEST, FARTHEST + 1)[:, None] * (2 * math.pi / torch.tensor(PERIODS))
    embedding.weight.zero_()
    embedding.weight[1:] = torch.cat([apart.sin(), apart.cos()], -1)


def _begin(network: Any) -> None:
    """Layers as training begins with them (Jumper et al. 2021, supplement 1.11.4): the class leaves that out.

    What adds to a representation begins by adding next to nothing, and gates are open. Triangle attention stays closed:
    multiplication alone carries what is told along two sides of a triangle to the third.
    """
    for module in network.trunk.modules():
        if isinstance(module, EsmFoldInvariantPointAttention):
            module.head_weights.fill_(0.541324854612918)  # of which softplus is 1
        elif isinstance(module, EsmFoldLinear):
            _begin_linear(module)
        elif isinstance(module, nn.Linear):
            module.reset_parameters()
    for linear in (network.esm_s_mlp[1], network.esm_s_mlp[3]):
        linear.reset_parameters()
    nn.init.normal_(network.embedding.weight, std=0.1)
    for block in network.trunk.blocks:
        adding = (
            block.tri_mul_in.linear_z, block.tri_mul_out.linear_z, block.sequence_to_pair.o_proj,
            block.seq_attention.o_proj, block.mlp_seq.mlp[-2], block.mlp_pair.mlp[-2],
        )  # fmt: skip
        for linear in adding:
            nn.init.normal_(linear.weight, std=0.02)
            nn.init.zeros_(linear.bias)
        for half in (block.tri_att_start, block.tri_att_end):
            for weight in half.mha.linear_o.parameters():
                weight.zero_()


def _begin_linear(linear: EsmFoldLinear) -> None:
    inputs = linear.weight.shape[1]
    if linear.init == "gating":
        nn.init.zeros_(linear.weight)
    elif linear.init == "final":
        nn.init.normal_(linear.weight, std=0.01)
    else:
        nn.init.normal_(linear.weight, std=(2 / inputs if linear.init == "relu" else 1 / inputs) ** 0.5)
    if linear.bias is not None:
        linear.bias.fill_(1.0 if linear.init == "gating" else 0.0)
