"""Confidence files of AlphaFold 3, Boltz, Chai, Protenix and OpenFold go with their structure."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.folding.structure.confidence import Confidence, fit_confidence, read_confidence
from backends.folding.structure.reader import parse_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_pdb
from evaluation.synthetic.proteins import ideal_helix

LENGTH, TOKENS = 12, 15
MATRIX = (np.arange(LENGTH**2).reshape(LENGTH, LENGTH) % 30).astype(np.float32)


def read(tmp_path: Path, content: bytes) -> Confidence:
    path = tmp_path / "confidence"
    path.write_bytes(content)
    return read_confidence(path)


def npz(**arrays: Any) -> bytes:
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    return target.getvalue()


def bound() -> Structure:
    """A helix with a ligand of three atoms."""
    lines = [line for line in to_pdb(ideal_helix(LENGTH)).splitlines() if line.startswith("ATOM")]
    ligand = [
        f"HETATM 900{k}  C{k}  ATP B   1    {50 + k:8.3f}{0:8.3f}{0:8.3f}  1.00 50.00           C" for k in range(3)
    ]
    return parse_structure("\n".join([*lines, "TER", *ligand, "END"]))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(MATRIX.tolist()).encode(),
        json.dumps({"token_pair_pae": MATRIX.tolist(), "atom_plddt": [0.9] * 90}).encode(),
        json.dumps([{"predicted_aligned_error": MATRIX.tolist()}]).encode(),
        gzip.compress(json.dumps({"pae": MATRIX.tolist()}).encode()),
        b"\xef\xbb\xbf" + json.dumps({"pae": MATRIX.tolist()}).encode(),
        npz(pae=MATRIX),
        gzip.compress(npz(pae=MATRIX)),
        lzma.compress(json.dumps({"PAE": MATRIX.tolist(), "ptm": "0.8"}).encode()),
        json.dumps({"model_1": {"pae": MATRIX.tolist(), "plddt": 0.9, "iptm": [0.1, 0.2]}}).encode(),
        "\n".join(",".join(map(str, row)) for row in MATRIX.tolist()).encode(),
    ],
)
def test_a_pae_is_read_however_its_program_wrote_it(tmp_path: Path, content: bytes) -> None:
    assert np.allclose(read(tmp_path, content).pae, MATRIX, atol=0.01)


def test_scores_alone_and_plddt_as_arrays_are_read(tmp_path: Path) -> None:
    scores = read(tmp_path, npz(aggregate_score=np.array([0.6]), ptm=np.array([0.7]), iptm=np.array([0.6])))
    assert (scores.ptm, scores.iptm) == (0.7, 0.6)
    assert read(tmp_path, npz(plddt=np.full(LENGTH, 0.9))).plddt == pytest.approx(np.full(LENGTH, 90))


def test_a_mean_is_no_plddt_of_residues_and_atoms_have_that_of_their_residue(tmp_path: Path) -> None:
    """As Protenix and OpenFold have it."""
    scores = read(tmp_path, json.dumps({"plddt": 0.87, "ptm": 0.8, "iptm": 0.0, "chain_ptm": [0.8]}).encode())
    assert (scores.plddt, scores.ptm, scores.iptm) == (None, 0.8, 0.0)
    by_atoms = np.zeros((LENGTH, 37))
    by_atoms[:, 1] = 0.9
    assert read(tmp_path, npz(plddt=by_atoms)).plddt == pytest.approx(np.full(LENGTH, 90))


def test_an_iptm_that_is_no_number_does_not_cost_the_rest(tmp_path: Path) -> None:
    confidence = read(tmp_path, json.dumps({"pae": MATRIX.tolist(), "ptm": 0.7, "iptm": float("nan")}).encode())
    assert confidence.pae is not None and (confidence.ptm, confidence.iptm) == (0.7, None)


def token_matrix() -> np.ndarray:
    return np.arange(TOKENS**2, dtype=np.float32).reshape(TOKENS, TOKENS) % 30


def test_tokens_of_ligands_are_left_out_by_their_names(tmp_path: Path) -> None:
    content = {
        "pae": token_matrix().tolist(),
        "token_chain_ids": ["B"] * 3 + ["A"] * LENGTH,  # the ligand first: the names decide, not the order
        "token_res_ids": [1] * 3 + list(range(1, LENGTH + 1)),
    }
    fitted = fit_confidence(read(tmp_path, json.dumps(content).encode()), bound())
    assert np.array_equal(fitted.pae, token_matrix()[3:, 3:])


def test_tokens_without_names_go_by_the_order_of_the_file(tmp_path: Path) -> None:
    fitted = fit_confidence(read(tmp_path, npz(pae=token_matrix(), plddt=np.arange(TOKENS) / 20)), bound())
    assert np.array_equal(fitted.pae, token_matrix()[:LENGTH, :LENGTH])
    assert fitted.plddt == pytest.approx(5 * np.arange(LENGTH))


def test_a_modified_residue_s_tokens_are_averaged(tmp_path: Path) -> None:
    chains, numbers = ["A"] * TOKENS, [1, 2, 2, 2, 2, *range(3, LENGTH + 1)]
    content = {"pae": token_matrix().tolist(), "token_chain_ids": chains, "token_res_ids": numbers}
    fitted = fit_confidence(read(tmp_path, json.dumps(content).encode()), ideal_helix(LENGTH))
    assert fitted.pae[0, 1] == pytest.approx(token_matrix()[0, 1:5].mean())
    assert fitted.pae[0, 2] == token_matrix()[0, 5]


def test_a_file_of_another_structure_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="for 15 residues and the structure has 12"):
        fit_confidence(read(tmp_path, npz(pae=token_matrix())), ideal_helix(LENGTH))


def zipped(name: str = "fold_full_data_0.json") -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as bundle:
        bundle.writestr(name, "{}")
    return target.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (pickle.dumps({"predicted_aligned_error": MATRIX}), "Python pickle"),
        (npz(pae=np.array([{"a": 1}], dtype=object)), "damaged, or holds something else"),
        (zipped(), "ZIP of several files"),
        (gzip.compress(b"{}" * 90)[:20], "compressed and damaged"),
        (b"\x28\xb5\x2f\xfd" + bytes(90), "compressed: unpack it first"),
        (npz(pae=np.stack([MATRIX] * 5)), "PAE of 5 models"),
        (zipped("model/data.pkl"), "Python pickle"),
        (b"", "is empty"),
        (b"<html>", "not JSON"),
    ],
)
def test_what_cannot_be_read_is_said_for_what_it_is(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read(tmp_path, content)
