"""Secondary structure of chains built to have it."""

from __future__ import annotations

import numpy as np

from backends.folding.structure.secondary import assign_secondary_structure, from_trace, hydrogen_bonds
from backends.folding.structure.structure import Structure
from evaluation.synthetic.proteins import beta_hairpin, build_chain, ideal_helix


def test_a_helix_is_a_helix() -> None:
    states = "".join(assign_secondary_structure(ideal_helix(20)))
    assert states[2:18] == "H" * 16 and "E" not in states
    bonds = hydrogen_bonds(ideal_helix(20))
    assert all((i, i + 4) in bonds for i in range(16))


def test_a_hairpin_has_two_strands_and_a_turn() -> None:
    states = "".join(assign_secondary_structure(beta_hairpin()))
    assert states.count("E") >= 9 and "H" not in states
    assert states[7:9] == "--"
    assert "E" in states[:7] and "E" in states[9:]


def test_an_extended_chain_alone_is_no_strand() -> None:
    assert set(assign_secondary_structure(build_chain([(-120.0, 135.0)] * 15, "A" * 15))) == {"-"}


def test_a_trace_tells_helix_from_strand() -> None:
    helix = ideal_helix(20)
    assert "".join(from_trace(Structure.from_ca(helix.ca, helix.sequence)))[1:18].count("H") >= 16
    strand = build_chain([(-105.0, 120.0)] * 15, "A" * 15)
    states = "".join(assign_secondary_structure(Structure.from_ca(strand.ca, strand.sequence)))
    assert states.count("E") >= 12 and "H" not in states
    mirror = Structure.from_ca(helix.ca * [1, 1, -1], helix.sequence)
    assert "H" not in assign_secondary_structure(mirror)


def test_a_chain_break_ends_a_helix() -> None:
    helix = ideal_helix(20)
    cut = helix.select(np.delete(np.arange(20), [9, 10]))
    states = assign_secondary_structure(cut)
    assert states[8] == "-" or states[9] == "-"
    assert len(assign_secondary_structure(helix.select(np.array([], dtype=int)))) == 0
