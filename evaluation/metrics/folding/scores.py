"""The measures of a folded protein as data: its scores against a reference, and the confidence that it comes with.

Light to import: the work is done by `folds.compare`, which is imported when a measure is computed. A `compute` takes
the model and the reference, two structures.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from evaluation.metrics.base import Metric


def _score(name: str) -> Callable[[Any, Any], float]:
    """The field of `folds.Comparison` by this name. Raises BadInput where no chain matches."""

    def compute(model: Any, reference: Any) -> float:
        from evaluation.metrics.folding.folds import compare

        return float(getattr(compare(model, reference), name))

    return compute


COMPARISON_METRICS = (
    Metric(
        "tm", "TM-score", "", 3, True,
        "How alike the folds are, 0 to 1: over 0.5 the same fold, over 0.9 nearly equal.", _score("tm"),
    ),
    Metric(
        "tm_model", "TM-score by the model", "", 3, True,
        "The same, divided by the model's length instead of the reference's: near 1 where the model is a part of it.",
        _score("tm_model"),
    ),
    Metric(
        "rmsd", "RMSD", "Å", 2, False,
        "Root mean square distance of the compared Cα atoms after superposition; a few stray ends weigh much.",
        _score("rmsd"),
    ),
    Metric(
        "gdt_ts", "GDT-TS", "", 3, True,
        "Share of residues within 1, 2, 4 and 8 Å of their place, averaged; 1 is all.", _score("gdt_ts"),
    ),
    Metric(
        "gdt_ha", "GDT-HA", "", 3, True, "The same, stricter: within 0.5, 1, 2 and 4 Å.", _score("gdt_ha"),
    ),
    Metric(
        "lddt", "lDDT-Cα", "", 3, True,
        "Share of the distances between near Cα atoms that are kept, over the compared residues; needs no overlay.",
        _score("lddt"),
    ),
    Metric(
        "lddt_all", "lDDT", "", 3, True,
        "The same over all atoms that both structures have, side chains too.", _score("lddt_all"),
    ),
    Metric(
        "coverage", "Coverage", "", 2, True,
        "Share of the reference's residues that the model has.", _score("coverage"),
    ),
)  # fmt: skip
"""A model against a reference."""

PLDDT = Metric(
    "plddt", "Mean pLDDT", "", 0, True,
    "Predicted lDDT, 0 to 100: how sure the model is of each residue's surroundings. Over 90 very high, 70 to 90 "
    "confident, 50 to 70 low, under 50 very low and often disordered.",
)  # fmt: skip
PTM = Metric(
    "ptm", "pTM", "", 2, True,
    "Predicted TM-score, 0 to 1: how sure the model is of the whole fold. Over 0.5 the fold is probably right; it says "
    "little about chains of under some 30 residues.",
)  # fmt: skip
IPTM = Metric(
    "iptm", "ipTM", "", 2, True,
    "Predicted TM-score of how the chains sit together, 0 to 1. Over 0.8 is sure, under 0.6 probably wrong.",
)  # fmt: skip
ESTIMATED_CONFIDENCE = Metric(
    "estimated_confidence", "Confidence, estimated", "", 0, True,
    "0 to 100, from how well chains that were folded from different starts agree and keep the predicted contacts. It "
    "stands where trained models put their pLDDT, and is no more than an estimate: chains may agree on a wrong fold.",
)  # fmt: skip

METRICS = (*COMPARISON_METRICS, PLDDT, PTM, IPTM, ESTIMATED_CONFIDENCE)
