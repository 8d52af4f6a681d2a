"""The `diffusion` engine: a picture or a sound out of noise, in steps that can be watched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from backends.core.engine import Artifact, Event, Partial, Progress
from backends.core.errors import BadInput
from backends.generation.base import CHANNELS, SIDE, Film, GenerationEngine
from backends.generation.networks.diffusion import Denoiser, mixing
from backends.generation.options import ANY, COLOURS, KINDS, DiffusionOptions


@dataclass(frozen=True)
class Step:
    """After step `number`: what is left of the noise, `x`, and the present guess of the clean picture."""

    number: int
    x: Tensor
    guess: Tensor


def denoise(
    network: Denoiser,
    noise: Tensor,
    labels: Tensor,
    *,
    steps: int,
    guidance: float,
    kept: tuple[Tensor, Tensor] | None,
) -> Iterator[Step]:
    """DDIM without further noise (Song et al. 2021), with classifier-free guidance (Ho & Salimans 2022).

    At each time v = v_any + w (v_labels − v_any); then x₀ = α x − σ v, ε = σ x + α v, and x = α' x₀ + σ' ε at the next,
    earlier time. What is known of the picture replaces the guess where it is to stay.

    Args:
        network: the denoiser.
        noise: `(B, C, 16, 16)` that it begins with.
        labels: `(B, L)`.
        steps: from time 1 to 0, all of one length.
        guidance: w.
        kept: a picture `(1, C, 16, 16)` and where it stays as it is, `(1, 1, 16, 16)` of 0 or 1.
    """
    nothing = torch.tensor(network.any_label, device=noise.device).expand_as(labels)
    x, unguided = noise, bool((labels == nothing).all())
    for number in range(steps):
        time, later = (torch.full((len(x),), 1 - (number + one) / steps, device=x.device) for one in (0, 1))
        time = time.clamp(max=0.999)
        v = network(x, time, labels)
        if guidance != 1 and not unguided:
            free = network(x, time, nothing)
            v = free + guidance * (v - free)
        (alpha, sigma), (next_alpha, next_sigma) = mixing(time), mixing(later)
        alpha, sigma, next_alpha, next_sigma = (
            part[:, None, None, None] for part in (alpha, sigma, next_alpha, next_sigma)
        )
        guess = (alpha * x - sigma * v).clamp(-1, 1)
        if kept is not None:
            picture, stays = kept
            guess = stays * picture + (1 - stays) * guess
        rest = (x - alpha * guess) / sigma
        x = next_alpha * guess + next_sigma * rest
        yield Step(number + 1, x, guess)


class DiffusionEngine(GenerationEngine):
    """Each step is a partial result: what is left of the noise beside the present guess."""

    name: ClassVar[str] = "diffusion"

    def build(self) -> nn.Module:
        kinds = len(KINDS[self.world])
        return Denoiser(CHANNELS[self.world], (kinds, len(COLOURS)) if self.world == "pictures" else (kinds,))

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        chosen = DiffusionOptions.read(options)
        labels = self._labels(chosen)
        kept = self._region(inputs)
        noise = self.noise(chosen.seed, chosen.count, CHANNELS[self.world], SIDE, SIDE)
        film: list[Artifact] = []
        made = noise
        frames = denoise(
            self.network,
            noise,
            labels,
            steps=chosen.steps,
            guidance=chosen.guidance,
            kept=kept,
        )
        for _ in range(chosen.steps):
            with torch.inference_mode():
                step = next(frames)
            made = step.guess
            both = torch.cat([step.x.clamp(-1, 1), step.guess])
            film.append(self.picture_artifact(both, "step", f"step-{step.number:03d}", out, step=step.number))
            yield Partial(film[-1])
            yield Progress("Taking noise away", step.number, chosen.steps, "steps")
        yield from self.recognition(made, labels)
        yield Film((*self.artifacts(made, out), *film), chosen.steps)

    def _labels(self, chosen: DiffusionOptions) -> Tensor:
        """`(count, L)`."""
        anything = self.network.any_label
        row = [anything[0] if chosen.kind == ANY else self.named(chosen.kind)]
        if self.world == "pictures":
            row.append(anything[1] if chosen.colour == ANY else COLOURS.index(chosen.colour))
        elif chosen.colour != ANY:
            raise BadInput("A sound has no colour; leave that option out.")
        return torch.tensor([row] * chosen.count, device=self.device)

    def _region(self, inputs: Mapping[str, Path]) -> tuple[Tensor, Tensor] | None:
        """The picture to be filled, and where it stays: where the mask is dark."""
        if "picture" not in inputs and "mask" not in inputs:
            return None
        if not {"picture", "mask"} <= set(inputs):
            raise BadInput("To fill a picture give both: the picture, and a mask that is white where it is filled.")
        picture = self.read_picture(inputs["picture"])
        white = self.read_picture(inputs["mask"]).mean(1, keepdim=True) > 0
        return picture, (~white).float()
