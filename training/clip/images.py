"""The training pictures in memory, and what is done to a batch of them before the network sees it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F

SIDE = 64


def read_pictures(archive: Path, files: Sequence[str], kept: Path) -> torch.Tensor:
    """The pictures `files` of `archive` as `(N, 3, 64, 64)` uint8, decoded once and kept beside the checkpoints."""
    if kept.exists():
        pixels = np.load(kept)
        if len(pixels) == len(files):
            return torch.from_numpy(pixels)
    with zipfile.ZipFile(archive) as pictures:
        pixels = np.stack([_square(pictures.read(file)) for file in files])
    np.save(kept, pixels)
    return torch.from_numpy(pixels)


def _square(data: bytes) -> np.ndarray:
    """The middle square of a picture, as `(3, 64, 64)` uint8."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(picture).transpose(2, 0, 1)


def varied(pixels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Photographs `(N, 3, 64, 64)` uint8, each cropped, turned about, recoloured and partly covered at random.

    A third of them go through a smaller size (24 to 48 pixels), because users' pictures are often small or soft.
    """
    pictures = _cropped(pixels.float(), rng)
    small = len(pictures) // 3
    side = int(torch.randint(24, 49, (1,), generator=rng))
    shrunk = F.interpolate(pictures[:small], size=(side, side), mode="bilinear", antialias=True)
    pictures[:small] = F.interpolate(shrunk, size=(SIDE, SIDE), mode="bicubic").clamp(0, 255)
    return _covered(_recoloured(pictures, rng), rng)


def _between(low: float, high: float, count: int, rng: torch.Generator) -> torch.Tensor:
    return low + (high - low) * torch.rand(count, generator=rng)


def _cropped(pictures: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """A window of 40 to 100 % of each picture's area, three to four at most, turned left to right half the time."""
    count = len(pictures)
    area, ratio = _between(0.4, 1.0, count, rng), torch.exp(_between(-0.28, 0.28, count, rng))
    wide, high = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    flip = torch.where(torch.rand(count, generator=rng) < 0.5, -1.0, 1.0)
    transform = torch.zeros(count, 2, 3)
    transform[:, 0, 0], transform[:, 1, 1] = wide * flip, high
    transform[:, 0, 2] = (1 - wide) * _between(-1, 1, count, rng)
    transform[:, 1, 2] = (1 - high) * _between(-1, 1, count, rng)
    grid = F.affine_grid(transform, [count, 3, SIDE, SIDE], align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _recoloured(pictures: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Brightness, contrast and saturation changed; one in ten grey."""
    count = len(pictures)
    bright, contrast, colour = (_between(0.65, 1.35, count, rng).view(-1, 1, 1, 1) for _ in range(3))
    colour = torch.where(torch.rand(count, 1, 1, 1, generator=rng) < 0.1, torch.zeros(()), colour)
    grey = pictures.mean(1, keepdim=True)
    pictures = grey + (pictures - grey) * colour
    middle = pictures.mean((1, 2, 3), keepdim=True)
    return ((middle + (pictures - middle) * contrast) * bright).clamp(0, 255)


def _covered(pictures: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One picture in seven loses a rectangle to a plain colour."""
    for index in torch.nonzero(torch.rand(len(pictures), generator=rng) < 0.15).flatten().tolist():
        high, wide = torch.randint(12, 33, (2,), generator=rng).tolist()
        top, left = (int(torch.randint(0, SIDE - size + 1, (1,), generator=rng)) for size in (high, wide))
        pictures[index, :, top : top + high, left : left + wide] = 255 * torch.rand(3, 1, 1, generator=rng)
    return pictures
