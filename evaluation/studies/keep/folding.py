"""Proteins: the Cα traces of the experiment and of the model laid on it, as JSON; whole structures as PDB."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_pdb
from evaluation.datasets.base import Sample
from evaluation.metrics.folding.folds import compare
from evaluation.studies.excerpts import OutputFile


def excerpt(sample: Sample, output: Structure, where: float | None) -> Iterator[OutputFile]:
    """`truth` and `answer` are lists of x, y, z in Å, `worst` a residue of the answer."""
    true = _structure(sample)
    laid = compare(output, true).transform.apply(output.ca.astype(float))
    traces = {"truth": _rounded(true.ca), "answer": _rounded(laid), "worst": None if where is None else int(where)}
    yield OutputFile("answer", "experiment and model, laid over each other", ".json", json.dumps(traces).encode())


def _structure(sample: Sample) -> Structure:
    return sample.reference if isinstance(sample.reference, Structure) else sample.reference.structure


def _rounded(trace: np.ndarray) -> list[list[float]]:
    known = trace[np.isfinite(trace).all(axis=1)].astype(float)
    return np.round(known, 1).tolist()


def whole_input(sample: Sample) -> Iterator[OutputFile]:
    yield OutputFile("input", "sequence", ".fasta", f">query\n{sample.inputs['sequence']}\n".encode())
    yield OutputFile("truth", "experiment", ".pdb", to_pdb(_structure(sample)).encode())


def whole_output(sample: Sample, output: Structure) -> Iterator[OutputFile]:
    yield OutputFile("answer", "model", ".pdb", to_pdb(output).encode())
