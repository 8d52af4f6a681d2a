"""Makes a data block of an mmCIF file complete and unambiguous before it is turned into a structure."""

from __future__ import annotations

from collections import defaultdict

import gemmi

PREFIX = "_atom_site."


def coordinates_block(text: str) -> gemmi.cif.Block:
    """The first block of a file that holds atoms. Raises StopIteration where none does."""
    document = gemmi.cif.read_string(text)
    block = next(block for block in document if block.find_values(f"{PREFIX}Cartn_x"))
    _fill_identifiers(block)
    return block


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
            if missing not in have and source in have:
                values = [str(value) for value in block.find_values(source)]
                loop.add_columns([missing], "?")
                _write(block, missing, values)
    if f"{PREFIX}id" not in have:
        loop.add_columns([f"{PREFIX}id"], "?")
        _write(block, f"{PREFIX}id", [str(number) for number in range(1, count + 1)])


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
