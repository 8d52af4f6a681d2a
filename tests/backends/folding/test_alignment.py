"""Alignments by content, and what is said of those that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment import alignment
from backends.folding.alignment.alignment import GAP, UNKNOWN, read_alignment, sequence_weights
from backends.folding.residues import ALIGNMENT_ORDER

A3M = ">query\nMKTA\n>one\nM-TaaV\n>two\n-KXA\n"
STO = "# STOCKHOLM 1.0\n\nquery  MK-T\none    M--T\ntwo    -Kvx\n\nquery  .A\none    vV\ntwo    .A\n//\n"
FASTA = ">query\nMK-TA\n>one\nM-VTV\n"


def read(tmp_path: Path, text: str | bytes) -> alignment.Alignment:
    path = tmp_path / "query.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_alignment(path)


def letters(found: alignment.Alignment) -> list[str]:
    return ["".join(ALIGNMENT_ORDER[code] for code in row) for row in found.rows]


def test_a3m_keeps_insertions_as_counts(tmp_path: Path) -> None:
    found = read(tmp_path, A3M)
    assert (found.query, found.names) == ("MKTA", ("query", "one", "two"))
    assert letters(found) == ["MKTA", "M-TV", "-KXA"]
    assert found.deletions[1].tolist() == [0, 0, 0, 2]
    assert found.rows[2, 2] == UNKNOWN
    assert found.depth.tolist() == [2, 2, 3, 3]


def test_stockholm_in_blocks_is_cut_to_the_query(tmp_path: Path) -> None:
    found = read(tmp_path, STO)
    assert letters(found) == ["MKTA", "M-TV", "-KXA"]
    assert found.deletions.tolist() == [[0] * 4, [0, 0, 0, 1], [0, 0, 1, 0]]


def test_aligned_fasta_in_any_case(tmp_path: Path) -> None:
    for text in (FASTA, FASTA.replace("MK-TA", "mk-ta").replace("M-VTV", "m-vtv")):
        found = read(tmp_path, text)
        assert letters(found) == ["MKTA", "M-TV"]
        assert found.deletions[1].tolist() == [0, 0, 1, 0]


def test_filters_keep_the_query_first_and_a3m_round_trips(tmp_path: Path) -> None:
    found = read(tmp_path, A3M + ">again\nM-TV\n>far\n--W-\n")
    assert [len(found), len(found.unique()), len(found.filtered(coverage=0.7))] == [5, 4, 4]
    assert found.filtered(identity=0.99).names == ("query",)
    assert letters(read(tmp_path, found.to_a3m())) == letters(found)
    assert len(found.merged(found)) == 9


def test_written_alignments_keep_every_insertion(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    rows = draw.integers(0, UNKNOWN + 1, (6, 30)).astype(np.uint8)
    rows[0] = draw.integers(0, GAP, 30)
    counts = np.where(draw.random((6, 30)) < 0.3, draw.integers(1, 40, (6, 30)), 0).astype(np.uint16)
    counts[0], counts[1, 0], counts[2] = 0, np.iinfo(np.uint16).max, 0
    query = "".join(ALIGNMENT_ORDER[code] for code in rows[0])
    made = alignment.Alignment(tuple("qabcde"), rows, query, counts)
    again = read(tmp_path, made.to_a3m())
    assert (again.names, again.query, letters(again)) == (made.names, query, letters(made))
    assert again.deletions.tolist() == counts.tolist()
    assert read(tmp_path, A3M).a3m_row(1) == "M-TxxV"


def test_weights_share_one_vote_among_copies() -> None:
    rows = np.array([[0] * 10, [0] * 10, [0] * 9 + [1], [5] * 10], np.uint8)
    assert sequence_weights(rows).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("<html><body>", "web page"),
        (">a\nMKT\n>b\nMK\n", "unequal length: “b” has 2"),
        (">a\nMK\0T\n", "null bytes"),
        ("MKTA\n", "not an alignment"),
        (">a\n\n>b\nMK\n", "first sequence of this alignment is empty"),
        (">a\n---\n>b\nMKT\n", "first sequence of this alignment is empty"),
        (">a\nMK1\n>b\nMKT\n", "holds “1”"),
        ("# STOCKHOLM 1.0\na MK\nb M\n//\n", "unequal length"),
        ("# STOCKHOLM 1.0\na M K\n//\n", "not a name and a row"),
        ("# STOCKHOLM 1.0\n//\n", "holds no sequence"),
        ("#A3M#\n", "holds no sequence"),
        (b">a\n\xff\xfe\n>b\nMK\n", "cannot be shown"),
    ],
)
def test_bad_alignments_are_one_sentence(tmp_path: Path, text: str | bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        read(tmp_path, text)
    assert "\n" not in caught.value.sentence


def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="6,000 residues long"):
        read(tmp_path, ">a\n" + "M" * 6000 + "\n>b\n" + "M" * 6000 + "\n")
    monkeypatch.setattr(alignment, "MAX_CELLS", 10)
    with pytest.raises(TooLarge, match="keep the best 2"):
        read(tmp_path, A3M)
    monkeypatch.setattr(alignment, "MAX_BYTES", 10)
    with pytest.raises(TooLarge, match="MB"):
        read(tmp_path, A3M)
    assert GAP == 20
