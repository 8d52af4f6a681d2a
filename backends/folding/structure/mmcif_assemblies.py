"""Makes the operators of an mmCIF file's assemblies plain before gemmi reads them.

gemmi reads lists such as 1,2 and (1-60), of a product such as (1,2)(3-5) only its first factor, and no assembly where a
column is missing that says nothing of the operators.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import reduce
from itertools import product

import gemmi
import numpy as np

ASSEMBLY, PARTS, OPERATORS = "_pdbx_struct_assembly.", "_pdbx_struct_assembly_gen.", "_pdbx_struct_oper_list."
NEEDED = {
    ASSEMBLY: ("details", "method_details", "oligomeric_details", "oligomeric_count"),
    OPERATORS: ("type",),
}
"""Columns without which gemmi reads no assembly."""
MAX_OPERATIONS = 5_000
"""Of one part of an assembly; a large virus has 1,680."""

CELLS = tuple(f"matrix[{row}][{column}]" for row in (1, 2, 3) for column in (1, 2, 3))
SHIFTS = tuple(f"vector[{row}]" for row in (1, 2, 3))


def plain_operators(block: gemmi.cif.Block) -> None:
    """Each operator expression of the block as a list of operators by name, products among them.

    An expression that cannot be read, or of over `MAX_OPERATIONS`, is taken out: its assembly then has no such part.
    """
    for category, names in NEEDED.items():
        _complete(block, category, names)
    expressions = block.find(PARTS, ["oper_expression"])
    table = block.find(OPERATORS, ["id", *CELLS, *SHIFTS])
    if not len(expressions) or not len(table):
        return
    moves = {gemmi.cif.as_string(row[0]): _matrix(row) for row in table}
    products: dict[str, np.ndarray] = {}
    for row in expressions:
        combined = factors(gemmi.cif.as_string(row[0]), moves)
        listed = [_product(chosen, moves, products) for chosen in product(*combined)] if combined else []
        row[0] = gemmi.cif.quote(",".join(listed)) if listed else "?"
    if products:
        _append(block, products)


def factors(expression: str, known: Mapping[str, object]) -> list[list[str]]:
    """The factors of an expression, each a list of operators; empty where one is unknown, or there are too many.

    >>> factors("(1,2)(3-5)", dict.fromkeys("12345")), factors("P", {"P": 0}), factors("(1)(9)", {"1": 0})
    ([['1', '2'], ['3', '4', '5']], [['P']], [])
    """
    groups = re.findall(r"\(([^()]*)\)", expression) or [expression]
    found, total = [], 1
    for group in groups:
        names: list[str] = []
        for part in filter(None, map(str.strip, group.split(","))):
            span = re.fullmatch(r"(\d{1,6})-(\d{1,6})", part)
            first, last = (int(span[1]), int(span[2])) if span and part not in known else (0, 0)
            if last - first >= MAX_OPERATIONS:
                return []
            names += [str(number) for number in range(first, last + 1)] if last else [part]
        total *= len(names)
        if not 0 < total <= MAX_OPERATIONS or not all(name in known for name in names):
            return []
        found.append(names)
    return found


def _product(names: tuple[str, ...], moves: Mapping[str, np.ndarray], made: dict[str, np.ndarray]) -> str:
    """The name of the operator that applies all of these, the last one first; a new one is put down in `made`."""
    if len(names) == 1:
        return names[0]
    name = "x".join(names)
    while name in moves:
        name += "x"
    made[name] = reduce(np.matmul, [moves[one] for one in names])
    return name


def _matrix(row: gemmi.cif.Table.Row) -> np.ndarray:
    """`(4, 4)` the move of a row of operators."""
    numbers = [gemmi.cif.as_number(value) for value in row]
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = np.reshape(numbers[1:10], (3, 3)), numbers[10:13]
    return move


def _append(block: gemmi.cif.Block, products: Mapping[str, np.ndarray]) -> None:
    table = block.find_mmcif_category(OPERATORS)
    tags = [tag.removeprefix(OPERATORS) for tag in table.tags]
    rows = [list(row) for row in table]
    for name, move in products.items():
        cells = dict(zip((*CELLS, *SHIFTS), [*move[:3, :3].ravel(), *move[:3, 3]], strict=True))
        rows.append([name if tag == "id" else repr(float(cells[tag])) if tag in cells else "?" for tag in tags])
    loop = block.init_loop(OPERATORS, tags)
    for row in rows:
        loop.add_row(row)


def _complete(block: gemmi.cif.Block, category: str, names: tuple[str, ...]) -> None:
    column = block.find_values(f"{category}id")
    missing = [f"{category}{name}" for name in names if not block.find_values(f"{category}{name}")]
    if not column or not missing:
        return
    loop = column.get_loop()
    if loop is not None:
        loop.add_columns(missing, "?")
        return
    for tag in missing:
        block.set_pair(tag, "?")
