"""PDB files that were put together: parsers stop at the first END, and take a MODEL that is not closed for damage."""

from __future__ import annotations

from collections.abc import Sequence

SAME_ATOMS = 0.9
"""Share of the first part's atoms that a later part has, too, from which it is the same molecule at another time."""


def joined(lines: Sequence[str]) -> tuple[list[str], str]:
    """The lines as one file, with what to say of it.

    What follows an END is another molecule, as where files were joined by copying, or the same one again, as where a
    trajectory was saved; of the latter the first is kept.
    """
    lines = _closed(lines)
    parts: list[list[str]] = [[]]
    for line in lines:
        if line.rstrip() == "END":
            parts.append([])
        else:
            parts[-1].append(line)
    parts = [part for part in parts if any(map(_is_atom, part))]
    if len(parts) < 2:
        return list(lines), ""
    if any(line.startswith("MODEL ") for part in parts for line in part):
        return [line for part in parts for line in part], ""
    first = _atoms(parts[0])
    others = [part for part in parts[1:] if len(first & _atoms(part)) < SAME_ATOMS * len(first)]
    again = len(parts) - 1 - len(others)
    whole = [line for part in (parts[0], *others) for line in (*part, "TER")]
    return whole, f"The file holds {again + 1} models; the first is shown." if again else ""


def _closed(lines: Sequence[str]) -> list[str]:
    """The lines with an ENDMDL behind each MODEL."""
    closed: list[str] = []
    is_open = False
    for line in lines:
        if line.startswith("MODEL ") and is_open:
            closed.append("ENDMDL")
        is_open = line.startswith("MODEL ") or (is_open and not line.startswith("ENDMDL"))
        closed.append(line)
    return closed


def _is_atom(line: str) -> bool:
    return line.startswith(("ATOM  ", "HETATM"))


def _atoms(part: Sequence[str]) -> set[str]:
    """Chain, residue and name of each atom, and its segment."""
    return {line[12:27] + line[72:76] for line in part if _is_atom(line)}
