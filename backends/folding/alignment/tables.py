"""Sequences in tables: with a heading as spreadsheets and UniProt write them, and rows with the numbers of residues."""

from __future__ import annotations

import csv
import re

SEQUENCE_TITLES = frozenset({"sequence", "seq", "sequences", "aa_sequence", "protein_sequence", "aaseq", "aa"})
NAME_TITLES = ("id", "name", "entry", "accession", "entry name", "protein", "gene", "uniprot", "identifier")
_NUMBERED = re.compile(r"(\S+)\s+\d+\s+([A-Za-z.\-*]{5,})\s+\d+")
"""A row of an alignment: a name, the number of the first residue, the residues, the number of the last."""


def read_table(text: str) -> list[tuple[str, str]]:
    """(name, sequence) of each row; empty where the text is no such table."""
    lines = [line for line in text.splitlines() if line.strip()]
    if lines and re.fullmatch(r"\s*sep=.\s*", lines[0]):  # by which Excel knows the sign between columns
        lines = lines[1:]
    return (_headed(lines) or _numbered(lines)) if lines else []


def numbered_rows(text: str) -> list[tuple[str, str]]:
    """Names and rows where each line has the numbers of its first and last residue; empty for other text."""
    return _numbered([line for line in text.splitlines() if line.strip() and not line.startswith(("#", "%"))])


def _headed(lines: list[str]) -> list[tuple[str, str]]:
    separator = max("\t,;", key=lines[0].count)
    if separator not in lines[0]:
        return []
    try:
        titles, *rows = [[cell.strip() for cell in row] for row in csv.reader(lines, delimiter=separator)]
    except csv.Error:
        return []
    known = [title.casefold() for title in titles]
    place = next((place for place, title in enumerate(known) if title.replace(" ", "_") in SEQUENCE_TITLES), None)
    if place is None or not rows or any(len(row) <= place for row in rows):
        return []
    names = [known.index(title) for title in NAME_TITLES if title in known]
    name = names[0] if names else next((other for other in range(len(titles)) if other != place), place)
    if not all(re.fullmatch(r"[A-Za-z*:\s]+", row[place]) for row in rows):
        return []
    return [(row[name] if name != place and len(row) > name else "", row[place]) for row in rows]


def _numbered(lines: list[str]) -> list[tuple[str, str]]:
    found = [_NUMBERED.fullmatch(line.strip()) for line in lines]
    rows: dict[str, str] = {}
    for match in found:
        if match is None or not re.search(r"[A-Za-z]", match[1]):
            return []
        rows[match[1]] = rows.get(match[1], "") + match[2]
    return list(rows.items())
