"""The networks that ship, by the names of their files in `backends/starters/generative`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from safetensors.torch import load_file
from torch import nn

from backends.generation.networks.attention import Follower
from backends.generation.networks.diffusion import Denoiser
from backends.generation.networks.gan import Generator
from backends.generation.networks.judge import Judge
from backends.generation.networks.vae import VAE
from backends.generation.options import COLOURS, KINDS
from backends.generation.sound import CHANNELS as SOUND_CHANNELS
from backends.weights.locations import STARTERS

FOLDER = STARTERS / "generative"
_LABELS = {"pictures": (len(KINDS["pictures"]), len(COLOURS)), "sounds": (len(KINDS["sounds"]),)}
_CHANNELS = {"pictures": 3, "sounds": SOUND_CHANNELS}

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "attention": Follower,
    "pictures-vae-2": partial(VAE, _CHANNELS["pictures"], 2),
    "pictures-vae-8": partial(VAE, _CHANNELS["pictures"], 8),
    "sounds-vae-8": partial(VAE, _CHANNELS["sounds"], 8),
    "pictures-gan": partial(Generator, _CHANNELS["pictures"]),
    "pictures-gan-collapsing": partial(Generator, _CHANNELS["pictures"]),
    "sounds-gan": partial(Generator, _CHANNELS["sounds"]),
    **{f"{world}-diffusion": partial(Denoiser, _CHANNELS[world], _LABELS[world]) for world in _LABELS},
    **{f"{world}-judge": partial(Judge, _CHANNELS[world], _LABELS[world]) for world in _LABELS},
}


def load(name: str) -> nn.Module:
    """A network with the weights that ship, for use and not for training."""
    network = NETWORKS[name]()
    weights = load_file(FOLDER / f"{name}.safetensors")
    network.load_state_dict({key: value.to(torch.float32) for key, value in weights.items()})
    return network.eval().requires_grad_(False)
