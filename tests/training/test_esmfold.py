"""The training of the proteins starter: what is kept apart, what it is shown, that it goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.folding.coevolution.chain import backbone
from backends.folding.engines import secondary_head
from backends.folding.engines.esm_trunk import has_recycling
from backends.folding.engines.esmfold import read_network
from backends.folding.engines.secondary_head import SecondaryPredictor
from backends.folding.residues import ALPHAFOLD_ORDER, ESM_TOKENS
from evaluation.datasets.protein_chains import (
    CHECK,
    LEFT_OUT,
    TEST,
    TRAIN,
    UNKNOWN,
    Chains,
    part_of,
    read_chains,
    same_share,
    without_alike,
)
from training.esmfold import export as protein_finish
from training.esmfold import fold as protein_fold
from training.esmfold import networks as protein_model
from training.esmfold.export import export
from training.esmfold.fold import FOLD, Fold, folded
from training.esmfold.language import ALIKE, LANGUAGE, Language, by_length, shapes, tokens_of
from training.loop import Loop, averaged_weights
from training.plots import read_log

HELIX = [-63.0, -42.0, 180.0]


def helix(length: int) -> np.ndarray:
    """(L, 5, 3) an ideal helix."""
    return backbone(torch.deg2rad(torch.tensor([[HELIX] * length])))[0].numpy()


def sequences(count: int, length: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    return ["".join(draw.choice(list(ALPHAFOLD_ORDER), length)) for _ in range(count)]


def write(path: Path, texts: list[str], clusters: list[int], states: list[str], atoms: np.ndarray) -> None:
    lengths = np.array([len(text) for text in texts], np.int32)
    stated = np.rint(100 * np.concatenate([atoms[:length] for length in lengths])).astype(np.int16)
    np.savez(
        path,
        sequences=np.array(texts),
        lengths=lengths,
        cluster=np.array(clusters),
        ss=np.array(states),
        coords_centiangstrom=stated,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four helices of known backbone, and two of which only the Cα are known."""
    made = tmp_path_factory.mktemp("proteins")
    apart = {part: next(n for n in range(1000) if part_of(n) == part) for part in (TRAIN, CHECK, TEST)}
    chain = helix(60)
    write(
        made / "chains_train.npz",
        sequences(4, 40),
        [apart[TRAIN], apart[TRAIN], apart[CHECK], apart[TEST]],
        ["E" * 40] * 4,
        chain,
    )
    write(made / "ca_traces_train.npz", sequences(2, 30, 1), [apart[TRAIN], -1], ["HGIBETSCX-" * 3] * 2, chain[:, 1:2])
    return made


@pytest.fixture(scope="module")
def chains(folder: Path) -> Chains:
    return read_chains(folder)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the network, so that a step takes no time."""
    changed = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16}
    config = protein_model.CONFIG | changed
    monkeypatch.setattr(protein_model, "CONFIG", config)
    monkeypatch.setattr(protein_fold, "CONFIG", config)
    monkeypatch.setattr(protein_model, "FOLD", protein_model.FOLD | changed)
    monkeypatch.setattr(protein_fold, "PAIRS", 2 * 32**2)
    monkeypatch.setattr(protein_finish, "STEPS", 5)
    for module in (protein_model, protein_finish):
        monkeypatch.setattr(module, "HEAD", 8)


def test_chains_are_read_with_their_secondary_structure(chains: Chains) -> None:
    assert chains.lengths.tolist() == [40] * 4 + [30] * 2
    assert chains.whole.tolist() == [True] * 4 + [False] * 2
    assert (chains.states[:40] == 0)[2:-2].all(), "of a backbone it is assigned, whatever the file says"
    assert chains.states[160:170].tolist() == [0, 0, 0, 2, 1, 2, 2, 2, -1, 2], "of a trace it is what the file says"
    assert chains.sequence(0) == sequences(4, 40)[0]
    assert chains.part.tolist() == [TRAIN, TRAIN, CHECK, TEST, TRAIN, TRAIN]


def test_a_cluster_is_in_one_part_and_most_are_trained_on() -> None:
    parts = np.array([part_of(number) for number in range(2000)])
    shares = np.bincount(parts) / len(parts)
    assert shares[TRAIN] > 0.87 and 0.03 < shares[CHECK] < 0.07 and 0.03 < shares[TEST] < 0.07
    assert part_of(-1) == TRAIN


def test_what_is_alike_to_what_is_measured_is_not_trained_on(chains: Chains) -> None:
    near = list(chains.sequence(3))  # of TEST; half of it is drawn anew
    near[::2] = sequences(1, 20, 5)[0]
    residues = chains.residues.copy()
    residues[chains.rows(0)] = [ALPHAFOLD_ORDER.find(letter) for letter in near[:16] + list(chains.sequence(3)[16:])]
    changed = replace(chains, residues=residues)
    assert same_share(changed.sequence(0), changed.sequence(3)) > 0.5
    assert without_alike(changed).part.tolist() == [LEFT_OUT, TRAIN, CHECK, TEST, TRAIN, TRAIN]
    inside = [changed.sequence(4)[3:25], changed.sequence(2)]
    assert without_alike(changed, inside).part.tolist() == [LEFT_OUT, TRAIN, LEFT_OUT, TEST, LEFT_OUT, TRAIN]
    assert UNKNOWN not in residues


def test_chains_of_like_length_are_read_together(chains: Chains) -> None:
    groups = list(by_length(chains, np.arange(6), 80))
    assert sorted(np.concatenate(groups)) == list(range(6))
    assert sorted(groups[0]) == [4, 5]


def test_chains_are_shown_with_residues_hidden_and_swapped_for_like_ones(chains: Chains) -> None:
    batch = next(Language(chains).batches(0, 10))
    tokens = tokens_of(batch.shown, batch.mask, batch.hidden)
    assert (tokens[:, 0] == ESM_TOKENS.index("<cls>")).all()
    assert (tokens == ESM_TOKENS.index("<eos>")).sum() == len(tokens)
    assert (tokens == ESM_TOKENS.index("<mask>")).sum() == batch.hidden.sum() > 0
    swapped = batch.shown != batch.residues
    assert 0 < swapped.sum() < 0.2 * batch.mask.sum()
    for one, other in zip(batch.residues[swapped], batch.shown[swapped], strict=True):
        assert any(ALPHAFOLD_ORDER[one] in group and ALPHAFOLD_ORDER[other] in group for group in ALIKE)
    text = "".join(ALPHAFOLD_ORDER[code] for code in batch.residues[0][batch.mask[0] > 0])
    plain = tokens_of(batch.residues[:1], batch.mask[:1], torch.zeros_like(batch.hidden[:1]))
    assert torch.equal(plain[:, : len(text) + 2], secondary_head.tokenize([text])[0]), "as the engine reads it"


def test_the_shape_of_a_helix_is_a_helix() -> None:
    found = shapes(helix(30)[:, 1])
    turn = np.rad2deg(np.arctan2(found[5:-5, 1], found[5:-5, 0]))
    assert np.allclose(turn, 50, atol=4) and np.isnan(found[0, :3]).all() and np.isfinite(found[:, 3]).all()


@pytest.mark.slow
def test_both_stages_end_in_weights_that_load(small: None, chains: Chains, tmp_path: Path) -> None:
    torch.manual_seed(0)
    language = Language(chains)
    Loop(language, tmp_path, LANGUAGE, 2).run()
    learned = averaged_weights(tmp_path / f"{LANGUAGE}.pt")
    names = {row["name"] for row in read_log(tmp_path / f"{LANGUAGE}.csv")}
    assert names == {"states", "residues", "shape", "q3"}

    chains.save(tmp_path / "chains.npz")
    fold = Fold(chains, learned)
    training = Loop(fold, tmp_path, FOLD, 2)
    training.run()
    export(tmp_path, tmp_path / "small")
    predictor = SecondaryPredictor.read(tmp_path / "small")
    language.network.load_state_dict(learned)
    modules = language.network.eval()
    text = chains.sequence(0)
    with torch.inference_mode():
        tokens, mask = secondary_head.tokenize([text])
        expected = modules["head"](secondary_head.read_layers(modules["esm"], tokens), mask).log_softmax(-1)[0]
    assert np.allclose(next(predictor.sequences([text])), expected.numpy(), atol=1e-2)

    network, missing = read_network(tmp_path / "small" / "model.safetensors")
    assert all(key.startswith("esm.contact_head") for key in missing) and not has_recycling(network.trunk)
    fold.network.load_state_dict(training.ema.weights)
    one, other = (folded(part.eval(), text).atoms[:, :3] for part in (network, fold.fold))
    assert np.isfinite(one).all() and np.allclose(one, other, atol=0.2), "as the engine reads it"
