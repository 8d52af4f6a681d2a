"""Makes the text of a PDB file unambiguous before it is parsed: one chain id a molecule, names that have no meaning.

The format has one letter a chain and four digits a residue. Programs of molecular dynamics leave the letter blank, and
count the residues of every molecule from 1; a parser then takes two molecules as one, and drops what is there twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from string import ascii_uppercase, digits

from backends.folding.residues import THREE_LETTER
from backends.folding.structure.pdb_order import SORTED, in_order
from backends.folding.structure.pdb_parts import joined

FORCE_FIELD_NAMES = {
    "HID": "HIS", "HIE": "HIS", "HIP": "HIS", "HSD": "HIS", "HSE": "HIS", "HSP": "HIS", "CYX": "CYS", "CYM": "CYS",
    "ASH": "ASP", "GLH": "GLU", "LYN": "LYS", "ARN": "ARG", "TYM": "TYR", "HISA": "HIS", "HISB": "HIS", "HISD": "HIS",
    "HISE": "HIS", "HISH": "HIS", "CYS2": "CYS", "CYSH": "CYS", "LYSH": "LYS", "ASPH": "ASP", "GLUH": "GLU",
}  # fmt: skip
"""What the force fields AMBER, CHARMM and GROMOS call the twenty in a state of protonation, or bridged."""

_TERMINAL = re.compile(r"^[NC](?=[A-Z]{3}$)")
_NO_POSITION = re.compile(r"^(?:ATOM  |HETATM).{24}(?=.{0,23}[^\s\d.+\-eE])", re.MULTILINE)
"""Columns 31 to 54. A program that has no room for a number writes stars there."""
AMINO_ACIDS = frozenset(THREE_LETTER.values()) | frozenset(FORCE_FIELD_NAMES)


def standard_name(name: str) -> str:
    """The residue's own name where this is a force field's name for one of the twenty; else the name as it is.

    >>> standard_name("HIE"), standard_name("NALA"), standard_name("SEP")
    ('HIS', 'ALA', 'SEP')
    """
    if len(name) == 4 and _TERMINAL.sub("", name) in AMINO_ACIDS:
        name = name[1:]
    return FORCE_FIELD_NAMES.get(name, name)


def has_impossible_coordinates(text: str) -> bool:
    """Whether an atom has something else than numbers where its position belongs, which a parser takes for zero."""
    return _NO_POSITION.search(text) is not None


@dataclass
class _Run:
    """Lines that follow each other and are of one residue."""

    lines: list[int]
    chain: str
    number: str
    name: str
    atoms: set[tuple[str, str]] = field(default_factory=set)
    protein: bool = False
    after_ter: bool = False
    segment: str = ""


def separate_molecules(text: str) -> tuple[str, dict[str, str], list[str]]:
    """The text with a chain id of its own for each molecule of the first model.

    Returns the text, the names of the chains whose ids had to be replaced by these ids, and what to say of it.
    """
    lines, models = joined(text.splitlines())
    lines, mixed = in_order(lines, AMINO_ACIDS)
    runs = list(_runs(lines))
    taken = {run.chain for run in runs}
    names: dict[str, str] = {}
    codes = ("".join(pair) for pair in product(ascii_uppercase + digits, repeat=2))
    notes = [*filter(None, [models]), *([SORTED] if mixed else [])]
    by_chain: dict[str, list[_Run]] = {}
    for run in runs:
        by_chain.setdefault(run.chain, []).append(run)
    for chain, mine in by_chain.items():
        molecules = _molecules(mine)
        proteins = [part for part in molecules if any(run.protein for run in part)]
        if len(molecules) < 2:
            continue
        new_names = _names(chain, max(len(proteins), 1), taken)
        taken |= set(new_names)
        notes += [_note(chain, new_names)] if len(proteins) > 1 else []
        current, rest = "", iter(new_names)
        for part in molecules:
            if any(run.protein for run in part) or not current:
                current = next(rest, "") or new_names[-1]
            code = next((code for code in codes if code not in taken), None)
            if code is None:  # more molecules than ids: the waters of a large box
                break
            names[code] = current
            for run in part:
                for line in run.lines:
                    lines[line] = f"{lines[line][:20]}{code}{lines[line][22:]}"
    return "\n".join(lines) + "\n", names, notes


def _names(chain: str, count: int, taken: set[str]) -> list[str]:
    """As many names of chains as there are molecules that share this one."""
    if chain:
        tried = (f"{chain}{number}" for number in range(2, count + len(taken) + 2))
        return [chain, *[name for name in tried if name not in taken][: count - 1]]
    letters = [letter for letter in ascii_uppercase if letter not in taken]
    more = (f"{one}{other}" for one, other in product(ascii_uppercase, repeat=2))
    return [*letters, *[name for name in more if name not in taken]][:count]


def _note(chain: str, names: list[str]) -> str:
    shown = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    if chain:
        return f"{len(names)} molecules of the file are called chain {chain}: they are shown as {shown}."
    return f"The {len(names)} chains of the file have no names: they are shown as {shown}."


def _runs(lines: list[str]) -> Iterator[_Run]:
    """The residues of the first model, line by line; names of four letters are mended on the way."""
    run: _Run | None = None
    ended: set[str] = set()
    for index, line in enumerate(lines):
        kind = line[:6]
        if kind == "ENDMDL":
            break
        if kind[:3] == "TER":
            if run is not None:
                ended.add(run.chain)
            continue
        if kind not in ("ATOM  ", "HETATM") or len(line) < 54:
            continue
        four = line[17:21]
        if four[3] != " " and standard_name(four) in AMINO_ACIDS and four[:3] not in AMINO_ACIDS:
            lines[index] = f"{line[:17]}{standard_name(four)} {line[21:]}"
        residue, chain, number = lines[index][17:20], lines[index][20:22].strip(), line[22:27]
        if run is None or (run.chain, run.number, run.name) != (chain, number, residue):
            if run is not None:
                yield run
            run = _Run([], chain, number, residue, after_ter=chain in ended, segment=line[72:76].strip())
            ended.discard(chain)
        run.lines.append(index)
        run.atoms.add((line[12:16], line[16]))
        run.protein |= line[12:16] == " CA " and (residue in AMINO_ACIDS or kind == "ATOM  ")
    if run is not None:
        yield run


def _molecules(runs: list[_Run]) -> list[list[_Run]]:
    """The residues under one chain id, parted where another molecule begins.

    It does where a residue comes that was there before. A fall of the numbers by itself proves nothing, but where
    residues repeat soon after, the molecule began there. Without a chain id a TER or another segment parts, too.
    """
    parts: list[list[_Run]] = [[]]
    seen: dict[tuple[str, str], set[tuple[str, str]]] = {}
    fall, before = 0, None
    for run in runs:
        part = parts[-1]
        other = before is not None and before.number != run.number
        nameless = bool(part) and not run.chain and run.protein
        parted = nameless and (run.after_ter or bool(before and before.segment and before.segment != run.segment))
        repeated = other and bool(seen.get(_key(run), set()) & run.atoms)
        if before is not None and run.protein and _value(run.number) < _value(before.number):
            fall = len(part)
        if parted:
            parts.append([])
        elif repeated:
            parts[-1], later = part[:fall] or part, part[fall:] if fall else []
            parts.append(later)
        if parted or repeated:
            seen, fall = {}, 0
            for earlier in parts[-1]:
                seen.setdefault(_key(earlier), set()).update(earlier.atoms)
        parts[-1].append(run)
        seen.setdefault(_key(run), set()).update(run.atoms)
        before = run
    return parts


def _key(run: _Run) -> tuple[str, str]:
    """A ligand may have the number of a residue and atoms of the same names; two residues may not."""
    return run.number, "" if run.protein else run.name


def _value(number: str) -> int:
    digits_only = number[:4].strip()
    return int(digits_only) if digits_only.lstrip("-").isdigit() else 10_000
