"""Biological assemblies: read from mmCIF and PDB, counted before they are built, named apart, measured, written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.sequence import read_input
from backends.folding.engines.structure_engine import StructureEngine
from backends.folding.structure import assemblies
from backends.folding.structure.chain_contacts import POINTS, hidden_area, meetings
from backends.folding.structure.other_atoms import OtherAtoms
from backends.folding.structure.reader import parse_structure, read_assemblies
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import pdb_with_losses, to_cif, to_pdb
from tests.support.folding import helix

LETTERS = "MKTAYIAKQRQISFVKSHFSRQ"
HALF_TURN = "-1 0 0 0 -1 0 0 0 1"
"""About z."""


def pair() -> Structure:
    """Two helices, A and B, 40 Å apart along x and away from the axis z, and a zinc on that axis in chain A."""
    one = helix(LETTERS, confidence=None).moved(np.eye(3), np.array([12.0, 0, 0]))
    other = one.moved(np.eye(3), np.array([40.0, 0, 0]))
    whole = Structure.build(
        np.concatenate([one.atoms, other.atoms]),
        np.concatenate([one.mask, other.mask]),
        LETTERS * 2,
        chains=["A"] * len(LETTERS) + ["B"] * len(LETTERS),
        numbers=[*range(1, 23)] * 2,
    )
    zinc = OtherAtoms(
        positions=np.float32([[0, 0, 5]]),
        names=np.array(["ZN"]),
        elements=np.array(["Zn"]),
        components=np.array(["ZN"]),
        chains=np.array(["A"]),
        numbers=np.array([101]),
        insertions=np.array([""]),
        factors=np.float32([10]),
        occupancies=np.float32([1]),
        kinds=np.array(["ion"]),
        rows=np.array([-1]),
    )
    return replace(whole, others=zinc)


def cif(generators: list[tuple[str, str, str]], operators: dict[str, str]) -> str:
    """The pair as mmCIF: (assembly, operator expression, label_asym ids), and each operator's rotation."""
    document = gemmi.cif.read_string(to_cif(pair()))
    block = document.sole_block()
    names = block.init_loop("_pdbx_struct_assembly.", ["id", "details", "oligomeric_details"])
    for name in dict.fromkeys(name for name, *_ in generators):
        names.add_row([name, "author_defined_assembly", "dimeric"])
    parts = block.init_loop("_pdbx_struct_assembly_gen.", ["assembly_id", "oper_expression", "asym_id_list"])
    for name, expression, chains in generators:
        parts.add_row([name, gemmi.cif.quote(expression), gemmi.cif.quote(chains)])
    cells = [f"matrix[{i}][{j}]" for i in (1, 2, 3) for j in (1, 2, 3)] + [f"vector[{i}]" for i in (1, 2, 3)]
    listed = block.init_loop("_pdbx_struct_oper_list.", ["id", "type", *cells])
    for name, numbers in operators.items():
        words = numbers.split()
        listed.add_row([name, "?", *words[:9], *(words[9:] or ["0", "0", "0"])])
    return document.as_string()


IDENTITY = "1 0 0 0 1 0 0 0 1"
TURNS = {"1": IDENTITY, "2": HALF_TURN}
SUBCHAINS = {sub.subchain_id() for sub in gemmi.make_structure_from_block(
    gemmi.cif.read_string(to_cif(pair())).sole_block())[0].subchains()}  # fmt: skip
ALL = ",".join(sorted(SUBCHAINS))


def test_an_assembly_is_counted_built_and_named_apart() -> None:
    text = cif([("1", "1,2", ALL), ("2", "1", "B")], TURNS)
    structure = parse_structure(text, assembly="1")
    assert [name for name, _ in structure.chain_slices()] == ["A1", "B1", "A2", "B2"]
    assert structure.sequence == LETTERS * 4
    turned = structure.ca[44:66] * [-1, -1, 1]
    assert np.allclose(turned, structure.ca[:22], atol=1e-2)
    assert len(structure.others) == 1, "an ion on the axis lies on its own copy and stays single"
    assert structure.notes[0] == (
        "This is assembly 1 of the file (dimeric, determined by its authors): 4 chains, made of 2 by 2 operations."
    )
    one = parse_structure(text, assembly="2")
    assert [name for name, _ in one.chain_slices()] == ["B"] and "1 chain of those in the file" in one.notes[0]
    assert [name for name, _ in parse_structure(text, assembly="1", chain="A2").chain_slices()] == ["A2"]
    assert [name for name, _ in parse_structure(text).chain_slices()] == ["A", "B"]


def test_expressions_multiply_and_operators_may_be_called_anything(tmp_path: Path) -> None:
    shifts = {str(number): f"{IDENTITY} 0 {100 * number} 0" for number in (3, 4, 5)}
    path = tmp_path / "made.cif"
    path.write_text(cif([("1", "(1,2)(3-5)", "B"), ("PAU", "P", "A")], {**TURNS, **shifts, "P": HALF_TURN}))
    product, named = read_assemblies(path)
    assert (product.name, product.chains, product.made_of, product.residues) == ("1", 6, ((1, 6),), 132)
    assert product.composition == "6 chains, made of 1 by 6 operations"
    assert (named.name, named.composition) == ("PAU", "1 chain, made of 1 by 1 operation")
    six = parse_structure(path.read_text(), assembly="1")
    starts = np.array([six.ca[part.start] for _, part in six.chain_slices()])
    first = pair().ca[22]
    expected = [
        first * turn + [0, shift, 0] * np.array(turn) for turn in ([1, 1, 1], [-1, -1, 1]) for shift in (300, 400, 500)
    ]
    assert len(set(six.chains.tolist())) == 6
    for place in expected:
        assert np.abs(starts - place).max(axis=1).min() < 1e-2


@pytest.mark.parametrize("expression", ["(1-99999)", "(1-900000000)", "(1,7)", "", "(1,2", "(1)(2)(9)"])
def test_an_expression_that_says_nothing_is_no_assembly(expression: str) -> None:
    text = cif([("1", expression or "?", ALL), ("2", "(1,2)", ALL)], TURNS)
    assert [name for name, _ in parse_structure(text, assembly="2").chain_slices()] == ["A1", "B1", "A2", "B2"]
    with pytest.raises(BadInput, match="there is 2"):
        parse_structure(text, assembly="1")


def test_remark_350_is_read_the_same() -> None:
    remarks = [
        "REMARK 350 BIOMOLECULE: 1",
        "REMARK 350 AUTHOR DETERMINED BIOLOGICAL UNIT: TETRAMERIC",
        "REMARK 350 APPLY THE FOLLOWING TO CHAINS: A, B",
        *(f"REMARK 350   BIOMT{row}   1{values}" for row, values in enumerate(
            ("  1.000000  0.000000  0.000000        0.00000", "  0.000000  1.000000  0.000000        0.00000",
             "  0.000000  0.000000  1.000000        0.00000"), 1)),
        *(f"REMARK 350   BIOMT{row}   2{values}" for row, values in enumerate(
            (" -1.000000  0.000000  0.000000        0.00000", "  0.000000 -1.000000  0.000000        0.00000",
             "  0.000000  0.000000  1.000000        0.00000"), 1)),
    ]  # fmt: skip
    text = "".join(f"{line:<80}\n" for line in remarks) + to_pdb(pair())
    structure = parse_structure(text, assembly="1")
    from_cif = parse_structure(cif([("1", "1,2", ALL)], TURNS), assembly="1")
    assert structure.chains.tolist() == from_cif.chains.tolist()
    assert np.allclose(structure.ca, from_cif.ca, atol=1e-2)
    assert "tetrameric, determined by its authors" in structure.notes[0]


def test_what_is_not_there_or_too_large_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    text = cif([("1", "(1-60)", "A,B")], {str(number): f"{IDENTITY} {number * 50} 0 0" for number in range(1, 61)})
    with pytest.raises(BadInput, match="There is no assembly “7” in this structure file; there is 1"):
        parse_structure(text, assembly="7")
    with pytest.raises(BadInput, match="it names none"):
        parse_structure(to_cif(pair()), assembly="1")
    with pytest.raises(TooLarge, match=r"120 chains with 2,640 residues and .* up to 2,000 residues"):
        parse_structure(text, assembly="1", most=2_000)
    monkeypatch.setattr(assemblies, "MAX_ATOMS", 10_000)
    with pytest.raises(TooLarge, match="up to 5,000 residues and 10,000 atoms can be opened"):
        parse_structure(text, assembly="1")


def test_a_query_lists_them_and_a_deposited_one_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "made.cif"
    path.write_text(cif([("1", "1", ALL), ("2", "1,2", ALL)], TURNS))
    same, doubled = read_input(path).assemblies
    assert same.deposited and same.composition == "2 chains, as deposited" and not same.too_large()
    assert not doubled.deposited and doubled.residues == 88
    assert read_input(_written(tmp_path / "bare.pdb", to_pdb(pair()))).assemblies == ()


def test_the_engine_builds_it_and_takes_no_confidence_file_with_it(tmp_path: Path) -> None:
    path = _written(tmp_path / "made.cif", cif([("1", "1,2", ALL)], TURNS))
    engine = StructureEngine.__new__(StructureEngine)
    query = read_input(path)
    *_, model = engine.predict(query, {"assembly": "1"})
    assert len(model.structure) == 88
    with pytest.raises(BadInput, match="as they were deposited"):
        list(engine.predict(replace(query, extra_inputs={"pae": path}), {"assembly": "1"}))


def test_copies_are_written_with_names_of_their_own() -> None:
    built = parse_structure(cif([("1", "1,2", ALL)], TURNS), assembly="1")
    again = parse_structure(to_cif(built))
    assert again.chains.tolist() == built.chains.tolist() and np.allclose(again.ca, built.ca, atol=1e-2)
    text, losses = pdb_with_losses(built)
    pdb = parse_structure(text)
    assert len({name for name, _ in pdb.chain_slices()}) == 4 and "A1, B1, A2, B2" in losses[0]
    assert "is chain B2 of the mmCIF file" in text


def test_where_copies_meet_is_measured() -> None:
    built = parse_structure(cif([("1", "1,2", "A")], {"1": IDENTITY, "2": f"{IDENTITY} 9 0 0"}), assembly="1")
    [meeting] = meetings(built)
    assert (meeting.first, meeting.second) == ("A1", "A2") and meeting.pairs > 5
    assert {built.chains[row] for row in meeting.rows} == {"A1", "A2"}
    assert meeting.sentence.startswith(f"A1 and A2 touch with {len(meeting.rows)} residues and hide ")
    assert meetings(pair()) == [] and meetings(pair().select(np.arange(22))) == []


def test_the_hidden_surface_of_two_spheres_is_that_of_the_caps() -> None:
    """Two spheres of radius r at distance d each lose a cap of height r − d / 2, whose area is 2 π r h."""
    radius, apart = 3.0, 4.0
    one = (np.zeros((1, 3)), np.array([radius]))
    other = (np.array([[apart, 0, 0]]), np.array([radius]))
    cap = 2 * np.pi * radius * (radius - apart / 2)
    assert hidden_area(one, other) == pytest.approx(cap, rel=2 / POINTS**0.5)
    assert hidden_area(one, (np.array([[7.0, 0, 0]]), np.array([radius]))) == 0


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
