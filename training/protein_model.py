"""The proteins starter's network: a small ESM-2, and the secondary-structure head that stands on it."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import EsmConfig, EsmModel

from backends.folding.secondary_head import SecondaryHead

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
