"""Encoders that MODNet can read a picture with: each gives five maps, from 1/2 to 1/32 of the picture."""

from __future__ import annotations

from torch import Tensor, nn

LITE0 = "efficientnet_lite0"
"""timm's name of EfficientNet-Lite0 with even padding, so that maps lie on the picture as the branches expect."""


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0 (Tan and Le 2019, without squeeze and excitation), without its head and its classes.

    2.96 million parameters, as many as MobileNetV2 without its last layer, and weights that may be used.
    """

    channels = (16, 24, 40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        import timm  # a second and 100 MB that no other encoder needs

        self.model: nn.Module = timm.create_model(LITE0, features_only=True, pretrained=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        """`(B, 3, H, W)` in −1..1 to five maps: `(B, 16, H/2, W/2)` … `(B, 320, H/32, W/32)`."""
        maps: list[Tensor] = self.model(image)
        return maps
