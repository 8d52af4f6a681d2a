"""A folding job from query to files: opening a structure, the terminal, the server, and what the base class judges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gradio_client import handle_file

from backends.__main__ import main
from backends.core.engine import Event, Metric, Notice, Partial
from backends.core.errors import BadInput, EngineFailed, TooLarge, WeightsMissing
from backends.folding import TASK
from backends.folding.alignment.sequence import Query
from backends.folding.base import FoldingEngine
from backends.folding.cards import CARDS
from backends.folding.engines.structure_engine import StructureEngine
from backends.folding.structure.confidence import Confidence
from backends.folding.structure.reader import read_structure
from backends.folding.structure.writer import to_pdb
from backends.folding.types import Folding, Model, Step
from backends.serving.host import Host
from backends.weights.requirements import missing_needs
from backends.weights.store import WeightStore
from tests.support import http
from tests.support.folding import PEPTIDE, helix

CARD = {card.id: card for card in CARDS}
SEQUENCE = "AEKLAAELAKKALEEAG"


@pytest.fixture
def pdb(tmp_path: Path) -> Path:
    path = tmp_path / "helix.pdb"
    path.write_text(to_pdb(helix(SEQUENCE)))
    return path


def pae_file(tmp_path: Path, length: int) -> Path:
    path = tmp_path / "pae.json"
    error = np.abs(np.subtract.outer(np.arange(length), np.arange(length))).tolist()
    path.write_text(json.dumps({"predicted_aligned_error": error, "max_predicted_aligned_error": 31.75}))
    return path


def opened(out: Path, inputs: dict[str, Path], **options: Any) -> list[Event]:
    return list(StructureEngine(CARD["structure"]).run(inputs, options, out))


def test_a_structure_is_opened_with_its_confidence_and_judged(pdb: Path, tmp_path: Path) -> None:
    events = opened(tmp_path / "out", {"query": pdb})
    result = events[-1]
    assert isinstance(result, Folding)
    assert (result.sequence, result.length, result.chains) == (SEQUENCE, len(SEQUENCE), ("A",))
    assert result.plddt == pytest.approx(86.6, abs=0.5) and result.ptm is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "model.pdb", "model.cif", "confidence.json", "sanity.json",
    }  # fmt: skip
    for name in ("model.pdb", "model.cif"):
        again = read_structure(tmp_path / "out" / name)
        assert again.sequence == SEQUENCE and np.allclose(again.ca, helix(SEQUENCE).ca, atol=0.002)
    sanity = json.loads((tmp_path / "out/sanity.json").read_text())
    assert sanity["verdict"] == result.sanity == "good" and sanity["rows"]
    assert any(isinstance(event, Notice) and event.sentence == result.sanity_sentence for event in events)


def test_confidence_beside_the_structure_is_joined_to_it(pdb: Path, tmp_path: Path) -> None:
    opened(tmp_path / "out", {"query": pdb, "pae": pae_file(tmp_path, len(SEQUENCE))})
    told = json.loads((tmp_path / "out/confidence.json").read_text())
    assert told["pae"][0][3] == 3 and len(told["plddt"]) == len(SEQUENCE) and told["ptm"] is None
    with pytest.raises(BadInput, match="for 5 residues and the structure has 17"):
        opened(tmp_path / "other", {"query": pdb, "pae": pae_file(tmp_path, 5)})


def test_a_broken_structure_is_called_broken_however_sure_it_is(tmp_path: Path) -> None:
    squashed = helix(SEQUENCE * 3, 99.0)
    path = tmp_path / "squashed.pdb"
    path.write_text(to_pdb(squashed.with_atoms(0.3 * squashed.atoms)))
    result = opened(tmp_path / "out", {"query": path})[-1]
    assert result.plddt > 95 and result.sanity == "broken"


def test_one_chain_of_a_complex_is_opened_alone(tmp_path: Path) -> None:
    two = helix(SEQUENCE * 2)
    chains = np.array(["A"] * len(SEQUENCE) + ["B"] * len(SEQUENCE))
    path = tmp_path / "two.pdb"
    path.write_text(to_pdb(replace(two, chains=chains)))
    assert opened(tmp_path / "both", {"query": path})[-1].chains == ("A", "B")
    alone = opened(tmp_path / "one", {"query": path}, chain="B")[-1]
    assert alone.chains == ("B",) and alone.length == len(SEQUENCE)
    with pytest.raises(BadInput, match="no chain “C”"):
        opened(tmp_path / "none", {"query": path}, chain="C")


def test_a_sequence_cannot_be_opened_as_a_structure(tmp_path: Path) -> None:
    path = tmp_path / "query.fasta"
    path.write_text(f">q\n{PEPTIDE}\n")
    with pytest.raises(BadInput, match=r"needs a structure file.*this is a sequence"):
        opened(tmp_path / "out", {"query": path})


class Helical(FoldingEngine):
    """Folds everything into a helix, in two steps; what it does with the query is what tests look at."""

    name = "helical"

    def predict(self, query: Query, options: Any) -> Iterator[Event | Step | Model]:
        structure = helix(query.sequence)
        confidence = Confidence(plddt=structure.confidence, ptm=0.5)
        yield Step(structure, confidence, 0, 1)
        yield Step(structure, replace(confidence, ptm=0.6), 1, 1)
        spoilt = replace(structure, atoms=structure.atoms * np.nan) if options.get("seed") == "spoilt" else structure
        contacts = np.eye(len(structure), dtype=np.float32)
        yield Model(spoilt, confidence, {"contacts": contacts}, {"contacts": {"source": "none"}}, "made up")


def helical(tmp_path: Path, content: str, **options: Any) -> list[Event]:
    path = tmp_path / "query.txt"
    path.write_text(content)
    return list(Helical(CARD["esmfold"]).run({"query": path}, options, tmp_path / "out"))


def test_steps_are_structures_to_look_at_while_it_folds(tmp_path: Path) -> None:
    parts = [event.artifact for event in helical(tmp_path, PEPTIDE) if isinstance(event, Partial)]
    assert [(part.kind, part.name, part.meta["number"], part.meta["total"], part.meta["ptm"]) for part in parts] == [
        ("recycle", "00", 0, 1, 0.5),
        ("recycle", "01", 1, 1, 0.6),
    ]
    assert read_structure(parts[0].path).sequence == PEPTIDE


def test_arrays_are_kept_with_what_they_mean(tmp_path: Path) -> None:
    events = helical(tmp_path, PEPTIDE)
    (artifact,) = [item for item in events[-1].artifacts if item.kind == "contacts"]
    assert np.array_equal(np.load(artifact.path)["contacts"], np.eye(len(PEPTIDE)))
    assert artifact.meta == {"shape": [22, 22], "source": "none"}
    assert {event.name: event.value for event in events if isinstance(event, Metric)}["ptm"] == 0.5


def test_a_structure_or_an_alignment_is_folded_by_its_sequence_and_says_so(tmp_path: Path, pdb: Path) -> None:
    events = helical(tmp_path, pdb.read_text())
    assert events[-1].sequence == SEQUENCE
    assert any(isinstance(event, Notice) and "folded from scratch" in event.sentence for event in events)
    events = helical(tmp_path, f">q\n{PEPTIDE}\n>h\n{PEPTIDE[:-2]}--\n")
    assert any(isinstance(event, Notice) and "used the first of the alignment" in event.sentence for event in events)


def test_several_chains_need_a_choice_where_one_is_folded_at_a_time(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="folds one at a time"):
        helical(tmp_path, f"{PEPTIDE}:{SEQUENCE}")
    assert helical(tmp_path, f"{PEPTIDE}:{SEQUENCE}", chain="B")[-1].sequence == SEQUENCE


def test_a_chain_over_the_limit_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="1,100 residues; “ESMFold” takes up to"):
        helical(tmp_path, "MKTAYIAKQRQ" * 100)


def test_numbers_that_broke_down_are_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="broke down"):
        helical(tmp_path, PEPTIDE, seed="spoilt")


def test_the_terminal_writes_four_files_and_one_line(
    pdb: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    pae = pae_file(tmp_path, len(SEQUENCE))
    words = ["run", "folding", str(pdb), "--engine", "structure", "--input", f"pae={pae}", "--out", str(out), "--json"]
    assert main(words) == 0
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    assert (told["task"], told["engine"], told["weights"]) == ("folding", "structure", "structure")
    assert told["metrics"]["residues"] == len(SEQUENCE) and told["metrics"]["plddt"] == pytest.approx(86.6, abs=0.5)
    assert {Path(item["path"]).name for item in told["artifacts"]} == {path.name for path in out.iterdir()}
    assert set(json.loads((out / "confidence.json").read_text())) >= {"plddt", "ptm", "pae"}


def test_esmfold_folds_from_a_folder_of_weights_on_the_terminal(
    esmfold_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = tmp_path / "query.fasta"
    query.write_text(f">q\n{PEPTIDE.lower()}\n")
    words = ["run", "folding", str(query), "--engine", "esmfold", "--weights", str(esmfold_folder), "--recycles", "1"]
    assert main([*words, "--out", str(tmp_path / "out"), "--json"]) == 0
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert told["weights"] == "tiny-esmfold" and 0 < told["metrics"]["plddt"] < 100
    assert "Small letters" in printed.err and "Folding: 100 %" in printed.err
    assert {path.name for path in (tmp_path / "out/recycles").iterdir()} == {"00.pdb", "01.pdb"}
    assert read_structure(tmp_path / "out/model.cif").sequence == PEPTIDE


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("--weights esmfold", "fetch esmfold"),
        ("--engine esmfold2", "biohub/ESMFold2-Fast"),
        ("--engine alphafold2", "README.md"),
        ("--engine colabfold", "LocalColabFold"),
    ],
)
def test_a_model_that_is_not_here_says_how_to_get_it(
    asked: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    query = tmp_path / "query.txt"
    query.write_text(PEPTIDE)
    assert main(["run", "folding", str(query), *asked.split(), "--out", str(tmp_path / "out")]) == 2
    assert said in capsys.readouterr().err


def test_info_tells_what_each_card_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    host = Host(WeightStore(tmp_path), "cpu")
    told = {card["id"]: card for card in host.info().model_dump()["tasks"]["folding"]["cards"]}
    assert told["structure"]["here"] and told["structure"]["lacks"] == ""
    assert not told["colabfold"]["here"] and "LocalColabFold" in told["colabfold"]["lacks"]
    assert host.info().model_dump()["tasks"]["folding"]["default"] == "structure"
    with pytest.raises(WeightsMissing, match="LocalColabFold"):
        list(host.fetch(CARD["colabfold"]))


def test_a_folder_of_weights_is_found_by_its_card(tmp_path: Path) -> None:
    host = Host(WeightStore(tmp_path), "cpu")
    assert missing_needs(CARD["esmfold2"], tmp_path) and host.state(CARD["esmfold2"]).state == "absent"
    (tmp_path / "esmfold2").mkdir()
    (tmp_path / "esmfold2/config.json").write_text("{}")
    assert not missing_needs(CARD["esmfold2"], tmp_path) and host.state(CARD["esmfold2"]).state == "present"
    assert host.choose(TASK, weights="esmfold2")[1] == (tmp_path / "esmfold2",)


def test_the_server_opens_a_structure_for_a_client(server_address: str, pdb: Path, tmp_path: Path) -> None:
    info = http.get(f"{server_address}/info").json()["tasks"]["folding"]
    assert (info["endpoint"], info["inputs"], info["optional"]) == ("/fold", ["query"], ["pae"])
    client = http.client(server_address)
    pae = pae_file(tmp_path, len(SEQUENCE))
    job = client.submit(handle_file(pdb), "structure", {}, handle_file(pae), api_name="/fold")
    job.result(timeout=60)
    events = job.outputs()
    assert events[0]["card"] == "structure" and events[-1]["type"] == "result"
    assert events[-1]["facts"]["sequence"] == SEQUENCE and events[-1]["facts"]["sanity"] == "good"
    urls = {item["name"]: server_address + item["url"] for item in events[-1]["artifacts"]}
    assert len(http.get(urls["confidence.json"]).json()["pae"]) == len(SEQUENCE)
    assert http.get(urls["model.pdb"]).text.count(" CA ") == len(SEQUENCE)


def test_the_server_says_what_is_wrong_with_a_query(server_address: str, tmp_path: Path) -> None:
    path = tmp_path / "query.txt"
    path.write_text("ATGGCGTTTAACCGTTAA")
    job = http.client(server_address).submit(handle_file(path), "structure", {}, api_name="/fold")
    with pytest.raises(Exception, match="looks like DNA"):
        job.result(timeout=60)
    assert job.outputs()[-1]["code"] == "bad_input"
