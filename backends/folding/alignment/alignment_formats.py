"""The ways that alignments are written, told apart by content: A3M and aligned FASTA, Stockholm, Clustal, bare rows.

Those of `block_formats` are read there."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from backends.core.errors import BadInput
from backends.folding.alignment.block_formats import is_blocks, read_blocks

MAX_NAME = 200
FORMATS = "an A3M, Stockholm, Clustal, PHYLIP or aligned FASTA file"
MIN_ALIKE = 0.3
"""Share of letters that rows without gaps have in common if they are of one family."""
_BLANK = bytes.maketrans(b"", b""), b" \t\r\n\x0b\x0c"
_ANNOTATION = re.compile(r"^(ss_(pred|conf|dssp|psipred)|sa_(dssp|pred)|aa_(dssp|pred)|ss|conf)\b", re.IGNORECASE)
_CONSENSUS = re.compile(r"(^|[_|])consensus\b", re.IGNORECASE)
_COMPLEX = re.compile(rb"\A\s*#(\d+(?:,\d+)*)[ \t]+(\d+(?:,\d+)*)[ \t]*\r?\n")
_CLUSTAL = re.compile(
    rb"\A\s*((CLUSTAL|MUSCLE|PROBCONS|MAFFT|T-COFFEE|KALIGN|MSAPROBS|PROMALS)[^\n>]*|"
    rb"[^\n>]*(multiple sequence alignment|clustal ?w format)[^\n]*)\n",
    re.IGNORECASE,
)
_ROW = re.compile(rb"[A-Za-z.\-*~]+")


@dataclass(frozen=True)
class RawAlignment:
    """Names and raw rows; `a3m` where small letters may be insertions.

    `lengths` and `copies`: of each protein in an alignment of a complex, as ColabFold writes it; empty for one chain.
    """

    names: list[str]
    rows: list[bytes]
    a3m: bool = False
    lengths: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()


def read_raw(data: bytes) -> RawAlignment:
    """Raises BadInput where the data is no alignment."""
    data = data.lstrip()
    if data.startswith(b"# STOCKHOLM"):
        return RawAlignment(*_stockholm(data))
    if _CLUSTAL.match(data):
        return RawAlignment(*_clustal(data))
    if is_blocks(data) and (blocks := read_blocks(data)):
        return RawAlignment([clean_name(name) for name in blocks], list(blocks.values()))
    if data.startswith((b">", b"#", b";")):
        names, rows = _without_annotation(*_records(data))
        return RawAlignment(names, _without_stops(rows), True, *complex_header(data))
    if is_bare_rows(data):
        rows = data.split()
        return RawAlignment(["query", *map(str, range(2, len(rows) + 1))], rows)
    raise BadInput(f"This is not an alignment: bring {FORMATS}.")


def complex_header(data: bytes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lengths and numbers of copies in ColabFold's first line, “#76,40<tab>1,2”; empty for a single protein."""
    match = _COMPLEX.match(data)
    if not match:
        return (), ()
    lengths, copies = (tuple(int(number) for number in match[place].split(b",")) for place in (1, 2))
    if len(lengths) != len(copies) or (len(lengths) == 1 and copies[0] == 1) or 0 in lengths or 0 in copies:
        return (), ()
    return lengths, copies


def is_bare_rows(data: bytes) -> bool:
    """Rows of one width without names, as PSICOV and CCMpred take them.

    A sequence that is wrapped at its length has rows of one width as well: an alignment has gaps, or like rows.
    """
    rows = [line.strip() for line in data.split(b"\n") if line.strip()]
    if len(rows) < 2 or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:
        return False
    if not all(_ROW.fullmatch(row) for row in rows):
        return False
    if any(b"-" in row for row in rows):
        return True
    table = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    alike = (table[1:] == table[0]).mean(axis=1)
    return len(rows) > 2 and MIN_ALIKE <= float(np.median(alike)) < 1


def is_clustal(data: bytes) -> bool:
    return _CLUSTAL.match(data) is not None


def _records(data: bytes) -> tuple[list[str], list[bytes]]:
    """Names and raw rows of FASTA-like text; lines that start with # or ; are comments."""
    names: list[str] = []
    rows: list[bytes] = []
    lines: list[bytes] = []
    for line in data.splitlines():
        if line.startswith(b">"):
            rows.append(b"".join(lines))
            names.append(clean_name(line[1:]))
            lines = []
        elif not line.startswith((b"#", b";")):
            lines.append(line.translate(*_BLANK))
    rows.append(b"".join(lines))
    if not names:
        raise BadInput("This alignment holds no sequence: each needs a line that starts with “>” before it.")
    if rows[0]:
        raise BadInput("This alignment has letters before the first name: each sequence needs a “>” line before it.")
    return names, rows[1:]


def _without_annotation(names: list[str], rows: list[bytes]) -> tuple[list[str], list[bytes]]:
    """Without the rows of secondary structure, and the consensus, that the HH-suite puts before the query."""
    chosen = [place for place, name in enumerate(names) if not _ANNOTATION.match(name)]
    if len(chosen) > 1 and _CONSENSUS.search(names[chosen[0]].split(" ")[0]):
        chosen = chosen[1:]
    if not chosen:
        raise BadInput("This alignment holds secondary structure and no sequence.")
    return [names[place] for place in chosen], [rows[place] for place in chosen]


def _without_stops(rows: list[bytes]) -> list[bytes]:
    """A stop sign at the end of the query is no residue, and its column none of the protein."""
    if not rows[0].endswith(b"*"):
        return rows
    return [row[:-1] if row.endswith((b"*", b"-", b".")) else row for row in rows]


def _stockholm(data: bytes) -> tuple[list[str], list[bytes]]:
    """Names and raw rows of the first alignment of a Stockholm file, whose rows may come in several blocks."""
    parts: dict[bytes, list[bytes]] = {}
    for line in data.splitlines()[1:]:
        if line.startswith(b"//"):
            break
        fields = line.split()
        if not fields or line.startswith(b"#"):
            continue
        if len(fields) != 2:
            raise BadInput(f"A line of this Stockholm alignment is not a name and a row: “{clean_name(line)[:40]}”.")
        parts.setdefault(fields[0], []).append(fields[1])
    if not parts:
        raise BadInput("This Stockholm alignment holds no sequence.")
    return [clean_name(name) for name in parts], [b"".join(rows) for rows in parts.values()]


def _clustal(data: bytes) -> tuple[list[str], list[bytes]]:
    """Names and raw rows of Clustal's format: blocks of a name and a row; a line of marks below each is left out."""
    parts: dict[bytes, list[bytes]] = {}
    for line in data.splitlines()[1:]:
        fields = line.split()
        if not fields or line[:1].isspace():
            continue
        if len(fields) not in (2, 3) or not _ROW.fullmatch(fields[1]):
            raise BadInput(f"A line of this Clustal alignment is not a name and a row: “{clean_name(line)[:40]}”.")
        parts.setdefault(fields[0], []).append(fields[1])
    if not parts:
        raise BadInput("This Clustal alignment holds no sequence.")
    return [clean_name(name) for name in parts], [b"".join(rows) for rows in parts.values()]


def clean_name(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").replace("\t", " ").strip()
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME]
