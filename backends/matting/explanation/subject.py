"""Matting engines as the methods of attribution see them.

The score is the mean alpha of a rectangle, from 0 to 1. A cell that is painted out takes the colours of the blurred
frame: a flat colour would be an edge of its own, and leaves a network that normalises each picture without anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from backends.attribution import baselines
from backends.attribution.parts import cover, mean_of_cells
from backends.attribution.question import Question, read_rectangle
from backends.attribution.sanity import shuffle_weights
from backends.attribution.types import Axis, Network, Parts, Subject
from backends.core.errors import BadInput
from backends.matting.base import MattingEngine
from backends.matting.engines.modnet import STRIDE, MODNet
from backends.matting.engines.modnet_weights import load_modnet
from backends.matting.explanation import EXPLAINABLE, TILES, cells_of
from backends.matting.explanation.frame import at_working_size, read_frame

PERSON, BACKGROUND = "person", "background"
BLUR = 0.08
"""Standard deviation of the blur that paints out, in the longer side of the frame."""

BATCH = 4

Mattes = Callable[[np.ndarray], np.ndarray]
"""From frames `(B, H, W, 3)` uint8 to alphas `(B, H, W)`."""


@dataclass(frozen=True)
class Spot:
    """Rows and columns of a frame that are asked about, and whether it is the background that counts."""

    rows: slice
    columns: slice
    background: bool = False

    def share(self, alphas: Any) -> Any:
        """`(B,)`: how much of the spot is of the person, or of the background, in alphas `(B, H, W)`."""
        mean = alphas[:, self.rows, self.columns].mean((1, 2))
        return 1 - mean if self.background else mean


def make_subject(engine: MattingEngine, inputs: Mapping[str, Path], question: Question) -> Subject:
    """A frame with the mean alpha of a rectangle as its score. Raises BadInput."""
    target = question.target or PERSON
    if target not in (PERSON, BACKGROUND):
        raise BadInput(f"There is nothing called “{target}” here; ask about the person or the background.")
    frame = at_working_size(engine, read_frame(inputs["media"], question.at))
    rectangle = read_rectangle(question.region) or (0.0, 0.0, 1.0, 1.0)
    network = modnet_of(engine)
    return frame_subject(
        engine, network, frame, rectangle, target=target, detail=question.detail, baseline=question.baseline
    )


def frame_subject(
    engine: MattingEngine,
    network: MODNet | None,
    frame: np.ndarray,
    rectangle: tuple[float, float, float, float],
    *,
    mattes: Mattes | None = None,
    target: str = PERSON,
    detail: int = 8,
    baseline: str = "",
) -> Subject:
    """A frame at its working size as a subject.

    Args:
        engine: what gives the mattes, unless `mattes` does.
        network: for methods that need gradients; None where there is none.
        frame: `(H, W, 3)` uint8.
        rectangle: left, top, right and bottom of what is asked about, as shares.
        mattes: in place of those of the engine, such as by a network with shuffled weights.
        target: PERSON or BACKGROUND, whose alpha is the rest.
        detail: cells along the shorter side.
        baseline: what a cell is painted out with, of `baselines.FRAME`.
    """
    paintable = PaintableFrame(frame, baselines.usual(baselines.FRAME, baseline))
    given = mattes or (lambda frames: np.concatenate([engine.begin()(frame[None]) for frame in frames]))
    spot = Spot(*rectangle_slices(frame.shape[:2], rectangle), target == BACKGROUND)

    def score(frames: np.ndarray) -> np.ndarray:
        return np.asarray(spot.share(given(frames)), np.float64)

    control = None
    if network is not None:
        known = network

        def control(share: float, seed: int = 0) -> Subject:
            shuffled = shuffle_weights(known, seed, share)
            by_control = network_mattes(shuffled)
            return frame_subject(
                engine, shuffled, frame, rectangle,
                mattes=by_control, target=target, detail=detail, baseline=baseline,
            )  # fmt: skip

    return Subject(
        target,
        image=frame,
        given_cells=frame_cells(paintable, score, cells_of(detail, *frame.shape[:2])),
        players=_tiles(paintable, score),
        network=None if network is None else _differentiable(network, paintable, spot, detail),
        control=control,
        unit="alpha",
        reasons=EXPLAINABLE.offers[engine.name].reasons,
    )


def rectangle_slices(shape: tuple[int, ...], rectangle: tuple[float, float, float, float]) -> tuple[slice, slice]:
    """Rows and columns of a rectangle in shares of a frame's sides, at least one of each."""
    ends = []
    for side, first, last in zip(shape, rectangle[1::-1], rectangle[:1:-1], strict=True):
        begin = min(int(first * side), side - 1)
        ends.append(slice(begin, max(begin + 1, round(last * side))))
    return ends[0], ends[1]


def blurred(frame: np.ndarray) -> np.ndarray:
    """The frame without any detail, which is what painted-out places show."""
    return cv2.GaussianBlur(frame, (0, 0), BLUR * max(frame.shape[:2]), borderType=cv2.BORDER_REPLICATE)


@dataclass(frozen=True)
class PaintableFrame:
    """A frame `(H, W, 3)` uint8, with what it is painted out with: an id of `baselines.FRAME`."""

    frame: np.ndarray
    baseline: str

    @property
    def name(self) -> str:
        return baselines.FRAME[self.baseline]

    @cached_property
    def behind(self) -> np.ndarray:
        """`(H, W, 3)` uint8."""
        if self.baseline == "blur":
            return blurred(self.frame)
        return np.broadcast_to(baselines.behind(self.frame, self.baseline).astype(np.uint8), self.frame.shape)

    def without(self, keep: np.ndarray) -> np.ndarray:
        """The frame with `keep` `(rows, columns)` of each cell."""
        return cover(self.frame, keep, self.behind)


def frame_cells(paintable: PaintableFrame, score: Callable[[np.ndarray], np.ndarray], shape: tuple[int, int]) -> Parts:
    """A frame as cells that can be painted out."""
    contrast = np.abs(paintable.frame.astype(np.float32) - blurred(paintable.frame)).mean(2)
    return Parts(
        place_axes(shape),
        shape,
        lambda keep: score(np.stack([paintable.without(one) for one in keep])),
        paintable.name,
        window=(2, 2),
        stride=(1, 1),
        batch=BATCH,
        plain=mean_of_cells(contrast, shape),
        plain_name="where the picture has detail",
    )


def place_axes(shape: tuple[int, ...]) -> tuple[Axis, ...]:
    """The middles of rows and columns as shares of the picture's sides."""
    return tuple(
        Axis(name, "", coordinates=tuple(((np.arange(count) + 0.5) / count).tolist()))
        for name, count in zip(("y", "x"), shape, strict=True)
    )


def _tiles(paintable: PaintableFrame, score: Callable[[np.ndarray], np.ndarray]) -> Parts:
    """Six tiles of the frame with names."""
    rows, columns = TILES
    names = tuple(f"{row} {column}" for row in ("top", "bottom") for column in ("left", "middle", "right"))

    def scores(keep: np.ndarray) -> np.ndarray:
        return score(np.stack([paintable.without(one.reshape(rows, columns)) for one in keep]))

    return Parts((Axis("tile", labels=names),), (rows * columns,), scores, paintable.name, batch=BATCH)


def modnet_of(engine: Any) -> MODNet | None:
    """The network of a MODNet engine in torch, read once; None for any other engine."""
    if engine.name != "modnet":
        return None
    if getattr(engine, "differentiable", None) is None:
        engine.differentiable = load_modnet(engine.weights[0]).eval().requires_grad_(False)
    network: MODNet = engine.differentiable
    return network


def pixels(frames: np.ndarray) -> Tensor:
    """`(B, 3, H, W)` in -1..1 of frames `(B, H, W, 3)` uint8."""
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def fitting(frame: np.ndarray) -> np.ndarray:
    """The frame without the last rows and columns, so that the network can halve it five times."""
    height, width = (max(STRIDE, side - side % STRIDE) for side in frame.shape[:2])
    return frame if frame.shape[:2] == (height, width) else cv2.resize(frame, (width, height))


def network_mattes(network: MODNet) -> Mattes:
    """The mattes that a network in torch gives."""
    return lambda frames: alphas_of(network, frames)


@torch.inference_mode()
def alphas_of(network: MODNet, frames: np.ndarray) -> np.ndarray:
    """`(B, H, W)` of frames `(B, H, W, 3)` uint8 by a network in torch."""
    return np.concatenate([network(pixels(fitting(frame)[None]))[:, 0].numpy() for frame in frames])


def _differentiable(network: MODNet, paintable: PaintableFrame, spot: Spot, detail: int) -> Network:
    """The network with a frame as its input, and the share of the spot as its score."""
    shape = cells_of(detail, *paintable.frame.shape[:2])
    ready = fitting(paintable.frame)

    def arrange(values: Tensor) -> np.ndarray:
        summed = values[0].sum(0).numpy()
        return (mean_of_cells(summed, shape) * (summed.size / (shape[0] * shape[1]))).astype(np.float32)

    def forward(module: nn.Module, inputs: Tensor) -> Tensor:
        return module(inputs)[:, 0]

    return Network(
        network,
        pixels(ready[None]),
        forward,
        spot.share,
        arrange=arrange,
        baseline=pixels(np.ascontiguousarray(fitting(paintable.behind))[None]),
        baseline_name=paintable.name,
    )
