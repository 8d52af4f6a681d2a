"""Entries of databases by their ids, against a server of our own: what is asked for, and what is said of failures."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from backends.core.errors import BadInput, TooLarge, UserError
from backends.folding.structure.reader import parse_structure
from backends.folding.structure.writer import to_cif
from studio.proteins import databases
from studio.proteins.databases import ALPHAFOLD, PDB, UNIPROT, Addresses, NotReachable, fetch
from tests.support.browser import free_port
from tests.support.folding import helix

MODEL = to_cif(helix("MKTAYIAKQR")).encode()
PAE = json.dumps([{"predicted_aligned_error": np.full((10, 10), 2.0).tolist()}]).encode()


@dataclass
class Fake:
    """A server that stands for all three databases: its answers by path, and what it was asked for."""

    address: str
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.address, self.address, self.address)


@pytest.fixture
def fake() -> Iterator[Fake]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            status, body = made.answers.get(self.path, (404, b"not found"))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nothing on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Fake(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" 1ubq ", (PDB,)),
        ("pdb_00001ubq", (PDB,)),
        ("P0CG48", (ALPHAFOLD, UNIPROT)),
        ("a0a024rbg1", (ALPHAFOLD, UNIPROT)),
        ("AF-P0CG48-F1-model_v4", (ALPHAFOLD,)),
        ("ABCD", ()),
        ("../etc", ()),
        ("1UBQ/..", ()),
        ("", ()),
    ],
)
def test_an_id_is_told_by_its_form(text: str, expected: tuple[str, ...]) -> None:
    assert databases.databases_of(text) == expected


def test_a_structure_of_the_pdb_is_fetched_and_nothing_but_its_id_is_sent(fake: Fake) -> None:
    fake.answers["/download/1UBQ.cif.gz"] = (200, gzip.compress(MODEL))
    entry = fetch("1ubq", PDB, fake.addresses)
    assert parse_structure(entry.data.decode()).sequence == "MKTAYIAKQR"
    assert (entry.id, entry.name, entry.pae) == ("1UBQ", "1UBQ.cif", b"") and "CC0" in entry.note
    assert [path for path, _ in fake.asked] == ["/download/1UBQ.cif.gz"]
    assert "cookie" not in {name.lower() for name in fake.asked[0][1]}


def test_a_prediction_comes_with_its_predicted_errors(fake: Fake) -> None:
    listed = [
        {"entryId": "AF-P0CG48-F2", "cifUrl": f"{fake.address}/second.cif"},
        {
            "entryId": "AF-P0CG48-F1",
            "cifUrl": f"{fake.address}/files/one.cif",
            "paeDocUrl": f"{fake.address}/files/one.json",
        },
    ]
    fake.answers |= {
        "/api/prediction/P0CG48": (200, json.dumps(listed).encode()),
        "/files/one.cif": (200, MODEL),
        "/files/one.json": (200, PAE),
    }
    for asked in ("p0cg48", "AF-P0CG48-F1"):
        entry = fetch(asked, ALPHAFOLD, fake.addresses)
        assert (entry.name, entry.data, entry.pae) == ("AF-P0CG48-F1.cif", MODEL, PAE) and "CC BY 4.0" in entry.note


def test_a_sequence_of_uniprot_is_fetched(fake: Fake) -> None:
    fake.answers["/uniprotkb/P0CG48.fasta"] = (200, b">sp|P0CG48|UBC_HUMAN\nMQIFVKTLTG\n")
    assert fetch("P0CG48", UNIPROT, fake.addresses).data.endswith(b"MQIFVKTLTG\n")


@pytest.mark.parametrize(
    ("entry_id", "source", "path", "answer", "said"),
    [
        ("9zzz", PDB, "", (404, b""), "The Protein Data Bank has no entry “9ZZZ”: check the id."),
        ("1ubq", PDB, "/download/1UBQ.cif.gz", (503, b""), "answers with an error (503): try again later."),
        ("1ubq", PDB, "/download/1UBQ.cif.gz", (429, b""), "asks for a pause: try again in a minute."),
        ("1ubq", PDB, "/download/1UBQ.cif.gz", (200, b"<html>log in"), "did not answer with a protein"),
        ("1ubq", PDB, "/download/1UBQ.cif.gz", (200, b"\x1f\x8bcut"), "did not answer with a protein"),
        ("P0CG48", ALPHAFOLD, "/api/prediction/P0CG48", (200, b"no json"), "did not answer with a protein"),
        ("P0CG48", ALPHAFOLD, "/api/prediction/P0CG48", (200, b"{}"), "has no prediction “AF-P0CG48-F1”"),
        (
            "P0CG48",
            ALPHAFOLD,
            "/api/prediction/P0CG48",
            (200, b'[{"entryId": "AF-P0CG48-F1", "cifUrl": "http://169.254.169.254/secret"}]'),
            "AlphaFold DB did not answer with a protein",
        ),
        ("P0CG48", UNIPROT, "/uniprotkb/P0CG48.fasta", (200, b""), "withdrawn or merged"),
        ("hello", PDB, "", (404, b""), "“hello” is no id that is known here"),
    ],
)
def test_every_failure_is_a_sentence(
    fake: Fake, entry_id: str, source: str, path: str, answer: tuple[int, bytes], said: str
) -> None:
    fake.answers[path] = answer
    with pytest.raises(UserError) as caught:
        fetch(entry_id, source, fake.addresses)
    assert said in caught.value.sentence


def test_an_id_of_no_known_form_is_not_sent(fake: Fake) -> None:
    with pytest.raises(BadInput, match="no id that is known here"):
        fetch("../../secret", UNIPROT, fake.addresses)
    assert not fake.asked


def test_without_a_network_that_is_said() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(NotReachable, match="cannot be reached from this computer: check its network"):
        fetch("1ubq", PDB, Addresses(nowhere, nowhere, nowhere))


def test_a_file_that_is_too_large_is_not_read_to_its_end(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MAX_BYTES", 1000)
    fake.answers["/download/1UBQ.cif.gz"] = (200, gzip.compress(b"_atom_site." + b" " * 100_000))
    with pytest.raises(TooLarge):
        fetch("1ubq", PDB, fake.addresses)
    fake.answers["/download/1UBQ.cif.gz"] = (200, b"_atom_site." * 10_000)
    with pytest.raises(TooLarge, match="is over"):
        fetch("1ubq", PDB, fake.addresses)
