"""The adapter to `colabfold_batch`: what it writes for the program, how it follows it, and what it reads of it.

The program here is a stand-in that takes the true arguments and leaves files of the true names and formats.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.engine import Progress
from backends.core.errors import BadInput, EngineFailed, WeightsMissing
from backends.folding.alignment.alignment import read_alignment
from backends.folding.alignment.sequence import Query, parse_text, read_input
from backends.folding.cards import CARDS
from backends.folding.engines.colabfold import ColabFoldEngine, ColabFoldLog, a3m
from backends.folding.types import Model, Step
from tests.support.waiting import PATIENCE

CARD = next(card for card in CARDS if card.id == "colabfold")
SEQUENCE = "MKTAYIAKQR"

STAND_IN = """
import argparse, json, os, pathlib, sys, time
parser = argparse.ArgumentParser()
parser.add_argument("input", type=pathlib.Path)
parser.add_argument("results", type=pathlib.Path)
parser.add_argument("--msa-mode", default="mmseqs2_uniref_env")
parser.add_argument("--num-recycle", type=int)
parser.add_argument("--num-models", type=int)
parser.add_argument("--random-seed", type=int)
parser.add_argument("--save-recycles", action="store_true")
told = parser.parse_args()
told.results.mkdir(parents=True)
text = told.input.read_text()
pathlib.Path(os.environ["STAND_IN_SAW"]).write_text(json.dumps([sys.argv[1:], text, os.getpid()]))
chains = "".join(text.splitlines()[1:2]).split(":")
length = sum(map(len, chains))
mode = os.environ.get("STAND_IN", "")

def log(line):
    print("2026-01-01 10:00:00,000 " + line, file=sys.stderr, flush=True)

def pdb(plddt):
    lines, serial, number = [], 0, 0
    for chain, sequence in zip("ABCD", chains):
        for _ in sequence:
            number += 1
            for name, shift in (("N", 0.0), ("CA", 1.46), ("C", 2.4), ("O", 2.9)):
                serial += 1
                x = 3.8 * number + shift
                lines.append(f"ATOM  {serial:5d}  {name:<3} ALA {chain}{number:4d}    {x:8.3f}{0.0:8.3f}{0.0:8.3f}"
                             f"  1.00{plddt:6.2f}          {name[0]:>2}")
        lines.append("TER")
    return "\\n".join(lines + ["END", ""])

log("Running colabfold 1.5.5")
log(f"Query 1/1: query (length {length})")
if mode == "hang":
    time.sleep(600)
if mode == "memory":
    log("Could not predict query. Not Enough GPU memory? RESOURCE_EXHAUSTED: Out of memory")
    sys.exit(0)
if mode == "crash":
    log("Traceback (most recent call last):")
    log("ValueError: an error of the program")
    sys.exit(3)
scores = []
for model in range(1, told.num_models + 1):
    tag = f"alphafold2_ptm_model_{model}_seed_{told.random_seed:03d}"
    plddt = 70 + 3 * model
    for recycle in range(told.num_recycle + 1):
        if told.save_recycles:
            (told.results / f"query_unrelaxed_{tag}.r{recycle}.pdb").write_text(pdb(plddt - told.num_recycle + recycle))
        tolerance = " tol=1.5" if recycle else ""
        log(f"{tag} recycle={recycle} pLDDT={plddt - told.num_recycle + recycle} pTM=0.{50 + recycle}{tolerance}")
    log(f"{tag} took 1.0s ({told.num_recycle} recycles)")
    scores.append((plddt, tag))
log("reranking models by 'plddt' metric")
for rank, (plddt, tag) in enumerate(sorted(scores, reverse=True), 1):
    for old in told.results.glob(f"query_unrelaxed_{tag}.r*.pdb"):
        old.rename(told.results / old.name.replace("_unrelaxed_", f"_unrelaxed_rank_{rank:03d}_"))
    (told.results / f"query_unrelaxed_rank_{rank:03d}_{tag}.pdb").write_text(pdb(plddt))
    content = {"plddt": [plddt] * length, "max_pae": 9.0, "pae": [[2.5] * length] * length, "ptm": 0.6}
    if len(chains) > 1:
        content["iptm"] = 0.4
    if mode != "scoreless":
        (told.results / f"query_scores_rank_{rank:03d}_{tag}.json").write_text(json.dumps(content))
(told.results / "query.done.txt").write_text("")
log("Done")
"""


@pytest.fixture
def saw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Puts the stand-in on the PATH; the file in which it notes its arguments, its input and its process."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "colabfold_batch"
    program.write_text(f"#!{sys.executable}\n{STAND_IN}")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("STAND_IN_SAW", str(tmp_path / "saw.json"))
    return tmp_path / "saw.json"


def seen(saw: Path) -> tuple[list[str], str, int]:
    import json

    return tuple(json.loads(saw.read_text()))


def fold(query: Query, **options: Any) -> list[Any]:
    engine = ColabFoldEngine(CARD)
    engine.load("cpu")
    return list(engine.predict(query, options))


def test_a_sequence_is_folded_without_sending_it_anywhere(saw: Path) -> None:
    events = fold(parse_text(SEQUENCE), recycles=2, models=2, seed=7)
    arguments, text, _ = seen(saw)
    assert arguments[:6] == ["--num-recycle", "2", "--num-models", "2", "--random-seed", "7"]
    assert arguments[arguments.index("--msa-mode") + 1] == "single_sequence"
    assert text == f">query\n{SEQUENCE}\n"
    model = events[-1]
    assert isinstance(model, Model) and "one sequence by AlphaFold2 (ColabFold)" in model.method
    assert np.allclose(model.confidence.plddt, 76) and model.confidence.ptm == 0.6  # model 2 comes first
    assert model.confidence.pae.shape == (10, 10) and np.allclose(model.structure.confidence, 76)
    assert [confidence.mean for _, confidence in model.others] == [73]


def test_the_recycles_of_the_best_model_are_the_film(saw: Path) -> None:
    steps = [event for event in fold(parse_text(SEQUENCE), recycles=2, models=2) if isinstance(event, Step)]
    assert [(step.number, step.total, step.confidence.mean, step.confidence.ptm) for step in steps] == [
        (0, 2, 74, 0.50),
        (1, 2, 75, 0.51),
        (2, 2, 76, 0.52),
    ]


def test_progress_follows_the_log(saw: Path) -> None:
    told = [event for event in fold(parse_text(SEQUENCE), recycles=1, models=2) if isinstance(event, Progress)]
    done = [event.done for event in told if event.stage == "Folding"]
    assert done == sorted(done) and {1, 2, 3, 4} <= set(done) and told[-1].total == 4


def test_a_model_that_stops_early_counts_as_whole() -> None:
    log = ColabFoldLog(passes=4)
    for line in (
        "alphafold2_ptm_model_1_seed_000 recycle=0 pLDDT=90.1 pTM=0.8",
        "x alphafold2_ptm_model_1_seed_000 took 3.0s",
    ):
        log.read(line)
    assert log.passes_so_far == 4 and log.steps["alphafold2_ptm_model_1_seed_000"] == [{"plddt": 90.1, "ptm": 0.8}]


def test_an_alignment_goes_along_with_its_insertions(saw: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.a3m"
    path.write_text(f">../../evil name\n{SEQUENCE}\n>h|1\nMKT-ayYIAKQR\n")
    query = read_input(path)
    assert query.kind == "alignment"
    fold(query, models=1, recycles=0)
    arguments, text, _ = seen(saw)
    assert "--msa-mode" not in arguments and arguments[-2].endswith("query.a3m")
    assert text == f">query\n{SEQUENCE}\n>1\nMKT-xxYIAKQR\n"
    again = tmp_path / "again.a3m"
    again.write_text(a3m(query.alignment))
    assert np.array_equal(read_alignment(again).deletions, query.alignment.deletions)


def test_several_chains_fold_as_one_complex(saw: Path) -> None:
    model = fold(parse_text(f"{SEQUENCE}:GGSWL"), models=1, recycles=0)[-1]
    assert seen(saw)[1] == f">query\n{SEQUENCE}:GGSWL\n"
    assert [name for name, _ in model.structure.chain_slices()] == ["A", "B"] and model.confidence.iptm == 0.4


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("memory", "ran out of memory"),
        ("crash", "exit code 3.*an error of the program"),
        ("scoreless", "without its conf"),
    ],
)
def test_a_program_that_fails_is_a_sentence(saw: Path, monkeypatch: pytest.MonkeyPatch, mode: str, said: str) -> None:
    monkeypatch.setenv("STAND_IN", mode)
    with pytest.raises(EngineFailed, match=said):
        fold(parse_text(SEQUENCE), models=1, recycles=0)


def test_closing_ends_the_program(saw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAND_IN", "hang")
    engine = ColabFoldEngine(CARD)
    engine.load("cpu")
    with closing(engine.predict(parse_text(SEQUENCE), {})) as events:
        end = time.monotonic() + PATIENCE
        while not saw.exists() and time.monotonic() < end:
            next(events)
        process = seen(saw)[2]
        os.kill(process, 0)  # it runs, and would for ten minutes: far longer than a test may take
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_without_the_program_it_says_how_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(WeightsMissing, match="install LocalColabFold"):
        ColabFoldEngine(CARD).load("cpu")


def test_options_out_of_range_are_refused(saw: Path) -> None:
    with pytest.raises(BadInput, match="“models” takes a whole number from 1 to 5"):
        fold(parse_text(SEQUENCE), models=9)
    assert not saw.exists()
