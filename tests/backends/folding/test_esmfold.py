"""ESMFold through the real loading path: recycles, confidence, chunks, what it can show, what it refuses to load."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import EsmConfig, EsmForProteinFolding

from backends.core.engine import Metric, Notice, Progress
from backends.core.errors import BadInput, EngineFailed, TooLarge, WeightsBroken, WeightsMissing
from backends.folding.alignment.sequence import parse_text
from backends.folding.base import OUT_OF_MEMORY
from backends.folding.capabilities import ESMFOLD, STRUCTURE
from backends.folding.cards import CARDS
from backends.folding.engines import esm_trunk, language
from backends.folding.engines.distances import contact_probabilities
from backends.folding.engines.esmfold import PUBLISHED, EsmFoldEngine, read_network
from backends.folding.pair_scores import average_product_correction, symmetrised
from backends.folding.residues import ESM_TOKENS
from backends.folding.resources import estimate_seconds, max_residues, memory_needed, work_units
from backends.folding.types import Step
from backends.shared.device_memory import out_of_memory_as_sentence
from tests.support.folding import PEPTIDE

CARD = next(card for card in CARDS if card.id == "esmfold")


@pytest.fixture(scope="module")
def engine(esmfold_folder: Path) -> EsmFoldEngine:
    made = EsmFoldEngine(replace(CARD, tier="yours", files=(), parameters=0), (esmfold_folder,))
    made.load("cpu")
    return made


def fold(engine: EsmFoldEngine, sequence: str = PEPTIDE, **options: Any) -> list[Any]:
    return list(engine.predict(parse_text(sequence), options))


def test_recycles_come_as_steps_and_equal_what_the_library_folds(engine: EsmFoldEngine) -> None:
    events = fold(engine, recycles=2)
    steps = [event for event in events if isinstance(event, Step)]
    model = events[-1]
    assert [(step.number, step.total) for step in steps] == [(0, 2), (1, 2), (2, 2)]
    aatype = esm_trunk.tokens(PEPTIDE, "cpu")
    for step in steps:
        with torch.inference_mode():
            whole = engine.network(aatype, num_recycles=step.number)
        assert np.allclose(step.structure.ca, whole.positions[-1][0, :, 1].numpy(), atol=1e-4)
        assert np.allclose(step.confidence.plddt, 100 * whole.plddt[0, :, 1].numpy(), atol=1e-3)
        assert np.allclose(step.confidence.pae, whole.predicted_aligned_error[0].numpy(), atol=1e-3)
        assert step.confidence.ptm == pytest.approx(float(whole.ptm), abs=1e-5)
    assert np.array_equal(model.structure.atoms, steps[-1].structure.atoms)
    assert not np.allclose(steps[0].structure.ca, steps[1].structure.ca, atol=1e-3)


def test_the_default_is_the_number_of_passes_it_was_trained_with(engine: EsmFoldEngine) -> None:
    steps = [event for event in fold(engine) if isinstance(event, Step)]
    assert len(steps) == engine.network.config.esmfold_config.trunk.max_recycles == 4


def test_confidence_is_between_0_and_100_and_lies_in_the_structure_too(engine: EsmFoldEngine) -> None:
    model = fold(engine, recycles=0)[-1]
    plddt = model.confidence.plddt
    assert plddt.min() > 1 and plddt.max() < 100  # a fraction would lie below 1
    assert np.allclose(model.structure.confidence, plddt)
    assert (
        model.confidence.pae.shape == (22, 22) and 0 <= model.confidence.pae.min() <= model.confidence.pae.max() <= 32
    )
    assert 0 <= model.confidence.ptm <= 1


def test_progress_counts_every_block_and_ends_whole(engine: EsmFoldEngine) -> None:
    told = [event for event in fold(engine, recycles=1) if isinstance(event, Progress) and event.stage == "Folding"]
    assert len(told) == 2 * 2 + 1 and told[-1].done == told[-1].total == pytest.approx(work_units(22, 2))
    assert all(before.done <= after.done for before, after in pairwise(told))


def test_chunking_changes_nothing_but_memory(engine: EsmFoldEngine) -> None:
    whole, chunked = (fold(engine, recycles=1, chunk=chunk)[-1] for chunk in ("off", "3"))
    assert np.allclose(whole.structure.atoms, chunked.structure.atoms, atol=1e-4)
    assert np.allclose(whole.confidence.pae, chunked.confidence.pae, atol=1e-4)


def test_pairs_in_rows_are_the_same_pairs() -> None:
    layer = torch.nn.Sequential(torch.nn.LayerNorm(4), torch.nn.Linear(4, 4))
    pair = torch.randn(1, 10, 10, 4)
    with torch.inference_mode():
        assert torch.allclose(esm_trunk.RowChunked(layer, 3)(pair), layer(pair), atol=1e-6)


@pytest.mark.parametrize(
    ("length", "free", "chunk"),
    [(100, 8e9, None), (300, 8e9, 128), (1000, 8e9, 32), (1000, 80e9, 128), (2000, 16e9, 16), (4000, 1e9, 4)],
)
def test_the_chunk_is_fitted_to_the_free_memory(length: int, free: float, chunk: int | None) -> None:
    assert esm_trunk.choose_chunk(length, 4, int(free)) == chunk
    if chunk is not None and chunk > 4:
        assert 3 * chunk * 4 * length**2 * 4 <= free / 4


def test_an_unknown_residue_gets_a_backbone_of_its_own(engine: EsmFoldEngine) -> None:
    structure = fold(engine, "MKTAXIAKQRQ", recycles=0)[-1].structure
    assert structure.sequence[4] == "X" and structure.mask[4].sum() == 4
    n, ca, c = structure.atoms[4, :3]
    assert np.linalg.norm(ca - n) == pytest.approx(1.46, abs=0.05)
    assert np.linalg.norm(c - ca) == pytest.approx(1.53, abs=0.05)


def test_what_it_can_show_is_kept_on_request(engine: EsmFoldEngine) -> None:
    plain = fold(engine, recycles=0)[-1]
    assert set(plain.extras) == {"contacts"}
    model = fold(engine, recycles=0, extras="contacts, distogram, attention")[-1]
    distogram = model.extras["distogram"].astype(np.float32)
    assert distogram.shape == (22, 22, 64) and np.allclose(distogram.sum(-1), 1, atol=0.01)
    assert np.allclose(model.extras["contacts"], contact_probabilities(distogram), atol=0.01)
    attention = model.extras["attention"]
    assert attention.shape == (2, 4, 22, 22) and attention.dtype == np.float16
    assert (attention.sum(-1) <= 1.01).all() and attention.sum(-1).mean() > 0.5
    with pytest.raises(BadInput, match="does not give “dreams”"):
        fold(engine, extras="dreams")


def test_contacts_from_attention_are_those_of_the_network_s_own_head(engine: EsmFoldEngine) -> None:
    aatype = esm_trunk.tokens(PEPTIDE, "cpu")
    inner = engine.network.af2_idx_to_esm_idx(aatype, torch.ones_like(aatype))
    whole = torch.cat([torch.tensor([[0]]), inner, torch.tensor([[2]])], 1)
    with torch.inference_mode():
        expected = engine.network.esm.predict_contacts(whole, torch.ones_like(whole))[0].numpy()
    found = fold(engine, recycles=0, extras="attention")[-1].extras["attention_contacts"]
    assert np.allclose(found, expected, atol=1e-3) and np.allclose(found, found.T, atol=1e-5)


def test_attention_that_is_too_much_is_averaged_as_it_comes(
    engine: EsmFoldEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fold(engine, recycles=0, extras="attention")[-1].extras
    monkeypatch.setattr(language, "MAX_ATTENTION_BYTES", whole["attention"].nbytes - 1)
    events = fold(engine, recycles=0, extras="attention")
    kept = events[-1].extras
    assert kept["attention"].shape == (2, 1, 22, 22)
    assert np.allclose(kept["attention"][:, 0], whole["attention"].mean(1, dtype=np.float32), atol=1e-3)
    assert np.array_equal(kept["attention_contacts"], whole["attention_contacts"]), "contacts are of all heads"
    assert any("average of each layer's heads" in str(event) for event in events)


def test_a_product_correction_leaves_nothing_of_rows_times_columns() -> None:
    rows = np.random.default_rng(0).random(9)
    assert np.abs(average_product_correction(symmetrised(np.outer(rows, rows)))).max() < 1e-5
    paired = np.zeros((6, 6))
    paired[1, 4] = 1
    assert average_product_correction(symmetrised(paired)).argmax() == 1 * 6 + 4


def test_masked_marginals_are_log_odds_against_the_residue_that_is_there() -> None:
    aatype = torch.tensor([[0, 3, 20, 3]])
    asked: list[int] = []

    def guess(hidden: torch.Tensor):
        asked.append(int(hidden[0].float().argmax()))
        logits = torch.zeros(1, 4, 20)
        logits[..., 3] = 2.0
        yield 1
        yield logits

    scan = language.masked_marginals(guess, aatype)
    counted, ended = [], None
    while ended is None:
        try:
            counted.append(next(scan))
        except StopIteration as end:
            ended = end.value
    scores, recovered, chance = ended
    assert asked == [0, 1, 2, 3] and counted == [0, 1, 2, 3, 4]
    assert scores[0, 3] == pytest.approx(2.0) and scores[0, 0] == 0 and scores[1, 0] == pytest.approx(-2.0)
    assert np.isnan(scores[2]).all() and recovered == pytest.approx(2 / 3) and chance == pytest.approx(2 / 3)


def test_a_network_that_cannot_guess_hidden_residues_gives_no_mutation_map(engine: EsmFoldEngine) -> None:
    events = fold(engine, "MKTAYIAKQR", recycles=0, extras="mutations")
    assert "mutations" not in events[-1].extras
    assert any(isinstance(event, Metric) and event.name == "recovered residues" for event in events)
    assert any(isinstance(event, Notice) and "No mutation map" in event.sentence for event in events)
    told = [event for event in events if isinstance(event, Progress)]
    assert told[-1].done == told[-1].total == 10 and engine.amount({}, told[-1], None) == 0
    assert engine.amount({}, next(event for event in told if event.stage == "Folding"), None) == work_units(10, 1)


def test_one_that_can_gives_its_scores(engine: EsmFoldEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    sequence = "MKTAYIAKQR"

    def knows(model: Any, single: torch.Tensor, chunk: int | None):
        yield 1
        yield 4 * torch.nn.functional.one_hot(esm_trunk.tokens(sequence, "cpu"), 21)[..., :20].float()

    monkeypatch.setattr(esm_trunk, "residue_scores", knows)
    model = fold(engine, sequence, recycles=0, extras="mutations")[-1]
    scores = model.extras["mutations"]
    assert scores.shape == (10, 20) and scores.max() == 0 and scores.min() == pytest.approx(-4)
    assert model.meta["mutations"]["columns"] == "ARNDCQEGHILKMFPSTWYV"


def test_closing_stops_within_a_block(engine: EsmFoldEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    for block in engine.network.trunk.blocks:
        monkeypatch.setattr(block, "forward", lambda *a, inner=block.forward, **k: (ran.append(1), inner(*a, **k))[1])
    with closing(engine.predict(parse_text(PEPTIDE), {"recycles": 5})) as events:
        next(event for event in events if isinstance(event, Progress) and event.stage == "Folding")
    assert len(ran) == 1


def test_recycles_and_chunks_that_make_no_sense_are_refused(engine: EsmFoldEngine) -> None:
    for options in ({"recycles": "many"}, {"recycles": 99}, {"recycles": 1.5}, {"chunk": "0"}, {"chunk": "big"}):
        with pytest.raises(BadInput, match="takes a whole number"):
            fold(engine, **options)


def test_a_single_file_with_its_configuration_beside_it_loads_too(esmfold_folder: Path, tmp_path: Path) -> None:
    state = load_file(esmfold_folder / "model.safetensors")
    torch.save(state, tmp_path / "weights.bin")
    shutil.copy(esmfold_folder / "config.json", tmp_path / "config.json")
    network, missing = read_network(tmp_path / "weights.bin")
    assert not missing and torch.equal(
        network.state_dict()["trunk.recycle_s_norm.weight"], state["trunk.recycle_s_norm.weight"]
    )


@pytest.mark.slow
def test_a_lone_file_is_read_as_the_published_network() -> None:
    """Its parameters are those of the card, and its size the file's: the language model in half precision."""
    with torch.device("meta"):
        network = EsmForProteinFolding(EsmConfig(**PUBLISHED, vocab_list=ESM_TOKENS))
    assert sum(value.numel() for value in network.parameters()) == CARD.parameters
    whole = 4 * CARD.parameters - 2 * sum(value.numel() for value in network.esm.parameters())
    assert whole < CARD.download_bytes < 1.001 * whole


def without(key: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        save_file(
            {name: value for name, value in state.items() if not name.startswith(key)}, folder / "model.safetensors"
        )

    return damage


def not_a_number(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    state["trunk.recycle_s_norm.weight"][0] = float("nan")
    save_file(state, folder / "model.safetensors")


def another_width(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    told["intermediate_size"] = 128
    (folder / "config.json").write_text(json.dumps(told))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({"trunk": print}, folder / "pytorch_model.bin")


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (without("trunk.blocks.1"), WeightsBroken, "parts are missing, such as trunk.blocks.1"),
        (without("esm.encoder.layer.0.attention.self.query"), WeightsBroken, "parts are missing"),
        (not_a_number, WeightsBroken, "not numbers"),
        (another_width, WeightsBroken, "do not fit|wrong size"),
        (pickled, WeightsBroken, "damaged"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"junk" * 99), WeightsBroken, "damaged"),
        (lambda folder: (folder / "model.safetensors").unlink(), WeightsMissing, "no weights"),
        (lambda folder: (folder / "config.json").unlink(), WeightsBroken, "no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "bert"}'), WeightsBroken, "kind “bert”"),
        (shutil.rmtree, WeightsMissing, "not on this machine"),
    ],
)
def test_weights_are_complete_and_sound_or_refused(
    esmfold_folder: Path, tmp_path: Path, damage: Callable[[Path], Any], error: type[Exception], said: str
) -> None:
    folder = shutil.copytree(esmfold_folder, tmp_path / "weights")
    damage(folder)
    with pytest.raises(error, match=said):
        EsmFoldEngine(CARD, (folder,)).load("cpu")


def test_a_missing_contact_head_only_means_no_contacts_from_attention(esmfold_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(esmfold_folder, tmp_path / "weights")
    without("esm.contact_head")(folder)
    engine = EsmFoldEngine(CARD, (folder,))
    engine.load("cpu")
    extras = fold(engine, "MKTAYIAKQR", recycles=0, extras="attention")[-1].extras
    assert "attention" in extras and "attention_contacts" not in extras


def test_running_out_of_memory_is_a_sentence() -> None:
    with pytest.raises(EngineFailed, match="not enough memory"), out_of_memory_as_sentence(OUT_OF_MEMORY):
        raise RuntimeError("CUDA out of memory. Tried to allocate 3 GiB")
    with pytest.raises(RuntimeError, match="shape"), out_of_memory_as_sentence(OUT_OF_MEMORY):
        raise RuntimeError("wrong shape")


def test_the_longest_chain_follows_from_the_memory(engine: EsmFoldEngine) -> None:
    def most(memory: int) -> int:
        return max_residues(ESMFOLD, CARD.parameters, "cuda", memory, CARD.limit("cuda").residues)

    def needed(length: int) -> int:
        return memory_needed(ESMFOLD, CARD.parameters, "cuda", length)

    small, large = (most(gib << 30) for gib in (16, 80))
    assert 200 < small < large <= 2000
    assert most(4 << 30) == 0
    assert needed(small) <= 16 << 30 < needed(small + 60)
    with pytest.raises(TooLarge, match="takes up to 1,000"):
        engine.require_length(1001)


def test_the_time_of_a_fold_grows_with_its_length_and_passes() -> None:
    assert estimate_seconds(ESMFOLD, 0, 100, 4) is None
    assert estimate_seconds(STRUCTURE, 0.5, 100, 4) == 50
    assert estimate_seconds(ESMFOLD, 2.0, 100, 1) == pytest.approx(2.0)
    assert estimate_seconds(ESMFOLD, 2.0, 200, 4) > 4 * 4 * 2.0


def test_what_may_be_missing_is_no_list_on_the_terminal(
    esmfold_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging as library_logging

    library_logging.set_verbosity_warning()
    folder = tmp_path / "esmfold"
    shutil.copytree(esmfold_folder, folder)
    tensors = load_file(folder / "model.safetensors")
    head = {name for name in tensors if name.startswith("esm.contact_head.")}
    save_file({name: each for name, each in tensors.items() if name not in head}, folder / "model.safetensors")
    assert read_network(folder)[1] >= head != set()
    said = capfd.readouterr()
    assert "MISSING" not in said.err + said.out and "contact_head" not in said.err + said.out
