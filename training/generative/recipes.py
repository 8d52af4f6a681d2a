"""What each of the small networks learns, and by which loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F

from backends.generation.networks.attention import LENGTH, LETTERS, Follower, answers
from backends.generation.networks.diffusion import Denoiser, mixing
from backends.generation.networks.gan import NOISE_SIZE, Critic, Generator
from backends.generation.networks.judge import Judge
from backends.generation.networks.vae import BETAS, VAE, misfit
from evaluation.generative import count_modes, fixed_noise
from evaluation.synthetic.small_worlds import CHANNELS, COUNTS, HELD_OUT, LABELS, TRAIN, Examples, examples
from training.loop import Recipe, optimizer, warm_then_linear, weights_swapped_in


class OnExamples(Recipe):
    """A recipe whose batches are examples of one world, "pictures" or "sounds"."""

    batch, rate = 64, 2e-3
    log_every, check_every = 50, 500
    ema_decay = 0.995

    def __init__(self, world: str, train: Examples | None = None, held_out: Examples | None = None) -> None:
        self.world = world
        self.train = train or examples(world, TRAIN, COUNTS[world])
        self.held_out = held_out or examples(world, HELD_OUT, 1000)
        torch.manual_seed(0)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, self.rate, decay=0.01, betas=(0.9, 0.99))]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=100, fall=0.5)

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        rng = np.random.default_rng((7, step))
        while True:
            yield self.train.some(rng, self.batch)


class JudgeRecipe(OnExamples):
    """The classifier, on examples with some noise, and on spoilt ones that are to be called none of them."""

    rate, aside = 4e-3, 0.3

    def __init__(self, world: str, **data: Any) -> None:
        super().__init__(world, **data)
        self.network = Judge(CHANNELS[world], LABELS[world])

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        x, labels = batch
        x = x + 0.1 * torch.rand(len(x), 1, 1, 1) * torch.randn_like(x)
        parts = [F.cross_entropy(told, labels[:, k]) for k, told in enumerate(self.network(x))]
        strange = F.cross_entropy(self.network(spoil(x))[0], torch.full_like(labels[:, 0], LABELS[self.world][0]))
        named = torch.stack(parts).sum()
        return named + self.aside * strange, {"named": named, "strange": strange}

    @torch.no_grad()
    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        with weights_swapped_in(self.network, weights):
            told = self.network(self.held_out.x)
        right = [(one.argmax(1) == self.held_out.labels[:, k]).float().mean() for k, one in enumerate(told)]
        return {f"right{k}": float(share) for k, share in enumerate(right)}


def spoil(x: Tensor) -> Tensor:
    """A third of `(B, C, 16, 16)` each: two blended, pieces shuffled, and noise or one flat colour."""
    blended, shuffled, empty = x.tensor_split(3)
    share = torch.empty(len(blended), 1, 1, 1).uniform_(0.4, 0.6)
    blended = share * blended + (1 - share) * blended.roll(1, 0)
    pieces = shuffled.unfold(2, 4, 4).unfold(3, 4, 4)[:, :, torch.randperm(4)][:, :, :, torch.randperm(4)]
    shuffled = pieces.permute(0, 1, 2, 4, 3, 5).reshape(shuffled.shape)
    noise = torch.empty(len(empty), 1, 1, 1).uniform_(0, 1) * torch.randn_like(empty)
    flat = torch.empty(len(empty), x.shape[1], 1, 1).uniform_(-0.9, 0.9)
    return torch.cat([blended, shuffled, flat + noise])


class VAERecipe(OnExamples):
    """−ELBO with a β for each example, uniform in its logarithm; large β count less, or they would drown the others."""

    def __init__(self, world: str, size: int, **data: Any) -> None:
        super().__init__(world, **data)
        self.network = VAE(CHANNELS[world], size)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        x, _ = batch
        low, high = np.log10(BETAS)
        beta = 10 ** (low + (high - low) * torch.rand(len(x)))
        code = self.network.encode(x, beta)
        error = misfit(self.network.decode(code.sample(), beta), x)
        bits = code.divergence().sum(1)
        loss = ((error + beta * bits) / (1 + beta).sqrt()).mean() / 100
        return loss, {"misfit": error.mean(), "divergence": bits.mean()}

    @torch.no_grad()
    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        measures = {}
        with weights_swapped_in(self.network, weights):
            for level in (0.1, 1.0, 10.0):
                beta = torch.full((len(self.held_out),), level)
                code = self.network.encode(self.held_out.x, beta)
                made = self.network.decode(code.mean, beta)
                measures[f"error, β {level:g}"] = float((made - self.held_out.x).square().mean())
                measures[f"nats, β {level:g}"] = float(code.divergence().sum(1).mean())
        return measures


class DiffusionRecipe(OnExamples):
    """‖v − v̂‖², with labels hidden at times so that the network also knows pictures of any kind."""

    rate, ema_decay = 2e-3, 0.998
    all_hidden, one_hidden = 0.12, 0.1

    def __init__(self, world: str, **data: Any) -> None:
        super().__init__(world, **data)
        self.network = Denoiser(CHANNELS[world], LABELS[world])

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        x, labels = batch
        hidden = (torch.rand(len(x), 1) < self.all_hidden) | (torch.rand(labels.shape) < self.one_hidden)
        labels = torch.where(hidden, torch.tensor(self.network.any_label), labels)
        error = self._error(x, labels, torch.rand(len(x)))
        return error, {"error": error}

    def _error(self, x: Tensor, labels: Tensor, time: Tensor) -> Tensor:
        alpha, sigma = (part[:, None, None, None] for part in mixing(time))
        noise = torch.randn_like(x)
        told = self.network(alpha * x + sigma * noise, time, labels)
        return F.mse_loss(told, alpha * noise - sigma * x)

    @torch.no_grad()
    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        with weights_swapped_in(self.network, weights):
            time = torch.linspace(0.01, 0.99, len(self.held_out))
            return {"held-out error": float(self._error(self.held_out.x, self.held_out.labels, time))}


class Pair(nn.Module):
    """Both networks of a GAN."""

    def __init__(self, channels: int, sees_batch: bool) -> None:
        super().__init__()
        self.generator, self.critic = Generator(channels), Critic(channels, sees_batch)


class GANRecipe(OnExamples):
    """Both networks learn at once, each by its own logistic loss.

    Healthy: the critic sees how much a batch varies, and its slope at real pictures is kept small (R1, Mescheder et al.
    2018). Collapsing: neither, and the generator learns faster than its critic.
    """

    batch, clip_norm = 64, 1e3
    check_every = 100

    def __init__(self, world: str, healthy: bool, judge: nn.Module, film: Path | None = None, **data: Any) -> None:
        """`judge` counts kinds while it learns; `film` is a folder for the generator's weights at every check."""
        super().__init__(world, **data)
        self.healthy, self.judge, self.film = healthy, judge, film
        self.network = Pair(CHANNELS[world], sees_batch=healthy)
        self.ema_decay = 0.998 if healthy else 0.5
        self.count = 0

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        self.count = step
        return super().batches(step, steps)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        makes, judges = (1e-3, 1e-3) if self.healthy else (2e-3, 3e-4)
        betas = (0.0, 0.99) if self.healthy else (0.5, 0.9)
        pair = self.network
        assert isinstance(pair, Pair)
        return [
            optimizer(torch.optim.Adam, pair.generator, makes, betas=betas),
            optimizer(torch.optim.Adam, pair.critic, judges, betas=betas),
        ]

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Mapping[str, Tensor]]:
        pair = self.network
        assert isinstance(pair, Pair)
        real, _ = batch
        made = pair.generator(torch.randn(len(real), NOISE_SIZE))
        seen = {name: value.detach() for name, value in pair.critic.named_parameters()}
        makes = F.softplus(-torch.func.functional_call(pair.critic, seen, (made,))).mean()
        judges = F.softplus(pair.critic(made.detach())).mean() + F.softplus(-pair.critic(real)).mean()
        self.count += 1
        total = makes + judges
        if self.healthy and self.count % 8 == 0:
            total = total + 8 * 0.5 * self._gradient_penalty(real)
        return total, {"generator": makes, "critic": judges}

    def _gradient_penalty(self, real: Tensor) -> Tensor:
        """Mean ‖∇ D(x)‖² at real pictures, for R1."""
        real = real.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(self.network.critic(real).sum(), real, create_graph=True)  # type: ignore
        return slope.square().flatten(1).sum(1).mean()

    @torch.no_grad()
    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        ours = {name.removeprefix("generator."): value for name, value in weights.items() if "generator." in name}
        if self.film is not None:
            self.film.mkdir(parents=True, exist_ok=True)
            half = {name: value.half().contiguous() for name, value in ours.items()}
            save_file(half, self.film / f"{self.count:05d}.safetensors")
        generator = Generator(CHANNELS[self.world])
        generator.load_state_dict(ours)
        modes, sure = count_modes(self.judge, generator(fixed_noise(512)))
        return {"modes": float(modes), "sure": sure}


class FollowerRecipe(Recipe):
    """Random letters, and at each the question what followed it the last time."""

    batch, rate = 96, 3e-3
    ema_decay, log_every, check_every = 0.99, 50, 200

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = Follower()

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, self.rate, decay=0.01, betas=(0.9, 0.98))]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=100, fall=0.5)

    def batches(self, step: int, steps: int) -> Iterator[Tensor]:
        rng = torch.Generator().manual_seed(step)
        while True:
            yield torch.randint(LETTERS, (self.batch, LENGTH), generator=rng)

    def loss(self, batch: Tensor) -> tuple[Tensor, Mapping[str, Tensor]]:
        told, _ = self.network(batch)
        wanted = answers(batch)
        loss = F.cross_entropy(told.flatten(0, 1), wanted.flatten(), ignore_index=-100)
        return loss, {"loss": loss}

    @torch.no_grad()
    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        letters = torch.randint(LETTERS, (200, LENGTH), generator=torch.Generator().manual_seed(10**6))
        wanted = answers(letters)
        with weights_swapped_in(self.network, weights):
            told, maps = self.network(letters)
        known = wanted >= 0
        before = maps[0].diagonal(-1, 2, 3).mean((0, 2))
        return {
            "right": float((told.argmax(-1) == wanted)[known].float().mean()),
            "letter before": float(before.max()),
        }
