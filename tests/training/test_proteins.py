"""The training of the proteins starter: what is kept apart, what it is taught by, that it goes on where it stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backends.folding.chain import backbone
from backends.folding.esmfold import read_network
from training import protein_finish, protein_fold, protein_model
from training import protein_losses as losses_of
from training.protein_data import (
    CHECK,
    LEFT_OUT,
    RESTYPES,
    TEST,
    TRAIN,
    UNKNOWN,
    Chains,
    part_of,
    read_chains,
    same_share,
    without_alike,
)
from training.protein_language import Language, by_length
from training.proteins import Training, begin, rate

HELIX = [-63.0, -42.0, 180.0]


def helix(length: int) -> np.ndarray:
    """(L, 5, 3) an ideal helix."""
    return backbone(torch.deg2rad(torch.tensor([[HELIX] * length])))[0].numpy()


def sequences(count: int, length: int, seed: int = 0) -> list[str]:
    draw = np.random.default_rng(seed)
    return ["".join(draw.choice(list(RESTYPES), length)) for _ in range(count)]


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
    config = protein_model.CONFIG
    structure = config["esmfold_config"]["trunk"]["structure_module"] | {"sequence_dim": 16, "num_blocks": 2}
    trunk = config["esmfold_config"]["trunk"] | {
        "num_blocks": 1,
        "sequence_state_dim": 32,
        "structure_module": structure,
    }
    fold = config["esmfold_config"] | {"trunk": trunk}
    changed = {"hidden_size": 16, "num_hidden_layers": 1, "intermediate_size": 16, "esmfold_config": fold}
    monkeypatch.setattr(protein_model, "CONFIG", config | changed)
    monkeypatch.setattr(protein_model, "HEAD", 8)
    monkeypatch.setattr(protein_fold, "CROP", 24)
    monkeypatch.setattr(protein_fold, "CROPS", 2)


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
    residues[chains.rows(0)] = [RESTYPES.find(letter) for letter in near[:16] + list(chains.sequence(3)[16:])]
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


def test_frames_are_those_of_the_network_and_errors_do_not_depend_on_the_pose() -> None:
    atoms = torch.from_numpy(helix(20))[None]
    frames = losses_of.frames_of(atoms[:, :, 0], atoms[:, :, 1], atoms[:, :, 2])
    carbon = torch.einsum("blji,blj->bli", frames[0], atoms[:, :, 2] - frames[1])
    assert carbon[0, :, 0].tolist() == pytest.approx([1.525] * 20, abs=0.02) and carbon[..., 1:].abs().max() < 1e-3
    turn = losses_of.frames_of_quaternions(torch.tensor([0.5, 0.1, -0.7, 0.2, 0, 0, 0]))[0]
    assert torch.allclose(turn @ turn.T, torch.eye(3), atol=1e-5) and float(torch.linalg.det(turn)) > 0
    moved = atoms @ turn.T + 5
    others = losses_of.frames_of(moved[:, :, 0], moved[:, :, 1], moved[:, :, 2])
    assert losses_of.aligned_errors(others, moved[:, :, 1], frames, atoms[:, :, 1]).max() < 0.02
    mirrored = losses_of.trace_frames(-atoms[:, :, 1])
    off = losses_of.aligned_errors(mirrored, -atoms[:, :, 1], losses_of.trace_frames(atoms[:, :, 1]), atoms[:, :, 1])
    assert off.mean() > 1, "a left-handed helix is not a right-handed one"


def test_lddt_and_joints_know_a_good_chain() -> None:
    atoms, mask = torch.from_numpy(helix(20))[None], torch.ones(1, 20, dtype=torch.long)
    assert losses_of.lddt(atoms[:, :, 1], atoms[:, :, 1], mask).tolist() == [[1.0] * 20]
    assert losses_of.lddt(1.5 * atoms[:, :, 1], atoms[:, :, 1], mask).max() < 0.7
    assert losses_of.joints_loss(atoms[:, :, :3], mask) < 0.02
    assert losses_of.joints_loss(0.1 * atoms[:, :, :3], mask) > 0.5


def test_cb_of_a_trace_is_where_the_backbone_has_it() -> None:
    atoms = torch.from_numpy(helix(20))[None]
    off = (protein_fold._beta(atoms[:, :, 1]) - atoms[:, :, 4]).norm(dim=-1)[0, 1:-1]
    assert off.max() < 0.6


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [rate(step, 80, 1.0) for step in range(81)]
    assert max(rates) == pytest.approx(1.0) and rates.index(max(rates)) in (3, 4)
    assert rates[0] < 0.5 and rates[80] == pytest.approx(0, abs=1e-9)


def test_a_confidence_that_is_too_sure_is_tilted_to_what_came_true() -> None:
    torch.manual_seed(0)
    binned = torch.randint(0, 25, (4000,))
    logits = -0.5 * (torch.arange(50) - (binned[:, None] + 15)).square() / 100  # says 30 percent too much
    tilt = protein_finish.fitted(logits, binned)
    tilted = (tilt.scale * logits + tilt.shifts(50)).softmax(-1) @ ((torch.arange(50) + 0.5) / 50)
    assert float((tilted - binned / 50).mean()) == pytest.approx(0, abs=0.03)
    assert float((logits.softmax(-1) @ ((torch.arange(50) + 0.5) / 50) - binned / 50).mean()) > 0.2


def test_training_goes_on_where_it_stopped_and_ends_in_weights_that_load(
    small: None, chains: Chains, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    chains.save(tmp_path / "chains.npz")
    Training("language", Language(chains), tmp_path, 2).run()
    for steps in (1, 2):
        stage = begin("fold", chains, tmp_path)
        training = Training("fold", stage, tmp_path, steps)
        assert training.step == steps - 1
        training.run()
    again = Training("fold", begin("fold", chains, tmp_path), tmp_path, 2)
    assert all(torch.equal(value, again.average[name]) for name, value in training.average.items())
    names = {row.split(",")[3] for row in (tmp_path / "log.csv").read_text().splitlines()[1:]}
    assert {"states", "q3", "blocks", "atoms", "confidence", "errors", "hidden"} <= names

    tilts = protein_finish.export(tmp_path, tmp_path / "out")
    network, missing = read_network(tmp_path / "out" / "model.safetensors")
    assert all(name.startswith("esm.contact_head.") for name in missing) and len(tilts) == 2
    last = network.lddt_head[-1].weight.reshape(37, 50, -1)
    assert torch.equal(last, last[:1].expand_as(last)), "every atom is as sure as its Cα"
    stored = load_file(tmp_path / "out" / "secondary.safetensors")
    assert torch.allclose(stored["mixture"].float(), again.average["head.mixture"], atol=1e-3)
