"""Helix, strand or loop of each residue, told by a small language model that ships with Fourfold.

The model is that of the folding starter, an ESM-2 (Lin et al. 2023) of four layers, with a head of convolutions of its
own, trained by `training/esmfold`. With the option "language" `coevolution` mixes what it says with what
columns
tell.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import EsmConfig, EsmModel

from backends.core.errors import WeightsBroken
from backends.folding.alignment.alignment import GAP, Alignment
from backends.folding.alignment.profile import LOOP
from backends.folding.cards import CARDS, STARTER
from backends.folding.residues import ALIGNMENT_ORDER, AMINO_ACIDS, ESM_TOKENS
from backends.weights.store import WeightStore

HEAD_FILE = "secondary_head.safetensors"
"""Beside the folding starter's own file, which holds the language model."""

STATES = LOOP + 1
WIDE, NARROW = 11, 7
"""Residues that a convolution sees at once: the first spans three turns of a helix."""

MAX_SEQUENCES = 192
"""Sequences of an alignment that are read: more of them say little more."""
BATCH_RESIDUES = 4_000
"""Residues."""
QUERY_WEIGHT = 0.3
"""How much the query counts against all of its relatives, which may differ from it; set, as those of `profile`, on the
four alignments of `benchmarks/coevolution.py`."""

_CLS, _PAD, _EOS = (ESM_TOKENS.index(token) for token in ("<cls>", "<pad>", "<eos>"))


class SecondaryHead(nn.Module):
    """Logits of helix, strand and loop `(B, L, 3)` from every layer of a language model `(B, L, layers, C)`.

    A mixture of the layers goes through three convolutions along the chain.
    """

    def __init__(self, layers: int, channels: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.mixture = nn.Parameter(torch.zeros(layers))
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv1d(channels, hidden, WIDE, padding=WIDE // 2)
        self.second = nn.Conv1d(hidden, hidden, NARROW, padding=NARROW // 2)
        self.last = nn.Conv1d(hidden, STATES, NARROW, padding=NARROW // 2)
        self.dropout = nn.Dropout(dropout)

    def forward(self, layers: Tensor, mask: Tensor) -> Tensor:
        """`mask` `(B, L)` is 1 where there is a residue: beyond the ends of a chain a convolution sees nothing."""
        there = mask[:, None].to(layers.dtype)
        mixed = self.norm(torch.einsum("n,blnc->blc", self.mixture.softmax(0), layers))
        hidden = self.dropout(mixed).transpose(1, 2) * there
        hidden = self.dropout(nn.functional.gelu(self.first(hidden))) * there
        hidden = self.dropout(hidden + nn.functional.gelu(self.second(hidden))) * there
        return self.last(hidden).transpose(1, 2)


def tokenize(texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """`(B, L + 2)` tokens of sequences between the marks of beginning and end, and `(B, L)` where a residue is."""
    longest = max(map(len, texts))
    tokens = torch.full((len(texts), longest + 2), _PAD)
    for row, text in enumerate(texts):
        codes = [ESM_TOKENS.index(letter if letter in AMINO_ACIDS else "X") for letter in text]
        tokens[row, : len(text) + 2] = torch.tensor([_CLS, *codes, _EOS])
    return tokens, torch.stack([(torch.arange(longest) < len(text)).long() for text in texts])


def read_layers(esm: Any, tokens: Tensor) -> Tensor:
    """Every layer `(B, L, layers, C)` of the language model, without the marks."""
    layers = esm(tokens, attention_mask=tokens != _PAD, output_hidden_states=True)["hidden_states"]
    return torch.stack(layers, dim=2)[:, 1:-1]


class SecondaryPredictor:
    """Secondary structure of single sequences, and of an alignment as the mean over its sequences."""

    name = STARTER

    def __init__(self, esm: Any, head: SecondaryHead) -> None:
        self.esm, self.head = esm.eval(), head.eval()

    @classmethod
    def read(cls, folder: Path) -> SecondaryPredictor:
        """From the folder of the folding starter. Raises WeightsBroken."""
        try:
            config = EsmConfig(**json.loads((folder / "config.json").read_text(encoding="utf-8")))
            with safe_open(folder / "model.safetensors", "pt") as file:
                names = [name for name in file.keys() if name.startswith("esm.")]  # noqa: SIM118
                language = {name.removeprefix("esm."): file.get_tensor(name).float() for name in names}
            with safe_open(folder / HEAD_FILE, "pt") as file:
                hidden = int((file.metadata() or {})["hidden"])
                weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
            esm = EsmModel(config, add_pooling_layer=False)
            unused = {key: value for key, value in esm.state_dict().items() if key.startswith("contact_head.")}
            esm.load_state_dict(unused | language)
            head = SecondaryHead(config.num_hidden_layers + 1, config.hidden_size, hidden)
            head.load_state_dict(weights)
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise WeightsBroken(f"The folder {folder.name} does not hold the secondary-structure starter.") from error
        return cls(esm, head)

    def sequences(self, texts: Sequence[str]) -> Iterator[np.ndarray]:
        """Of each sequence, in order, `(L, 3)` log-probabilities of helix, strand and loop."""
        waiting: list[str] = []
        for text in texts:
            if waiting and max(len(text), *map(len, waiting)) * (len(waiting) + 1) > BATCH_RESIDUES:
                yield from self._batch(waiting)
                waiting = []
            waiting.append(text)
        if waiting:
            yield from self._batch(waiting)

    @torch.inference_mode()
    def _batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        tokens, mask = tokenize(texts)
        log_probabilities = self.head(read_layers(self.esm, tokens), mask).log_softmax(-1).numpy()
        return [row[: len(text)] for row, text in zip(log_probabilities, texts, strict=True)]

    def alignment(self, alignment: Alignment, weights: np.ndarray) -> np.ndarray:
        """(L, 3) mean log-probabilities of the query and of relatives of it, each read without its gaps.

        The relatives are spread evenly over the weight of all, so that each stands for as many different ones.
        """
        chosen = np.searchsorted(np.cumsum(weights), np.linspace(0, weights.sum(), MAX_SEQUENCES, endpoint=False))
        order = np.unique(chosen[chosen != 0])
        letters = np.array(list(ALIGNMENT_ORDER))
        total, count = np.zeros((alignment.length, STATES)), np.zeros((alignment.length, 1))
        rows = [alignment.rows[row] for row in order]
        texts = ["".join(letters[row[row != GAP]]) for row in rows]
        for row, log_probabilities in zip(rows, self.sequences(texts), strict=True):
            total[row != GAP] += log_probabilities
            count[row != GAP] += 1
        own = next(self.sequences([alignment.query]))
        return np.where(count > 0, QUERY_WEIGHT * own + (1 - QUERY_WEIGHT) * total / np.maximum(count, 1), own)


def bundled_predictor() -> SecondaryPredictor:
    """The predictor that ships with the project. Raises WeightsBroken where its file is not as it ships."""
    card = next(card for card in CARDS if card.id == STARTER)
    return SecondaryPredictor.read(WeightStore().paths(card)[0].parent)
