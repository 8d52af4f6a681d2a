"""Where nobody names a model, a query goes to one that takes it, whichever is preferred for others."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.core.errors import BadInput
from backends.folding import TASK
from backends.folding.structure.writer import to_pdb
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from tests.support.two_helices import structure

SEQUENCE = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ"
QUERIES = {
    "sequence.fasta": (f">one\n{SEQUENCE}\n", "esmfold-starter"),
    "family.a3m": (f">one\n{SEQUENCE}\n>two\n{SEQUENCE.replace('K', '-')}\n", "coevolution"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_goes_to_a_model_that_takes_it(tmp_path: Path, name: str) -> None:
    text, expected = QUERIES[name]
    (tmp_path / name).write_text(text)
    assert Host(device="cpu").choose(TASK, files={"query": tmp_path / name})[0].id == expected


def test_a_structure_is_opened_and_not_folded_anew(tmp_path: Path) -> None:
    (tmp_path / "query.pdb").write_text(to_pdb(structure()))
    assert Host(device="cpu").choose(TASK, files={"query": tmp_path / "query.pdb"})[0].id == "structure"


def test_who_names_an_engine_gets_it(tmp_path: Path) -> None:
    (tmp_path / "one.fasta").write_text(QUERIES["sequence.fasta"][0])
    host, files = Host(device="cpu"), {"query": tmp_path / "one.fasta"}
    card, paths = host.choose(TASK, "structure", files=files)
    assert card.id == "structure"
    with pytest.raises(BadInput, match="needs a structure file"):
        list(run_job(host, JobRequest(TASK, card, paths, files, {}, tmp_path / "out")))


def test_what_cannot_be_read_is_said_before_any_model_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "query").write_text("ACGTACGTACGTACGTACGT")
    with pytest.raises(BadInput, match="looks like DNA"):
        Host(device="cpu").choose(TASK, files={"query": tmp_path / "query"})
