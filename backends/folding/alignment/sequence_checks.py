"""What a look at a sequence tells before it is folded, in words: odd letters, length, repeats, simple stretches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backends.folding.residues import ALPHAFOLD_ORDER, AMINO_ACIDS

LOW_COMPLEXITY = (12, 1.9)
"""Window, and bits of entropy under which its residues count as a simple stretch. Stricter than SEG's 2.2 (Wootton &
Federhen 1993), which is only a trigger there: by itself it marks ordinary helices of crystal structures."""

MEMBRANE = (19, 1.6)
"""Window and mean hydropathy over which a stretch is likely to span a membrane (Kyte & Doolittle 1982)."""

REPEAT = (24, 0.6)
"""Residues compared and the share that has to be the same for a stretch to count as repeated."""

HYDROPATHY = dict(
    zip(
        ALPHAFOLD_ORDER,
        (
            1.8,
            -4.5,
            -3.5,
            -3.5,
            2.5,
            -3.5,
            -3.5,
            -0.4,
            -3.2,
            4.5,
            3.8,
            -3.9,
            1.9,
            2.8,
            -1.6,
            -0.8,
            -0.7,
            -0.9,
            -1.3,
            4.2,
        ),
        strict=True,
    )
)
"""Kyte & Doolittle 1982, table 2."""

MIN_CYSTEINE_FRACTION = 0.06
RELIABLE_LENGTH = (30, 800)
"""Residues between which single-chain predictions are at their best."""


@dataclass(frozen=True)
class SequenceWarning:
    """One thing to know before the run. `spans` are the residues it is about, from 0, the end left out.

    `level` is "note" for what is good to know and "warning" for what makes the result less sure.
    """

    id: str
    level: str
    sentence: str
    spans: tuple[tuple[int, int], ...] = ()


def check_sequence(sequence: str) -> list[SequenceWarning]:
    """Every finding about one chain of one-letter codes, the gravest first; empty where all is ordinary."""
    found = [
        *_length(sequence),
        *_unknown_residues(sequence),
        *_low_complexity(sequence),
        *_repeats(sequence),
        *_membrane(sequence),
        *_cysteines(sequence),
    ]
    return sorted(found, key=lambda finding: finding.level != "warning")


def _length(sequence: str) -> list[SequenceWarning]:
    count, (least, most) = len(sequence), RELIABLE_LENGTH
    if count < least:
        return [
            SequenceWarning("short", "note", f"{count} residues are a peptide: many take no fixed shape on their own.")
        ]
    if count > most:
        text = f"{count:,} residues are a long chain: its parts may be right and their places to each other wrong."
        return [SequenceWarning("long", "warning", text)]
    return []


def _unknown_residues(sequence: str) -> list[SequenceWarning]:
    spans = _spans(np.array([letter not in AMINO_ACIDS for letter in sequence]))
    if not spans:
        return []
    count = sum(end - start for start, end in spans)
    text = f"{count} of {len(sequence)} residues are unknown (X), first at {spans[0][0] + 1}."
    return [SequenceWarning("unknown", "warning", text, spans)]


def _low_complexity(sequence: str) -> list[SequenceWarning]:
    window, bits = LOW_COMPLEXITY
    if len(sequence) < window:
        return []
    letters = np.array(list(sequence))
    onehot = (letters[:, None] == np.array(list(AMINO_ACIDS))).astype(float)  # (L, 20)
    counts = _windows(onehot, window)
    share = counts / window
    entropy = -(share * np.log2(np.where(share > 0, share, 1))).sum(-1)
    spans = _spans(_cover(entropy < bits, window, len(sequence)))
    if not spans:
        return []
    text = (
        f"Residues {_spans_text(spans)} few kinds of residue (low complexity): often disordered, with no single shape "
        "to predict."
    )
    return [SequenceWarning("simple", "warning", text, spans)]


def _repeats(sequence: str) -> list[SequenceWarning]:
    window, share = REPEAT
    count = len(sequence)
    letters = np.frombuffer(sequence.encode(), np.uint8)
    best: tuple[float, int, int] | None = None
    for lag in range(5, count - window + 1):
        same = (letters[:-lag] == letters[lag:]).astype(float)
        if len(same) < window:
            break
        shares = _windows(same[:, None], window)[:, 0] / window
        place = int(shares.argmax())
        if shares[place] >= share and (best is None or shares[place] > best[0]):
            best = (float(shares[place]), place, lag)
    if best is None:
        return []
    identity, place, lag = best
    first, second = (place, place + window), (place + lag, place + lag + window)
    text = (
        f"Residues {first[0] + 1}–{first[1]} come again at {second[0] + 1}–{second[1]} ({100 * identity:.0f} % the "
        "same): models may lay repeats on top of each other."
    )
    return [SequenceWarning("repeat", "note", text, (first, second))]


def _membrane(sequence: str) -> list[SequenceWarning]:
    window, least = MEMBRANE
    if len(sequence) < window:
        return []
    scale = np.array([HYDROPATHY.get(letter, 0.0) for letter in sequence])
    mean = _windows(scale[:, None], window)[:, 0] / window
    spans = _spans(_cover(mean >= least, window, len(sequence)))
    if not spans:
        return []
    text = f"{_spans_text(spans)} water-shunning residues in a row, as in a membrane: no model here knows of membranes."
    return [SequenceWarning("membrane", "note", f"Residues {text}", spans)]


def _cysteines(sequence: str) -> list[SequenceWarning]:
    count = sequence.count("C")
    if count < 4 or count / len(sequence) < MIN_CYSTEINE_FRACTION:
        return []
    text = (
        f"{count} cysteines in {len(sequence)} residues: disulphide bridges are likely, and are not predicted as such."
    )
    return [SequenceWarning("cysteines", "note", text)]


def _windows(values: np.ndarray, window: int) -> np.ndarray:
    """(L, C) to (L - window + 1, C): the sum over each window."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    return total[window:] - total[:-window]


def _cover(marked: np.ndarray, window: int, length: int) -> np.ndarray:
    """(L,) whether a residue lies in any of the marked windows."""
    covered = np.zeros(length, bool)
    for start in np.flatnonzero(marked):
        covered[start : start + window] = True
    return covered


def _spans(marked: np.ndarray) -> tuple[tuple[int, int], ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(int), [0]])))
    return tuple((int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True))


def _spans_text(spans: tuple[tuple[int, int], ...]) -> str:
    shown = ", ".join(f"{start + 1}–{end}" for start, end in spans[:4])
    return f"{shown}{' and others' if len(spans) > 4 else ''} have"
