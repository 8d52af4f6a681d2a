"""Structure files: what is written is read back, and what is no protein is told in a sentence."""

from __future__ import annotations

import gzip
from dataclasses import replace

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.structure import reader
from backends.folding.structure.atoms import CA, CB
from backends.folding.structure.reader import read_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import to_cif, to_pdb
from evaluation.synthetic.proteins import beta_hairpin, ideal_helix


def pair() -> Structure:
    """Two chains, numbered from 5 and with an insertion, with confidence."""
    one, other = ideal_helix(12), beta_hairpin()
    numbers = [5, 6, 7, 7, *range(8, 16), *range(1, 17)]
    return Structure.build(
        np.concatenate([one.atoms, other.atoms + np.float32([0, 0, 40])]),
        np.concatenate([one.mask, other.mask]),
        one.sequence + other.sequence,
        chains=["A"] * 12 + ["B"] * 16,
        numbers=numbers,
        insertions=np.array(["", "", "", "A", *[""] * 24]),
        confidence=np.linspace(30, 98, 28),
        title="A pair",
        method="prediction",
    )


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_what_is_written_is_read_back(write, tmp_path) -> None:
    path, made = tmp_path / "a.txt", pair()
    path.write_text(write(made))
    read = read_structure(path)
    assert read.sequence == made.sequence
    assert (read.mask == made.mask).all()
    assert np.abs(read.atoms - made.atoms).max() < 2e-3
    assert read.chains.tolist() == made.chains.tolist()
    assert read.numbers.tolist() == made.numbers.tolist()
    assert read.insertions.tolist() == made.insertions.tolist()
    assert np.abs(read.confidence - made.confidence).max() < 0.01
    assert (read.method, read.title) == ("prediction", "A pair")
    assert [(name, part.stop - part.start) for name, part in read.chain_slices()] == [("A", 12), ("B", 16)]


def test_the_files_say_that_b_factors_are_confidence() -> None:
    assert "B-factors are pLDDT" in to_pdb(pair()) and "_ma_qa_metric_local" in to_cif(pair())
    assert "pLDDT" not in to_pdb(ideal_helix())


def test_gzip_is_opened_and_a_cut_one_is_told(tmp_path) -> None:
    path = tmp_path / "a.cif.gz"
    path.write_bytes(gzip.compress(to_cif(pair()).encode()))
    assert len(read_structure(path)) == 28
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(BadInput, match="compressed and damaged"):
        read_structure(path)


LINE = "{kind:<6}{serial:>5} {name:<4}{alt}{residue:>3} A{number:>4}    {x:8.3f}{y:8.3f}{z:8.3f}{occ:6.2f}{b:6.2f}"


def atom(
    name: str, x: float, number: int = 1, residue: str = "ALA", alt: str = " ", occ: float = 1, b: float = 20
) -> str:
    kind = "ATOM" if residue in ("ALA", "DA") else "HETATM"
    placed = name if len(name) == 4 else f" {name}"
    fields = {"kind": kind, "serial": 1, "name": placed, "alt": alt, "residue": residue, "number": number}
    return LINE.format(**fields, x=x, y=0.0, z=0.0, occ=occ, b=b)


def parsed(*lines: str) -> Structure:
    return reader.parse_structure("\n".join([*lines, "END"]) + "\n")


def test_the_fuller_conformer_and_the_first_model_are_taken() -> None:
    found = parsed(atom("CA", 1.0, alt="A", occ=0.3), atom("CA", 2.0, alt="B", occ=0.7))
    assert found.ca[0, 0] == 2.0
    model = ["MODEL        1", atom("CA", 1.0), "ENDMDL", "MODEL        2", atom("CA", 5.0), "ENDMDL"]
    found = parsed(*model)
    assert found.ca.tolist() == [[1.0, 0.0, 0.0]]
    assert "2 models" in found.notes[0]


def test_only_protein_is_kept_and_modified_residues_get_their_letter() -> None:
    found = parsed(
        atom("CA", 0.0), atom("CA", 3.8, 2, "MSE"), atom("CA", 7.6, 3, "SEC"), atom("N", 9.0, 4),
        atom("O", 20.0, 5, "HOH"), atom("P", 30.0, 6, "DA"),
    )  # fmt: skip
    assert found.sequence == "AMX"
    assert any("without a Cα" in note for note in found.notes)
    assert any("DNA or RNA" in note for note in found.notes)


def test_b_factors_are_confidence_only_where_the_file_or_the_user_says_so() -> None:
    even = [atom(name, x, k, b=b) for k, b in ((1, 90.0), (2, 40.0)) for x, name in enumerate(("N", "CA", "C"))]
    assert np.isnan(parsed(*even).confidence).all() and parsed(*even).method == ""
    assert "does not say what its B-factor column is" in parsed(*even).notes[-1]
    assert parsed("REMARK   1 B-factors are pLDDT", *even).confidence.tolist() == [90.0, 40.0]
    assert parsed("TITLE     ALPHAFOLD MONOMER V2.0 PREDICTION FOR X", *even).method == "prediction"
    told = reader.parse_structure("\n".join(even), meaning="plddt")
    assert told.confidence.tolist() == [90.0, 40.0] and told.method == "prediction"
    uneven = [atom("N", 0.0, b=10), atom("CA", 1.0, b=30), atom("C", 2.0, b=20)]
    assert np.isnan(parsed(*uneven).confidence).all() and parsed(*uneven).method == ""
    crystal = ["EXPDTA    X-RAY DIFFRACTION", *even]
    assert parsed(*crystal).method == "experiment" and np.isnan(parsed(*crystal).confidence).all()
    fractions = ["PARENT N/A", *(line[:60] + f"{float(line[60:66]) / 100:6.2f}" for line in even)]
    assert parsed(*fractions).confidence == pytest.approx([90, 40])


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b'{"pae": []}', "JSON"),
        (b">a\nMKV\n", "sequence"),
        (b"ATOM\0\0", "binary"),
        (b"hello world\n", "not a structure file"),
        (b"ATOM   xx\n", "damaged"),
        (b"data_x\nloop_\n_atom_site.id\n_atom_site.type\n1\n", "damaged"),
        (atom("O", 1.0, 1, "HOH").encode(), "no protein"),
        (atom("CA", 1.0).replace("   1.000", "     nan").encode(), "damaged"),
    ],
)
def test_what_is_no_structure_is_told(tmp_path, content: bytes, sentence: str) -> None:
    path = tmp_path / "x.pdb"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        read_structure(path)


def test_a_structure_too_long_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(reader, "MAX_STRUCTURE_RESIDUES", 2)
    with pytest.raises(TooLarge, match="3 residues"):
        parsed(*(atom("CA", 3.8 * k, k) for k in range(3)))


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_an_estimate_is_not_called_plddt_in_its_files(write) -> None:
    sure = np.linspace(20, 90, 12).round(2)
    guess = replace(ideal_helix(12), confidence=sure.astype(np.float32), method="estimate")
    text, trained = write(guess), write(replace(guess, method="prediction"))
    assert "no trained pLDDT" in text and "pLDDT confidence" not in text and "pLDDT confidence" in trained
    again = reader.parse_structure(text)
    assert again.confidence == pytest.approx(sure, abs=0.01) and again.method == "prediction"


@pytest.mark.parametrize(("first", "kept"), [(-998, True), (-1003, False), (9_998, True), (99_990, True)])
def test_numbers_that_a_pdb_file_cannot_hold_are_counted_from_one_and_said_so(first: int, kept: bool) -> None:
    helix = replace(ideal_helix(12), numbers=np.arange(first, first + 12))
    text = to_pdb(helix)
    again = reader.parse_structure(text)
    assert again.sequence == helix.sequence and np.allclose(again.ca, helix.ca, atol=2e-3)
    assert again.numbers.tolist() == (helix.numbers if kept else np.arange(1, 13)).tolist()
    assert ("Chain A counts from 1" in text) is not kept
    assert reader.parse_structure(to_cif(helix)).numbers.tolist() == helix.numbers.tolist()


def test_oxygens_and_betas_are_put_where_they_belong() -> None:
    helix = ideal_helix(12)
    bare = helix.mask.copy()
    bare[:, 3:] = False
    again = Structure.build(helix.atoms, bare, helix.sequence).with_oxygens()
    assert np.linalg.norm(again.atoms[:-1, 4] - helix.atoms[:-1, 4], axis=-1).max() < 0.01
    assert np.linalg.norm(again.beta() - helix.atoms[:, CB], axis=-1)[helix.mask[:, CB]].max() < 0.01
    assert helix.backbone and not Structure.from_ca(helix.ca, helix.sequence).backbone
    assert (helix.select(np.arange(12) > 8).numbers == [10, 11, 12]).all()
    assert np.allclose(helix.moved(np.eye(3), np.ones(3)).ca, helix.atoms[:, CA] + 1)
