"""Look into a protein language model: what its heads attend to, contacts from them, and what mutations it expects.

Rao et al. 2021, "Transformer protein language models are unsupervised structure learners": symmetrised and
average-product-corrected attention predicts contacts through a logistic regression over all heads. Meier et al. 2021,
"Language models enable zero-shot prediction of the effects of mutations": masked marginals.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from backends.folding.pair_scores import average_product_correction, symmetrised
from backends.folding.residues import AMINO_ACIDS

MAX_ATTENTION_BYTES = 400_000_000
"""Most that is kept of the attention, in half precision; beyond it the heads of each layer are averaged."""


class AttentionRecorder:
    """Collects the attention of each layer as the network runs, on the CPU and in half precision.

    What would be too much to keep never piles up: then each layer is averaged over its heads as it comes. `trained`
    are the weights and the bias of a contact head; contacts come from every head, whatever is kept of them.
    """

    def __init__(self, layers: int, trained: tuple[np.ndarray, float] | None = None) -> None:
        self.averaged = False
        self._expected, self._trained = layers, trained
        self._layers: list[np.ndarray] = []
        self._score: np.ndarray | None = None  # (L, L)

    def __call__(self, _: nn.Module, __: Any, output: Any) -> None:
        weights = output[1]  # (1, H, T, T), T = L + 2
        if weights is None:
            raise RuntimeError("this attention does not tell its weights")
        inner = weights[0, :, 1:-1, 1:-1]  # without the marks of beginning and end
        kept = inner.half().cpu().numpy()  # (H, L, L)
        if self._trained is not None:
            first = len(self._layers) * len(kept)
            score = contact_logits(kept, self._trained[0][first : first + len(kept)])
            self._score = score if self._score is None else self._score + score
        self.averaged = self._expected * kept.nbytes > MAX_ATTENTION_BYTES
        self._layers.append(kept.mean(0, keepdims=True, dtype=np.float32).astype(np.float16) if self.averaged else kept)

    def maps(self) -> np.ndarray:
        """`(layers, heads, L, L)` float16; one averaged head a layer where all would be too much to keep."""
        return np.stack(self._layers)

    def contacts(self) -> np.ndarray | None:
        """Contact probabilities `(L, L)` from all heads; None without a trained contact head."""
        if self._score is None or self._trained is None:
            return None
        return 1 / (1 + np.exp(-self._score - np.float32(self._trained[1])))


@contextmanager
def record_attention(
    esm: Any, wanted: bool = True, trained: tuple[np.ndarray, float] | None = None
) -> Iterator[AttentionRecorder | None]:
    """Record the attention of every layer of an ESM-2 within the block; None where nothing is wanted."""
    if not wanted:
        yield None
        return
    recorder = AttentionRecorder(len(esm.encoder.layer), trained)
    hooks = [layer.attention.self.register_forward_hook(recorder) for layer in esm.encoder.layer]
    try:
        yield recorder
    finally:
        for hook in hooks:
            hook.remove()


def contact_head_weights(head: nn.Linear) -> tuple[np.ndarray, float]:
    """The trained weights of a contact head: `(layers · heads,)`, and the bias."""
    bias = 0.0 if head.bias is None else float(head.bias.float())
    return head.weight.detach().float().cpu().numpy().reshape(-1), bias


def contact_logits(maps: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The corrected maps of one layer `(heads, L, L)` by their logistic weights `(heads,)`, summed to `(L, L)` float32.

    Raises ValueError where there are not as many weights as heads.
    """
    score = np.zeros(maps.shape[1:], np.float32)
    for head, weight in zip(maps, weights, strict=True):  # one head at a time: memory
        score += np.float32(weight) * average_product_correction(symmetrised(head))
    return score


def masked_marginals(
    guess: Callable[[Tensor], Iterator[int | Tensor]], aatype: Tensor
) -> Generator[int, None, tuple[np.ndarray, float, float]]:
    """What a model expects of every mutation: hide one residue after the other and ask for all twenty.

    Args:
        guess: takes a mask `(1, L)` of hidden residues; yields numbers while it works, last the logits `(1, L, 20)`.
        aatype: `(1, L)` the residues as column numbers; over 19 where unknown.

    Yields the residues done, at least once a step of `guess`.

    Returns:
        scores `(L, 20)`: log-odds of each residue against the one that is there, 0 for itself, NaN where unknown;
        the share of hidden residues guessed right; and the share of the commonest residue, which is chance.
    """
    length = aatype.shape[1]
    own = aatype[0].cpu().numpy()
    scores = np.full((length, len(AMINO_ACIDS)), np.nan, np.float32)
    right = 0
    for place in range(length):
        hidden = torch.zeros_like(aatype, dtype=torch.bool)
        hidden[0, place] = True
        logits: Tensor | None = None
        for item in guess(hidden):
            if isinstance(item, Tensor):
                logits = item
            else:
                yield place
        assert logits is not None
        chances = logits[0, place].float().log_softmax(-1).cpu().numpy()
        if own[place] < len(AMINO_ACIDS):
            scores[place] = chances - chances[own[place]]
            right += int(chances.argmax() == own[place])
    known = own[own < len(AMINO_ACIDS)]
    chance = float(np.bincount(known).max() / len(known))
    yield length
    return scores, right / len(known), chance
