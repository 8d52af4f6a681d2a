"""CASP's and CAMEO's targets, and anybody's folder of FASTA or A3M with structures."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.core.errors import BadInput
from backends.folding.structure.writer import to_cif, to_pdb
from evaluation.commands.check import inspect
from evaluation.datasets.base import DatasetMissing
from evaluation.datasets.targets import Targets
from evaluation.metrics.folding.folds import compare
from evaluation.synthetic.proteins import helical_hairpin, ideal_helix


def test_domains_of_casp_belong_to_their_target_and_are_scored_alone(tmp_path: Path) -> None:
    whole = helical_hairpin()
    half = whole.select(list(range(len(whole) // 2)))
    (tmp_path / "casp14.seq.txt").write_text(f">T1024 LmrP, , 408 residues|\n{whole.sequence}\n>T1099 none\nACDE\n")
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "T1024-D1.pdb").write_text(to_pdb(half))
    (unit,) = Targets(tmp_path).units()
    assert (unit.id, unit.group) == ("T1024-D1", "T1024")
    sample = unit.load()
    assert sample.inputs["sequence"] == whole.sequence
    found = compare(whole, sample.reference)
    assert len(found.matching) == len(half) and found.lddt == pytest.approx(1) and found.coverage == 1


def test_folders_of_cameo_and_alignments(tmp_path: Path) -> None:
    helix = ideal_helix(20)
    for name, ending, text in (
        ("7ABC_A", "fasta", f">target\n{helix.sequence}\n"),
        ("7XYZ_B", "a3m", f">query\n{helix.sequence}\n>other\n{'A' * 20}\n"),
    ):
        folder = tmp_path / "2021.03.20" / name
        folder.mkdir(parents=True)
        (folder / f"target.{ending}").write_text(text)
        (folder / "target.cif").write_text(to_cif(helix))
    units = {unit.id: unit.load() for unit in Targets(tmp_path).units()}
    assert set(units) == {"7ABC_A", "7XYZ_B"}
    assert all(sample.inputs["sequence"] == helix.sequence for sample in units.values())
    assert len(units["7XYZ_B"].inputs["alignment"]) == 2
    assert list(Targets(tmp_path).problems()) == []


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetMissing, match="no structure"):
        list(Targets(tmp_path).units())
    (tmp_path / "alone.pdb").write_text(to_pdb(ideal_helix(15)))
    (tmp_path / "lost.a3m").write_text(">q\nACDEFGH\n")
    (unit,) = Targets(tmp_path).units()
    assert unit.load().inputs["sequence"] == unit.load().reference.sequence
    said = [sentence for kind, sentence in inspect(Targets(tmp_path), 5) if kind == "missing"]
    assert "its own residues are taken" in said[0] and "lost.a3m has no structure" in said[1]
    (tmp_path / "bad.pdb").write_text("no structure at all")
    (tmp_path / "bad.a3m").write_bytes(b"\0\1")
    with pytest.raises(BadInput):
        next(unit for unit in Targets(tmp_path).units() if unit.id == "bad").load()
