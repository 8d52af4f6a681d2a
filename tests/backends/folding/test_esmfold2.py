"""ESMFold2 through the real loading path: samples ranked, confidence scaled, alignments read, weights complete."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers.models.esmfold2.protein_utils import output_to_pdb, prepare_protein_features

from backends.attribution.probe import ProbeRequest
from backends.attribution.question import Question
from backends.attribution.registry import attribute
from backends.attribution.types import Meter
from backends.core.engine import Progress
from backends.core.errors import WeightsBroken
from backends.folding.alignment.alignment import read_alignment
from backends.folding.alignment.sequence import Query, parse_text, read_input
from backends.folding.cards import CARDS
from backends.folding.engines.esmfold2 import EsmFold2Engine, msa_features, read_output
from backends.folding.explanation.probes import broken
from backends.folding.explanation.subject import make_subject
from backends.folding.structure.reader import parse_structure
from tests.support.folding import PEPTIDE

CARD = next(card for card in CARDS if card.id == "esmfold2")


@pytest.fixture(scope="module")
def engine(esmfold2_folder: Path) -> EsmFold2Engine:
    made = EsmFold2Engine(replace(CARD, tier="yours", needs=(), parameters=0), (esmfold2_folder,))
    made.load("cpu")
    return made


def fold(engine: EsmFold2Engine, query: Query, **options: Any) -> list[Any]:
    return list(engine.predict(query, options))


@pytest.mark.slow
def test_samples_are_ranked_and_repeat_with_their_seed(engine: EsmFold2Engine) -> None:
    first, again, other = (fold(engine, parse_text(PEPTIDE), models=2, seed=seed)[-1] for seed in (3, 3, 4))
    assert np.array_equal(first.structure.atoms, again.structure.atoms)
    assert not np.allclose(first.structure.atoms, other.structure.atoms, atol=1e-3)
    ((_, second),) = first.others
    assert first.confidence.ptm >= second.ptm
    assert first.confidence.plddt.min() > 1 and first.confidence.plddt.max() <= 100


def test_atoms_land_where_the_library_writes_them(engine: EsmFold2Engine) -> None:
    features = prepare_protein_features(PEPTIDE, device="cpu")
    torch.manual_seed(0)
    with torch.inference_mode():
        output = engine.network.fold(**features, num_loops=0, num_diffusion_samples=1)
    ((structure, confidence),) = read_output(output, features, PEPTIDE)
    theirs = parse_structure(output_to_pdb(output, features))
    assert theirs.sequence == PEPTIDE and np.array_equal(theirs.mask, structure.mask)
    assert np.allclose(theirs.atoms, structure.atoms, atol=0.001)
    assert np.allclose(confidence.plddt, 100 * output.plddt_ca[0].numpy())


def test_progress_counts_loops_and_steps(engine: EsmFold2Engine) -> None:
    told = [event for event in fold(engine, parse_text(PEPTIDE), recycles=2) if isinstance(event, Progress)]
    shares = [event.done / event.total for event in told if event.stage == "Folding"]
    assert shares == sorted(shares) and len(set(shares)) >= 3 + 2 and shares[-1] == 1


def test_an_alignment_changes_the_fold(engine: EsmFold2Engine, tmp_path: Path) -> None:
    path = tmp_path / "mine.a3m"
    path.write_text(f">q\n{PEPTIDE}\n>h\n{PEPTIDE[:8]}aa{PEPTIDE[8:20]}--\n")
    alone = fold(engine, parse_text(PEPTIDE), recycles=0)[-1]
    aligned = fold(engine, read_input(path), recycles=0)[-1]
    assert "an alignment" in aligned.method and "one sequence" in alone.method
    assert not np.allclose(alone.structure.atoms, aligned.structure.atoms, atol=1e-4)


def test_an_alignment_is_told_in_the_network_s_own_code(tmp_path: Path) -> None:
    path = tmp_path / "mine.a3m"
    path.write_text(">q\nMKTAYI\n>h\nMR-AyyyXI\n")
    made = msa_features(read_alignment(path), "cpu")
    single = prepare_protein_features("MKTAYI")
    assert torch.equal(made["msa"][0, 0], single["res_type"][0])
    assert made["msa"][0, 1, 2] == 1 and made["msa"][0, 1, 4] == 22  # a gap, an unknown residue
    assert made["has_deletion"][0, 1].tolist() == [False, False, False, False, True, False]
    assert made["deletion_value"][0, 1, 4] == pytest.approx(0.5)  # 2/π · arctan(3/3)
    assert made["deletion_mean"][0, 4] == pytest.approx(0.25)
    assert {name: value.shape for name, value in made.items()}["msa_attention_mask"] == (1, 2, 6)


def test_closing_stops_within_a_loop(engine: EsmFold2Engine) -> None:
    ran = []
    hook = engine.network.folding_trunk.register_forward_hook(
        lambda *_: (__import__("time").sleep(0.5), ran.append(1))[1]
    )
    with closing(engine.predict(parse_text(PEPTIDE), {"recycles": 20})) as events:
        next(event for event in events if isinstance(event, Progress) and event.stage == "Folding")
    hook.remove()
    assert len(ran) <= 3


@pytest.mark.slow
def test_weights_without_their_language_model_are_refused(esmfold2_folder: Path, tmp_path: Path) -> None:
    """A network whose language model is random folds to the right length and the wrong shape, with no warning."""
    folder = shutil.copytree(esmfold2_folder, tmp_path / "weights")
    state = load_file(folder / "model.safetensors")
    assert any(name.startswith("esmc.") for name in state)
    save_file(
        {name: value for name, value in state.items() if not name.startswith("esmc.")}, folder / "model.safetensors"
    )
    with pytest.raises(WeightsBroken, match="parts are missing, such as esmc"):
        EsmFold2Engine(CARD, (folder,)).load("cpu")


def test_it_can_be_asked_why_by_hiding_residues_and_whether_a_broken_sequence_fools_it(
    engine: EsmFold2Engine, tmp_path: Path
) -> None:
    path = tmp_path / "mine.fasta"
    path.write_text(f">mine\n{PEPTIDE[:10]}\n")
    for target, unit in (("plddt", "pLDDT"), ("2,9", "Å nearer")):
        subject = make_subject(engine, {"query": path}, Question(target=target))
        found = attribute(subject, ["occlusion"])
        assert found.values.shape == (10,) and np.ptp(found.values) > 0 and found.unit == unit
        assert found.baseline == "an unknown residue"
        control = subject.control(1.0)
        assert control.given_cells.score(np.ones((1, 10)))[0] != pytest.approx(found.score), "it knows something else"
    asked = ProbeRequest(engine, {"query": path}, Question(), tmp_path, Meter())
    tm, plddt = broken(asked).attribution.values.T
    assert tm[0] == pytest.approx(1, abs=1e-3) and tm[-1] < 1 and np.isfinite(plddt).all() and asked.meter.count == 6
