"""The `vae` engine: your picture as a code and back, or pictures and sounds of codes drawn at random."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from backends.core.engine import Artifact, Event, Metric
from backends.generation.base import CHANNELS, GenerationEngine
from backends.generation.networks.vae import VAE
from backends.generation.options import VAEOptions


class VAEEngine(GenerationEngine):
    """With a picture, `count` reconstructions of as many codes of it; without, `count` codes of the prior."""

    name: ClassVar[str] = "vae"

    def build(self) -> nn.Module:
        return VAE(CHANNELS[self.world], int(self.card.capabilities.get("code", 8)))

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        chosen = VAEOptions.read(options)
        beta = torch.full((chosen.count,), chosen.beta, device=self.device)
        codes = self.noise(chosen.seed, chosen.count, self.network.size)
        if "picture" in inputs:
            picture = self.read_picture(inputs["picture"]).expand(chosen.count, -1, -1, -1)
            codes, nats = self._code(picture, beta, codes)
            yield Metric("nats in the code", nats, "nats")
        with torch.inference_mode():
            made = self.network.decode(codes, beta)
        if "picture" in inputs:
            yield Metric("reconstruction error", float((made - picture).square().mean()) / 4)
        path = out / "codes.json"
        path.write_text(json.dumps({"beta": chosen.beta, "codes": codes.tolist()}), "utf-8")
        yield from self.results("Decoding", made, out, Artifact("codes", "codes", path))

    @torch.inference_mode()
    def _code(self, picture: Tensor, beta: Tensor, noise: Tensor) -> tuple[Tensor, float]:
        """The mean code of the picture first, then codes that are as likely; and how many nats it says."""
        code = self.network.encode(picture, beta)
        noise = torch.cat([torch.zeros_like(noise[:1]), noise[1:]])
        return code.mean + (0.5 * code.log_variance).exp() * noise, float(code.divergence()[0].sum())
