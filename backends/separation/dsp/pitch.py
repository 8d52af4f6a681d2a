"""The pitch of the leading voice in a mixture: a salience for each candidate pitch, and the best path through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

STEPS_PER_OCTAVE = 60
MAX_STEP = 12
"""Candidates by which the pitch may move from one frame to the next without a jump: 2.4 semitones in 23 ms."""

# Weights of the path's terms, tuned on singers other than those reported on. A frame's best salience is about 1.
SALIENCE_WEIGHT = 6.0
STEP_COST = 0.15
JUMP_COST = 10.0
REGISTER_COST = 2.0


@dataclass(frozen=True)
class PitchRange:
    """The pitches that are searched, in Hz, and the highest frequency up to which harmonics count as evidence."""

    low: float
    high: float
    highest_harmonic: float

    @property
    def candidates(self) -> np.ndarray:
        """Candidate pitches in Hz, `(C,)`, a fifth of a semitone apart."""
        steps = int(np.log2(self.high / self.low) * STEPS_PER_OCTAVE) + 1
        return self.low * 2 ** (np.arange(steps) / STEPS_PER_OCTAVE)


VOICE = PitchRange(low=80.0, high=1000.0, highest_harmonic=4000.0)


def salience(magnitude: np.ndarray, resolution: float, pitches: PitchRange) -> np.ndarray:
    """How well each candidate pitch explains each frame, about 0 to 1 within the excerpt.

    The inner product of square-root magnitudes with the kernels of SWIPE (Camacho & Harris, JASA 2008): a
    cosine with peaks at the harmonics and valleys between them, so that the octave below, half of whose harmonics are
    missing, scores less.

    Args:
        magnitude: `(F, T)`.
        resolution: spacing of the bins in Hz.
        pitches: what is searched.

    Returns:
        `(C, T)`, scaled so that the 90th percentile of the frames' best values is 1.
    """
    kernels = _kernels(resolution, pitches)  # (C, B)
    bins = min(len(magnitude), kernels.shape[1])
    evidence = np.maximum(kernels[:, :bins] @ np.sqrt(magnitude[:bins]), 0)
    loud = np.percentile(evidence.max(axis=0, initial=0), 90) if evidence.size else 0.0
    return np.asarray(evidence / max(float(loud), 1e-12), dtype=np.float32)


@cache
def _kernels(resolution: float, pitches: PitchRange, decay: float = 0.1) -> np.ndarray:
    """SWIPE kernels `(C, B)`, float32, one row for each candidate pitch.

    With q = f / f0 and n harmonics, the kernel is cos(2π q) within a quarter of a harmonic and half of that in the
    valleys, 0 for q < 1/4 and q > n + 3/4, times f^-`decay` (Camacho & Harris 2008). They take a decay of 0.5; the low
    end of a mixture belongs to other instruments than the voice, so its upper harmonics weigh more here.
    """
    fundamentals = pitches.candidates[:, None]  # (C, 1)
    frequencies = np.arange(int(pitches.highest_harmonic / resolution) + 1) * resolution  # (B,)
    harmonics = np.floor(pitches.highest_harmonic / fundamentals - 0.75)  # (C, 1)
    ratio = frequencies / fundamentals  # (C, B)
    # The outer valleys belong to one harmonic alone and weigh half; the inner ones are shared by two neighbours.
    valley = np.where((ratio > harmonics + 0.5) | (ratio < 0.5), 0.5, 1.0)
    peak = np.abs(ratio - np.round(ratio)) < 0.25
    kernel = np.cos(2 * np.pi * ratio) * np.where(peak, 1.0, 0.5 * valley)
    kernel = kernel * ((ratio > 0.25) & (ratio < harmonics + 0.75)) * np.maximum(frequencies, 20.0) ** -decay
    return np.asarray(kernel / np.sqrt((np.maximum(kernel, 0) ** 2).sum(axis=1, keepdims=True)), dtype=np.float32)


def viterbi_path(scores: np.ndarray, step_cost: float, jump_cost: float, max_step: int) -> np.ndarray:
    """The path through the candidates with the largest total score (Viterbi 1967).

    best(c, t) = score(c, t) + max( max over |n| <= max_step of best(c + n, t - 1) - step_cost |n|,
                                    max over all c' of best(c', t - 1) - jump_cost )

    Args:
        scores: `(C, T)`.
        step_cost: cost of moving by one candidate between two frames.
        jump_cost: cost of coming from any candidate further away, as where a new phrase begins.
        max_step: the furthest move that is not a jump, in candidates.

    Returns:
        Indices of candidates, `(T,)`.

    >>> scores = np.array([[2, 0, 2], [0, 1, 0]], np.float32)
    >>> viterbi_path(scores, step_cost=1.0, jump_cost=5.0, max_step=1).tolist()
    [0, 0, 0]
    >>> viterbi_path(scores, step_cost=0.1, jump_cost=5.0, max_step=1).tolist()
    [0, 1, 0]
    """
    count, frames = scores.shape
    moves = np.arange(-max_step, max_step + 1)
    costs = (-step_cost * np.abs(moves)).astype(np.float32)
    came_from = np.zeros((frames, count), np.int32)
    index = np.arange(count)
    total = scores[:, 0].copy()  # best(., t)
    for t in range(1, frames):
        padded = np.pad(total, max_step, constant_values=-np.inf)
        near = np.lib.stride_tricks.sliding_window_view(padded, len(moves)) + costs  # (C, 2 max_step + 1)
        move = near.argmax(axis=1)
        best, source = near[index, move], index + moves[move]
        leader = int(total.argmax())
        jump = total[leader] - jump_cost > best
        came_from[t] = np.where(jump, leader, source)
        total = np.where(jump, total[leader] - jump_cost, best) + scores[:, t]
    path = np.empty(frames, np.int64)
    path[-1] = total.argmax()
    for t in range(frames - 1, 0, -1):
        path[t - 1] = came_from[t, path[t]]
    return path


def lead_pitch(magnitude: np.ndarray, resolution: float, pitches: PitchRange = VOICE) -> tuple[np.ndarray, np.ndarray]:
    """The pitch of the lead in Hz, `(T,)`, and its salience, `(T,)`, for magnitudes `(F, T)`.

    Every frame gets a pitch; its salience says how far to believe it. The path is searched twice: the first pass finds
    the register that the lead keeps to, the second is drawn to that register, which undoes most leaps by an octave.
    """
    candidates = pitches.candidates
    scores = salience(magnitude, resolution, pitches)  # (C, T)
    path = viterbi_path(SALIENCE_WEIGHT * scores, STEP_COST, JUMP_COST, MAX_STEP)
    register = _weighted_median(np.log2(candidates[path]), scores[path, np.arange(len(path))] ** 2)
    distance = (np.log2(candidates) - register) ** 2  # (C,) octaves squared
    drawn_to_register = (SALIENCE_WEIGHT * scores - REGISTER_COST * distance[:, None]).astype(np.float32)
    path = viterbi_path(drawn_to_register, STEP_COST, JUMP_COST, MAX_STEP)
    return candidates[path].astype(np.float32), scores[path, np.arange(len(path))]


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])
