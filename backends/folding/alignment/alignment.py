"""Alignments of related sequences: read from A3M, Stockholm or aligned FASTA, told apart by content, and measured.

Every column is a residue of the query, the first sequence: what a row has between two such columns is an insertion,
kept only as a count (`deletions`, as AlphaFold names it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.alignment_formats import FORMATS, read_raw
from backends.folding.alignment.file_text import read_data
from backends.folding.residues import ALIGNMENT_ORDER

GAP = ALIGNMENT_ORDER.index("-")
UNKNOWN = ALIGNMENT_ORDER.index("X")

MAX_BYTES = 256_000_000
MAX_CELLS = 100_000_000
MAX_LINES = 4_000_000
MAX_COLUMNS = 5_000

_NONE = 255
_UPPER = np.full(256, _NONE, np.uint8)  # byte -> code; _NONE is not a residue
for _code, _letter in enumerate(ALIGNMENT_ORDER):
    _UPPER[ord(_letter)] = _code
for _letter in "BJOUZ*":  # two residues at once, selenocysteine, pyrrolysine, a stop: no column of their own
    _UPPER[ord(_letter)] = UNKNOWN
_UPPER[ord(".")] = GAP


@dataclass(frozen=True, eq=False)
class Alignment:
    """N sequences over the L residues of the query, which is row 0.

    `rows` (N, L) uint8 codes into `ALIGNMENT_ORDER`. `deletions` (N, L) uint16: how many residues a row has to the left
    of a column for which the query has none; an overhang at the end is left out.
    `lengths` and `copies`, of an alignment of a complex: the residues of each protein, which lie side by side in the
    columns, and how many chains of each there are. Empty for one chain.
    """

    names: tuple[str, ...]
    rows: np.ndarray
    query: str
    deletions: np.ndarray
    lengths: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def length(self) -> int:
        return len(self.query)

    @property
    def depth(self) -> np.ndarray:
        """(L,) how many sequences have a residue in each column."""
        return (self.rows != GAP).sum(0)

    @property
    def coverage(self) -> np.ndarray:
        """(N,) share of the query's residues that each sequence covers."""
        return (self.rows != GAP).mean(1)

    @property
    def identity(self) -> np.ndarray:
        """(N,) share of each sequence's aligned residues that are the query's own; 0 for an empty row."""
        covered = self.rows != GAP
        same = (self.rows == self.rows[0]) & covered
        return same.sum(1) / np.maximum(covered.sum(1), 1)

    def take(self, keep: np.ndarray) -> Alignment:
        """The sequences of a mask (N,) or of indices, the query always first."""
        order = np.flatnonzero(keep) if keep.dtype == bool else keep
        order = np.concatenate([[0], order[order != 0]])
        names = tuple(self.names[i] for i in order)
        return replace(self, names=names, rows=self.rows[order], deletions=self.deletions[order])

    def columns_of_proteins(self) -> list[slice]:
        """The columns of each protein of a complex, or all of them."""
        lengths = self.lengths or (self.length,)
        return [slice(end - length, end) for end, length in zip(np.cumsum(lengths).tolist(), lengths, strict=True)]

    def chain_columns(self) -> list[slice]:
        """The columns of each chain of a complex; of copies the same ones."""
        spans = zip(self.columns_of_proteins(), self.copies or (1,), strict=True)
        return [span for span, copies in spans for _ in range(copies)]

    def columns(self, span: slice) -> Alignment:
        """Only these columns, with the sequences that have a residue there."""
        rows, deletions = self.rows[:, span], self.deletions[:, span]
        whole = Alignment(self.names, rows, self.query[span], deletions)
        return whole.take((rows != GAP).any(1)).unique()

    def unique(self) -> Alignment:
        """Without sequences that say the same as an earlier one."""
        _, first = np.unique(self.rows, axis=0, return_index=True)
        return self.take(np.sort(first))

    def filtered(self, coverage: float = 0.0, identity: float = 0.0) -> Alignment:
        """Only the sequences that cover, and equal, at least these shares of the query."""
        return self.take((self.coverage >= coverage) & (self.identity >= identity))

    def merged(self, other: Alignment) -> Alignment:
        """Both searches of one query as one alignment. Raises BadInput where the queries differ."""
        if other.query != self.query:
            raise BadInput("These two alignments are of different proteins: their first sequences differ.")
        return Alignment(
            self.names + other.names[1:],
            np.concatenate([self.rows, other.rows[1:]]),
            self.query,
            np.concatenate([self.deletions, other.deletions[1:]]),
        )

    def to_a3m(self) -> str:
        """As A3M text. An insertion is as many “x” as it had residues: which they were is not kept."""
        return "".join(f">{name}\n{self.a3m_row(index)}\n" for index, name in enumerate(self.names))

    def a3m_row(self, index: int) -> str:
        """One row as A3M writes it: a letter or gap a column, insertions in lower case before theirs."""
        counts = self.deletions[index].astype(np.int64)
        text = np.full(counts.sum() + self.length, ord("x"), np.uint8)
        text[np.cumsum(counts + 1) - 1] = np.frombuffer(ALIGNMENT_ORDER.encode(), np.uint8)[self.rows[index]]
        return text.tobytes().decode()


def sequence_weights(rows: np.ndarray, similar: float = 0.8) -> np.ndarray:
    """(N,) one over the number of sequences that equal each in at least `similar` of the columns, itself included.

    The usual correction for families whose branches were sampled unevenly (Morcos et al. 2011, PNAS 108, eq. 5).
    """
    count, length = rows.shape
    codes = np.minimum(rows, GAP)
    neighbours = np.zeros(count)
    block = max(1, 20_000_000 // max(count, 1))
    for start in range(0, count, block):
        part = codes[start : start + block]
        same = np.zeros((len(part), count), np.uint16)
        for column in range(length):
            same += part[:, column, None] == codes[None, :, column]
        neighbours[start : start + block] = (same >= similar * length).sum(1)
    return 1 / neighbours


def read_alignment(path: Path) -> Alignment:
    """Read an alignment by its content, whatever its name, plain or gzipped.

    Raises:
        BadInput: it is empty, of another kind, damaged, or its rows do not fit together; one sentence.
        TooLarge: over MAX_BYTES, MAX_COLUMNS or MAX_CELLS.
    """
    too_large = f"This alignment is over {MAX_BYTES // 1_000_000} MB: keep its best few thousand sequences."
    return parse_alignment(read_data(path, MAX_BYTES, too_large))


def parse_alignment(data: bytes) -> Alignment:
    """As `read_alignment`, from the bytes of a file."""
    _require_text(data)
    raw = read_raw(data)
    alignment = _fasta(raw.names, raw.rows) if raw.a3m else _aligned(raw.names, raw.rows)
    if not raw.lengths:
        return alignment
    if sum(raw.lengths) != alignment.length:
        raise BadInput(
            f"The first line of this alignment says that its proteins have {sum(raw.lengths)} residues, and its first "
            f"sequence has {alignment.length}."
        )
    return replace(alignment, lengths=raw.lengths, copies=raw.copies)


def _require_text(data: bytes) -> None:
    if not data.strip():
        raise BadInput(f"This alignment is empty: bring {FORMATS}.")
    if b"\0" in data:
        raise BadInput(
            "This alignment holds null bytes, so it is damaged or a dump of a database: save it again as A3M."
        )
    if data.lstrip()[:1] == b"<":
        raise BadInput("This is a web page, not an alignment: download the file itself and choose that.")
    if data.count(b"\n") > MAX_LINES:
        raise TooLarge(f"This alignment has over {MAX_LINES:,} lines: keep its best few thousand sequences.")


def _fasta(names: list[str], rows: list[bytes]) -> Alignment:
    """A3M where the upper-case part of every row is as long as the query, else rows of one width."""
    lengths = [len(row.translate(None, b"abcdefghijklmnopqrstuvwxyz.")) for row in rows]
    if not rows[0].islower() and lengths[0] and len(set(lengths)) == 1:
        _require_size(len(rows), lengths[0])
        return _alignment(names, map(_match_columns, rows, names), len(rows))
    if len({len(row) for row in rows}) == 1:
        return _aligned(names, rows)
    if not lengths[0]:
        raise BadInput("The first sequence of this alignment is empty: it has to be the protein itself.")
    odd = next(i for i, length in enumerate(lengths) if length != lengths[0])
    raise BadInput(
        f"The rows of this alignment are of unequal length: “{names[odd][:40]}” has {lengths[odd]} columns and the "
        f"first sequence {lengths[0]}."
    )


def _match_columns(row: bytes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Codes and deletions of one A3M row, whose lower-case letters are insertions."""
    raw = np.frombuffer(row, np.uint8)
    raw = raw[raw != ord(".")]
    inserted = (raw >= ord("a")) & (raw <= ord("z"))
    codes = _UPPER[raw[~inserted]]
    _require_residues(codes, raw[~inserted], name)
    before = np.cumsum(inserted)[~inserted]
    return codes, np.diff(before, prepend=0)


def _aligned(names: list[str], rows: list[bytes]) -> Alignment:
    """Rows of one width, in any case: columns where the query has a gap are insertions of the others."""
    width = len(rows[0])
    odd = next((i for i, row in enumerate(rows) if len(row) != width), None)
    if odd is not None:
        raise BadInput(
            f"The rows of this alignment are of unequal length: “{names[odd][:40]}” has {len(rows[odd])} columns and "
            f"the first sequence {width}."
        )
    first = _codes(rows[0], names[0])
    kept = first != GAP
    if not kept.any():
        raise BadInput("The first sequence of this alignment is empty: it has to be the protein itself.")
    _require_size(len(rows), int(kept.sum()))

    def split() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for row, name in zip(rows, names, strict=True):
            codes = _codes(row, name)
            before = np.cumsum((codes != GAP) & ~kept)[kept]
            yield codes[kept], np.diff(before, prepend=0)

    return _alignment(names, split(), len(rows))


def _codes(row: bytes, name: str) -> np.ndarray:
    raw = np.frombuffer(row.upper(), np.uint8)
    codes = _UPPER[raw]
    _require_residues(codes, raw, name)
    return codes


def _alignment(names: list[str], split: Iterator[tuple[np.ndarray, np.ndarray]], count: int) -> Alignment:
    codes, deletions = next(split)
    rows = np.full((count, len(codes)), GAP, np.uint8)
    inserted = np.zeros((count, len(codes)), np.uint16)
    rows[0], inserted[0] = codes, deletions
    for i, (codes, deletions) in enumerate(split, 1):
        rows[i], inserted[i] = codes, np.minimum(deletions, np.iinfo(np.uint16).max)
    kept = rows[0] != GAP
    if not kept.any():
        raise BadInput("The first sequence of this alignment is empty: it has to be the protein itself.")
    if not kept.all():  # where the query has a gap the others have an insertion
        before = np.cumsum(inserted + ((rows != GAP) & ~kept), 1, dtype=np.int64)[:, kept]
        inserted = np.minimum(np.diff(before, axis=1, prepend=0), np.iinfo(np.uint16).max).astype(np.uint16)
        rows = rows[:, kept]
    query = "".join(ALIGNMENT_ORDER[code] for code in rows[0])
    return Alignment(tuple(names), rows, query, inserted)


def _require_residues(codes: np.ndarray, raw: np.ndarray, name: str) -> None:
    bad = np.flatnonzero(codes == _NONE)
    if len(bad):
        letter = chr(raw[bad[0]])
        shown = f"“{letter}”" if letter.isprintable() and letter.isascii() else "a letter that cannot be shown"
        raise BadInput(f"“{name[:40]}” in this alignment holds {shown}, which is no residue: bring {FORMATS}.")


def _require_size(rows: int, columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise TooLarge(f"This alignment is {columns:,} residues long; up to {MAX_COLUMNS:,} can be read.")
    if rows * columns > MAX_CELLS:
        most = MAX_CELLS // columns
        raise TooLarge(f"This alignment has {rows:,} sequences; for {columns:,} residues keep the best {most:,}.")
