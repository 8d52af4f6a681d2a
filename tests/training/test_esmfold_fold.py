"""What the folding starter is taught by: geometry of known shapes, the class's own numbers, and that it learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from transformers.models.esm.modeling_esmfold import EsmFoldingTrunk
from transformers.models.esm.openfold_utils import Rigid, Rotation

from backends.folding.coevolution.chain import backbone
from backends.folding.engines.rigid_geometry import frames_of
from evaluation.datasets.protein_chains import CHECK, TRAIN, Chains
from training.esmfold import geometry
from training.esmfold.backbone import with_backbones, with_beta
from training.esmfold.export import temper
from training.esmfold.fold import Fold
from training.esmfold.networks import PAIR, make_fold
from training.esmfold.structure_module import FRAME_CHANNELS, aim, build, frame_pairs, run_trunk
from training.loop import Loop

pytestmark = pytest.mark.slow

HELIX, STRAND = (-63.0, -42.0, 180.0), (-120.0, 135.0, 180.0)


def shaped(states: str) -> np.ndarray:
    """(L, 5, 3) an ideal chain of helix ("H") and strand."""
    return backbone(torch.deg2rad(torch.tensor([[HELIX if s == "H" else STRAND for s in states]])))[0].numpy()


def chains_of(states: list[str], traces: int = 0, part: int = TRAIN) -> Chains:
    """Ideal chains of such states, drawn residues; of the last `traces` only the Cα are told."""
    atoms = [shaped(text) for text in states]
    for piece in atoms[len(atoms) - traces :]:
        piece[:, (0, 2, 3, 4)] = np.nan
    lengths = [len(text) for text in states]
    told = np.array([0 if letter == "H" else 1 for letter in "".join(states)], np.int8)
    # Residues say what they are in: a tenth of the alphabet for helices, another for strands.
    residues = (told * 5 + np.random.default_rng(0).integers(0, 3, len(told))).astype(np.uint8)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    count = len(states)
    return Chains(
        residues, told, np.concatenate(atoms).astype(np.float32), offsets, np.arange(count), np.full(count, part)
    )


def test_n_and_c_of_a_trace_are_where_they_were() -> None:
    draw = np.random.default_rng(1)
    texts = ["".join(letter * draw.integers(3, 9) for letter in "HEHEHE") for _ in range(60)]
    known = chains_of(texts)
    found = with_backbones(chains_of(texts, traces=6))
    rows = slice(found.offsets[-7], found.offsets[-1])
    off = np.linalg.norm(found.atoms[rows] - known.atoms[rows], axis=-1)[:, (0, 2, 4)]
    inner = np.isfinite(off).all(-1)
    assert inner.mean() > 0.8 and np.median(off[inner]) < 0.25
    assert np.array_equal(found.atoms[: found.offsets[-7]], known.atoms[: found.offsets[-7]])


def test_an_ideal_cb_is_where_the_chain_has_it() -> None:
    atoms = shaped("HHHHEEEE")
    without = atoms.copy()
    without[:, 4] = np.nan
    assert np.abs(with_beta(without)[:, 4] - atoms[:, 4]).max() < 0.1


def test_frames_say_where_the_backbone_is_and_how_residues_lie_whatever_the_pose() -> None:
    atoms = torch.from_numpy(shaped("HHHHHHHHEEEEEE"))[None]
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))[0]
    moved = atoms @ (turn * torch.linalg.det(turn).sign()).T + torch.tensor([5.0, -7.0, 2.0])
    frames, other = (frames_of(*part[:, :, :3].unbind(2)) for part in (atoms, moved))
    assert (geometry.backbone_of(frames) - atoms[:, :, :3]).abs().max() < 0.05
    told = geometry.relatives(frames)
    assert torch.allclose(told, geometry.relatives(other), atol=1e-4)
    helix, strand = told[0, 2, 3, :9].unflatten(0, (3, 3)), told[0, 10, 11, :9].unflatten(0, (3, 3))
    angle = [float(torch.rad2deg(torch.acos((part.trace() - 1) / 2))) for part in (helix, strand)]
    assert angle[0] == pytest.approx(99, abs=3), "a turn of a helix has 3.6 residues"
    assert angle[1] > 150, "residues of a strand point to either side"
    errors = geometry.aligned_errors(frames, frames[1], other, other[1])
    assert errors.max() < 0.02
    mirrored = atoms * torch.tensor([1.0, 1.0, -1.0])
    wrong = frames_of(*mirrored[:, :, :3].unbind(2))
    assert geometry.aligned_errors(frames, frames[1], wrong, wrong[1]).mean() > 1, "a mirror image is not the same"


def test_angles_joints_and_lddt_of_ideal_chains() -> None:
    atoms = torch.from_numpy(shaped("H" * 20))[None]
    n, ca, c = atoms[:, :, :3].unbind(2)
    phi = geometry.dihedral(c[:, :-1], n[:, 1:], ca[:, 1:], c[:, 1:])
    assert torch.rad2deg(torch.atan2(*phi.unbind(-1))).numpy() == pytest.approx(np.full((1, 19), -63.0), abs=1)
    assert geometry.joints_loss(atoms[:, :, :3]) < 0.02 < geometry.joints_loss(1.1 * atoms[:, :, :3])
    seen = torch.ones(1, 20, dtype=torch.bool)
    assert (geometry.lddt(ca, ca, seen) == 1).all() and geometry.lddt(3 * ca, ca, seen).max() < 0.2


def disturbed(module: nn.Module) -> None:
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.03 * torch.randn_like(weight))


def test_training_has_the_numbers_of_the_class() -> None:
    torch.manual_seed(0)
    network = make_fold().eval()
    disturbed(network.trunk.structure_module)
    s, z, residues = torch.randn(2, 12, 128), torch.randn(2, 12, 12, PAIR), torch.randint(20, (2, 12))
    with torch.inference_mode():
        ours = build(network.trunk.structure_module, s, z)
        theirs = network.trunk.structure_module({"single": s, "pair": z}, residues, torch.ones(2, 12))
        assert torch.allclose(ours.frames[1], theirs["frames"][..., 4:], atol=1e-3)
        assert torch.allclose(ours.states, theirs["states"][-1], atol=1e-4)
        assert torch.allclose(ours.angles, theirs["angles"][-1], atol=1e-3)
        made = geometry.backbone_of((ours.frames[0][-1], ours.frames[1][-1]))
        assert (made - theirs["positions"][-1][:, :, :3]).abs().max() < 0.1

        layers = torch.randn(2, 12, 5, 128)
        single = network.esm_s_mlp(layers.mean(2)) + network.embedding(residues)
        trunk: EsmFoldingTrunk = network.trunk
        whole = trunk(single, torch.zeros_like(z), residues, torch.arange(12).expand(2, -1), torch.ones(2, 12), 0)
        s, z = run_trunk(network, residues, layers, quick=False)
        assert torch.allclose(s, whole["s_s"], atol=1e-3) and torch.allclose(z, whole["s_z"], atol=1e-3)


def test_oxygens_are_taught_to_be_where_the_class_puts_them() -> None:
    module = make_fold().trunk.structure_module
    atoms = torch.from_numpy(shaped("HHHHHHEEEEEE"))[None]
    n, ca, c, o = atoms[:, :, :4].unbind(2)
    rotation, origin = frames_of(n, ca, c)
    angles = geometry.psi_by_oxygen(n, ca, c, o)[:, :, None].expand(-1, -1, 7, -1)
    residues = torch.zeros(1, 12, dtype=torch.int64)
    frames = module.torsion_angles_to_frames(Rigid(Rotation(rot_mats=rotation), origin), angles, residues)
    made = module.frames_and_literature_positions_to_atom14_pos(frames, residues)
    assert (made[:, :, 3] - o).norm(dim=-1).max() < 0.2
    assert (made[:, :-1, 3] - n[:, 1:]).norm(dim=-1).min() > 1.9


def test_heads_begin_by_looking_at_the_ends_and_at_neighbours() -> None:
    network = make_fold()
    atoms = torch.from_numpy(shaped("HHHHHHHHHHEEEEEEEEEEHHHHHHHHHH"))[None, :, :3]
    pair = frame_pairs(network, frames_of(*atoms.unbind(2)))
    assert pair.shape[-1] == PAIR > FRAME_CHANNELS
    module = network.trunk.structure_module
    aim(module, pair)
    looked = module.ipa.linear_b(module.layer_norm_z(pair))[0].argmax(1)  # (L, heads): where row i looks
    assert (looked[:, 0] > 26).all() and (looked[:, 1] < 3).all()
    places = torch.arange(30)
    before, after = looked[2:, 2] == places[2:] - 1, looked[:-2, 3] == places[:-2] + 1
    assert before.float().mean() > 0.6 and after.float().mean() > 0.6


def test_it_learns_a_helix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Within some steps the structure module turns truths into coordinates, and the trunk tells nearly the same."""
    monkeypatch.setattr("training.esmfold.fold.PAIRS", 2 * 16**2)
    monkeypatch.setattr("training.esmfold.fold.LENGTHS", ((0.0, (16,)),))
    torch.manual_seed(0)
    stage = Fold(chains_of(["H" * 24] * 8))
    batches = stage.batches(0, 10**6)
    optimiser = torch.optim.Adam([w for w in stage.network.parameters() if w.requires_grad], lr=3e-3)
    first = None
    for _ in range(22):
        losses = stage.losses(next(batches))
        optimiser.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        nn.utils.clip_grad_norm_(stage.network.parameters(), 1.0)
        optimiser.step()
        first = first or {key: float(value) for key, value in losses.items()}
    assert first is not None and float(losses["near"]) < 0.4 * first["near"]
    assert float(losses["relatives"]) < 0.5 * first["relatives"]


def test_a_head_is_as_sure_as_it_may_be() -> None:
    """One that says the same everywhere, and two thirds too high: afterwards it is right on average."""
    torch.manual_seed(0)
    linear, inputs = nn.Linear(4, 100), torch.randn(4000, 4)
    truth = (20 + 5 * inputs[:, 0] + 2 * torch.randn(4000)).long().clamp(0, 49)
    with torch.no_grad():
        linear.bias.copy_(0.3 * torch.arange(100))
    before = linear.weight.clone()
    temper(linear, torch.arange(50), inputs, truth)
    said = (torch.softmax(linear(inputs)[:, :50], -1) @ torch.arange(50.0)).detach()
    assert float(said.mean()) == pytest.approx(float(truth.float().mean()), abs=0.3)
    assert torch.equal(before[50:], linear.weight[50:])


def test_going_on_leaves_what_was_learned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("training.esmfold.fold.PAIRS", 2 * 24**2)
    monkeypatch.setattr("training.esmfold.fold.LENGTHS", ((0.0, (24,)),))
    chains = chains_of(["H" * 40, "E" * 40, "HE" * 20])
    torch.manual_seed(0)
    Loop(Fold(chains, {}), tmp_path, "fold", 2).run()
    with torch.no_grad():
        kept = torch.load(tmp_path / "fold.pt", weights_only=True)
        bias = kept["network"]["network.trunk.structure_module.ipa.linear_b.bias"].add_(3.0)
    torch.save(kept, tmp_path / "fold.pt")
    fold = Fold(chains, {})
    training = Loop(fold, tmp_path, "fold", 3)
    training.run()
    now = fold.fold.trunk.structure_module.ipa.linear_b.bias
    assert training.step == 3 and torch.allclose(now, bias, atol=0.01), "a step moves it by the rate at most"


def test_without_chains_to_check_there_is_nothing_to_tell() -> None:
    assert Fold(chains_of(["H" * 30, "E" * 30])).scores() == {}


def test_a_check_tells_how_good_folds_are_and_how_sure() -> None:
    few = chains_of(["HHHHHHHHHHEEEEEEEEEE" * 2] * 2, part=CHECK)
    found = Fold(replace(few, part=np.array([TRAIN, CHECK]))).scores()
    assert set(found) == {"tm", "lddt", "plddt", "helix", "strand"} and 0 <= found["tm"] <= 1
