"""What the proteins page works out before a job: what was brought, which model takes it, options there and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.folding import TASK
from evaluation.synthetic.proteins import ideal_helix
from studio.proteins import probe, run_data
from studio.proteins.probe import FormValues

CPU = {"kind": "cpu", "memory_bytes": 64 << 30}


def card(name: str, here: bool = False) -> dict[str, Any]:
    """A card as the model server tells it."""
    known = next(one for one in TASK.cards if one.id == name)
    limits = {"residues": known.limit("cpu").residues}
    return {
        "id": known.id,
        "engine": known.engine,
        "title": known.title,
        "parameters": known.parameters,
        "speed": known.speed,
        "preference": known.preference,
        "limits": limits,
        "here": here,
    }


def every(*here: str) -> list[dict[str, Any]]:
    return [card(one.id, one.id in here) for one in TASK.cards]


def brought(folder: Path, text: str) -> probe.Probe:
    path = folder / "query"
    path.write_text(text)
    return probe.probe(path)


def test_every_engine_of_the_task_is_known_with_what_it_can_keep() -> None:
    from backends.folding.options import EXTRAS

    assert set(probe.ENGINES) == set(TASK.engines)
    assert set(probe.ENGINES["esmfold"].extras) == set(EXTRAS)
    fields = set(FormValues(1, "off", ("attention",), "A", 2, 3).to_options(card("esmfold")))
    assert fields <= set(TASK.options)


def test_samples_are_what_they_say(tmp_path: Path) -> None:
    for sample in probe.samples():
        found = brought(tmp_path, sample.text)
        assert not found.problem and found.kind == ("structure" if sample.built else "sequence"), sample.name
    insulin = brought(tmp_path, next(one.text for one in probe.samples() if one.id == "insulin"))
    assert insulin.text == "a sequence, 51 residues, 2 chains"
    assert {name for name, _ in insulin.findings} == {"insulin_A"}  # the short one, with four cysteines


def test_the_model_to_begin_with_is_the_best_that_is_here_and_takes_it() -> None:
    builtin = ("structure", "coevolution")
    assert probe.default_model(every(*builtin), "structure") == "structure"
    assert probe.default_model(every(*builtin), "alignment") == "coevolution"
    assert probe.default_model(every(*builtin), "sequence") == "esmfold"  # to be fetched: nothing here can do it
    assert probe.default_model(every(*builtin, "openfold-ptm"), "sequence") == "openfold-ptm"


def test_what_does_not_fit_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    sequence = brought(tmp_path, "MKTAYIAKQRQISFVKSHFSRQ")
    assert "needs an alignment" in probe.mismatch(card("coevolution"), sequence)
    assert "needs a structure file" in probe.mismatch(card("structure"), sequence)
    assert probe.mismatch(card("esmfold"), sequence) == "" == probe.mismatch(card("structure"), probe.Probe())
    assert brought(tmp_path, "").problem and brought(tmp_path, "MKT1%").problem


def test_memory_decides_the_longest_chain_and_the_sentence_names_it() -> None:
    roomy, small = {"kind": "cpu", "memory_bytes": 64 << 30}, {"kind": "cpu", "memory_bytes": 17 << 30}
    esmfold = card("esmfold")
    assert probe.max_residues(esmfold, roomy) == 1000
    most = probe.max_residues(esmfold, small)
    assert most is not None and 300 < most < 1000
    assert probe.too_long(esmfold, most, small) == "" and f"{most:,}" in probe.too_long(esmfold, most + 1, small)
    assert "more memory" in probe.too_long(esmfold, 10, {"kind": "cpu", "memory_bytes": 4 << 30})
    assert "more memory" in probe.estimate(esmfold, 0, {"kind": "cpu", "memory_bytes": 4 << 30})


def test_more_recycles_and_longer_chains_are_said_to_take_longer() -> None:
    short, long = (probe.estimate(card("openfold-ptm"), 100, CPU, passes) for passes in (1, 4))
    assert "about 40 s" in short and "about 2 min 30 s" in long and "of memory" in long
    assert "time not measured yet" in probe.estimate(card("colabfold"), 100, CPU)


def test_options_go_there_and_back_and_only_those_a_model_has() -> None:
    chosen = FormValues(recycles=6, chunk="64", extras=("attention",), chain="B", models=3, seed=7)
    told = chosen.to_options(card("esmfold"))
    assert told == {"recycles": 6, "chunk": "64", "extras": "contacts,attention", "chain": "B"}
    again = FormValues.from_options(told)
    assert (again.recycles, again.chunk, again.extras, again.chain) == (6, "64", ("attention",), "B")
    assert chosen.to_options(card("colabfold")) == {"recycles": 6, "chain": "B", "models": 3, "seed": 7}
    assert chosen.to_options(card("structure")) == {"chain": "B"}
    assert probe.option_texts(told)["also kept"] == "contacts, attention"


@pytest.mark.parametrize(
    ("content", "said"),
    [("no json", "not JSON"), (json.dumps({"pae": [[0, 1], [1, 0]]}), "for 2 residues"), ("[]", "no confidence")],
)
def test_a_confidence_file_of_another_protein_is_a_sentence(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "pae.json").write_text(content)
    assert said in probe.confidence_problem(tmp_path / "pae.json", 3)
    (tmp_path / "pae.json").write_text(json.dumps({"predicted_aligned_error": [[0, 1, 2]] * 3}))
    assert probe.confidence_problem(tmp_path / "pae.json", 3) == ""


def test_residues_go_by_the_numbers_of_the_file_where_these_are_enough() -> None:
    one = ideal_helix(4)
    assert run_data.residue_numbers(one) == [1, 2, 3, 4]
    assert run_data.residue_numbers(replace(one, numbers=np.array([133, 134, 140, 141]))) == [133, 134, 140, 141]
    assert run_data.residue_numbers(replace(one, numbers=np.array([7, 7, 8, 9]))) is None  # insertion codes
    assert run_data.residue_numbers(replace(one, chains=np.array(list("AABB")))) is None
