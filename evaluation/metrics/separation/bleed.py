"""Bleed: how much of a stem is a copy of what belongs to other stems, estimated without the true stems.

Two instruments that play together are loud together, but their waves have nothing to do with each other: the phase
between them is random from one moment to the next. A copy of one left behind in the other is in phase with it, second
after second. So the stems are taken as S = M S0: true stems S0 that have nothing in common, with energies D, and a
matrix M of copies, 1 on its diagonal. In each frequency band the energies and the in-phase products of the stems form

    G = M D M^T,   G_st = sum over seconds of Re <S_s, S_t>,

which fixes M and D once the copies are taken to be equally strong both ways. A stem's bleed is the energy of the copies
in it, sum_t M_st^2 D_t, over all bands. Before that, what chance alone would give is taken off the products, so that
stems with nothing in common get zero on average.

It is an estimate: a copy that went one way only is put down mostly to the softer of the two stems in that band; and it
cannot notice a sound that was moved into the wrong stem as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Block = NDArray[np.float64]

MIN_SECONDS = 8
"""Fewer independent seconds than this leave the estimate to chance."""
FRAME_SECONDS = 0.046
BANDS_PER_OCTAVE = 3
MAX_GAIN = 0.8
"""The loudest copy, as a gain, that can still be distinguished from the original."""


class BleedMeter:
    """Takes blocks of about a second of all stems; `fractions` is the result. Memory does not grow."""

    def __init__(self, samplerate: int, stems: Sequence[str]) -> None:
        self.stems = tuple(stems)
        self.size = 1 << round(np.log2(FRAME_SECONDS * samplerate))
        lowest, highest = 40.0, 0.45 * samplerate
        count = int(BANDS_PER_OCTAVE * np.log2(highest / lowest))
        edges = lowest * 2.0 ** (np.arange(count + 1) / BANDS_PER_OCTAVE)
        self.edges = np.unique(np.ceil(edges * self.size / samplerate).astype(int))  # first bin of each band
        self.window = np.hanning(self.size + 1)[:-1].astype(np.float32)
        bands = self.edges.size - 1
        self.seconds = 0
        self.energy = {name: np.zeros(bands) for name in self.stems}
        self.product = {pair: np.zeros(bands) for pair in combinations(self.stems, 2)}
        self.squares = {pair: np.zeros(bands) for pair in combinations(self.stems, 2)}

    def add(self, blocks: Mapping[str, Block]) -> None:
        """`blocks` holds one `(C, n)` a stem; blocks shorter than a frame are left out."""
        if next(iter(blocks.values())).shape[1] < 4 * self.size:
            return
        spectra = {name: self._spectra(blocks[name]) for name in self.stems}
        for number, first in enumerate(self.stems):
            self.energy[first] += self._banded(spectra[first], spectra[first])
            for second in self.stems[number + 1 :]:
                common = self._banded(spectra[first], spectra[second])
                self.product[first, second] += common
                self.squares[first, second] += common**2
        self.seconds += 1

    def _spectra(self, block: Block) -> NDArray[np.float32]:
        """`(C, n)` to `(C, M, 2 bins)`, real and imaginary parts side by side; frames half over each other."""
        frames = np.lib.stride_tricks.sliding_window_view(block, self.size, axis=1)[:, :: self.size // 2]
        framed = np.multiply(frames, self.window, dtype=np.float32, order="C", casting="same_kind")
        return np.fft.rfft(framed, axis=-1).view(np.float32)

    def _banded(self, one: NDArray[np.float32], two: NDArray[np.float32]) -> Block:
        """Re <one, two> over channels, frames and the bins of each band: `(bands,)`."""
        whole = np.einsum("cmb,cmb->b", one, two).astype(np.float64)
        return np.add.reduceat(whole[: 2 * self.edges[-1]], 2 * self.edges[:-1])

    @property
    def fractions(self) -> dict[str, float] | None:
        """The fraction of each stem's energy, 0 to 1, that came from other stems; None where too little was read."""
        if self.seconds < MIN_SECONDS or len(self.stems) < 2:
            return None
        copied = copied_energy(self._products())  # (bands, stems)
        fractions = {}
        for number, name in enumerate(self.stems):
            total = float(self.energy[name].sum())
            fractions[name] = min(1.0, float(copied[:, number].sum()) / total) if total > 0.0 else 0.0
        return fractions

    def _products(self) -> Block:
        """G `(bands, stems, stems)`; off the diagonal only what is beyond chance. Opposite waves are no copy: 0."""
        count = len(self.stems)
        gram = np.zeros((self.edges.size - 1, count, count))
        for number, name in enumerate(self.stems):
            gram[:, number, number] = self.energy[name]
        for (first, second), product in self.product.items():
            beyond_chance = np.maximum(product**2 - self.squares[first, second], 0.0)
            i, j = self.stems.index(first), self.stems.index(second)
            gram[:, i, j] = gram[:, j, i] = np.where(product > 0.0, np.sqrt(beyond_chance), 0.0)
        return gram


def copied_energy(gram: Block, steps: int = 40) -> Block:
    """Solve G = M D M for a symmetric M with ones on its diagonal, by damped Newton steps.

    With L = M⁻¹ G M⁻¹ (which is D at the solution) and d its diagonal, each step adds ½ L_st / (d_s + d_t) to M_st: the
    remainder off the diagonal says how far that gain is still off. Gains are kept below `MAX_GAIN`, because two stems
    that are the same sound would otherwise need an infinite one.

    Args:
        gram: G in each band, `(bands, N, N)`.
        steps: of the iteration.

    Returns:
        The energy of the copies in each stem, sum over t of M_st² D_t, `(bands, N)`.
    """
    eye = np.eye(gram.shape[-1])
    gram = gram + 1e-12 * (gram.trace(axis1=1, axis2=2)[:, None, None] + 1e-20) * eye
    copies = np.broadcast_to(eye, gram.shape).copy()
    for _ in range(steps):
        inverse = np.linalg.inv(copies)
        remainder = inverse @ gram @ inverse
        energy = np.maximum(np.diagonal(remainder, axis1=1, axis2=2), 0.0)  # (bands, N)
        pairs = np.maximum(energy[:, :, None] + energy[:, None, :], 1e-30)
        copies = np.clip(copies + 0.5 * (1.0 - eye) * remainder / pairs, 0.0, MAX_GAIN)
        copies = copies * (1.0 - eye) + eye
    return np.einsum("bst,bt->bs", (copies * (1.0 - eye)) ** 2, energy)
