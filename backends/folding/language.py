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

RESIDUES = 20
ATTENTION_BYTES = 400_000_000
"""Most that is kept of the attention, in half precision; beyond it the heads of each layer are averaged."""

VOCABULARY = ("<cls>", "<pad>", "<eos>", "<unk>", *"LAGVSERTIDPKQNFYMHWCXBUZO.-", "<null_1>", "<mask>")
"""The tokens of ESM-2 in order (Lin et al. 2023)."""


class Tap:
    """Collects the attention of each layer as the network runs, on the CPU and in half precision."""

    def __init__(self) -> None:
        self._layers: list[np.ndarray] = []

    def __call__(self, _: nn.Module, __: Any, output: Any) -> None:
        weights = output[1]  # (1, H, T, T), T = L + 2
        if weights is None:
            raise RuntimeError("this attention does not tell its weights")
        inner = weights[0, :, 1:-1, 1:-1].float()  # without the marks of beginning and end
        self._layers.append(inner.cpu().numpy().astype(np.float16))

    def maps(self) -> np.ndarray:
        """`(layers, heads, L, L)` float16; one averaged head a layer where all would be too much to keep."""
        whole = sum(layer.nbytes for layer in self._layers)
        if whole > ATTENTION_BYTES:
            return np.stack([layer.astype(np.float32).mean(0, keepdims=True) for layer in self._layers]).astype("f2")
        return np.stack(self._layers)


@contextmanager
def attention_of(esm: Any, wanted: bool = True) -> Iterator[Tap | None]:
    """A Tap on every layer of an ESM-2 for the block; None where nothing is wanted."""
    if not wanted:
        yield None
        return
    tap = Tap()
    hooks = [layer.attention.self.register_forward_hook(tap) for layer in esm.encoder.layer]
    try:
        yield tap
    finally:
        for hook in hooks:
            hook.remove()


def corrected(maps: np.ndarray) -> np.ndarray:
    """Symmetric maps without what their rows and columns explain: the average product correction (Dunn et al. 2008).

    `(..., L, L)` to the same shape, float32.
    """
    both = maps.astype(np.float32)
    both = both + both.swapaxes(-1, -2)
    rows = both.sum(-1, keepdims=True)
    total = rows.sum(-2, keepdims=True)
    return both - rows * rows.swapaxes(-1, -2) / np.maximum(total, 1e-12)


def logistic(head: nn.Linear) -> tuple[np.ndarray, float]:
    """The trained weights of a contact head: `(layers · heads,)`, and the bias."""
    bias = 0.0 if head.bias is None else float(head.bias.float())
    return head.weight.detach().float().cpu().numpy().reshape(-1), bias


def contacts(maps: np.ndarray, weights: np.ndarray, bias: float) -> np.ndarray:
    """Contact probabilities `(L, L)` from attention `(layers, heads, L, L)` and trained logistic weights.

    Raises ValueError where there are not as many weights as heads.
    """
    layers, heads, length, _ = maps.shape
    if len(weights) != layers * heads:
        raise ValueError(f"{layers} × {heads} heads, {len(weights)} weights")
    score = np.full((length, length), bias, np.float32)
    for layer, row in zip(maps, weights.reshape(layers, heads), strict=True):  # one layer at a time: memory
        score += np.tensordot(row.astype(np.float32), corrected(layer), axes=1)
    return 1 / (1 + np.exp(-score))


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
    scores = np.full((length, RESIDUES), np.nan, np.float32)
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
        if own[place] < RESIDUES:
            scores[place] = chances - chances[own[place]]
            right += int(chances.argmax() == own[place])
    known = own[own < RESIDUES]
    chance = float(np.bincount(known).max() / len(known))
    yield length
    return scores, right / len(known), chance
