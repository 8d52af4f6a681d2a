"""Proteins in a study: the predicted structure against the one that was seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch

from backends.core.errors import BadInput
from backends.folding.coevolution.chain import backbone
from backends.folding.structure.geometry import contact_map
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.structure import Structure
from evaluation.datasets.base import Sample
from evaluation.metrics.folding.folds import compare
from evaluation.studies.rig import Answer, Score, Trust
from evaluation.systems.folding import TORSIONS, Coevolution, esmfold, fold


def system(card: str, options: Mapping[str, Any]) -> Answer:
    if card == "all-helix":
        return _helix
    if card == "coevolution":
        return _coevolution
    return partial(_folded, _engine(card))


@cache
def _engine(card: str) -> Any:
    return esmfold(card)


def _folded(engine: Any, sample: Sample, seed: int) -> Structure:
    return fold(engine, sample.inputs["sequence"])


def _helix(sample: Sample, seed: int) -> Structure:
    sequence = sample.inputs["sequence"]
    torsions = torch.deg2rad(torch.tensor([[TORSIONS[0]] * len(sequence)]))
    return Structure.from_backbone(backbone(torsions)[0].numpy(), sequence)


def _coevolution(sample: Sample, seed: int) -> Structure:
    if "alignment" not in sample.inputs:
        raise BadInput("This model needs an alignment, and the data set has none.")
    return Coevolution.of(sample.inputs["alignment"]).fold(seed)


def scores(output: Structure, sample: Sample, metrics: Sequence[str]) -> Iterator[Score]:
    reference = _structure(sample)
    comparison = compare(output, reference)
    values = comparison.scores()
    rows = comparison.matching.model
    known = np.isfinite(comparison.residues)
    where = float(rows[np.nanargmin(comparison.residues)]) if known.any() else None
    model, truth = output.select(rows), reference.select(comparison.matching.reference)
    if "plddt_gap" in metrics:
        values["plddt_gap"] = (
            float(np.nanmean(model.confidence) - 100 * comparison.lddt) if _has_confidence(model) else float("nan")
        )
    if "q3" in metrics:
        values["q3"] = float(np.mean(states(model) == states(truth)))
    if "contact_precision" in metrics:
        values["contact_precision"] = _contacts(model, truth)
    if "plddt" in metrics:
        values["plddt"] = float(np.nanmean(model.confidence)) if _has_confidence(model) else float("nan")
    for metric in metrics:
        if metric in values:
            yield Score(metric, values[metric], "", where)


def trust(output: Structure, sample: Sample) -> Trust | None:
    """pLDDT and lDDT-Cα of each residue that can be judged, both 0 to 1."""
    if not _has_confidence(output):
        return None
    comparison = compare(output, _structure(sample))
    claimed, happened = output.confidence[comparison.matching.model] / 100, comparison.residues
    both = np.isfinite(claimed) & np.isfinite(happened)
    return claimed[both].tolist(), happened[both].tolist()


def _structure(sample: Sample) -> Structure:
    return sample.reference if isinstance(sample.reference, Structure) else sample.reference.structure


def states(structure: Structure) -> np.ndarray:
    """(L,) helix, strand or neither."""
    return np.array(list(assign_secondary_structure(structure)))


def _has_confidence(structure: Structure) -> bool:
    return bool(np.isfinite(structure.confidence).any())


def _contacts(model: Structure, truth: Structure) -> float:
    """Of the model's L/2 nearest pairs at least 12 apart in the chain, the share that are contacts in truth."""
    length = len(model)
    first, second = np.triu_indices(length, 12)
    if not len(first):
        return float("nan")
    distance = np.linalg.norm(model.ca[first] - model.ca[second], axis=1)
    nearest = np.argsort(distance, kind="stable")[: max(1, length // 2)]
    return float(contact_map(truth)[first[nearest], second[nearest]].mean())
