"""What people paste, and alignments as servers and programs write them: read as meant, or refused for what they are."""

from __future__ import annotations

import codecs
import gzip
import json
from pathlib import Path

import pytest

from backends.core.errors import BadInput, TooLarge
from backends.folding.alignment import sequence
from backends.folding.alignment.sequence import Query, read_input
from backends.folding.cards import CARDS
from backends.folding.engines.colabfold import ColabFoldEngine, a3m

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


@pytest.mark.parametrize(
    "content",
    [
        f"```\n>q\n{UBIQUITIN}\n```\n",
        f"{UBIQUITIN[:10]}\xad\n{UBIQUITIN[10:]}",
        f"{UBIQUITIN[:10]}\u200b{UBIQUITIN[10:]}",
        "".join(chr(ord(letter) + 0xFEE0) for letter in UBIQUITIN),
        f"        1 {UBIQUITIN[:10].lower()} {UBIQUITIN[10:].lower()}\n//\n",
        json.dumps({"sequences": [{"protein": {"id": "q", "sequence": UBIQUITIN}}, {"ligand": {"id": "L"}}]}),
        json.dumps([{"name": "x", "sequences": [{"proteinChain": {"sequence": UBIQUITIN, "count": 1}}]}]),
    ],
)  # fmt: skip
def test_what_a_copy_brings_along_costs_no_residue(tmp_path: Path, content: str) -> None:
    query = read(tmp_path, content)
    assert (query.kind, query.sequence) == ("sequence", UBIQUITIN)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (UBIQUITIN.replace("A", "\u0410"), "cyrillic capital letter a"),
        ("{\\rtf1\\ansi " + UBIQUITIN + "}", "formatted document"),
        ("%PDF-1.4\n" + UBIQUITIN, "formatted document"),
        ("M", "1 residue,"),
        ('["sequences",' + "[" * 100_000, "JSON"),
        (json.dumps({"sequences": [{"ligand": {"id": "L"}}, 7, {"protein": {"sequence": 5}}]}), "JSON"),
    ],
)
def test_odd_text_is_refused_for_what_it_is(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(tmp_path, content)


def test_a_text_that_is_far_too_long_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequence, "read_records", lambda text: pytest.fail("all of it was gone through"))
    with pytest.raises(TooLarge, match="1,200,000 letters"):
        read(tmp_path, "M" * 1_200_000)
    with pytest.raises(TooLarge, match="20,000 sequences"):
        read(tmp_path, "".join(f">p{number}\n{'MQIF' * (12 + number % 3)}\n" for number in range(20_000)))


GAPPED = UBIQUITIN[:5] + "-" + UBIQUITIN[6:]
WIDTH = len(UBIQUITIN)


@pytest.mark.parametrize(
    "content",
    [
        f"2 {WIDTH}\nubq {UBIQUITIN}\nv {GAPPED}\n",
        f" 2 {WIDTH}\n{'human ubq'.ljust(10)}{UBIQUITIN}\n{'b'.ljust(10)}{GAPPED}\n",
        f"2 {WIDTH}\nubq {UBIQUITIN[:9]}\n{UBIQUITIN[9:]}\nv {GAPPED[:9]}\n{GAPPED[9:]}\n",
        f"2 {WIDTH} I\nubq {UBIQUITIN[:9]}\nv   {GAPPED[:9]}\n\n    {UBIQUITIN[9:]}\n    {GAPPED[9:]}\n",
        f"#NEXUS\nBEGIN DATA;\nFORMAT MISSING=? GAP=-;\nMATRIX [rows]\n'u b' {UBIQUITIN}\nv {GAPPED}\n;\nEND;\n",
        f" x MSF: {WIDTH} Type: P ..\n Name: u\n//\n u {UBIQUITIN[:9]}\n v {GAPPED[:9]}\n\n"
        f" u {UBIQUITIN[9:]}\n v {GAPPED[9:]}\n",
        f"ubq\t{UBIQUITIN}\nv\t{GAPPED}\n",
    ],
)
def test_alignments_of_programs_for_trees_are_no_chains(tmp_path: Path, content: str) -> None:
    query = read(tmp_path, content)
    assert (query.kind, query.sequence) == ("alignment", UBIQUITIN)
    assert query.alignment is not None and query.alignment.identity.tolist() == [1, 1]
    assert query.alignment.coverage[1] == pytest.approx(1 - 1 / WIDTH)


@pytest.mark.parametrize(
    ("content", "chains"),
    [
        (f"sequences:\n  - protein:\n      id: [A, B]\n      sequence: {UBIQUITIN}\n  - ligand:\n      ccd: ATP\n", 2),
        (f">A|protein|x.a3m\n{UBIQUITIN}\n>B|smiles\nN[C@@H](C)C(=O)-O\n>C|ccd\nATP\n", 1),
        (f">protein|name=a\n{UBIQUITIN}\n>dna|name=d\nACGTACGTACGT\n", 1),
    ],
)
def test_jobs_of_other_programs_give_their_proteins(tmp_path: Path, content: str, chains: int) -> None:
    query = read(tmp_path, content)
    assert [chain.sequence for chain in query.chains] == [UBIQUITIN] * chains
    assert any("job for another program" in notice for notice in query.notices)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"3 {WIDTH}\nubq {UBIQUITIN}\nv {UBIQUITIN[:-2]}\nw {UBIQUITIN}\n", f"3 rows of {WIDTH}"),
        ("#NEXUS\nBEGIN TREES;\nEND;\n", "no alignment"),
        ("HHsearch 1.5\nNAME x\nLENG 76 match states\n", "profile"),
        ("@read\nACGTAC\n+\nIIIIII\n", "FASTQ"),
        ("sequences:\n  - &a [*a, *a]\n", "no protein that could be read"),
    ],
)
def test_what_is_no_alignment_is_said(tmp_path: Path, content: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(tmp_path, content)


def test_names_in_the_alphabet_of_windows_keep_their_letters(tmp_path: Path) -> None:
    (tmp_path / "x.fasta").write_bytes(f">Prot\xe9ine\n{UBIQUITIN}\n".encode("cp1252"))
    assert read_input(tmp_path / "x.fasta").chains[0].name == "Protéine"


@pytest.mark.parametrize(
    "content",
    [
        f"H2N-{UBIQUITIN}-COOH",
        f"Ac-{UBIQUITIN}-NH2\n",
        f">q\n{UBIQUITIN}-OH\n",
        f"Entry\tEntry Name\tLength\tSequence\nP0CG48\tUBC_HUMAN\t76\t{UBIQUITIN}\n",
        f"sep=;\nname;sequence\nubq;{UBIQUITIN}\n",
        f">1UBQ:A:sequence\n{UBIQUITIN}\n>1UBQ:A:secstr\n{'CEEEE' * 15}C\n",
        f"&gt;q\n{UBIQUITIN}\n",
        f"ubq  1 {UBIQUITIN} 76\n",
        json.dumps({"queries": {"q": {"chains": [
            {"molecule_type": "protein", "chain_ids": ["A"], "sequence": UBIQUITIN},
            {"molecule_type": "rna", "sequence": "ACGU" * 4},
        ]}}}),
        json.dumps({"ubq": UBIQUITIN}), json.dumps([UBIQUITIN]),
    ],
)  # fmt: skip
def test_what_stands_beside_a_sequence_becomes_no_residue(tmp_path: Path, content: str) -> None:
    query = read(tmp_path, content)
    assert (query.kind, query.sequence) == ("sequence", UBIQUITIN)


def test_rows_with_the_numbers_of_their_residues_are_an_alignment(tmp_path: Path) -> None:
    query = read(
        tmp_path, f"ubq  1 {UBIQUITIN[:40]} 40\nv  1 {HIT[:40]} 39\n\nubq 41 {UBIQUITIN[40:]} 76\nv 40 {HIT[40:]} 75\n"
    )
    assert (query.kind, query.sequence, len(query.alignment)) == ("alignment", UBIQUITIN, 2)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (">q\n" + "HHHHHHHCCCEEEEEECC" * 3, "secondary structure"),
        (b"Rar!\x1a\x07\0" + bytes(40), "compressed"),
        (b"\x1f\x9d\x90" + bytes(40), "compressed"),
        ("Query         x\nMatch_columns 76\nNo_of_seqs 3\n", "list of hits"),
    ],
)  # fmt: skip
def test_what_holds_no_sequence_is_named(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        read(tmp_path, content)


def test_what_is_not_read_of_a_file_is_counted(tmp_path: Path) -> None:
    stockholm = f"# STOCKHOLM 1.0\nq {UBIQUITIN}\nh {HIT}\n//\n"
    assert "The file holds 2 alignments; the first is read." in read(tmp_path, stockholm * 2).notices
    job = {"name": "x", "sequences": [{"proteinChain": {"sequence": UBIQUITIN, "count": 1}}]}
    assert any("2 further jobs" in notice for notice in read(tmp_path, json.dumps([job] * 3)).notices)


@pytest.mark.parametrize(
    "dna",
    [
        ">primer\nATGCATGCATTAGGC\n",
        ">7ABC_2|Chains B, C|DNA (5'-D(*CP*GP*CP*G)-3')|synthetic construct\nCGCG\n",
        ">7ABC_2|Chain B|RNA (8-MER)|synthetic construct\nGGGGCCCC\n",
    ],
)
def test_dna_among_proteins_is_left_out_and_named(tmp_path: Path, dna: str) -> None:
    path = tmp_path / "job.fasta"
    path.write_text(f"{dna}>one\n{UBIQUITIN}\n>two\n{UBIQUITIN[:40]}\n")
    query = read_input(path)
    assert [(chain.name, chain.sequence) for chain in query.chains] == [("one", UBIQUITIN), ("two", UBIQUITIN[:40])]
    name = dna[1:].split(maxsplit=1)[0]
    assert query.notices == (f"“{name}” looks like DNA or RNA and is left out: only the proteins are folded.",)
    path.write_text(dna)
    with pytest.raises(BadInput):
        read_input(path)


def test_several_proteins_that_become_one_complex_are_said_to(tmp_path: Path) -> None:
    engine = ColabFoldEngine(next(card for card in CARDS if card.engine == "colabfold"))
    engine.device = "cpu"
    query, said = engine.adapt_query(read(tmp_path, f">one\n{UBIQUITIN}\n>two\n{UBIQUITIN}\n"), {})
    assert len(query.chains) == 2 and "The 2 sequences are folded together, as chains of one complex" in said[0]
    query, said = engine.adapt_query(query, {"chain": "two"})
    assert [chain.name for chain in query.chains] == ["two"] and said == []
