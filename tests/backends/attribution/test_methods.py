"""Relevance maps: against answers known beforehand, against the formula, and against what the network really does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from open_clip.transformer import VisionTransformer
from torch import nn

from backends.attribution.methods.attention import AttentionTap
from backends.attribution.methods.gradcam import deepest_map
from backends.attribution.registry import METHODS, attribute
from backends.attribution.sanity import deletion, likeness, shuffle_weights
from backends.attribution.types import Attribution, Axis, Network, Parts, Subject, Unsupported, grid_axes
from backends.fewshot.clip.explainable import image_network, text_network, word_groups
from tests.support.fewshot_networks import RESNET, VIT
from tests.support.weights import scattered

TEXT: Any = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2}
QUARTER = np.s_[2:, :2]
"""Of a 4 × 4 map: the lower left."""


def direction(seed: int = 0, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def no_score(variants: Any) -> np.ndarray:
    raise AssertionError("methods that use gradients do not score variants of the input")


def by_gradient(tower: nn.Module, pixels: torch.Tensor, aim: np.ndarray) -> Attribution:
    """The map of an image tower for `aim · f`."""
    subject = Subject("direction", no_score, network=image_network(tower, pixels, aim))
    return attribute(subject, ["attention", "gradcam"])


def occluded(features: Any, picture: np.ndarray, aim: np.ndarray) -> Attribution:
    return attribute(Subject("direction", lambda images: features(images) @ aim, image=picture), ["occlusion"])


@pytest.fixture(scope="module")
def network() -> CLIP:
    torch.manual_seed(0)
    vision: Any = VIT
    return scattered(CLIP(24, vision, TEXT))


def quarter_tower() -> VisionTransformer:
    """A vision transformer set by hand. Channel 0 is a patch's light, 1 marks the lower left quarter, 2 the class
    token, which attends to that quarter alone and takes up its light in channel 3. The feature is (light, 1)."""
    tower = VisionTransformer(32, 8, 8, 1, 1, 1.0, output_dim=2, no_ln_pre=True)
    for name in ("ln_1", "ln_2"):
        setattr(tower.transformer.resblocks[0], name, nn.Identity())
    tower.ln_post = nn.Identity()
    with torch.no_grad():
        for value in tower.parameters():
            value.zero_()
        tower.conv1.weight[0] = 1 / (3 * 8 * 8)
        mark = torch.zeros(4, 4)
        mark[QUARTER] = 1
        tower.positional_embedding[1:, 1] = mark.flatten()
        tower.class_embedding[2] = 1
        attention = tower.transformer.resblocks[0].attn
        attention.in_proj_weight[0, 2] = 20  # query
        attention.in_proj_weight[8, 1] = 20  # key
        attention.in_proj_weight[16, 0] = 1  # value
        attention.out_proj.weight[3, 0] = 1
        tower.proj[3, 0] = tower.proj[2, 1] = 1
    return tower.eval().requires_grad_(False)


def test_a_transformer_that_looks_at_one_quarter_is_mapped_there_by_the_formula() -> None:
    light = torch.rand(4, 4, generator=torch.Generator().manual_seed(3))
    pixels = light.repeat_interleave(8, 0).repeat_interleave(8, 1).expand(1, 3, 32, 32)
    found = by_gradient(quarter_tower(), pixels, np.float32([1, 0]))
    values, method, score = found.values, found.method, found.score
    assert [axis.name for axis in found.axes] == ["row", "column"]
    mean = float(light[QUARTER].mean())
    assert method == "attention" and score == pytest.approx(mean / np.hypot(mean, 1), abs=1e-6)
    # R = A ⊙ ∂s/∂A at the class token: a quarter of the attention each, and the light times ds/dmean.
    expected = np.zeros((4, 4))
    expected[QUARTER] = 0.25 * light[QUARTER].numpy() * (mean**2 + 1) ** -1.5
    assert np.allclose(values, expected, atol=1e-6)
    contrast = by_gradient(quarter_tower(), pixels, np.float32([-1, 0]))
    assert np.allclose(contrast.values, 0), "no patch speaks for the dark"


def naive_relevance(tower: Any, pixels: torch.Tensor, aim: torch.Tensor) -> np.ndarray:
    """The paper's rule written out head by head on attention that is worked out by hand from the weights."""
    x, maps = tower._embeds(pixels), []
    for block in tower.transformer.resblocks:
        y, width = block.ln_1(x), x.shape[-1]
        heads = block.attn.num_heads
        q, k, v = (y @ block.attn.in_proj_weight.T + block.attn.in_proj_bias).split(width, -1)
        mixed = []
        for head in range(heads):
            part = slice(head * width // heads, (head + 1) * width // heads)
            a = (q[..., part] @ k[..., part].transpose(1, 2) / (width // heads) ** 0.5).softmax(-1).requires_grad_(True)
            maps.append((a, heads))
            mixed.append(a @ v[..., part])
        x = x + block.attn.out_proj(torch.cat(mixed, -1))
        x = x + block.mlp(block.ln_2(x))
    score = F.normalize(tower.ln_post(x)[:, 0] @ tower.proj, dim=-1)[0] @ aim
    gradients = torch.autograd.grad(score, [a for a, _ in maps], retain_graph=True)
    relevance = np.eye(maps[0][0].shape[-1])
    for start in range(0, len(maps), maps[0][1]):
        layer = [(maps[i][0][0] * gradients[i][0]).clamp(min=0).detach().numpy() for i in range(start, start + 2)]
        relevance = relevance + np.mean(layer, axis=0) @ relevance
    return relevance[0, 1:].reshape(4, 4)


def test_two_layers_and_heads_agree_with_the_rule_written_out(network: CLIP) -> None:
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    aim = direction()
    found = by_gradient(network.visual, pixels, aim)
    expected = naive_relevance(network.visual, pixels.requires_grad_(True), torch.from_numpy(aim))
    assert np.allclose(found.values, expected, rtol=1e-4, atol=1e-7) and found.values.max() > 0
    exact = F.normalize(network.encode_image(pixels), dim=-1)[0].detach().numpy() @ aim
    assert found.score == pytest.approx(float(exact), abs=1e-5), "the score is that of the untouched network"


def test_maps_are_not_stretched_one_by_one(network: CLIP) -> None:
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    one, two = (by_gradient(network.visual, pixels, scale * direction()) for scale in (1, 0.01))
    assert two.values.max() < 0.02 * one.values.max(), "a weak reason stays weak"


@pytest.mark.parametrize("pooling", ["map", "avg", "token"])
def test_transformers_of_timm_are_mapped_however_they_pool(pooling: str) -> None:
    name = "vit_base_patch16_siglip_224" if pooling == "map" else "vit_tiny_patch16_224"
    kwargs: dict[str, Any] = {} if pooling == "map" else {"global_pool": pooling}
    torch.manual_seed(0)
    tower = timm.create_model(name, embed_dim=16, depth=2, num_heads=2, img_size=64, num_classes=0, **kwargs)
    scattered(tower)
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    found = by_gradient(tower, pixels, direction(size=16))
    assert found.method == "attention" and found.values.shape == (4, 4) and np.ptp(found.values) > 0
    exact = F.normalize(tower(pixels), dim=-1)[0].detach().numpy() @ direction(size=16)
    assert found.score == pytest.approx(float(exact), abs=1e-4)


@pytest.mark.parametrize("mask", ["none", "causal", "float", "bool"])
def test_attention_step_by_step_is_the_fused_one(mask: str) -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 2, 4, 5, 8).unbind(0)
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    how: dict[str, Any] = {
        "none": {},
        "causal": {"is_causal": True},
        "float": {"attn_mask": torch.zeros(5, 5).masked_fill(hidden, -torch.inf)},
        "bool": {"attn_mask": ~hidden},
    }[mask]
    fused = F.scaled_dot_product_attention(q, k, v, **how)
    module = nn.MultiheadAttention(32, 4, batch_first=True).eval()
    x = torch.randn(2, 5, 32)
    other = {"bool": hidden, "none": None}.get(mask, torch.zeros(5, 5).masked_fill(hidden, -torch.inf))
    whole = module(x, x, x, need_weights=False, attn_mask=other)[0]
    with AttentionTap() as tap:
        assert torch.allclose(F.scaled_dot_product_attention(q, k, v, **how), fused, atol=1e-6)
        assert torch.allclose(module(x, x, x, need_weights=False, attn_mask=other)[0], whole, atol=1e-6)
    assert [tuple(kept.shape) for kept in tap.maps] == [(2, 4, 5, 5)] * 2
    assert all(torch.allclose(kept.sum(-1), torch.ones(2, 4, 5)) for kept in tap.maps)


class LightTower(nn.Module):
    """Convolutional, with an answer known beforehand: the map is light and dark, the feature the mean of each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 8, stride=8)
        with torch.no_grad():
            self.conv.weight[0], self.conv.weight[1] = 1 / 192, -1 / 192
            self.conv.bias.copy_(torch.tensor([0.0, 1.0]))  # type: ignore[union-attr]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.conv(pixels).mean((2, 3))


def test_grad_cam_is_the_map_weighed_by_its_mean_gradient() -> None:
    light = torch.rand(4, 4, generator=torch.Generator().manual_seed(3))
    pixels = light.repeat_interleave(8, 0).repeat_interleave(8, 1).expand(1, 3, 32, 32)
    found = by_gradient(LightTower().eval(), pixels, np.float32([1, 0]))
    assert found.method == "gradcam"
    m = float(light.mean())
    size = np.hypot(m, 1 - m)
    slope = np.array([(1 - m) ** 2, -m * (1 - m)]) / size**3  # of m / size by the mean of each channel
    expected = (slope[0] * light.numpy() + slope[1] * (1 - light.numpy())) / 16
    assert np.allclose(found.values, expected, atol=1e-6) and found.score == pytest.approx(m / size, abs=1e-6)


@pytest.mark.parametrize(("side", "layer", "places"), [(224, "layer4", 7), (64, "layer2", 8)])
def test_a_modified_resnet_is_mapped_at_the_deepest_stage_that_says_where(side: int, layer: str, places: int) -> None:
    torch.manual_seed(0)
    vision: Any = {**RESNET, "image_size": side}
    tower = scattered(CLIP(24, vision, TEXT)).visual
    pixels = torch.randn(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    assert deepest_map(tower, pixels) is getattr(tower, layer)
    found = by_gradient(tower, pixels, direction())
    assert found.method == "gradcam" and found.values.shape == (places, places) and np.ptp(found.values) > 0


def quarter_features(pictures: np.ndarray) -> np.ndarray:
    """`(light of the lower left quarter, 1)` as unit rows."""
    side = pictures.shape[1] // 2
    rows = np.stack([pictures[:, side:, :side].mean((1, 2, 3)) / 255, np.ones(len(pictures))], axis=1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def lit(seed: int = 0, side: int = 64) -> np.ndarray:
    """Noise, light in the lower left quarter and dark elsewhere."""
    picture = np.random.default_rng(seed).integers(0, 60, (side, side, 3), dtype=np.uint8)
    picture[side // 2 :, : side // 2] += 180
    return picture


def test_covering_finds_the_quarter_that_counts_in_units_of_the_score() -> None:
    picture = lit()
    found = occluded(quarter_features, picture, np.float32([1, 0]))
    values, score = found.values, found.score
    assert score == pytest.approx(float(quarter_features(picture[None])[0, 0]), abs=1e-6)
    assert values[5:, :3].min() > 0 and values[5:, :3].min() > 10 * np.abs(values[:3]).max()
    covered = picture.copy()  # one window of two by two cells in the corner, by hand
    covered[48:, :16] = picture.mean((0, 1)).round()
    fall = score - float(quarter_features(covered[None])[0, 0])
    assert values[7, 0] == pytest.approx(fall, abs=1e-6)
    assert np.allclose(occluded(quarter_features, picture, np.float32([-1, 0])).values, -values, atol=1e-6)


def test_deletion_tells_a_map_that_is_right_from_one_that_is_not() -> None:
    picture, aim = lit(), np.float32([1, 0])
    right = np.zeros((8, 8), np.float32)
    right[4:, :4] = 1
    subject = Subject("direction", lambda images: quarter_features(images) @ aim, image=picture)
    found = deletion(subject, Attribution(right, grid_axes(), "direction", "occlusion", 0.0))
    assert found.passes and found.gain > 0.02 and found.fractions[0] == 0 and found.fractions[-1] == 1
    assert found.relevant[0] == pytest.approx(float(quarter_features(picture[None])[0, 0]))
    assert np.allclose(found.random[:, [0, -1]], found.relevant[[0, -1]]), "all begin and end alike"
    wrong = deletion(subject, Attribution(-right, grid_axes(), "direction", "occlusion", 0.0))
    assert not wrong.passes and wrong.gain < 0
    assert set(found.arrays()) == {"deletion_shares", "deletion", "deletion_random"}


def test_the_control_knows_nothing_but_has_the_same_numbers(network: CLIP) -> None:
    before = {name: value.clone() for name, value in network.visual.state_dict().items()}
    control = shuffle_weights(network.visual)
    assert all(torch.equal(before[name], value) for name, value in network.visual.state_dict().items())
    weight, other = network.visual.proj, control.get_parameter("proj")
    assert not torch.equal(weight, other) and torch.equal(weight.flatten().sort()[0], other.flatten().sort()[0])
    assert torch.equal(shuffle_weights(network.visual).get_parameter("proj"), other), "the same each time"
    pixels = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    maps = [by_gradient(tower, pixels, direction()).values for tower in (network.visual, control)]
    assert likeness(maps[0], maps[1]) < 0.9
    assert likeness(maps[0], 3 * maps[0]) == pytest.approx(1) and likeness(np.zeros((2, 2)), np.eye(2)) == 0


def red_reader() -> CLIP:
    """A text tower set by hand: the feature is (how red the words are, 1), read evenly from all words so far."""
    tokenizer = open_clip.SimpleTokenizer()
    vision: Any = {**VIT, "layers": 1}
    network = CLIP(2, vision, {**TEXT, "width": 4, "heads": 1, "layers": 1})  # type: ignore[arg-type]
    block = network.transformer.resblocks[0]
    for name in ("ln_1", "ln_2"):
        setattr(block, name, nn.Identity())
    network.ln_final = nn.Identity()
    with torch.no_grad():
        for value in (*network.transformer.parameters(), network.token_embedding.weight):
            value.zero_()
        network.positional_embedding.zero_()[:, 2] = 1
        network.token_embedding.weight[tokenizer.encode("red")[0], 0] = 1
        block.attn.in_proj_weight[8, 0] = 1  # value; queries and keys are alike for all
        block.attn.out_proj.weight[1, 0] = 1
        network.text_projection.zero_()
        network.text_projection[1, 0] = network.text_projection[2, 1] = 1
    return network.eval().requires_grad_(False)


@pytest.mark.slow
def test_the_word_that_counts_is_found_by_the_formula() -> None:
    network = text_network(red_reader(), open_clip.SimpleTokenizer(), "a red car, unbelievably", np.float32([1, 0]))
    found = attribute(Subject("direction", no_score, network=network), ["attention"])
    assert found.axes[0].labels == ("a", "red", "car", ",", "unbelievably") and found.method == "attention"
    tokens = 2 + len(open_clip.SimpleTokenizer().encode("a red car, unbelievably"))
    mean = 1 / tokens
    assert found.score == pytest.approx(mean / np.hypot(mean, 1), abs=1e-6)
    expected = [0, mean * (mean**2 + 1) ** -1.5, 0, 0, 0]
    assert np.allclose(found.values, expected, atol=1e-6)


def test_leaving_a_word_out_is_told_in_units_of_the_score() -> None:
    def features(sentences: Any) -> np.ndarray:
        return np.array([[text.split().count("red"), len(text.split())] for text in sentences], np.float32)

    aim = np.float32([2, 0.5])
    subject = Subject("direction", lambda sentences: features(sentences) @ aim, sentence="a red  car")
    found = attribute(subject, ["attention", "omission"])
    assert found.baseline == "left out"
    assert found.axes[0].labels == ("a", "red", "car") and found.method == "omission" and found.score == 3.5
    assert found.values.tolist() == [0.5, 2.5, 0.5]


def test_words_are_put_together_from_the_pieces_of_the_hub_s_tokenizers() -> None:
    class Inner:
        all_special_ids = (0, 1)
        pieces = ("<pad>", "</s>", "▁un", "believ", "able", "▁cat")

        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return [self.pieces[number] for number in ids]

        def decode(self, ids: list[int]) -> str:
            return "".join(self.convert_ids_to_tokens(ids)).replace("▁", " ")

    class Hub:
        tokenizer = Inner()

    assert word_groups(Hub(), [2, 3, 4, 5, 1, 0, 0]) == [("unbelievable", [0, 1, 2]), ("cat", [3])]


def test_a_method_that_does_not_apply_gives_way_to_the_next() -> None:
    words = Subject(
        "length", lambda sentences: np.array([len(text) for text in sentences], np.float32), sentence="a bc"
    )
    assert attribute(words).method == "omission"
    with pytest.raises(Unsupported, match="attention, gradcam"):
        attribute(words, ["attention", "gradcam"])
    odd = image_network(quarter_tower(), torch.rand(1, 3, 32, 32), np.float32([1, 0]))
    assert isinstance(odd, Network) and odd.transformer is not None
    with pytest.raises(Unsupported):  # a vision transformer has no map for Grad-CAM but its patches
        attribute(Subject("direction", no_score, network=odd), ["gradcam"])


def test_a_coarse_map_of_a_network_has_the_axes_of_the_picture_it_lies_over() -> None:
    axes = (Axis("y", coordinates=(0.25, 0.75)), Axis("x", coordinates=(0.2, 0.4, 0.6, 0.8)))
    cells = Parts(axes, (2, 4), lambda keep: np.zeros(len(keep)))
    subject = Subject("a thing", None, given_cells=cells)
    there = subject.attribution(np.zeros((2, 2)), grid_axes(), "gradcam", 0.0)
    assert [axis.name for axis in there.axes] == ["y", "x"]
    assert np.allclose(there.axes[0].coordinates, (0.25, 0.75)) and np.allclose(there.axes[1].coordinates, (0.3, 0.7))


def test_from_coarse_to_fine_what_matters_is_covered_one_by_one_and_the_rest_by_blocks() -> None:
    worth = np.zeros((4, 6))
    worth[0, 1], worth[1, 0], worth[3, 5] = 4.0, -2.0, 1.0
    cells = Parts(grid_axes(), worth.shape, lambda keep: (keep * worth).sum((1, 2)), "nothing")
    looks: list[Attribution] = []
    subject = Subject("sum", given_cells=cells, preview=looks.append)
    found = attribute(subject, ["coarse_to_fine"])
    assert subject.meter.count == METHODS["coarse_to_fine"].cost(subject.size) == 1 + 6 + 9
    assert found.values == pytest.approx(worth), (
        "9 of 24 parts are looked at closely: those of the two strongest blocks"
    )
    assert looks[0].values[:2, :2] == pytest.approx(np.full((2, 2), 0.5)), "the first look knows blocks alone"


def test_a_quarter_of_the_windows_give_a_first_map_and_none_is_asked_twice() -> None:
    worth = np.zeros((4, 7))
    worth[0, 1], worth[3, 6] = 4.0, -2.0
    cells = Parts(
        grid_axes(), worth.shape, lambda keep: (keep * worth).sum((1, 2)), "nothing", window=(2, 2), stride=(1, 1)
    )
    looks: list[tuple[int, Attribution]] = []
    subject = Subject("sum", given_cells=cells)
    subject = replace(subject, preview=lambda first: looks.append((subject.meter.count, first)))
    found = attribute(subject, ["occlusion"])
    assert subject.meter.count == METHODS["occlusion"].cost(subject.size) == 1 + 3 * 6
    ((asked, first),) = looks
    assert asked == 1 + 2 * 3 and first.values.shape == worth.shape
    assert (first.values[:2, :2] == 4).all() and not first.values[:2, 2:].any() and not first.values[2:, :4].any()
    assert found.values[0, 1] == pytest.approx(4) and found.values[3, 6] == pytest.approx(-2)
