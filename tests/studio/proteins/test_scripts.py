"""Scripts that show a structure in PyMOL and ChimeraX as it is shown here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from backends.folding.structure.confidence import Confidence
from studio.proteins.run_data import FoldData
from studio.proteins.scripts import chimerax, pymol
from tests.support.folding import helix


def fold(pae: np.ndarray | None) -> FoldData:
    structure = replace(
        helix("AEAAAK" * 10), chains=np.repeat(np.array(["A", "B"]), 30), numbers=np.tile(np.arange(-2, 28), 2)
    )
    return FoldData(structure, Confidence(plddt=structure.confidence, pae=pae), {}, None)


def test_chains_confidence_and_domains_are_named_and_coloured() -> None:
    pae = np.full((60, 60), 25.0)
    pae[:30, :30] = pae[30:, 30:] = 1.0
    script = pymol(fold(pae)).splitlines()
    assert script[0] == "load model.cif, model"
    assert "color 0x0072b2, chain_A and elem C" in script and "color 0xd55e00, chain_B and elem C" in script
    assert "color 0x65cbf3, model and polymer and b > 69.99 and b < 90.01" in script
    assert (
        "select domain_1, (chain A and resi \\-2-27)" in script
        and "select domain_2, (chain B and resi \\-2-27)" in script
    )
    lines = chimerax(fold(pae)).splitlines()
    assert lines[0] == "open model.cif" and "color /A #0072b2" in lines
    assert "color protein & @@bfactor>=70 & @@bfactor<=90 #65cbf3" in lines
    assert "name domain_1 /A:-2-27" in lines


def test_a_structure_without_confidence_keeps_the_colours_of_its_chains() -> None:
    plain = replace(fold(None), structure=replace(fold(None).structure, confidence=np.full(60, np.nan)))
    for script in (pymol(plain), chimerax(plain)):
        assert "bfactor" not in script and " b > " not in script and "domain_" not in script
