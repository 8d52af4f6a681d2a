"""Structures of molecular dynamics: charges in place of B-factors, columns that were lost, nanometres."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.folding.alignment.sequence import read_input
from backends.folding.structure.reader import parse_structure
from backends.folding.structure.writer import to_pdb
from evaluation.synthetic.proteins import ideal_helix

TRUE = ideal_helix(12)
ATOMS = [line for line in to_pdb(TRUE).splitlines() if line.startswith("ATOM")]


def fields(line: str) -> list[str]:
    """What stands before the position, as words."""
    return [line[:6], line[6:11], line[12:16], line[17:20], line[21], line[22:27]]


def position(line: str) -> tuple[float, float, float]:
    return float(line[30:38]), float(line[38:46]), float(line[46:54])


def by_blanks(line: str, *rest: str, chain: bool = True) -> str:
    words = [word.strip() for word in fields(line)]
    place = [f"{value:.3f}" for value in position(line)]
    return " ".join([*(words if chain else words[:4] + words[5:]), *place, *rest])


def gro(lines: list[str]) -> str:
    rows = [
        f"{int(line[22:26]):5d}{line[17:20]:<5}{line[12:16].strip():>5}{number:5d}"
        + "".join(f"{value / 10:8.3f}" for value in position(line))
        for number, line in enumerate(lines, start=1)
    ]
    return "\n".join(["A helix in water", f"{len(rows):5d}", *rows, "   5.0   5.0   5.0", ""])


IN_NANOMETRES = [line[:30] + "".join(f"{v / 10:8.3f}" for v in position(line)) + line[54:] for line in ATOMS]
CHARGED = ["0.1592" if number % 2 else "-0.4157" for number in range(len(ATOMS))]
FILES = {
    "charges and radii": (
        "\n".join(f"{line[:54]} {charge:>7} 1.8240" for line, charge in zip(ATOMS, CHARGED, strict=True)),
        "PQR file",
    ),
    "PQR by blanks": ("\n".join(by_blanks(line, "-0.3000", "1.8500") for line in ATOMS), "PQR file"),
    "PQR without chains": ("\n".join(by_blanks(line, "-0.16", "1.85", chain=False) for line in ATOMS), "PQR file"),
    "copied from a page": ("\n".join(" ".join(line.split()) for line in ATOMS), "by the blanks between them"),
    "nanometres": ("\n".join(IN_NANOMETRES), "in nanometres"),
    "GROMACS": (gro(ATOMS), "in nanometres"),
}


@pytest.mark.parametrize("name", FILES)
def test_atoms_in_other_columns_or_units_are_where_they_belong(tmp_path: Path, name: str) -> None:
    text, said = FILES[name]
    structure = parse_structure(text)
    assert structure.sequence == TRUE.sequence and (structure.mask == TRUE.mask).all()
    assert np.abs(structure.atoms - TRUE.atoms)[TRUE.mask].max() < 0.011
    assert any(said in note for note in structure.notes)
    assert np.isnan(structure.confidence).all()
    path = tmp_path / "structure"
    path.write_text(text)
    query = read_input(path)
    assert query.kind == "structure" and query.sequence == TRUE.sequence


def test_a_charge_is_no_b_factor() -> None:
    structure = parse_structure(FILES["charges and radii"][0])
    assert structure.factors is not None and not np.nan_to_num(structure.factors).any()
    assert not any("pLDDT" in note for note in structure.notes)


def test_an_occupancy_of_many_digits_is_no_charge() -> None:
    structure = parse_structure("\n".join(f"{line[:54]} 1.000 42.500" for line in ATOMS))
    assert structure.factors is not None and not any("PQR" in note for note in structure.notes)


def test_b_factors_of_lines_that_lost_their_columns_are_kept() -> None:
    text = "\n".join(by_blanks(line, "1.00", "42.50", "C") for line in ATOMS)
    structure = parse_structure(text)
    assert structure.factors is not None and set(structure.factors[structure.mask].tolist()) == {42.5}


def test_atoms_that_cannot_be_told_apart_are_still_refused(tmp_path: Path) -> None:
    path = tmp_path / "structure"
    path.write_text("\n".join([*(" ".join(line.split()) for line in ATOMS[:9]), "ATOM 10 CA ALA x y 1.0 2.0 3.0"]))
    with pytest.raises(BadInput, match="whose columns were lost"):
        read_input(path)
