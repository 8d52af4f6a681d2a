"""What people paste, and alignments as servers and programs write them: read as meant, or refused for what they are."""

from __future__ import annotations

import codecs
import gzip
from pathlib import Path

import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.engines.colabfold import a3m

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
HIT = UBIQUITIN[:10] + "-" + UBIQUITIN[11:]
A3M = f">q\n{UBIQUITIN}\n>h1\n{HIT}\n>h2\n{UBIQUITIN[:20]}ac{UBIQUITIN[20:]}\n"


STOPPED = "".join(f"{line}*\n" if line[0] != ">" else f"{line}\n" for line in A3M.split())


def read(tmp_path: Path, content: str | bytes) -> Query:
    path = tmp_path / "query"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_input(path)


def sequences(query: Query) -> dict[str, str]:
    return {chain.name: chain.sequence for chain in query.chains}


@pytest.mark.parametrize(
    "content",
    [
        A3M + "\0", A3M.replace(">h2", "\0>h2"), gzip.compress(A3M.encode()), codecs.BOM_UTF8 + A3M.encode(),
        A3M.encode("utf-16"), A3M.replace("\n", "\r\n"), STOPPED,
        f">ss_dssp\n{'C' * 76}\n>ss_pred\n{'H' * 76}\n>ss_conf\n{'9' * 76}\n{A3M}",
        f">ss_pred\n{'H' * 76}\n{A3M}", f">q_consensus\n{UBIQUITIN.replace('M', 'L')}\n{A3M}",
        f"# a comment\n{A3M}",
    ],
)  # fmt: skip
def test_an_alignment_is_read_however_it_was_sent(tmp_path: Path, content: str | bytes) -> None:
    query = read(tmp_path, content)
    assert query.kind == "alignment" and query.sequence == UBIQUITIN
    assert len(query.alignment) == 3 and query.alignment.deletions.sum() == 2


@pytest.mark.parametrize(
    "content",
    [
        "CLUSTAL W (1.83) alignment\n\n\nq   MQIFVKTLTG\nh   MQIF-KTLAG\n    **** *** *\n\nq   KTI 13\nh   KTI 12\n",
        "MQIFVKTLTGKTI\nMQIF-KTLAGKTI\n",
        "MQIFVKTLTGKTI\nMQIFAKTLAGKTI\nMQIFAKTLSGKTI\n",
        "# STOCKHOLM 1.0\nq MQIFVKTLTGKTI\nh MQIF-KTLAGKTI\n//\n",
    ],
)  # fmt: skip
def test_every_kind_of_aln_is_read(tmp_path: Path, content: str) -> None:
    query = read(tmp_path, content)
    assert query.kind == "alignment" and query.sequence == "MQIFVKTLTGKTI" and len(query.alignment) >= 2


def test_an_alignment_of_a_complex_keeps_its_chains(tmp_path: Path) -> None:
    complex_ = (
        "#12,10\t1,2\n>101\t102\nMGSSHHHHHHSQMTVVPPEGAI\n>a\tb\nMGSAHHhhHHHHSQMTAAaPPEGAI\n"
        ">101\nMGSSHHHHHHSQ----------\n>102\n------------MTVVPPEGAI\n"
    )
    query = read(tmp_path, complex_)
    assert sequences(query) == {"A": "MGSSHHHHHHSQ", "B": "MTVVPPEGAI", "C": "MTVVPPEGAI"}
    lines = a3m(query.alignment).splitlines()
    assert lines[0] == "#12,10\t1,2" and lines[1].count("\t") == 1 and lines[2] == "MGSSHHHHHHSQMTVVPPEGAI"
    assert "\t" not in lines[5] and lines[6] == "MGSSHHHHHHSQ----------"
    one = query.select_chain("B")
    assert one.sequence == one.alignment.query == "MTVVPPEGAI" and len(one.alignment) == 2
    homodimer = read(tmp_path, f"#76\t2\n>101\n{UBIQUITIN}\n>h1\n{HIT}\n")
    assert list(sequences(homodimer).values()) == [UBIQUITIN] * 2
    monomer = read(tmp_path, f"#76\t1\n>101\n{UBIQUITIN}\n>h1\n{HIT}\n")
    assert list(sequences(monomer)) == ["101"]
    with pytest.raises(BadInput, match="say"):
        read(tmp_path, f"#70,5\t1,1\n>101\t102\n{UBIQUITIN}\n>h1\n{HIT}\n")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("Met Gln Ile Phe Val Lys Thr Leu", {"A": "MQIFVKTL"}),
        ("MET-GLN-ILE-PHE-VAL", {"A": "MQIFV"}),
        ("MetGlnIlePheValLys", {"A": "MQIFVK"}),
        (">x\nMet Gln Ile\nPhe Val Lys", {"x": "MQIFVK"}),
        (">P1;UBQ\nubiquitin - human\nMQIFVKTLTG KTITL*\n", {"UBQ": "MQIFVKTLTGKTITL"}),
        ("SEQRES   1 A   10  MET GLN ILE PHE VAL LYS THR LEU THR GLY\nSEQRES   1 B    5  MSE GLN ILE PHE VAL\n",
         {"A": "MQIFVKTLTG", "B": "MQIFV"}),
        (f"ubiquitin: {UBIQUITIN}", {"ubiquitin": UBIQUITIN}),
        (f"UBQ: {UBIQUITIN}", {"UBQ": UBIQUITIN}),
        (f"Ubiquitin human\n{UBIQUITIN}", {"Ubiquitin human": UBIQUITIN}),
        (f"# my protein\n>ubq\n{UBIQUITIN}\n", {"ubq": UBIQUITIN}),
        (f">ubq\n; a comment\n{UBIQUITIN}\n", {"ubq": UBIQUITIN}),
        (f";ubq\n;a comment\n{UBIQUITIN}\n", {"ubq": UBIQUITIN}),
        (f">h\n{UBIQUITIN[:30]}{UBIQUITIN[30:50].lower()}{UBIQUITIN[50:]}\n>l\n{UBIQUITIN[:50]}\n",
         {"h": UBIQUITIN, "l": UBIQUITIN[:50]}),
        (f">a\n{UBIQUITIN}:\n\n{UBIQUITIN[:40]}", {"a": UBIQUITIN, "a-2": UBIQUITIN[:40]}),
        (f"ubq\t{UBIQUITIN}", {"ubq": UBIQUITIN}),
        (f"id,sequence\nubq,{UBIQUITIN}\nx1,{UBIQUITIN[:20]}\n", {"ubq": UBIQUITIN, "x1": UBIQUITIN[:20]}),
        ("1 MQIFVKTLTG\n11 KTITLEVEPS", {"A": UBIQUITIN[:20]}),
        (f"{UBIQUITIN[:30]}\n{UBIQUITIN[30:60]}", {"A": UBIQUITIN[:60]}),
        ("A" * 20, {"A": "A" * 20}),
        ("GA" * 15, {"A": "GA" * 15}),
        (">gly\n" + "G" * 20, {"gly": "G" * 20}),
    ],
)  # fmt: skip
def test_a_sequence_is_read_as_it_was_meant(tmp_path: Path, content: str, expected: dict[str, str]) -> None:
    assert sequences(read(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("hello world this is no sequence but prose", "reads like words"),
        ("THE BOUNDED PROTEIN OF OUR JOB IS BELOW", "reads like words"),
        ("ATOM 1 N THR A 1 17.047 14.099 3.625 1.00 13.79 N\nATOM 2 CA THR A 1 16.967 12.784", "columns were lost"),
        ("1UBQ", "id of an entry"),
        ("P0CG48", "id of an entry"),
        ("A0A024R1R8", "id of an entry"),
        ("Protein\n 2\n    1MET      N    1   1.234   2.345   3.456\n    1MET     CA    2   1.2", "decimal numbers"),
        ("HEADER    PROTEIN\nTITLE     WITHOUT ATOMS\n", "without its atoms"),
        ("data_1ABC\n_entry.id 1ABC\n", "without its atoms"),
        ("\x83\x00_atom_site\x00", "BinaryCIF"),
        ("<?xml version='1.0'?><PDBx:datablock>", "PDBML"),
        ("MET GLN ILE SEP VAL LYS THR", "“SEP” is none of the twenty"),
        ("ACGT" * 5, "looks like DNA"),
        (f">q\n{UBIQUITIN}\n>h\nMK\0-YIAK\n", "null bytes"),
    ],
)  # fmt: skip
def test_text_that_is_no_sequence_is_not_folded(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, content)
    assert sentence in refused.value.sentence


def test_many_proteins_are_said_to_be_many(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="30 sequences in this file"):
        read(tmp_path, "".join(f">p{n}\n{UBIQUITIN[: 40 + n]}\n" for n in range(30)))
