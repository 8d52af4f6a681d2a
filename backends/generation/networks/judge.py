"""A classifier that says what is in a picture or a sound, or that it is nothing it knows.

Trained on drawn ones, it judges what other networks make.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from backends.generation.networks.layers import conv, halve


class Judge(nn.Module):
    """Logits of each label of `(B, C, 16, 16)`; the first has one value more, the last, for what is none of them."""

    def __init__(self, channels: int, labels: Sequence[int]) -> None:
        super().__init__()
        self.down1, self.down2, self.down3 = conv(channels, 12), conv(12, 24), conv(24, 32)
        self.heads = nn.ModuleList(nn.Linear(32 * 4, count + (place == 0)) for place, count in enumerate(labels))

    def features(self, x: Tensor) -> Tensor:
        """What it goes by, `(B, 128)`."""
        h = halve(F.silu(self.down1(x)))
        h = halve(F.silu(self.down2(h)))
        return halve(F.silu(self.down3(h))).flatten(1)

    def forward(self, x: Tensor) -> list[Tensor]:
        h = self.features(x)
        return [head(h) for head in self.heads]
