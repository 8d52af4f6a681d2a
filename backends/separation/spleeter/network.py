"""The U-Net of Spleeter, written from the papers and the published tensors.

Jansson et al., "Singing voice separation with deep U-Net convolutional networks" (ISMIR 2017): an encoder of strided
5 × 5 convolutions, a decoder of transposed ones, and at each size a skip connection between them. Spleeter (Hennequin
et al., JOSS 2020) has one such network for each source, on stereo magnitudes of 512 frames by 1024 bins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from backends.core.errors import WeightsBroken

LEVELS = 6
"""Of the encoder and of the decoder."""

NORM_EPSILON = 1e-3
"""Of batch normalisation in the library that the networks were trained with."""


class Down(nn.Module):
    """A strided convolution; what goes down further is normalised, what goes across is not."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 5, stride=2)
        self.norm = nn.BatchNorm2d(outputs, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, T, F) to the skip connection and the input of the next level, both (B, C', T/2, F/2)."""
        skip = self.convolution(functional.pad(x, (1, 2, 1, 2)))  # an even size halves exactly with one zero before
        return skip, functional.leaky_relu(self.norm(skip), 0.2)


class Up(nn.Module):
    """A transposed convolution that doubles both axes."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(inputs, outputs, 5, stride=2)
        self.norm = nn.BatchNorm2d(outputs, eps=NORM_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, F) to (B, C', 2 T, 2 F)."""
        grown = self.convolution(x)[..., 1:-2, 1:-2]  # the padding of `Down`, turned round
        return self.norm(functional.relu(grown))


class UNet(nn.Module):
    """From the magnitudes (B, 2, T, F) of a stereo mixture to those of one source; T and F are multiples of 64.

    `channels` are those of the encoder's levels, each of which halves both axes.
    """

    def __init__(self, channels: Sequence[int] = (16, 32, 64, 128, 256, 512)) -> None:
        super().__init__()
        self.down = nn.ModuleList(map(Down, (2, *channels[:-1]), channels))
        outputs = (*channels[-2::-1], 1)
        # From the second level on, each gets the output of the level before and a skip connection of the same width.
        self.up = nn.ModuleList(map(Up, (channels[-1], *(2 * width for width in outputs[:-1])), outputs))
        self.mask = nn.Conv2d(1, 2, 4, dilation=2, padding=3)

    def forward(self, magnitude: Tensor) -> Tensor:
        skips = []
        x = magnitude
        for down in self.down:
            skip, x = down(x)
            skips.append(skip)
        x = self.up[0](skips.pop())  # the lowest level goes on as it is, not normalised
        for up in self.up[1:]:
            x = up(torch.cat([skips.pop(), x], dim=1))
        return torch.sigmoid(self.mask(x)) * magnitude


def load_unet(path: Path) -> UNet:
    """The network at `path`, whose tensors bear the names of the package that converted them.

    Raises:
        WeightsBroken: damaged, of another network, or holding values that are not numbers.
    """
    try:
        stored = load_file(path)
        network = UNet([len(stored[f"down{level + 1}_conv.1.bias"]) for level in range(LEVELS)])
        lacking, _ = network.load_state_dict(renamed(stored), strict=False)
    except (SafetensorError, OSError, RuntimeError, KeyError) as error:
        raise WeightsBroken(f"{path.name} is damaged or no network of Spleeter: fetch it again.") from error
    if any(not name.endswith("num_batches_tracked") for name in lacking):  # counts only training steps
        raise WeightsBroken(f"{path.name} is no complete network of Spleeter: fetch it again.")
    broken = [name for name, value in network.state_dict().items() if not value.isfinite().all()]
    if broken:
        raise WeightsBroken(f"{path.name} is damaged: {broken[0]} holds values that are not numbers.")
    return network.eval().requires_grad_(False)


def renamed(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors under the names of `UNet`. Raises KeyError for a name that it has no place for."""
    places = {f"up{LEVELS + 1}.0": "mask"}
    for level in range(LEVELS):
        places |= {
            f"down{level + 1}_conv.1": f"down.{level}.convolution",
            f"down{level + 1}_act.0": f"down.{level}.norm",
            f"up{level + 1}.0": f"up.{level}.convolution",
            f"up{level + 1}.3": f"up.{level}.norm",
        }
    return {f"{places[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": value for name, value in stored.items()}
