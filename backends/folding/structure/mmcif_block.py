"""Makes a data block of an mmCIF file complete and unambiguous before it is turned into a structure."""

from __future__ import annotations

import re
from collections import defaultdict

import gemmi

PREFIX = "_atom_site."
NO_VALUE = ("?", ".")
MAX_NUMBER = 10_000_000
"""Of a residue; a parser lets larger ones overflow, so that all become one."""


def coordinates_block(text: str) -> gemmi.cif.Block:
    """The first block of a file that holds atoms. Raises StopIteration where none does."""
    document = gemmi.cif.read_string(text if re.search(r"^data_", text, re.MULTILINE | re.I) else f"data_x\n{text}")
    block = next(block for block in document if block.find_values(f"{PREFIX}Cartn_x"))
    _fill_identifiers(block)
    numbers = [value.lstrip("-") for value in block.find_values(f"{PREFIX}auth_seq_id")]
    if set(numbers) <= set(NO_VALUE):
        raise ValueError("its residues have no numbers")
    if any(value.isdecimal() and int(value) > MAX_NUMBER for value in numbers):
        raise ValueError("its residues have impossible numbers")
    return block


def further_structures(text: str) -> str:
    """A sentence where a file holds the atoms of more than one structure."""
    count = len(re.findall(rf"^\s*{re.escape(PREFIX)}Cartn_x\b", text, re.MULTILINE | re.I))
    return f"The file holds {count} structures; the first is shown." if count > 1 else ""


def _fill_identifiers(block: gemmi.cif.Block) -> None:
    """Where one of the two namings of the PDB is missing (label, or auth), it is taken from the other."""
    column = block.find_values(f"{PREFIX}Cartn_x")
    loop, count = column.get_loop(), len(column)
    if loop is None:
        return
    have = {tag.lower() for tag in loop.tags}
    for part in ("asym_id", "comp_id", "atom_id", "seq_id"):
        for mine, other in (("label", "auth"), ("auth", "label")):
            missing, source = f"{PREFIX}{mine}_{part}", f"{PREFIX}{other}_{part}"
            if source not in have:
                continue
            values = [str(value) for value in block.find_values(source)]
            if missing not in have:
                loop.add_columns([missing], "?")
            elif mine == "label" or not set(block.find_values(missing)) <= set(NO_VALUE):
                continue  # a ligand has no label number, and is given none
            _write(block, missing, values)
    if f"{PREFIX}type_symbol" not in have:
        names, components = (block.find_values(f"{PREFIX}label_{part}_id") for part in ("atom", "comp"))
        elements = [_element(atom, component) for atom, component in zip(names, components, strict=True)]
        loop.add_columns([f"{PREFIX}type_symbol"], "?")
        _write(block, f"{PREFIX}type_symbol", elements)
    if f"{PREFIX}label_alt_id" not in have:
        loop.add_columns([f"{PREFIX}label_alt_id"], ".")
    if f"{PREFIX}id" not in have:
        loop.add_columns([f"{PREFIX}id"], "?")
        _write(block, f"{PREFIX}id", [str(number) for number in range(1, count + 1)])


def _element(atom: str, component: str) -> str:
    """The element of an atom by its name: an ion is called as its residue, all others begin with their letter.

    >>> _element("CA", "ALA"), _element("ZN", "ZN"), _element("1HB", "ALA")
    ('C', 'ZN', 'H')
    """
    name = gemmi.cif.as_string(atom)
    return name if name == component else next((letter for letter in name if letter.isalpha()), "X")


def _write(block: gemmi.cif.Block, tag: str, values: list[str]) -> None:
    column = block.find_values(tag)
    for row, value in enumerate(values):
        column[row] = value


def separate_chains(block: gemmi.cif.Block) -> list[str]:
    """Give chains that share one author's id, and whose residues repeat, the names of their own; what to say of it."""
    names = ["auth_asym_id", "label_asym_id", "auth_seq_id", "label_atom_id"]
    table = block.find(PREFIX, [*names, "?pdbx_PDB_ins_code", "?pdbx_PDB_model_num", "?label_alt_id"])
    if len(table) == 0:
        return []
    rows: dict[str, set[str]] = defaultdict(set)
    keys: dict[tuple[str, ...], str] = {}
    repeated: set[str] = set()
    for row in table:
        if gemmi.cif.as_string(row[3]) != "CA":
            continue
        author, own = row[0], row[1]
        rows[author].add(own)
        key = (author, row[2], *(row[place] if row.has(place) else "" for place in (4, 5, 6)))
        if keys.setdefault(key, own) != own:
            repeated.add(author)
    if not repeated:
        return []
    for row in table:
        if row[0] in repeated:
            row[0] = row[1]
    return [
        f"{len(rows[name])} chains of the file share the author's name {gemmi.cif.as_string(name)}: they are shown as "
        f"{', '.join(sorted(map(gemmi.cif.as_string, rows[name]))[:6])}."
        for name in sorted(repeated)
    ]


def software_lines(block: gemmi.cif.Block) -> str:
    """The programs that the file names, one a line as “_software.name NAME”, however the file lists them."""
    names = block.find_values("_software.name")
    return "\n".join(f"_software.name {gemmi.cif.as_string(name)}" for name in names)
