"""The `gan` engine: pictures or sounds in one step from noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import nn

from backends.core.engine import Event
from backends.generation.base import CHANNELS, GenerationEngine
from backends.generation.networks.gan import NOISE_SIZE, Generator
from backends.generation.options import GenerationOptions


class GANEngine(GenerationEngine):
    """Each one is made by itself, so that a long row can be watched and cancelled."""

    name: ClassVar[str] = "gan"

    def build(self) -> nn.Module:
        return Generator(CHANNELS[self.world])

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        chosen = GenerationOptions.read(options)
        noise = self.noise(chosen.seed, chosen.count, NOISE_SIZE)
        with torch.inference_mode():
            made = self.network(noise)
        yield from self.results("Making them", made, out)
