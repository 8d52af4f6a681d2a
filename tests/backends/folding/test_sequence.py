"""What people paste or choose: tidied up with a word about it, or refused with a sentence that says what is wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment.residue_letters import clean
from backends.folding.alignment.sequence import Query, parse_text, read_input
from backends.folding.alignment.sequence_checks import check_sequence

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
GENBANK = """LOCUS       P0CG48   685 aa            linear   PRI
DEFINITION  polyubiquitin.
ORIGIN
        1 mqifvktltg ktitlevepsdt ienvkakiqd
       31 kegippdqqr lifagkqled
//
"""
UNIPROT = """ID   UBQ_HUMAN  Reviewed;  30 AA.
AC   P0CG48;
SQ   SEQUENCE   30 AA;  3000 MW;  0000 CRC64;
     MQIFVKTLTG KTITLEVEPS DTIENVKAKI
//
"""


def read(tmp_path: Path, content: str | bytes, name: str = "query.txt") -> Query:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_input(path)


@pytest.mark.parametrize(
    ("content", "chains", "said"),
    [
        (UBIQUITIN, {"A": UBIQUITIN}, ""),
        (f">1UBQ_A ubiquitin\n{UBIQUITIN[:40]}\n{UBIQUITIN[40:]}\n", {"1UBQ_A": UBIQUITIN}, ""),
        (UBIQUITIN.lower(), {"A": UBIQUITIN}, "Small letters"),
        ("  1 MQIFVKTLTG  11 KTITLEVEPS", {"A": "MQIFVKTLTGKTITLEVEPS"}, "numbers"),
        (GENBANK, {"A": "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLED"}, "numbers"),
        (UNIPROT, {"UBQ_HUMAN": "MQIFVKTLTGKTITLEVEPSDTIENVKAKI"}, ""),
        ("MQIF--VKTLT.GK*", {"A": "MQIFVKTLTGK"}, "stop sign at the end"),
        ("MQIFUVKTLTGK", {"A": "MQIFCVKTLTGK"}, "U (selenocysteine) occurs once and is folded as C"),
        ("MQIFXVKXTLTGK", {"A": "MQIFXVKXTLTGK"}, "2 residues are unknown (X)"),
        ("MQIFVKTLTGK:GGSWLVEP", {"A": "MQIFVKTLTGK", "B": "GGSWLVEP"}, ""),
        (">a\nMQIFVKTLTGK\n>a\nGGSWLVEP\n", {"a": "MQIFVKTLTGK", "a-2": "GGSWLVEP"}, ""),
        (">a\r\nMQIFVKTLTGK\r\n", {"a": "MQIFVKTLTGK"}, ""),
        ("\ufeff>a\nMQIFVKTLTGK\n", {"a": "MQIFVKTLTGK"}, ""),
    ],
)
def test_what_people_paste_is_read(tmp_path: Path, content: str, chains: dict[str, str], said: str) -> None:
    query = read(tmp_path, content)
    assert {chain.name: chain.sequence for chain in query.chains} == chains and query.kind == "sequence"
    assert said in " ".join(query.notices) and bool(said) == bool(query.notices)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "is empty"),
        ("  \n\t ", "is empty"),
        (">only a name\n", "is empty"),
        ("ATGGCGTTTAACCGTTAA", "looks like DNA"),
        ("AUGGCGUUUAACCGU", "looks like RNA"),
        ("<!DOCTYPE html><html><body>MQIFVK</body></html>", "web page"),
        ("MQIFVKTLTG\0KTITLEVEPS", "null bytes"),
        ("MQIF?VKTLTGK", "“?” at residue 5"),
        ("MQIF*VKTLTGK", "stop sign (*) at residue 5"),
        ("MQI", "too few to fold"),
        ("XXXXXXXXXX", "Every residue"),
        ("MKTAYI\n>late\nMKTAYI", "letters before the first name|“>” at residue"),
        ('{"pae": [[0]]}', "JSON file"),
        (gzip.compress(b">a\nMQIFVKTLTGK" * 99, mtime=0)[:30], "compressed"),
        (b"PK\x03\x04" + b"MQIFVKTLTGK", "compressed"),
        (">q\nMKTAYIAK\n>h\nMKT-YI\n", "unequal length"),
        (">q\nMKTAYIAK\n>h\nMK\0-YIAK\n", "null bytes"),
        ("MKTÄYIAKQRQ", "“Ä” at residue 4"),
        ("Dear colleagues, please fold my protein soon!", "no amino acid"),
    ],
)
def test_what_is_no_protein_is_refused_in_one_sentence(tmp_path: Path, content: str | bytes, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(tmp_path, content)
    said = refused.value.sentence
    assert any(part in said for part in sentence.split("|")), said
    assert said.endswith(".") and "\n" not in said and len(said) < 250


def test_a_chain_of_five_thousand_residues_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="5,000 residues; up to 4,000"):
        read(tmp_path, "MKTAYIAKQR" * 500)
    with pytest.raises(TooLarge, match="can be chains of one job"):
        parse_text("MKTAYI:" * 50)


def test_an_alignment_is_told_from_chains_by_its_gaps_and_insertions(tmp_path: Path) -> None:
    aligned = read(tmp_path, ">q\nMKTAYIAKQR\n>h\nMK-AYIaaAKQR\n")
    assert aligned.kind == "alignment" and len(aligned.alignment) == 2 and aligned.sequence == "MKTAYIAKQR"
    stockholm = read(tmp_path, "# STOCKHOLM 1.0\nq MKTAYIAKQR\nh MKTAYI-KQR\n//\n")
    assert stockholm.kind == "alignment" and stockholm.chains[0].name == "q"
    homodimer = read(tmp_path, ">a\nMKTAYIAKQR\n>b\nMKTAYIAKQR\n")
    assert homodimer.kind == "sequence" and len(homodimer.chains) == 2


def test_one_chain_of_several_is_chosen_by_name_or_number() -> None:
    query = parse_text(">heavy\nMKTAYIAKQR\n>light\nGGSWLVEPKK")
    assert query.select_chain("light").sequence == query.select_chain("2").sequence == "GGSWLVEPKK"
    with pytest.raises(BadInput, match="2 chains in this file \\(heavy, light\\)"):
        query.select_chain("")
    with pytest.raises(BadInput, match="no chain “C”"):
        query.select_chain("C")


def test_the_chain_s_name_is_in_the_sentence_where_there_are_several() -> None:
    with pytest.raises(BadInput, match="of “light” has “!” at residue 5"):
        parse_text(">heavy\nMKTAYIAKQR\n>light\nGGSW!LVEPKK")
    assert clean("mktayiakqr", "light")[1] == ["Small letters of “light” were read as capitals."]


def found(sequence: str) -> dict[str, str]:
    return {finding.id: finding.sentence for finding in check_sequence(sequence)}


def test_an_ordinary_protein_raises_no_findings() -> None:
    assert found(UBIQUITIN) == {}
    helix_of_a_crystal = "EAVKHAEEAVAHAKKGDVKALIEHAK"
    assert "simple" not in found(helix_of_a_crystal * 2)


@pytest.mark.parametrize(
    ("sequence", "id", "said"),
    [
        ("MKTAYIAKQRQISF", "short", "14 residues are a peptide"),
        (UBIQUITIN * 11, "long", "836 residues are a long chain"),
        (UBIQUITIN[:30] + "X" * 5 + UBIQUITIN[30:], "unknown", "5 of 81 residues are unknown (X), first at 31"),
        (UBIQUITIN + "Q" * 20 + UBIQUITIN[:20], "simple", "low complexity"),
        (UBIQUITIN + UBIQUITIN, "repeat", "100 % the same"),
        (UBIQUITIN + "LVILAFVGILLVALAIVLF" + "KRK" + UBIQUITIN[:9], "membrane", "as in a membrane"),
        ("RPDFCLEPPYTGPCKARIIRYFYNAKAGLCQTFVYGGCRAKRNNFKSAEDCMRTCGGA", "cysteines", "6 cysteines in 58"),
    ],
)
def test_what_is_odd_about_a_sequence_is_said_in_words(sequence: str, id: str, said: str) -> None:
    assert said in found(sequence)[id]


def test_a_finding_names_the_residues_it_is_about() -> None:
    repeat = next(item for item in check_sequence(UBIQUITIN + UBIQUITIN) if item.id == "repeat")
    (first, _), (second, _) = repeat.spans
    assert second - first == len(UBIQUITIN)
    (span,) = next(item for item in check_sequence(UBIQUITIN + "Q" * 20 + UBIQUITIN[:20]) if item.id == "simple").spans
    assert span[0] <= len(UBIQUITIN) + 2 and span[1] >= len(UBIQUITIN) + 18
