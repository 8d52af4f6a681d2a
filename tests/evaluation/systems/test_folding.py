"""Proteins of a folder are read with their alignments, and systems fold them or lay their states out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.folding.engines.secondary_head import bundled_predictor
from backends.folding.structure.secondary import assign_secondary_structure
from backends.folding.structure.writer import to_cif
from benchmarks.folding_starter import pooled, rank_correlation
from evaluation.datasets.aligned_proteins import AlignedProteins, StructureFiles
from evaluation.datasets.base import DatasetMissing
from evaluation.synthetic.proteins import ideal_helix
from evaluation.systems.folding import lay_out, propensities, returned

HELIX = ideal_helix(18).sequence


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "structures").mkdir()
    (tmp_path / "alignments" / "1abc").mkdir(parents=True)
    (tmp_path / "structures" / "1abc.cif").write_text(to_cif(ideal_helix(18)))
    for name, other in (("a", HELIX.replace("K", "R")), ("b", HELIX.replace("E", "D"))):
        (tmp_path / "alignments" / "1abc" / f"{name}.a3m").write_text(f">query\n{HELIX}\n>other\n{other}\n")
    return tmp_path


def test_a_protein_has_its_alignments_joined_and_its_true_traces(folder: Path) -> None:
    (unit,) = AlignedProteins(folder, ["1abc"]).units()
    alignment, truth = unit.inputs["alignment"], unit.reference
    assert (alignment.query, len(alignment)) == (HELIX, 3)
    assert truth.structure.sequence == HELIX
    assert truth.ca == pytest.approx(truth.structure.ca, abs=2e-3)
    assert np.linalg.norm(truth.cb[2] - truth.ca[2]) == pytest.approx(0 if HELIX[2] == "G" else 1.53, abs=0.05)
    (known,) = StructureFiles(folder / "structures").units()
    assert (known.id, known.inputs["sequence"], known.reference.sequence) == ("1abc", HELIX, HELIX)
    with pytest.raises(DatasetMissing, match=r"no structure at .*2xyz"):
        list(AlignedProteins(folder, ["2xyz"]).units())


def test_states_laid_out_are_the_states_that_were_seen() -> None:
    laid = lay_out(bundled_predictor(), HELIX)
    assert laid.sequence == HELIX
    assert "".join(assign_secondary_structure(laid)).count("H") > len(HELIX) / 2
    assert (propensities(HELIX) == 0).mean() > 0.5


def test_what_a_generator_returns() -> None:
    def steps():
        yield 1
        return 2

    assert returned(steps()) == 2


def test_a_mean_over_residues_has_an_interval_over_chains() -> None:
    parts = [np.array([True, False, True]), np.array([], bool), np.array([True])]
    row = pooled("model", "right", parts)
    assert (row["mean"], row["n"]) == (0.75, 4)
    assert row["interval"][0] < 0.75 < row["interval"][1]


def test_ranks_correlate_by_row() -> None:
    one = np.array([[1.0, 2, 3, 9], [1, 2, 3, 4]])
    other = np.array([[1.0, 4, 9, 10], [4, 3, 2, 1]])
    assert rank_correlation(one, other).tolist() == pytest.approx([1, -1])
