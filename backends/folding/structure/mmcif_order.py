"""Puts the atoms of an mmCIF file in order, and names the molecules apart that all are called the same."""

from __future__ import annotations

import gemmi

from backends.folding.structure.pdb_order import SORTED, Atom, copies_of, order_of

PREFIX = "_atom_site."
CHAINS = (f"{PREFIX}auth_asym_id", f"{PREFIX}label_asym_id")
REPEATED = 0.3
"""Share of the atoms that were there before, from which they are of another molecule and not a few of them odd."""


def sort_atoms(block: gemmi.cif.Block, names: frozenset[str]) -> list[str]:
    """Sort the rows where chains or residues are mixed, and give copies of a chain names; what to say of it.

    `names` are those of amino acids.
    """
    loop = block.find_values(f"{PREFIX}Cartn_x").get_loop()
    if loop is None:
        return []
    tags = [tag.lower() for tag in loop.tags]
    values = list(loop.values)
    columns = {tag: values[place :: len(tags)] for place, tag in enumerate(tags)}
    atoms = _atoms(columns, len(columns[f"{PREFIX}cartn_x"]))
    notes: list[str] = []
    order = order_of(atoms, names)
    # Waters without numbers are all the same by name, and no copies.
    copies = [copy * (atom.residue[2] in names) for copy, atom in zip(copies_of(atoms), atoms, strict=True)]
    if sum(map(bool, copies)) > REPEATED * len(copies):
        notes = list(_name_copies(columns, copies))
    if order is not None:
        notes.append(SORTED)
        columns = {tag: [column[place] for place in order] for tag, column in columns.items()}
    if notes:
        loop.set_all_values([columns[tag] for tag in tags])
    return notes


def _atoms(columns: dict[str, list[str]], count: int) -> list[Atom]:
    def column(name: str) -> list[str]:
        return columns.get(f"{PREFIX}{name}", [""] * count)

    rows = zip(
        column("pdbx_pdb_model_num"),
        column("auth_asym_id"),
        column("label_asym_id"),
        column("auth_seq_id"),
        column("pdbx_pdb_ins_code"),
        column("label_comp_id"),
        column("label_atom_id"),
        column("label_alt_id"),
        strict=True,
    )
    atoms = []
    for line, (model, author, own, number, insertion, component, name, position) in enumerate(rows):
        chain = f"{model} {author} {own}"
        residue = (chain, f"{number} {insertion}", gemmi.cif.as_string(component))
        atoms.append(Atom(line, chain, residue, f"{name} {position}"))
    return atoms


def _name_copies(columns: dict[str, list[str]], copies: list[int]) -> list[str]:
    """Give the chains of further copies names of their own, in `columns`; the sentences on that."""
    names = columns[CHAINS[0]]
    most: dict[str, int] = {}
    for name, copy in zip(names, copies, strict=True):
        most[name] = max(copy, most.get(name, 0))
    for tag in CHAINS:
        column = columns[tag]
        columns[tag] = [
            f"{gemmi.cif.as_string(name)}{copy + 1}" if copy else name
            for name, copy in zip(column, copies, strict=True)
        ]
    said = []
    for name in sorted(name for name, count in most.items() if count):
        plain = gemmi.cif.as_string(name)
        shown = ", ".join([plain, *(f"{plain}{copy + 1}" for copy in range(1, min(most[name], 5) + 1))])
        said.append(f"{most[name] + 1} molecules of the file are called chain {plain}: they are shown as {shown}.")
    return said
