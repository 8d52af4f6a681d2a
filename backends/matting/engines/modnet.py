"""MODNet: trimap-free portrait matting in real time by objective decomposition.

Written from Ke et al., "MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition" (AAAI 2022),
with the module names of the published checkpoints, so that these load strictly. Names follow the paper: a
low-resolution branch estimates the semantics S, a high-resolution branch the detail D, and a fusion branch the matte.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backends.matting.engines.encoders import EfficientNetLite0

STRIDE = 32
"""Both sides of the input must be a multiple of this: the encoder halves the picture five times."""

REFERENCE_SIDE = 512
"""The short side, in pixels, that the published checkpoints were trained for."""

INVERTED_RESIDUALS = (  # expansion, channels, repeats, stride of the first (MobileNetV2, table 2)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
TAPS = (1, 3, 6, 13, 18)
"""Encoder layers whose outputs the branches read, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the input."""


def up2(x: Tensor) -> Tensor:
    """`(B, C, H, W)` to `(B, C, 2H, 2W)`, bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, as a multiple of 8 (MobileNetV2's rule, which never takes off more than a tenth)."""
    wanted = channels * width
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * wanted else nearest


def conv_bn6(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Convolution, batch norm and ReLU6: the brick of MobileNetV2."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs), nn.ReLU6(inplace=True)]


class InvertedResidual(nn.Module):
    """Widen, filter each channel alone, narrow again; added to the input where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        widen = conv_bn6(inputs, hidden, 1) if expansion > 1 else []
        depthwise = conv_bn6(hidden, hidden, 3, stride, groups=hidden)
        narrow = conv_bn6(hidden, outputs, 1)[:2]  # linear: no activation at the narrow end
        self.conv = nn.Sequential(*widen, *depthwise, *narrow)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


class MobileNetV2(nn.Module):
    """The encoder's layers, `features.0` to `features.18`, without the classifier."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        channels = scaled(32, width)
        layers: list[nn.Module] = [nn.Sequential(*conv_bn6(3, channels, 3, stride=2))]
        self.channels = [channels]
        for expansion, base, repeats, first_stride in INVERTED_RESIDUALS:
            for repeat in range(repeats):
                outputs = scaled(base, width)
                stride = first_stride if repeat == 0 else 1
                layers.append(InvertedResidual(channels, outputs, stride, expansion))
                channels = outputs
                self.channels.append(channels)
        layers.append(nn.Sequential(*conv_bn6(channels, scaled(1280, width), 1)))
        self.channels.append(scaled(1280, width))
        self.features = nn.Sequential(*layers)


class Backbone(nn.Module):
    """MobileNetV2 read at five depths."""

    def __init__(self, width: float = 1.0) -> None:
        super().__init__()
        self.model = MobileNetV2(width)
        self.channels = [self.model.channels[tap] for tap in TAPS]

    def forward(self, image: Tensor) -> list[Tensor]:
        """`(B, 3, H, W)` to five maps: `(B, 16, H/2, W/2)`, `(B, 24, H/4, W/4)` … `(B, 1280, H/32, W/32)`."""
        taps = []
        x = image
        for index, layer in enumerate(self.model.features):
            x = layer(x)
            if index in TAPS:
                taps.append(x)
        return taps


Encoder = Backbone | EfficientNetLite0


class IBNorm(nn.Module):
    """Batch norm (learned scale and shift) on the first half of the channels, instance norm (none) on the rest.

    The batch half keeps what is common to all pictures, the instance half drops each picture's own contrast.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.split = channels // 2
        self.bnorm = nn.BatchNorm2d(self.split)
        self.inorm = nn.InstanceNorm2d(channels - self.split, affine=False)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.bnorm(x[:, : self.split]), self.inorm(x[:, self.split :])], dim=1)


class ConvIBN(nn.Module):
    """Convolution, IBNorm and ReLU, or (`plain`) the convolution alone for a branch's last layer."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, plain: bool = False) -> None:
        super().__init__()
        conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2)
        rest = [] if plain else [IBNorm(outputs), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(conv, *rest)

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class SEBlock(nn.Module):
    """Squeeze and excitation (Hu et al. 2018): weigh the channels by what the whole picture holds."""

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        squeeze = nn.Linear(channels, channels // reduction, bias=False)
        excite = nn.Linear(channels // reduction, channels, bias=False)
        self.fc = nn.Sequential(squeeze, nn.ReLU(inplace=True), excite, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean(dim=(2, 3)))[:, :, None, None]


class LowResolutionBranch(nn.Module):
    """Where the person is: the semantics S, at 1/8 for the other branches and at 1/16 as a map of its own."""

    def __init__(self, backbone: Encoder) -> None:
        super().__init__()
        enc8x, enc16x, enc32x = backbone.channels[2:]
        self.backbone = backbone
        self.se_block = SEBlock(enc32x)
        self.conv_lr16x = ConvIBN(enc32x, enc16x, 5)
        self.conv_lr8x = ConvIBN(enc16x, enc8x, 5)
        self.conv_lr = ConvIBN(enc8x, 1, 3, stride=2, plain=True)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The two shallow maps of the encoder and `lr8x` `(B, 32, H/8, W/8)`."""
        enc2x, enc4x, _, _, enc32x = self.backbone(image)
        lr16x = self.conv_lr16x(up2(self.se_block(enc32x)))
        lr8x = self.conv_lr8x(up2(lr16x))
        return enc2x, enc4x, lr8x

    def semantic(self, lr8x: Tensor) -> Tensor:
        """S: `(B, 1, H/16, W/16)`."""
        return torch.sigmoid(self.conv_lr(lr8x))


class HighResolutionBranch(nn.Module):
    """The boundary: the detail D, from the picture itself, the shallow encoder and the semantics."""

    def __init__(self, channels: Sequence[int], hr: int) -> None:
        super().__init__()
        enc2x, enc4x, lr = channels[:3]
        self.tohr_enc2x = ConvIBN(enc2x, hr, 1)
        self.conv_enc2x = ConvIBN(hr + 3, hr, 3, stride=2)
        self.tohr_enc4x = ConvIBN(enc4x, hr, 1)
        self.conv_enc4x = ConvIBN(2 * hr, 2 * hr, 3)
        self.conv_hr4x = nn.Sequential(
            ConvIBN(2 * hr + lr + 3, 2 * hr, 3), ConvIBN(2 * hr, 2 * hr, 3), ConvIBN(2 * hr, hr, 3)
        )
        self.conv_hr2x = nn.Sequential(
            ConvIBN(2 * hr, 2 * hr, 3), ConvIBN(2 * hr, hr, 3), ConvIBN(hr, hr, 3), ConvIBN(hr, hr, 3)
        )
        self.conv_hr = nn.Sequential(ConvIBN(hr + 3, hr, 3), ConvIBN(hr, 1, 1, plain=True))

    def forward(self, image: Tensor, enc2x: Tensor, enc4x: Tensor, lr8x: Tensor) -> Tensor:
        """`hr2x` `(B, 32, H/2, W/2)`."""
        image2x = F.interpolate(image, scale_factor=0.5, mode="bilinear", align_corners=False)
        image4x = F.interpolate(image, scale_factor=0.25, mode="bilinear", align_corners=False)
        enc2x = self.tohr_enc2x(enc2x)
        hr4x = self.conv_enc2x(torch.cat([image2x, enc2x], dim=1))
        hr4x = self.conv_enc4x(torch.cat([hr4x, self.tohr_enc4x(enc4x)], dim=1))
        hr4x = self.conv_hr4x(torch.cat([hr4x, up2(lr8x), image4x], dim=1))
        return self.conv_hr2x(torch.cat([up2(hr4x), enc2x], dim=1))

    def detail(self, image: Tensor, hr2x: Tensor) -> Tensor:
        """D: `(B, 1, H, W)`."""
        return torch.sigmoid(self.conv_hr(torch.cat([up2(hr2x), image], dim=1)))


class FusionBranch(nn.Module):
    """The matte: semantics inside, detail at the boundary."""

    def __init__(self, channels: Sequence[int], hr: int) -> None:
        super().__init__()
        self.conv_lr4x = ConvIBN(channels[2], hr, 5)
        self.conv_f2x = ConvIBN(2 * hr, hr, 3)
        self.conv_f = nn.Sequential(ConvIBN(hr + 3, hr // 2, 3), ConvIBN(hr // 2, 1, 1, plain=True))

    def forward(self, image: Tensor, lr8x: Tensor, hr2x: Tensor) -> Tensor:
        lr2x = up2(self.conv_lr4x(up2(lr8x)))
        f2x = self.conv_f2x(torch.cat([lr2x, hr2x], dim=1))
        return torch.sigmoid(self.conv_f(torch.cat([up2(f2x), image], dim=1)))


class MODNet(nn.Module):
    """The whole network.

    Args:
        width: multiplies the channels of the encoder and of the branches; 1 is the published network.
        hr_channels: channels of the high-resolution and fusion branches at width 1.
        encoder: what reads the picture instead of the published network's MobileNetV2.
    """

    def __init__(self, width: float = 1.0, hr_channels: int = 32, encoder: Encoder | None = None) -> None:
        super().__init__()
        self.backbone = encoder or Backbone(width)
        hr = scaled(hr_channels, width)
        # The published network names the encoder twice, here and inside the branch, so its checkpoints do too.
        self.lr_branch = LowResolutionBranch(self.backbone)
        self.hr_branch = HighResolutionBranch(self.backbone.channels, hr)
        self.f_branch = FusionBranch(self.backbone.channels, hr)

    def forward(self, image: Tensor) -> Tensor:
        """The matte.

        Args:
            image: `(B, 3, H, W)` RGB in −1..1, both sides a multiple of 32.

        Returns:
            `(B, 1, H, W)` in 0..1.
        """
        enc2x, enc4x, lr8x = self.lr_branch(image)
        hr2x = self.hr_branch(image, enc2x, enc4x, lr8x)
        return self.f_branch(image, lr8x, hr2x)

    def branches(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Semantics `(B, 1, H/16, W/16)`, detail `(B, 1, H, W)` and matte `(B, 1, H, W)`, for training and for looking.

        The detail is only meant to be right near the boundary (paper, equation 3).
        """
        enc2x, enc4x, lr8x = self.lr_branch(image)
        hr2x = self.hr_branch(image, enc2x, enc4x, lr8x)
        return self.lr_branch.semantic(lr8x), self.hr_branch.detail(image, hr2x), self.f_branch(image, lr8x, hr2x)


def working_size(height: int, width: int, reference: int = REFERENCE_SIDE) -> tuple[int, int]:
    """The size at which the network looks at a picture, as in the paper's release.

    Small pictures and pictures whose short side is over `reference` are scaled to that short side; then both
    sides are floored to a multiple of 32 (never under 32, which the release would reach on very long pictures).
    """
    if max(height, width) < reference or min(height, width) > reference:
        scale = reference / min(height, width)
        height, width = int(height * scale + 1e-6), int(width * scale + 1e-6)
    return max(STRIDE, height - height % STRIDE), max(STRIDE, width - width % STRIDE)
