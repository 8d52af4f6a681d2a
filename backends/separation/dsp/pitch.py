"""The pitch of the leading voice in a mixture: which sung note explains each frame best, and the path through them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

STEPS_PER_OCTAVE = 60
REACH = 12
"""Candidates by which the pitch may move between frames without a jump: 2.4 semitones in 23 ms."""

# What the path weighs against each other, found on the tuning singers; a frame's salience is about 1 at its best.
BELIEF = 6.0
STEP_COST = 0.15
JUMP_COST = 10.0
REGISTER_COST = 2.0


@dataclass(frozen=True)
class Range:
    """Pitches looked for, in Hz, and the highest frequency whose harmonics count as evidence."""

    low: float
    high: float
    evidence: float

    @property
    def candidates(self) -> np.ndarray:
        """(C,) Hz, a fifth of a semitone apart."""
        steps = int(np.log2(self.high / self.low) * STEPS_PER_OCTAVE) + 1
        return self.low * 2 ** (np.arange(steps) / STEPS_PER_OCTAVE)


VOICE = Range(low=80.0, high=1000.0, evidence=4000.0)


def salience(magnitude: np.ndarray, resolution: float, span: Range) -> np.ndarray:
    """How well each pitch explains each frame, about 0 to 1 within the excerpt. (F, T) in, (C, T) out.

    Square-root magnitudes against the kernels of SWIPE (Camacho & Harris 2008): a cosine with peaks at the harmonics
    and valleys between them, so that an octave below, half of whose harmonics are missing, scores less.
    `resolution` is Hz a bin.
    """
    kernels = _kernels(resolution, span)  # (C, B)
    bins = min(len(magnitude), kernels.shape[1])
    evidence = np.maximum(kernels[:, :bins] @ np.sqrt(magnitude[:bins]), 0)
    loud = np.percentile(evidence.max(axis=0, initial=0), 90) if evidence.size else 0.0
    return np.asarray(evidence / max(float(loud), 1e-12), dtype=np.float32)


@cache
def _kernels(resolution: float, span: Range, decay: float = 0.1) -> np.ndarray:
    """(C, B) float32, one row a candidate. `decay` is how fast the weight of a frequency falls: f ** -decay.

    SWIPE takes 0.5; a mixture's low end belongs to others than the voice, so the upper harmonics get more say here.
    """
    pitches = span.candidates[:, None]
    frequencies = np.arange(int(span.evidence / resolution) + 1) * resolution  # (B,)
    count = np.floor(span.evidence / pitches - 0.75)
    ratio = frequencies / pitches
    # Outer valleys belong to one harmonic alone and weigh half; the inner ones are shared by two neighbours.
    share = np.where((ratio > count + 0.5) | (ratio < 0.5), 0.5, 1.0)
    peak = np.abs(ratio - np.round(ratio)) < 0.25
    wave = np.cos(2 * np.pi * ratio) * np.where(peak, 1.0, 0.5 * share)
    wave = wave * ((ratio > 0.25) & (ratio < count + 0.75)) * np.maximum(frequencies, 20.0) ** -decay
    return np.asarray(wave / np.sqrt((np.maximum(wave, 0) ** 2).sum(axis=1, keepdims=True)), dtype=np.float32)


def best_path(scores: np.ndarray, step_cost: float, jump_cost: float, reach: int) -> np.ndarray:
    """Viterbi: the path of the largest total score, (C, T) in, (T,) candidate indices out.

    Moving by n candidates from one frame to the next costs n * `step_cost`; from further away than `reach`, where a new
    phrase begins, `jump_cost`.
    """
    count, frames = scores.shape
    moves = np.arange(-reach, reach + 1)
    costs = (-step_cost * np.abs(moves)).astype(np.float32)
    came_from = np.zeros((frames, count), np.int32)
    index = np.arange(count)
    total = scores[:, 0].copy()
    for t in range(1, frames):
        near = (
            np.lib.stride_tricks.sliding_window_view(np.pad(total, reach, constant_values=-np.inf), len(moves)) + costs
        )
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


def lead_pitch(magnitude: np.ndarray, resolution: float, span: Range = VOICE) -> tuple[np.ndarray, np.ndarray]:
    """Pitch in Hz and its salience along the frames of (F, T) magnitudes: two arrays (T,).

    Every frame gets a pitch; its salience says how much to believe it. The path is looked for twice: the first finds
    the register that the lead keeps to, the second is drawn to it, which undoes most leaps to another octave.
    """
    pitches = span.candidates
    scores = salience(magnitude, resolution, span)  # (C, T)
    path = best_path(BELIEF * scores, STEP_COST, JUMP_COST, REACH)
    register = _weighted_median(np.log2(pitches[path]), scores[path, np.arange(len(path))] ** 2)
    distance = (np.log2(pitches) - register) ** 2  # (C,) octaves squared
    path = best_path(
        (BELIEF * scores - REGISTER_COST * distance[:, None]).astype(np.float32), STEP_COST, JUMP_COST, REACH
    )
    return pitches[path].astype(np.float32), scores[path, np.arange(len(path))]


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    heaped = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heaped, heaped[-1] / 2)])
