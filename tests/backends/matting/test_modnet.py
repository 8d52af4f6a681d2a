"""MODNet: the names and sizes of the published checkpoints, and what its loader takes and refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from backends.core.errors import WeightsBroken, WeightsMissing
from backends.matting.engines.encoders import EfficientNetLite0
from backends.matting.engines.modnet import MODNet, working_size
from backends.matting.engines.modnet_engine import FromBytes, to_onnx
from backends.matting.engines.modnet_weights import load_modnet, reference_side


@pytest.fixture(scope="module")
def small() -> MODNet:
    torch.manual_seed(7)
    return MODNet(width=0.25).eval()


def test_the_published_network_has_751_tensors_and_6487075_parameters() -> None:
    network = MODNet()
    assert len(network.state_dict()) == 751
    assert sum(parameter.numel() for parameter in network.parameters()) == 6_487_075


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        ("backbone.model.features.0.0.weight", (32, 3, 3, 3)),
        ("backbone.model.features.1.conv.3.weight", (16, 32, 1, 1)),
        ("backbone.model.features.7.conv.0.weight", (192, 32, 1, 1)),
        ("lr_branch.backbone.model.features.18.1.running_var", (1280,)),
        ("lr_branch.se_block.fc.0.weight", (320, 1280)),
        ("lr_branch.se_block.fc.2.weight", (1280, 320)),
        ("lr_branch.conv_lr16x.layers.0.weight", (96, 1280, 5, 5)),
        ("lr_branch.conv_lr16x.layers.1.bnorm.weight", (48,)),
        ("lr_branch.conv_lr8x.layers.0.bias", (32,)),
        ("lr_branch.conv_lr.layers.0.weight", (1, 32, 3, 3)),
        ("hr_branch.tohr_enc4x.layers.0.weight", (32, 24, 1, 1)),
        ("hr_branch.conv_enc2x.layers.0.weight", (32, 35, 3, 3)),
        ("hr_branch.conv_hr4x.0.layers.0.weight", (64, 99, 3, 3)),
        ("hr_branch.conv_hr2x.3.layers.1.bnorm.num_batches_tracked", ()),
        ("hr_branch.conv_hr.1.layers.0.weight", (1, 32, 1, 1)),
        ("f_branch.conv_lr4x.layers.0.weight", (32, 32, 5, 5)),
        ("f_branch.conv_f2x.layers.0.weight", (32, 64, 3, 3)),
        ("f_branch.conv_f.0.layers.0.weight", (16, 35, 3, 3)),
        ("f_branch.conv_f.1.layers.0.weight", (1, 16, 1, 1)),
    ],
)
def test_keys_and_shapes_are_those_of_the_published_checkpoints(key: str, shape: tuple[int, ...]) -> None:
    assert tuple(MODNet().state_dict()[key].shape) == shape


def test_both_names_of_the_encoder_are_one_and_the_same(small: MODNet) -> None:
    assert small.lr_branch.backbone is small.backbone


def test_half_of_each_norm_ignores_the_contrast_of_the_picture(small: MODNet) -> None:
    norm = small.f_branch.conv_f2x.layers[1]
    x = torch.randn(1, 2 * norm.split, 8, 8)
    once, thrice = norm(x), norm(3 * x)
    assert torch.allclose(once[:, norm.split :], thrice[:, norm.split :], atol=1e-3)
    assert not torch.allclose(once[:, : norm.split], thrice[:, : norm.split], atol=1e-1)


@torch.no_grad()
def test_branches_have_the_papers_scales_and_the_same_matte_as_forward(small: MODNet) -> None:
    image = torch.rand(2, 3, 64, 96) * 2 - 1
    semantic, detail, matte = small.branches(image)
    assert semantic.shape == (2, 1, 4, 6)
    assert detail.shape == matte.shape == (2, 1, 64, 96)
    assert torch.equal(matte, small(image))
    assert matte.min() >= 0 and matte.max() <= 1


@torch.no_grad()
def test_efficientnet_as_the_encoder_is_known_from_the_weights_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = MODNet(0.25, encoder=EfficientNetLite0()).eval()
    image = torch.rand(1, 3, 64, 96) * 2 - 1
    assert [tuple(x.shape) for x in network.backbone(image)] == [
        (1, 16, 32, 48), (1, 24, 16, 24), (1, 40, 8, 12), (1, 112, 4, 6), (1, 320, 2, 3),
    ]  # fmt: skip
    once = {name: value for name, value in network.state_dict().items() if not name.startswith("lr_branch.backbone.")}
    save_file(once, tmp_path / "lite.safetensors")
    loaded = load_modnet(tmp_path / "lite.safetensors")
    assert torch.allclose(loaded(image), network(image), atol=1e-6)
    del once["backbone.model.blocks.3.0.conv_dw.weight"]
    save_file(once, tmp_path / "less.safetensors")
    with pytest.raises(WeightsBroken, match="does not fit"):
        load_modnet(tmp_path / "less.safetensors")


def test_a_scale_for_another_number_of_channels_is_refused(tmp_path: Path, small: MODNet) -> None:
    state = {name: value.clone() for name, value in small.state_dict().items()}
    name = "hr_branch.conv_hr4x.0.layers.0.weight"
    state[name], state[name + ".scale"] = torch.ones_like(state[name], dtype=torch.int8), torch.ones(3)
    save_file(state, tmp_path / "odd.safetensors")
    with pytest.raises(WeightsBroken, match="does not fit together"):
        load_modnet(tmp_path / "odd.safetensors")


@pytest.mark.slow
def test_efficientnet_on_a_processor_gives_the_matte_of_torch_at_any_size() -> None:
    torch.manual_seed(4)
    network = FromBytes(MODNet(0.25, encoder=EfficientNetLite0()).eval())
    session = onnxruntime.InferenceSession(to_onnx(network.network), providers=["CPUExecutionProvider"])
    for size in ((64, 96), (160, 32)):
        frames = torch.randint(0, 256, (2, *size, 3), dtype=torch.uint8)
        with torch.inference_mode():
            expected = network(frames).numpy()
        assert np.abs(session.run(None, {"frames": frames.numpy()})[0] - expected).max() < 1e-3


def published(network: MODNet) -> dict[str, torch.Tensor]:
    """The state as the release wrote it: from inside a DataParallel."""
    return torch.nn.DataParallel(network).state_dict()


@torch.no_grad()
def test_a_checkpoint_with_the_released_prefix_gives_the_same_matte(small: MODNet, tmp_path: Path) -> None:
    state = published(small)
    assert all(key.startswith("module.") for key in state)
    torch.save(state, tmp_path / "modnet.ckpt", _use_new_zipfile_serialization=False)  # the release's old format
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    assert torch.equal(load_modnet(tmp_path / "modnet.ckpt")(image), small(image))


@torch.no_grad()
def test_safetensors_with_the_encoder_stored_once_gives_the_same_matte(small: MODNet, tmp_path: Path) -> None:
    state = {key: value for key, value in small.state_dict().items() if not key.startswith("lr_branch.backbone.")}
    save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "modnet.safetensors")
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    assert torch.equal(load_modnet(tmp_path / "modnet.safetensors")(image), small(image))


@torch.no_grad()
def test_weights_in_half_precision_load_and_say_what_size_they_want(small: MODNet, tmp_path: Path) -> None:
    state = {key: value.contiguous() for key, value in small.state_dict().items() if "lr_branch.backbone" not in key}
    halves = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
    path = tmp_path / "half.safetensors"
    save_file(halves, path, {"reference": "288"})
    image = torch.rand(1, 3, 64, 64) * 2 - 1
    assert torch.allclose(load_modnet(path)(image), small(image), atol=0.02)
    assert reference_side(path) == 288
    assert working_size(720, 1280, reference_side(path)) == (288, 512)


def test_a_size_that_makes_no_sense_is_refused(small: MODNet, tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "odd.safetensors", {"reference": "-3"})
    with pytest.raises(WeightsBroken, match="makes no sense"):
        reference_side(tmp_path / "odd.safetensors")


def test_weights_that_note_no_size_are_for_that_of_the_release(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "plain.safetensors")
    assert reference_side(tmp_path / "plain.safetensors") == reference_side(tmp_path / "any.ckpt") == 512


def test_weights_that_are_not_there_say_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="not there"):
        load_modnet(tmp_path / "absent.ckpt")


def broken_files(small: MODNet) -> dict[str, object]:
    state = published(small)
    wrong_shape = {**state, "module.f_branch.conv_f.1.layers.0.weight": torch.zeros(1, 3, 1, 1)}
    missing = {key: value for key, value in state.items() if "conv_hr2x" not in key}
    return {
        "of another network": {"conv1.weight": torch.zeros(64, 3, 7, 7)},
        "does not fit": wrong_shape,
        "not fit MODNet's": missing,
        "something other": [1, 2, 3],
    }


@pytest.mark.parametrize("words", ["of another network", "does not fit", "not fit MODNet's", "something other"])
def test_a_wrong_checkpoint_is_refused_in_one_sentence(small: MODNet, tmp_path: Path, words: str) -> None:
    path = tmp_path / "wrong.ckpt"
    torch.save(broken_files(small)[words], path)
    with pytest.raises(WeightsBroken, match=words) as caught:
        load_modnet(path)
    assert "\n" not in caught.value.sentence


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (exec, (f"open({str(tmp_path / 'sprung')!r}, 'w')",))

    torch.save({"weight": Trap()}, tmp_path / "trap.ckpt")
    with pytest.raises(WeightsBroken):
        load_modnet(tmp_path / "trap.ckpt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1920), (512, 896)),  # 910 floored
        ((480, 640), (480, 640)),  # straddles 512: left alone
        ((240, 320), (512, 672)),  # small pictures are enlarged
        ((1920, 1080), (896, 512)),
        ((16, 600), (32, 576)),  # never zero
    ],
)
def test_working_size_is_that_of_the_release(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert working_size(*size) == expected
