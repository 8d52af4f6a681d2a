"""The training of the videos starter: what it sees, what is kept apart, that it goes on where it stopped."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.matting.engines.modnet import MODNet
from backends.matting.engines.modnet_weights import load_modnet, reference_side, unpacked
from training.loop import Loop, averaged_weights
from training.modnet import recipe
from training.modnet.__main__ import beginning
from training.modnet.adaptation import ADAPTED, Adaptation, agreement_losses
from training.modnet.composites import CHANNELS, Composer, boundary
from training.modnet.export import export, packed, settled
from training.modnet.people import Item, People, off_white
from training.modnet.recipe import REFERENCE, SEMANTIC, STAGES, WHOLE, Matting, Stage, modnet_losses
from training.plots import read_log

SIDE = 96
PERSON, WALL = np.array([220, 40, 30], np.uint8), np.array([20, 60, 200], np.uint8)


def a_person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Photo, colours and alpha of a red disc with shoulders before a blue wall."""
    y, x = np.mgrid[:SIDE, :SIDE]
    disc = (x - SIDE / 2) ** 2 + (y - SIDE / 3) ** 2 < (SIDE / 6) ** 2
    alpha = np.where(disc | ((y > SIDE / 2) & (abs(x - SIDE / 2) < SIDE / 3)), 255, 0).astype(np.uint8)
    colours = np.broadcast_to(PERSON, (SIDE, SIDE, 3))
    return np.where(alpha[..., None] > 0, colours, WALL).astype(np.uint8), colours, alpha


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one person under every kind, one of them kept apart, and one blue wall."""
    folder = tmp_path_factory.mktemp("work")
    (folder / "store").mkdir()
    photo, colours, alpha = a_person()
    one = np.concatenate([photo.ravel(), colours.ravel(), alpha.ravel()])
    wall = np.broadcast_to(WALL, (SIDE, SIDE, 3)).ravel()
    kinds = ("street", "portraits", "catalogue", "cutouts", "unlabelled_office", "unlabelled_portraits")
    items = [Item(kind, "one", SIDE, SIDE, 0, True, False) for kind in kinds]
    items.append(Item("portraits", "apart", SIDE, SIDE, 0, True, True))
    items.append(Item("backgrounds", "wall", SIDE, SIDE, len(one), True, False))
    np.save(folder / "store" / "people.npy", np.concatenate([one, wall, wall, np.zeros(SIDE * SIDE, np.uint8)]))
    (folder / "store" / "people.json").write_text(json.dumps([asdict(item) for item in items]))
    return folder


def test_what_is_kept_apart_is_not_among_what_is_trained_on(work: Path) -> None:
    people = People(work / "store")
    assert [item.name for item in people.of("portraits")] == ["one"]
    assert [item.name for item in people.of("portraits", held_out=True)] == ["apart"]


def test_white_is_taken_out_of_a_soft_edge() -> None:
    colour, alpha = np.array([80.0, 20, 140]), np.array([[255, 128, 64]], np.uint8)
    a = alpha[..., None] / 255
    photo = np.rint(a * colour + (1 - a) * 255).astype(np.uint8)
    assert np.abs(off_white(photo, alpha).astype(float) - colour).max() <= 3


def test_samples_are_people_before_something_else_and_alpha_says_where(work: Path) -> None:
    samples = Composer(People(work / "store"), 3).batch(24, 64 * 64)
    assert (
        samples.dtype == np.uint8
        and samples.shape[3] == CHANNELS
        and samples.shape[1] % 32 == samples.shape[2] % 32 == 0
    )
    picture, alpha = samples[..., :3].astype(float), samples[..., 3]
    redder = picture[..., 0] - picture[..., 2]
    assert redder[alpha > 250].mean() > redder[alpha < 5].mean() + 30
    assert 0.1 < (alpha > 127).mean() < 0.8


def test_the_boundary_is_a_band_around_the_edge() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[:, 32:] = 1
    band = boundary(alpha)
    assert band[:, 30:34].all() and not band[:, :26].any() and not band[:, 38:].any()


def test_the_losses_are_the_papers() -> None:
    """A network that says one half everywhere, on a picture that is all person."""

    class Half(MODNet):
        def branches(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            full = torch.full_like(image[:, :1], 0.5)
            return full[..., ::16, ::16], full, full

    sample = torch.zeros(1, 64, 64, CHANNELS, dtype=torch.uint8)
    sample[..., 3], sample[:, :32, :, 4], sample[..., 5] = 255, 255, 51  # half of it boundary, contrast a fifth
    losses = modnet_losses(Half(width=0.25), sample)
    assert losses["semantic"].item() == pytest.approx(10 * 0.25, rel=1e-3)
    assert losses["detail"].item() == pytest.approx(10 * 0.5 * 0.5, rel=1e-3)
    assert losses["fusion"].item() == pytest.approx(0.5 + 4 * 0.5 * 0.5 + 0.2 * 0.5, rel=1e-3)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Stage]:
    """The stages with two little pictures at a time, and a quarter of the network's channels."""
    stages = {name: replace(stage, batch=2, areas=(64 * 64, 64 * 64)) for name, stage in STAGES.items()}
    monkeypatch.setattr(recipe, "WIDTH", 0.25)
    for name, value in (
        ("adaptation.BATCH", 2),
        ("adaptation.STAGES", stages),
        ("export.STAGES", stages),
        ("export.SETTLING_BATCHES", 1),
    ):
        monkeypatch.setattr(f"training.modnet.{name}", value)
    return stages


@pytest.mark.slow
def test_a_stage_begins_with_what_the_one_before_learned_and_ends_in_weights_that_load(
    work: Path, small: dict[str, Stage]
) -> None:
    people = People(work / "store")
    Loop(Matting(small[SEMANTIC], people), work, SEMANTIC, 2).run()
    learned = averaged_weights(work / f"{SEMANTIC}.pt")
    whole = Matting(small[WHOLE], people, learned)
    assert all(torch.equal(value, whole.averaged()[name]) for name, value in learned.items())
    training = Loop(whole, work, WHOLE, 1)
    training.run()
    export(work, work / "small.safetensors")
    network = load_modnet(work / "small.safetensors")
    assert reference_side(work / "small.safetensors") == REFERENCE
    average = training.ema.weights["f_branch.conv_f2x.layers.0.weight"]
    assert torch.allclose(network.f_branch.conv_f2x.layers[0].weight, average, atol=1e-3)
    rows = read_log(work / f"{SEMANTIC}.csv") + read_log(work / f"{WHOLE}.csv")
    assert {(row["stage"], row["name"]) for row in rows} == {
        (SEMANTIC, "semantic"), (SEMANTIC, "mad"), (SEMANTIC, "iou"),
        (WHOLE, "semantic"), (WHOLE, "detail"), (WHOLE, "fusion"), (WHOLE, "mad"), (WHOLE, "iou"),
    }  # fmt: skip


def test_a_pale_matte_is_settled_by_the_last_layer_alone(work: Path, small: dict[str, Stage]) -> None:
    torch.manual_seed(0)
    pale = {name: value.clone() for name, value in recipe.without_second_encoder(recipe.untrained()).items()}
    last = "f_branch.conv_f.1.layers.0"
    done = settled(pale, People(work / "store"), batches=1)
    assert [name for name in pale if not torch.equal(pale[name], done[name])] == [f"{last}.weight", f"{last}.bias"]
    ratio = done[f"{last}.weight"] / pale[f"{last}.weight"]
    assert ratio.min() == pytest.approx(ratio.max().item(), rel=1e-4) and ratio.min() >= 1


def test_packed_weights_come_back_within_half_a_step_of_their_channel() -> None:
    torch.manual_seed(1)
    state = {
        "large.weight": torch.randn(16, 32, 3, 3) * torch.logspace(-3, 0, 16)[:, None, None, None],
        "small.weight": torch.randn(4, 4, 3, 3),
        "bias": torch.randn(16),
        "count": torch.tensor(3),
    }
    state["large.weight"][5] = 0
    stored = packed(state)
    assert stored["large.weight"].dtype == torch.int8 and stored["small.weight"].dtype == torch.float16
    back = unpacked(stored)
    assert set(back) == set(state) and back["count"] == 3
    step = state["large.weight"].abs().amax(dim=(1, 2, 3), keepdim=True) / 127
    assert ((back["large.weight"] - state["large.weight"]).abs() <= 0.501 * step).all()
    assert torch.allclose(back["small.weight"].float(), state["small.weight"], atol=4e-3)


def test_the_losses_of_the_adaptation_ask_for_agreement_and_for_the_detail_as_it_was() -> None:
    class Says(MODNet):
        """Semantics, detail and matte of one value each, the matte with an edge down the middle."""

        def __init__(self, semantic: float, detail: float) -> None:
            super().__init__(width=0.25)
            self.says = semantic, detail

        def branches(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            full = torch.ones_like(image[:, :1])
            matte = full.clone()
            matte[..., : image.shape[3] // 2] = 0
            return full[..., ::16, ::16] * self.says[0], full * self.says[1], matte

    picture = torch.zeros(1, 3, 64, 64)
    losses = agreement_losses(Says(0.5, 0.5), Says(0.5, 0.75), picture)
    band = boundary(np.repeat([[0.0] * 32 + [1.0] * 32], 64, axis=0).astype(np.float32)).mean() / 255
    # Away from the edge the semantics are off by a half, at it the coarse matte lies between.
    assert 0.5 * 0.25 * 0.5 < losses["agreement"].item() - 0.5 * band < 0.5 * 0.25
    assert losses["detail"].item() == pytest.approx(0.25 * band, rel=1e-2)


def test_training_begins_with_an_encoder_that_has_seen_photographs_and_it_learns_slower() -> None:
    network = recipe.untrained()
    start = beginning(SEMANTIC, Path("nowhere"))
    assert set(start) == {name for name in network.state_dict() if name.startswith("backbone.")}
    learning = Matting(STAGES[SEMANTIC], People.__new__(People), start)
    assert all(torch.equal(value.float(), learning.averaged()[name].float()) for name, value in start.items())
    sizes: dict[float, int] = {}
    for group in (group for one in learning.optimizers() for group in one.param_groups):
        sizes[group["peak"]] = sizes.get(group["peak"], 0) + sum(weight.numel() for weight in group["params"])
    (low, slow), (high, fast) = sorted(sizes.items())
    encoder = sum(weight.numel() for weight in network.backbone.parameters())
    assert slow == encoder and slow + fast == sum(weight.numel() for weight in network.parameters())
    assert low == pytest.approx(recipe.ENCODER_PACE * high)


@pytest.mark.slow
def test_adaptation_leaves_the_statistics_and_ends_in_weights_that_load(
    work: Path, tmp_path: Path, small: dict[str, Stage]
) -> None:
    torch.manual_seed(0)
    shutil.copytree(work / "store", tmp_path / "store")
    before = recipe.without_second_encoder(recipe.untrained())
    Loop(Adaptation(People(tmp_path / "store"), before), tmp_path, ADAPTED, 2).run()
    after = averaged_weights(tmp_path / f"{ADAPTED}.pt")
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and not any("running" in name for name in changed)
    assert {row["name"] for row in read_log(tmp_path / f"{ADAPTED}.csv")} == {"agreement", "detail", "mad", "iou"}
    export(tmp_path, tmp_path / "adapted.safetensors", "adapted.pt")
    assert load_modnet(tmp_path / "adapted.safetensors")
