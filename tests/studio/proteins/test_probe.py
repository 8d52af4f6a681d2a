"""What the proteins page works out before a job: what was brought, which model takes it, options there and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.core.info import CardInfo, DeviceInfo
from backends.folding import TASK
from backends.folding.options import EXTRA_MEANINGS
from backends.folding.structure.writer import to_pdb
from evaluation.synthetic.proteins import ideal_helix
from studio.proteins import estimates, model_choice, probe, run_data
from studio.proteins.form import option_texts
from studio.proteins.samples import SEQUENCE, samples
from studio.ui import form

CPU = DeviceInfo(kind="cpu", memory_bytes=64 << 30)


def card(name: str, here: bool = False, **other: Any) -> CardInfo:
    """A card as the model server tells it."""
    known = next(one for one in TASK.cards if one.id == name)
    told = {
        "id": known.id,
        "engine": known.engine,
        "title": known.title,
        "parameters": known.parameters,
        "speed": known.speed,
        "preference": known.preference,
        "limits": {"residues": known.limit("cpu").residues},
        "here": here,
        "options": [info.model_dump(mode="json") for info in TASK.options_of(known)],
        "capabilities": TASK.capabilities_of(known).model_dump(mode="json"),
    }
    return CardInfo.model_validate(told | other)


def every(*here: str) -> list[CardInfo]:
    return [card(one.id, one.id in here) for one in TASK.cards]


def brought(folder: Path, text: str) -> probe.Probe:
    path = folder / "query"
    path.write_text(text)
    return probe.probe(path)


def filled(card: CardInfo, given: dict[str, Any]) -> dict[str, Any]:
    """The options of a job from a form that was filled with those of another job and left as it is."""
    return form.to_options(
        card.options, {one.name: form.starting_value(one, given.get(one.name)) for one in card.options}
    )


def test_every_engine_of_the_task_says_what_it_can_keep_and_its_options_are_those_of_the_form() -> None:
    assert set(model_choice.capabilities(card("esmfold")).extras) == set(EXTRA_MEANINGS)
    assert model_choice.capabilities(card("esmfold-starter")).extras == ("contacts", "distogram", "attention")
    assert "recycles" not in model_choice.options(card("esmfold-starter")), "it was trained without"
    for one in TASK.cards:
        infos, able = model_choice.options(card(one.id)), model_choice.capabilities(card(one.id))
        assert "extras" not in infos or set(able.extras) <= set(infos["extras"].choices)
    fields = {"recycles": 1, "chunk": "off", "extras": "contacts,attention", "chain": "A", "models": 2, "seed": 3}
    assert set(filled(card("esmfold"), fields)) == fields.keys() - {"models", "seed"} and set(fields) <= set(
        TASK.options
    )


def test_a_server_of_another_version_is_believed_over_the_cards_that_ship() -> None:
    """The same ids as here, of a server whose models take and need something else."""
    other = card(
        "esmfold", here=True, parameters=1_000, speed=3.0, limits={"residues": 700},
        options=[
            {"name": "recycles", "title": "Rounds", "kind": "integer", "default": 1, "least": 0, "most": 9},
            {"name": "extras", "kind": "choices", "default": ["contacts"], "choices": ["contacts", "sidechains"]},
        ],
        capabilities={
            "takes": "alignment", "complexes": True, "extras": ["contacts", "sidechains"], "speed_unit": "residue",
            "memory": {"cpu": {"parameter": 0, "pair": 1_000_000, "base": 0}}, "invented_later": True,
        },
    )  # fmt: skip
    assert model_choice.capabilities(other).complexes and model_choice.capabilities(other).takes == "alignment"
    assert model_choice.default_model([other, card("structure", here=True)], "sequence") == ""
    assert estimates.max_residues(other, DeviceInfo(kind="cpu", memory_bytes=250_000 * 1_000_000)) == 500
    assert estimates.max_residues(other, DeviceInfo(kind="cpu", memory_bytes=10**15)) == 700
    assert "takes about 5 min" in estimates.estimate(other, 100, CPU) and "10 GB" in estimates.estimate(other, 100, CPU)
    values = {"recycles": 6, "chunk": "64", "extras": "contacts,attention,sidechains", "models": 3, "seed": 7}
    assert filled(other, values) == {"recycles": 6, "extras": "contacts,sidechains"}
    unknown = CardInfo(id="new", engine="boltz", title="Boltz", here=True, preference=1)
    assert model_choice.default_model([unknown], "sequence") == "new"
    assert estimates.max_residues(unknown, CPU) is None
    assert estimates.estimate(unknown, 100, CPU) == "time not measured yet" and filled(unknown, values) == {}


def test_samples_are_what_they_say(tmp_path: Path) -> None:
    for sample in samples():
        found = brought(tmp_path, sample.text)
        assert not found.problem and found.kind == ("sequence" if sample.kind == SEQUENCE else "structure"), sample.name
    insulin = brought(tmp_path, next(one.text for one in samples() if one.id == "insulin"))
    assert insulin.text == "a sequence, 51 residues, 2 chains"
    assert {name for name, _ in insulin.warnings} == {"insulin_A"}  # the short one, with four cysteines


def test_the_model_to_begin_with_is_the_best_that_is_here_and_takes_it() -> None:
    builtin = ("structure", "coevolution")
    assert model_choice.default_model(every(*builtin), "structure") == "structure"
    assert model_choice.default_model(every(*builtin), "alignment") == "coevolution"
    assert model_choice.default_model(every(*builtin), "sequence") == "esmfold"  # to be fetched: nothing here can do it
    assert model_choice.default_model(every(*builtin, "openfold-ptm"), "sequence") == "openfold-ptm"


def test_what_does_not_fit_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    sequence = brought(tmp_path, "MKTAYIAKQRQISFVKSHFSRQ")
    assert "needs an alignment" in model_choice.mismatch(card("coevolution"), sequence)
    assert "needs a structure file" in model_choice.mismatch(card("structure"), sequence)
    assert model_choice.mismatch(card("esmfold"), sequence) == ""
    assert model_choice.mismatch(card("structure"), probe.Probe()) == ""
    assert brought(tmp_path, "").problem and brought(tmp_path, "MKT1%").problem


def test_memory_decides_the_longest_chain_and_the_sentence_names_it() -> None:
    roomy, small = DeviceInfo(kind="cpu", memory_bytes=64 << 30), DeviceInfo(kind="cpu", memory_bytes=17 << 30)
    esmfold = card("esmfold")
    assert estimates.max_residues(esmfold, roomy) == 1000
    most = estimates.max_residues(esmfold, small)
    assert most is not None and 300 < most < 1000
    assert estimates.too_long(esmfold, most, small) == ""
    assert f"{most:,}" in estimates.too_long(esmfold, most + 1, small)
    assert "more memory" in estimates.too_long(esmfold, 10, DeviceInfo(kind="cpu", memory_bytes=4 << 30))
    assert "more memory" in estimates.estimate(esmfold, 0, DeviceInfo(kind="cpu", memory_bytes=4 << 30))


def test_more_recycles_and_longer_chains_are_said_to_take_longer() -> None:
    short, long = (estimates.estimate(card("openfold-ptm"), 100, CPU, recycles) for recycles in (0, 3))
    assert "about 40 s" in short and "about 2 min 30 s" in long and "of memory" in long
    assert "time not measured yet" in estimates.estimate(card("colabfold"), 100, CPU)


def test_options_go_there_and_back_and_only_those_a_model_has() -> None:
    chosen = {"recycles": 6, "chunk": "64", "extras": "contacts,attention", "chain": "B", "models": 3, "seed": 7}
    told = filled(card("esmfold"), chosen)
    assert told == {"recycles": 6, "chunk": 64, "extras": "contacts,attention", "chain": "B"}
    assert filled(card("esmfold"), told) == told
    assert filled(card("colabfold"), chosen) == {"recycles": 6, "chain": "B", "models": 3, "seed": 7}
    assert filled(card("structure"), chosen) == {"chain": "B"}
    assert option_texts(told)["also kept"] == "contacts, attention"


@pytest.mark.parametrize(
    ("content", "said"),
    [("no json", "not JSON"), (json.dumps({"pae": [[0, 1], [1, 0]]}), "for 2 residues"), ("[]", "no confidence")],
)
def test_a_confidence_file_of_another_protein_is_a_sentence(content: str, said: str, tmp_path: Path) -> None:
    pae, structure = tmp_path / "pae.json", tmp_path / "structure.pdb"
    structure.write_text(to_pdb(ideal_helix(3)))
    pae.write_text(content)
    assert said in probe.confidence_problem(pae, structure)
    pae.write_text(json.dumps({"predicted_aligned_error": [[0, 1, 2]] * 3}))
    assert probe.confidence_problem(pae, structure) == ""


def test_residues_go_by_the_numbers_of_the_file_where_these_are_enough() -> None:
    one = ideal_helix(4)
    assert run_data.residue_numbers(one) == [1, 2, 3, 4]
    assert run_data.residue_numbers(replace(one, numbers=np.array([133, 134, 140, 141]))) == [133, 134, 140, 141]
    assert run_data.residue_numbers(replace(one, numbers=np.array([7, 7, 8, 9]))) is None  # insertion codes
    assert run_data.residue_numbers(replace(one, chains=np.array(list("AABB")))) is None
