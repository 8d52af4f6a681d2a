"""Atoms that are not in the columns of the PDB format, put there: PQR files, lines that lost their columns, GROMACS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NUMBER = r"-?\d+\.\d*(?:[eE][-+]?\d+)?"
_BY_BLANKS = re.compile(
    rf"(ATOM|HETATM)\s+(?P<serial>\d+)\s+(?P<name>\S{{1,4}})\s+(?P<residue>[A-Za-z0-9+-]{{1,4}})\s+"
    rf"(?:(?P<chain>[A-Za-z0-9])\s+|(?P<glued>[A-Za-z]))?(?P<number>-?\d+)(?P<insertion>[A-Za-z]?)\s+"
    rf"(?P<x>{_NUMBER})\s+(?P<y>{_NUMBER})\s+(?P<z>{_NUMBER})(?P<rest>(?:\s.*)?)$"
)
_PQR_REST = re.compile(r"\s*-?\d+\.\d+\s+\d+\.\d+\s*$")
"""Behind the position of a PQR file's atom: its charge and its radius."""
_PDB_REST = re.compile(rf"\s+(?P<occupancy>{_NUMBER})\s+(?P<factor>{_NUMBER})(?:\s+(?P<element>[A-Za-z]{{1,2}}))?\s*$")
_GRO_ATOM = re.compile(r"([ \d]{5})([^\s].{4})(.{5})([ \d]{5})( *-?\d+\.\d+)( *-?\d+\.\d+)( *-?\d+\.\d+)")

SAMPLE = 1000
"""Atoms that are looked at to tell how a file is laid out."""

MIN_STEPS = 4
NANOMETRE = 10.0
"""Ångström."""

LOST_COLUMNS = "The atoms do not stand in the columns of the PDB format: they were read by the blanks between them."
CHARGES = "This is a PQR file: its charges and radii are not kept, and it has no B-factors."
IN_NANOMETRES = "The positions are in nanometres: they were taken times ten."


@dataclass(frozen=True)
class _Atom:
    kind: str
    serial: int
    name: str
    residue: str
    chain: str
    number: int
    insertion: str
    position: tuple[float, float, float]
    occupancy: float = 1.0
    factor: float = 0.0
    element: str = ""

    def line(self) -> str:
        """The atom in the columns of the PDB format."""
        element = self.element or _element(self.name, self.residue)
        name = f"{self.name:<4}" if len(self.name) > 3 or len(element) > 1 else f" {self.name:<3}"
        residue = f"{self.residue:>3} " if len(self.residue) < 4 else self.residue
        place = f"{self.chain or ' '}{self.number % 10_000:4d}{self.insertion or ' '}"
        position = "".join(f"{value:8.3f}" for value in self.position)
        return (
            f"{self.kind:<6}{self.serial % 100_000:5d} {name} {residue}{place}   {position}{self.occupancy:6.2f}"
            f"{self.factor:6.2f}          {element.upper():>2}"
        )


def has_atoms(text: str) -> bool:
    """Whether a text holds atoms that `in_columns` can put into columns."""
    return _is_gro(text.splitlines()) or _lost_atoms(text.splitlines()) is not None


def in_columns(text: str) -> tuple[str, list[str]]:
    """The text of a PDB file with its atoms in columns, and what to say of it. Any other text is given back."""
    lines = text.splitlines()
    if _is_gro(lines):
        return "\n".join([f"TITLE     {lines[0].strip()[:60]}", *_gro_lines(lines), "END", ""]), [IN_NANOMETRES]
    if (lost := _lost_atoms(lines)) is not None:
        atoms, is_pqr = lost
        rest = iter(atom.line() for atom in atoms)
        return "\n".join(next(rest) if _is_atom(line) else line for line in lines) + "\n", (
            [CHARGES] if is_pqr else [LOST_COLUMNS]
        )
    return text, []


def _is_atom(line: str) -> bool:
    return re.match(r"(ATOM|HETATM)\s", line) is not None


def _lost_atoms(lines: Sequence[str]) -> tuple[list[_Atom], bool] | None:
    """The atoms of a file that has them by blanks or is a PQR file, and whether it is one; None for any other file."""
    rows = [line for line in lines if _is_atom(line)]
    if not rows:
        return None
    sample = rows[:SAMPLE]
    charged = _is_pqr(sample)
    if 2 * sum(map(_is_in_columns, sample)) > len(sample) and not charged:
        return None
    found = [_BY_BLANKS.match(row) for row in rows]
    matches = [match for match in found if match is not None]
    if len(matches) < len(rows):
        return None
    return [_of_match(match, charged) for match in matches], charged


def _is_in_columns(row: str) -> bool:
    """Whether an atom's position stands in columns 31 to 54."""
    return all(re.fullmatch(rf" *{_NUMBER} *", row[start : start + 8]) for start in (30, 38, 46))


def _is_pqr(rows: Sequence[str]) -> bool:
    """Whether atoms end with a charge and a radius: of charges some are negative, of occupancies none."""
    ends = [
        match["rest"].split() for row in rows if (match := _BY_BLANKS.match(row)) and _PQR_REST.match(match["rest"])
    ]
    return 2 * len(ends) > len(rows) and any(charge.startswith("-") for charge, _ in ends)


def _of_match(match: re.Match[str], charged: bool) -> _Atom:
    rest = None if charged else _PDB_REST.match(match["rest"])
    return _Atom(
        kind=match[1],
        serial=int(match["serial"]),
        name=match["name"],
        residue=match["residue"],
        chain=match["chain"] or match["glued"] or "",
        number=int(match["number"]),
        insertion=match["insertion"],
        position=(float(match["x"]), float(match["y"]), float(match["z"])),
        occupancy=float(rest["occupancy"]) if rest else 1.0,
        factor=float(rest["factor"]) if rest else 0.0,
        element=(rest["element"] or "") if rest else "",
    )


def _is_gro(lines: Sequence[str]) -> bool:
    """Whether these are the lines of a GROMACS file: a title, the number of atoms, and as many atoms."""
    if len(lines) < 4 or not re.fullmatch(r"\s*\d+\s*", lines[1]):
        return False
    count = int(lines[1])
    return 0 < count <= len(lines) - 2 and all(_GRO_ATOM.match(line) for line in lines[2 : min(2 + count, 12)])


def _gro_lines(lines: Sequence[str]) -> list[str]:
    """The atoms of a GROMACS file in the columns of the PDB format. Raises ValueError where one is none."""
    atoms: list[str] = []
    for line in lines[2 : 2 + int(lines[1])]:
        match = _GRO_ATOM.match(line)
        if match is None:
            raise ValueError(f"line {len(atoms) + 3} is no atom")
        number, residue, name, serial, *position = match.groups()
        x, y, z = (NANOMETRE * float(value) for value in position)
        fields = (int(serial), name.strip(), residue.strip()[:4], "", int(number), "", (x, y, z))
        atoms.append(_Atom("ATOM", *fields).line())
    return atoms


def is_in_nanometres(positions: np.ndarray) -> bool:
    """Whether neighbouring Cα atoms, `(L, 3)`, are a tenth of the 3.8 Å apart that they always are."""
    steps = np.linalg.norm(np.diff(positions, axis=0), axis=1)
    return len(steps) >= MIN_STEPS and bool(0.3 < np.median(steps) < 0.45)


def _element(name: str, residue: str) -> str:
    """The element of an atom: an ion is called as its residue, all others begin with their letter."""
    letters = re.sub(r"[^A-Za-z]", "", name)
    return letters[:2] if name == residue and len(letters) <= 2 else letters[:1] or "X"
