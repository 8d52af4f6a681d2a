"""What the page says of the shipped networks, loosely: each sentence could come out false."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backends.generation.digests import DIGESTS
from backends.generation.engines.diffusion import denoise
from backends.generation.networks.attention import HEADS, LENGTH, LETTERS, Switches, answers
from backends.generation.shipped import FOLDER, NETWORKS, load
from evaluation import generative
from evaluation.synthetic.small_worlds import PICTURES, SOUNDS, Examples, examples

REAL: Examples = examples(PICTURES, seed=11, count=120)


def judge() -> Any:
    return load("pictures-judge")


def test_the_networks_fit_the_page_together() -> None:
    assert sum((FOLDER / f"{name}.safetensors").stat().st_size for name in DIGESTS) <= 1e6
    assert all(sum(weight.numel() for weight in make().parameters()) <= 500_000 for make in NETWORKS.values())


def test_the_judge_knows_real_ones_and_not_noise() -> None:
    read, _ = generative.readings(judge(), REAL.x)
    assert (read == REAL.labels).all(1).float().mean() > 0.85
    assert generative.count_modes(judge(), torch.rand_like(REAL.x) * 2 - 1)[1] < 0.1


def test_the_healthy_gan_covers_more_kinds_than_the_collapsed_one() -> None:
    noise = generative.fixed_noise(256, seed=1)
    healthy, _ = generative.count_modes(judge(), load("pictures-gan")(noise))
    collapsed, _ = generative.count_modes(judge(), load("pictures-gan-collapsing")(noise))
    assert healthy > collapsed + 3


def test_the_error_of_a_vae_falls_as_its_code_grows_and_its_code_says_less_as_it_gets_dearer() -> None:
    errors, nats = {}, {}
    for size in (2, 8):
        network: Any = load(f"pictures-vae-{size}")
        for beta in (1.0, 30.0):
            price = torch.full((len(REAL),), beta)
            code = network.encode(REAL.x, price)
            errors[size, beta] = float((network.decode(code.mean, price) - REAL.x).square().mean())
            nats[size, beta] = float(code.divergence().sum(1).mean())
    assert errors[8, 1.0] < 0.7 * errors[2, 1.0]
    assert nats[8, 30.0] < 0.8 * nats[8, 1.0]


def test_guidance_raises_the_share_that_is_read_as_asked() -> None:
    network: Any = load("pictures-diffusion")
    labels = REAL.labels[:40]
    noise = torch.randn(40, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    right = {}
    for guidance in (0.0, 3.0):
        *_, last = denoise(network, noise, labels, steps=6, guidance=guidance, kept=None)
        right[guidance] = float((generative.readings(judge(), last.guess)[0] == labels).all(1).float().mean())
    assert right[0.0] < 0.25 and right[3.0] > right[0.0] + 0.3


def test_switching_heads_off_lowers_accuracy_and_so_does_taking_positions_away() -> None:
    network: Any = load("attention")
    letters = torch.randint(LETTERS, (60, LENGTH), generator=torch.Generator().manual_seed(3))
    wanted = answers(letters)

    def right(switches: Switches) -> float:
        return float((network(letters, switches)[0].argmax(-1) == wanted)[wanted >= 0].float().mean())

    whole, second = right(Switches()), frozenset((1, head) for head in range(HEADS))
    assert whole > 0.97
    assert min(right(Switches(frozenset({(0, head)}))) for head in range(HEADS)) < whole - 0.05
    assert right(Switches(second)) < 0.5 and right(Switches(positions=False)) < 0.5


@pytest.mark.slow
def test_the_networks_of_sounds_make_kinds_that_a_judge_knows_and_bring_sounds_back() -> None:
    made = load("sounds-gan")(generative.fixed_noise(256, seed=1))
    modes, sure = generative.count_modes(load("sounds-judge"), made)
    assert modes >= 4 and sure > 0.25, "of six kinds"
    real, network = examples(SOUNDS, seed=11, count=40), load("sounds-vae-8")
    price = torch.ones(len(real))
    back: Any = network.decode(network.encode(real.x, price).mean, price)  # type: ignore[operator]
    plain = (real.x.mean(0) - real.x).square().mean()
    assert (back - real.x).square().mean() < 0.3 * plain, "against the mean of all"
