"""Confidence files of every program, and pLDDT on one scale."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure.confidence import Confidence, normalise_plddt, read_confidence

PAE = [[0.2, 4.0, 9.5], [4.1, 0.3, 2.0], [9.0, 2.2, 0.2]]
PAIRS = {
    "residue1": [1, 1, 1, 2, 2, 2, 3, 3, 3],
    "residue2": [1, 2, 3] * 3,
    "distance": [value for row in PAE for value in row],
    "max_predicted_aligned_error": 31.75,
}


@pytest.mark.parametrize(
    "content",
    [
        [PAIRS],
        [{"predicted_aligned_error": PAE, "max_predicted_aligned_error": 31.75}],
        {"predicted_aligned_error": PAE},
        {"plddt": [90.0, 80.0, 70.0], "max_pae": 31.75, "pae": PAE, "ptm": 0.88},
        {"pae": PAE, "atom_plddts": [1.0], "token_chain_ids": ["A"] * 3},
        {"pae": [PAE], "plddt": [0.9, 0.8, 0.7], "ptm": [0.88]},
    ],
    ids=["afdb-v1", "afdb-v3", "afdb-bare", "colabfold", "alphafold3", "esmfold"],
)
def test_every_format_gives_the_same_errors(tmp_path, content) -> None:
    path = tmp_path / "pae.json"
    path.write_text(json.dumps(content))
    found = read_confidence(path)
    assert np.allclose(found.pae, PAE)
    if isinstance(content, dict) and "plddt" in content:
        assert found.plddt == pytest.approx([90, 80, 70]) and found.ptm == 0.88


def test_our_own_file_is_read_back(tmp_path) -> None:
    made = Confidence(np.array([91.234, np.nan]), np.array([[0.04, 3.26], [1.0, 0.0]]), 0.71239, None)
    (tmp_path / "c.json").write_text(made.dumps())
    found = read_confidence(tmp_path / "c.json")
    assert found.plddt[0] == pytest.approx(91.23) and np.isnan(found.plddt[1])
    assert found.pae.tolist() == np.array([[0.0, 3.3], [1.0, 0.0]], np.float32).tolist()
    assert (found.ptm, found.iptm) == (0.7124, None) and found.mean == pytest.approx(91.23)


def test_plddt_is_scaled_once_for_the_whole_array() -> None:
    assert normalise_plddt([0.5, 1.0]).tolist() == [50, 100]
    assert normalise_plddt([0.5, 42.0]) == pytest.approx([0.5, 42])  # one low residue among others is no fraction
    assert np.isnan(normalise_plddt([None, 0.3])[0])
    for wrong in ([], ["a"], [-3.0], [101.0], [None]):
        with pytest.raises(BadInput):
            normalise_plddt(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "3", "[]", "{}", '{"pae": [[1, 2], [3]]}', '{"pae": [[1, 2, 3], [1, 2, 3]]}', '{"pae": [[-1]]}',
        '{"pae": [["x"]]}', '{"pae": [[NaN]]}', '{"plddt": [90], "pae": [[1, 1], [1, 1]]}', '{"plddt": [9], "ptm": 3}',
        '{"residue1": [1, 1], "residue2": [1, 2], "distance": [0, 1]}', "[" * 100_000,
        f'{{"plddt": [1{"0" * 400}]}}', f'{{"pae": [[1{"0" * 400}]]}}',
        '{"residue1": 1, "residue2": 1, "distance": 0}', '{"residue1": [[1]], "residue2": [[1]], "distance": [0]}',
    ],
)  # fmt: skip
def test_what_is_no_confidence_is_told(tmp_path, text: str) -> None:
    path = tmp_path / "pae.json"
    path.write_text(text)
    with pytest.raises(BadInput):
        read_confidence(path)


def test_a_length_made_up_in_the_file_takes_no_memory(tmp_path) -> None:
    path = tmp_path / "pae.json"
    path.write_text(json.dumps({"residue1": [10**9], "residue2": [1], "distance": [1.0]}))
    with pytest.raises(TooLarge):
        read_confidence(path)
