"""Whether the confidence of a folded protein keeps its word."""

from __future__ import annotations

from evaluation.metrics.base import Metric

METRICS = (
    Metric(
        "plddt_gap",
        "pLDDT less true lDDT",
        "",
        0,
        None,
        "Mean predicted confidence less 100 × lDDT against the experiment: above zero it promises too much.",
    ),
    Metric(
        "contact_precision",
        "Contact precision",
        "%",
        1,
        True,
        "Of as many predicted long-range contacts as half the chain has residues, how many are true.",
    ),
    Metric("q3", "Q3", "%", 1, True, "In how many residues helix, strand or neither is as in the experiment."),
)
