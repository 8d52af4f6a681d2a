"""The proteins starter's network: ESMFold's own class in a small configuration, and its secondary-structure head."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import EsmConfig, EsmForProteinFolding
from transformers.models.esm.modeling_esmfold import EsmFoldInvariantPointAttention, EsmFoldLinear

from backends.folding.language import VOCABULARY
from backends.folding.secondary_head import SecondaryHead

DROPOUT = 0.15
RECYCLES = 3
"""Passes of the trunk after the first."""

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
    "is_folding_model": True,
    "esmfold_config": {
        "esm_type": "esm2",
        "fp16_esm": False,
        "lddt_head_hid_dim": 32,
        "trunk": {
            "num_blocks": 2,
            "sequence_state_dim": 128,
            "pairwise_state_dim": 32,
            "sequence_head_width": 32,
            "pairwise_head_width": 16,
            "position_bins": 32,
            "dropout": 0.1,
            "max_recycles": RECYCLES + 1,
            "chunk_size": None,
            "structure_module": {
                "sequence_dim": 96,
                "pairwise_dim": 32,
                "ipa_dim": 16,
                "resnet_dim": 64,
                "num_heads_ipa": 4,
                "num_qk_points": 4,
                "num_v_points": 6,
                "dropout_rate": 0.1,
                "num_blocks": 4,
            },
        },
    },
}
HEAD = 96
"""Channels of the secondary-structure head."""


def make_network() -> Any:
    """The network, new, and ready to be trained as a whole."""
    network = EsmForProteinFolding(EsmConfig(**CONFIG, vocab_list=VOCABULARY))
    _begin(network)
    return network.float().requires_grad_(True)


@torch.no_grad()
def _begin(network: Any) -> None:
    """The trunk as training begins with it (Jumper et al. 2021, supplement 1.11.4): the class leaves that out.

    Every layer that adds to a representation begins by adding nothing, gates are open, and the first structure is a
    point.
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
    for block in network.trunk.blocks:
        adding = (
            block.tri_mul_in.linear_z, block.tri_mul_out.linear_z, block.tri_att_start.mha.linear_o,
            block.tri_att_end.mha.linear_o, block.sequence_to_pair.o_proj, block.seq_attention.o_proj,
            block.mlp_seq.mlp[-2], block.mlp_pair.mlp[-2],
        )  # fmt: skip
        for linear in adding:
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)


def _begin_linear(linear: EsmFoldLinear) -> None:
    inputs = linear.weight.shape[1]
    if linear.init in ("final", "gating"):
        nn.init.zeros_(linear.weight)
    elif linear.init == "glorot":
        nn.init.xavier_uniform_(linear.weight)
    else:
        nn.init.normal_(linear.weight, std=(2 / inputs if linear.init == "relu" else 1 / inputs) ** 0.5)
    if linear.bias is not None:
        linear.bias.fill_(1.0 if linear.init == "gating" else 0.0)


def make_head() -> SecondaryHead:
    return SecondaryHead(CONFIG["num_hidden_layers"] + 1, CONFIG["hidden_size"], HEAD, 0.3)


def read_layers(network: Any, residues: Tensor, mask: Tensor, hidden: Tensor | None = None) -> Tensor:
    """`(B, L)` residues to every layer of the language model `(B, L, layers, C)`; `hidden` ones it is not told."""
    tokens = network.af2_idx_to_esm_idx(residues, mask)
    if hidden is not None:
        tokens = tokens.masked_fill(hidden, network.esm_dict_mask_idx)
    return network.compute_language_model_representations(tokens)


class LanguageHeads(nn.Module):
    """What the language model is taught by and that is thrown away: hidden residues, and the shape of the Cα trace."""

    def __init__(self) -> None:
        super().__init__()
        self.residues = nn.Linear(CONFIG["hidden_size"], 20)
        self.shape = nn.Linear(CONFIG["hidden_size"], 4)

    def forward(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """Logits `(B, L, 20)`; cos and sin of the trace's dihedral, cos of its angle, and how buried `(B, L, 4)`."""
        return self.residues(last), self.shape(last)


def parameters_of(module: nn.Module) -> int:
    return sum(weight.numel() for weight in module.parameters())
