"""Structure files of crystallography, molecular dynamics and prediction: nothing is lost, and nothing guessed."""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.sequence import read_input
from backends.folding.cards import CARDS
from backends.folding.engines.structure_engine import StructureEngine
from backends.folding.structure import reader
from backends.folding.structure.reader import parse_structure, read_structure
from backends.folding.structure.structure import Structure
from backends.folding.structure.writer import pdb_with_losses, to_cif, to_pdb
from backends.folding.types import Model
from evaluation.synthetic.proteins import beta_hairpin, ideal_helix
from viz.components.structure_workbench.packing import pack_structure
from viz.folding.structure import static_view

HEADER = ("EXPDTA    X-RAY DIFFRACTION", "CRYST1   40.960   18.650   22.520  90.00  90.77  90.00 P 1 21 1      2")


def atom_lines(structure: Structure) -> list[str]:
    return [line for line in to_pdb(structure).splitlines() if line.startswith("ATOM")]


def renamed(lines: list[str], chain: str = "A", residue: str = "", segment: str = "") -> list[str]:
    """The lines with another chain id, and another residue's name and segment where given."""
    return [
        f"{line[:17]}{residue or line[17:20]} {chain}{line[22:72]}{segment or line[72:76]:<4}{line[76:]}"
        for line in lines
    ]


def hetero(name: str, residue: str, number: int, x: float, element: str, chain: str = "A") -> str:
    return f"HETATM 9000 {name:<4} {residue:>3} {chain}{number:>4}    {x:8.3f}{50.0:8.3f}{50.0:8.3f}  0.80 31.25          {element:>2}"  # noqa: E501


def parsed(*lines: str, **how: str) -> Structure:
    return parse_structure("\n".join([*lines, "END"]) + "\n", **how)


HELIX, HAIRPIN = atom_lines(ideal_helix(12)), atom_lines(beta_hairpin())
LIGANDS = [
    hetero(" C1", "GSH", 201, 50.0, "C"), hetero(" O1", "GSH", 201, 51.4, "O"), hetero("NI", " NI", 202, 60.0, "NI"),
    hetero(" O", "HOH", 301, 70.0, "O"), hetero(" P", " DA", 1, 80.0, "P", "C"), hetero(" P", " DC", 2, 86.0, "P", "C"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "lengths"),
    [
        (["TER", *renamed(HELIX, " "), "TER", *renamed(HAIRPIN, " ")], {"A": 12, "B": 16}),
        ([*renamed(HELIX, " ", segment="PROA"), *renamed(HAIRPIN, " ", segment="PROB")], {"A": 12, "B": 16}),
        ([*HELIX, *HELIX], {"A": 12, "A2": 12}),
        ([*HELIX, "TER", *HAIRPIN], {"A": 12, "A2": 16}),
        ([*HELIX[20:], *HAIRPIN], {"A": 8, "A2": 16}),
    ],
)
def test_molecules_that_share_a_chain_id_are_all_there(lines: list[str], lengths: dict[str, int]) -> None:
    found = parsed(*lines)
    assert {name: part.stop - part.start for name, part in found.chain_slices()} == lengths
    assert "shown as " + ", ".join(lengths) in found.notes[0]


def test_one_molecule_whose_numbers_jump_stays_one() -> None:
    far = [f"{line[:22]}{int(line[22:26]) + (100 if int(line[22:26]) > 6 else 300):4d}{line[26:]}" for line in HELIX]
    assert [name for name, _ in parsed(*far).chain_slices()] == ["A"]
    assert [name for name, _ in parsed(*renamed(HELIX, " ")).chain_slices()] == ["A"]


def test_two_chains_of_an_mmcif_file_under_one_author_s_name_are_both_there() -> None:
    pair = Structure.build(
        np.concatenate([ideal_helix(12).atoms, ideal_helix(12).atoms + 50]), np.concatenate([ideal_helix(12).mask] * 2),
        ideal_helix(12).sequence * 2, chains=["A"] * 12 + ["B"] * 12, numbers=[*range(1, 13)] * 2,
    )  # fmt: skip
    import gemmi

    document = gemmi.cif.read_string(to_cif(pair))
    for row in document[0].find(["_atom_site.auth_asym_id"]):
        row[0] = "A"
    found = parse_structure(document.as_string())
    assert len(found) == 24 and set(found.chains) == {"A", "B"}


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_ligands_ions_waters_and_nucleic_acids_are_written_and_read_back(write) -> None:
    found = parsed(*HEADER, *HELIX, "TER", *LIGANDS)
    assert Counter(found.others.kinds.tolist()) == {"ligand": 2, "ion": 1, "water": 1, "nucleic": 2}
    assert any("GSH" in note and "NI" in note and "1 water" in note for note in found.notes)
    again = parse_structure(write(found))
    assert Counter(again.others.kinds.tolist()) == Counter(found.others.kinds.tolist())
    assert sorted(again.others.components) == sorted(found.others.components)
    assert np.allclose(np.sort(again.others.positions, 0), np.sort(found.others.positions, 0), atol=2e-3)
    assert set(again.others.factors) == {31.25} and again.others.occupancies == pytest.approx(0.8)
    assert set(again.others.chains) == {"A", "C"}


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_waters_whose_numbers_start_again_are_all_there(write) -> None:
    waters = [hetero(" O", "HOH", 1 + k % 5, 20 + 3 * k, "O") for k in range(12)]
    found = parsed(*HELIX, "TER", *waters)
    assert len(found.others) == 12 and any("12 waters" in note for note in found.notes)
    assert len(parse_structure(write(found)).others) == 12


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_an_experiment_keeps_its_b_factors_occupancies_and_cell(write) -> None:
    lines = [f"{line[:54]}  0.50{10 + place / 4:6.2f}{line[66:]}" for place, line in enumerate(HELIX)]
    found = parsed(*HEADER, *lines)
    again = parse_structure(write(found))
    assert again.method == "experiment" and np.isnan(again.confidence).all()
    assert np.allclose(again.factors, found.factors, atol=0.006, equal_nan=True) and np.nanmax(found.factors) > 20
    assert np.nanmax(again.occupancies) == pytest.approx(0.5)
    assert again.crystal is not None and again.crystal.space_group == "P 1 21 1"
    assert again.crystal.cell == pytest.approx((40.96, 18.65, 22.52, 90, 90.77, 90))


@pytest.mark.parametrize("write", [to_pdb, to_cif])
def test_a_modified_residue_keeps_its_name_and_atoms(write) -> None:
    helix = ideal_helix(12)
    serine = next(line[22:26] for line in HELIX if line[17:20] == "ALA")
    lines = [line if line[22:26] != serine else renamed([line], residue="SEP")[0] for line in HELIX]
    place = max(k for k, line in enumerate(lines) if line[22:26] == serine) + 1
    phosphate = [hetero(name, "SEP", int(serine), 10 + k, name.strip()[0]) for k, name in enumerate((" P", " O1P"))]
    found = parsed(*lines[:place], *phosphate, *lines[place:])
    row = int(np.flatnonzero(found.components == "SEP")[0])
    assert found.sequence[row] == "S" and len(found) == len(helix)
    again = parse_structure(write(found))
    assert again.components.tolist() == found.components.tolist()
    assert again.others.rows.tolist() == [row, row] and sorted(again.others.names) == ["O1P", "P"]
    assert any("SEP" in note for note in found.notes)


def test_selenium_stays_selenium() -> None:
    lines = [renamed([line], residue="MSE")[0] for line in HELIX if line[22:26] == HELIX[0][22:26]]
    found = parsed(*lines, hetero("SE", "MSE", int(HELIX[0][22:26]), 5.0, "SE"))
    assert found.sequence == "M"
    assert any(line[12:14] == "SE" and line[76:78] == "SE" for line in to_pdb(found).splitlines())


@pytest.mark.parametrize(
    ("name", "letter"),
    [("HIE", "H"), ("HID", "H"), ("HIP", "H"), ("HSD", "H"), ("CYX", "C"), ("ASH", "D"), ("GLH", "E"), ("LYN", "K")],
)
def test_names_of_force_fields_are_the_twenty(name: str, letter: str) -> None:
    found = parsed(*(renamed([line], residue=name)[0] for line in HELIX))
    assert set(found.sequence) == {letter} and "UNK" not in to_pdb(found) and not any("X" in n for n in found.notes)


def test_names_of_four_letters_at_the_ends_of_a_chain_are_read() -> None:
    lines = [f"{line[:17]}NALA {line[22:]}" if line[22:26] == HELIX[0][22:26] else line for line in HELIX]
    lines = [f"{line[:21]}A{line[22:]}" for line in lines]
    assert parsed(*lines).sequence == "A" + parsed(*HELIX).sequence[1:]


@pytest.mark.parametrize("serial", ["A0000", "*****", "a000f"])
def test_serial_numbers_of_large_files_are_no_sequence(serial: str, tmp_path: Path) -> None:
    path = tmp_path / "chain.pdb"
    path.write_text("\n".join(f"ATOM  {serial}{line[11:]}" for line in HELIX))
    query = read_input(path)
    assert query.kind == "structure" and query.length == 12


def test_minimal_mmcif_files_are_read() -> None:
    text = to_cif(ideal_helix(12))
    import gemmi

    def without(*tags: str) -> str:
        document = gemmi.cif.read_string(text)
        loop = document[0].find_loop("_atom_site.Cartn_x").get_loop()
        for tag in tags:
            loop.remove_column(f"_atom_site.{tag}")
        return document.as_string()

    bare = without("id")
    labels = without("label_asym_id", "label_seq_id").replace("label_comp_id", "auth_comp_id")
    capitals = text.replace("_atom_site.", "_ATOM_SITE.")
    plain = without("type_symbol", "label_alt_id")
    headless = text[text.index("loop_\n_atom_site") :]
    for one in (bare, labels, capitals, plain, headless):
        assert parse_structure(one).sequence == ideal_helix(12).sequence


@pytest.mark.parametrize(("value", "says"), [("?", ""), ("99999999999", "impossible numbers")])
def test_residues_without_the_authors_numbers_stay_apart(value: str, says: str) -> None:
    import gemmi

    document = gemmi.cif.read_string(to_cif(ideal_helix(12)))
    for column in ("auth_seq_id",) if says else ("auth_seq_id", "auth_asym_id"):
        values = document[0].find_values(f"_atom_site.{column}")
        for row in range(len(values)):
            values[row] = value
    if says:
        with pytest.raises(BadInput, match=says):
            parse_structure(document.as_string())
    else:
        assert parse_structure(document.as_string()).numbers.tolist() == list(range(1, 13))


def test_an_empty_first_model_hides_no_protein() -> None:
    body = "".join(f"{line}\n" for line in HELIX)
    structure = parse_structure(f"MODEL        1\nENDMDL\nMODEL        2\n{body}ENDMDL\n")
    assert len(structure) == 12 and any("the first with atoms" in note for note in structure.notes)


EVEN = [f"{line[:60]}{20 + 6 * int(line[22:26]):6.2f}{line[66:]}" for line in HELIX]


@pytest.mark.parametrize(
    ("head", "method"),
    [
        (("EXPDTA    X-RAY DIFFRACTION", "REMARK 200 STARTING MODEL: ALPHAFOLD"), "experiment"),
        (("TITLE     STRUCTURE SOLVED WITH ALPHAFOLD", "EXPDTA    ELECTRON MICROSCOPY"), "experiment"),
        (("REMARK 200 STARTING MODEL: ALPHAFOLD", HEADER[1]), "experiment"),
        (("REMARK 200 STARTING MODEL: ALPHAFOLD",), ""),
        (("REMARK B-factor column: conservation grade",), ""),
        (("EXPDTA    THEORETICAL MODEL, MODELLER 10.4",), "prediction"),
        ((), ""),
    ],
)
def test_b_factors_are_no_confidence_on_a_guess(head: tuple[str, ...], method: str) -> None:
    found = parsed(*head, *EVEN)
    assert found.method == method and np.isnan(found.confidence).all()
    assert "pLDDT" not in to_pdb(found) and np.nanmax(found.factors) == pytest.approx(92)


def test_one_number_everywhere_is_no_confidence() -> None:
    ones = [f"{line[:60]}  1.00{line[66:]}" for line in HELIX]
    assert np.isnan(parsed("PARENT N/A", *ones).confidence).all()


def test_the_user_says_what_the_b_factors_are(tmp_path: Path) -> None:
    path = tmp_path / "model.pdb"
    card = next(card for card in CARDS if card.id == "structure")
    uneven = [f"{line[:60]}{50 + place % 30:6.2f}{line[66:]}" for place, line in enumerate(HELIX)]
    path.write_text("\n".join(uneven))

    def opened(**options: str) -> Structure:
        events = StructureEngine(card).predict(read_input(path), options)
        return next(event for event in events if isinstance(event, Model)).structure

    assert np.isnan(opened().confidence).all()
    told = opened(b_factors="plddt")
    assert told.method == "prediction" and told.confidence[0] == pytest.approx(51)
    again = parse_structure(to_cif(told))
    assert np.allclose(again.factors, told.factors, atol=0.01, equal_nan=True)  # each atom's own
    path.write_text("\n".join(["REMARK   1 B-factors are pLDDT", *EVEN]))
    assert np.isnan(opened(b_factors="other").confidence).all() and np.isfinite(opened().confidence).all()
    path.write_text("\n".join(f"{line[:60]}150.00{line[66:]}" for line in HELIX))
    with pytest.raises(BadInput, match="not pLDDT"):
        opened(b_factors="plddt")


def test_long_chain_names_stay_in_mmcif_and_the_pdb_file_says_what_it_calls_them() -> None:
    helix = replace(ideal_helix(12), chains=np.array(["heavy_chain_1"] * 12))
    assert set(parse_structure(to_cif(helix)).chains) == {"heavy_chain_1"}
    text, losses = pdb_with_losses(helix)
    assert "is chain heavy_chain_1 of the mmCIF file" in text and "heavy_chain_1" in losses[0]


def test_a_structure_that_no_pdb_file_can_hold_is_kept_as_mmcif() -> None:
    far = ideal_helix(12).moved(np.eye(3), np.array([12_000.0, 0, 0]))
    text, losses = pdb_with_losses(far)
    assert text == "" and "mmCIF" in losses[0] and len(parse_structure(to_cif(far))) == 12


def test_a_chain_of_a_structure_that_is_too_large_can_be_opened(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "big.pdb.gz"
    path.write_bytes(gzip.compress("\n".join([*HELIX, "TER", *renamed(HAIRPIN, "B")]).encode()))
    monkeypatch.setattr(reader, "MAX_STRUCTURE_RESIDUES", 20)
    with pytest.raises(TooLarge, match=r"28 residues.*Choose one of its chains"):
        read_structure(path)
    assert [chain.name for chain in read_input(path).chains] == ["A", "B"]
    assert len(read_structure(path, "B")) == len(read_structure(path, "2")) == 16


def test_the_workbench_and_the_page_for_a_report_show_what_is_beside_the_protein() -> None:
    found = parsed(*HEADER, *HELIX, "TER", *LIGANDS)
    others = pack_structure(found)["others"]
    assert [label for label, *_ in others["groups"]][:2] == ["GSH 201 of chain A", "NI 202 of chain A"]
    assert others["bonds"] == [0, 1]  # C1–O1 of the ligand; the ion has none
    page = static_view(found)
    assert "GSH" in page and f'"index": [{found.mask.sum()}' in page.replace("[ ", "[")


@pytest.mark.parametrize("position", ["*" * 24, "   1.2x4   0.000   0.000", "         " + "*" * 15])
def test_a_position_without_numbers_is_not_the_origin(position: str) -> None:
    lines = atom_lines(ideal_helix(8))
    lines[2] = lines[2][:30] + position + lines[2][54:]
    with pytest.raises(BadInput, match="not possible numbers"):
        parse_structure("\n".join(lines))


def test_a_file_that_was_cut_names_its_line_and_nothing_of_the_parser() -> None:
    text = to_cif(ideal_helix(8))
    with pytest.raises(BadInput) as caught:
        parse_structure(text[: text.rfind("ATOM") + 20])
    assert "line " in caught.value.sentence and "string:" not in caught.value.sentence


OTHER = renamed(HELIX, chain="B")


@pytest.mark.parametrize(
    "lines",
    [
        [line for pair in zip(HELIX, OTHER, strict=True) for line in pair],
        [line for pair in zip(HELIX, renamed(OTHER, chain=HELIX[0][21]), strict=True) for line in pair],
        sorted([*HELIX, *OTHER], key=lambda line: line[12:16]),
    ],
    ids=["line by line", "one chain id", "by the names of atoms"],
)
def test_atoms_of_two_chains_that_are_mixed_are_all_there(lines: list[str]) -> None:
    found = parsed(*lines)
    assert found.sequence == 2 * parsed(*HELIX).sequence and len(set(found.chains)) == 2
    assert found.mask.sum() == 2 * parsed(*HELIX).mask.sum() and "are mixed in the file" in found.notes[0]


def test_what_follows_an_end_is_another_molecule_or_another_moment() -> None:
    """As where files of a receptor and a partner were joined by copying, and as a trajectory is saved."""
    both = parsed(*HELIX, "END", *renamed(HAIRPIN, chain="B"))
    assert (len(both), both.notes) == (28, ())
    unnamed = parsed(*HELIX, "END", *HAIRPIN)
    assert len(unnamed) == 28 and list(dict.fromkeys(unnamed.chains)) == ["A", "A2"]
    moments = parsed(*HELIX, "END", *HELIX, "END", *HELIX)
    assert (len(moments), moments.notes) == (12, ("The file holds 3 models; the first is shown.",))
    assert len(parsed("MODEL        1", *HELIX, "MODEL        2", *HELIX)) == 12


def test_positions_of_one_name_are_no_alternatives() -> None:
    assert parsed(*[f"{line[:16]}B{line[17:]}" for line in HELIX]).notes == ()


def test_atoms_that_residues_without_numbers_share_are_counted() -> None:
    [residue] = {line[17:20] for line in HELIX[:5]}
    alike = [f"{line[:22]}    {line[26:]}" for line in HELIX if line[17:20] == residue]
    lost = len(alike) - len({line[12:16] for line in alike})
    assert (
        f"{lost} atoms have the residue and name of another one: only the first of each is shown."
        in parsed(*alike).notes
    )


CIF_COLUMNS = ("group_PDB", "id", "type_symbol", "label_atom_id", "label_comp_id", "label_asym_id", "label_seq_id",
               "Cartn_x", "Cartn_y", "Cartn_z", "auth_seq_id", "auth_asym_id")  # fmt: skip


def cif(lines: list[str]) -> str:
    """The atoms of some lines of a PDB file as mmCIF."""
    rows = [
        ("ATOM", place, line[76:78], line[12:16], line[17:20], line[21], line[22:26], line[30:38], line[38:46],
         line[46:54], line[22:26], line[21])
        for place, line in enumerate(lines)
    ]  # fmt: skip
    table = "\n".join(" ".join(str(cell).strip() for cell in row) for row in rows)
    return "data_x\nloop_\n" + "".join(f"_atom_site.{name}\n" for name in CIF_COLUMNS) + table + "\n#\n"


def test_mixed_and_repeated_atoms_of_an_mmcif_file_are_all_there() -> None:
    mixed = parse_structure(cif([line for pair in zip(HELIX, OTHER, strict=True) for line in pair]))
    assert list(mixed.chains) == ["A"] * 12 + ["B"] * 12 and "are mixed in the file" in mixed.notes[0]
    assert mixed.mask.sum() == 2 * parsed(*HELIX).mask.sum()
    repeated = parse_structure(cif([*HELIX, *HELIX]))
    assert list(dict.fromkeys(repeated.chains)) == ["A", "A2"] and len(repeated) == 24
    both = parse_structure(cif(HELIX) + cif(HAIRPIN).replace("data_x", "data_y"))
    assert (len(both), both.notes) == (12, ("The file holds 2 structures; the first is shown.",))
