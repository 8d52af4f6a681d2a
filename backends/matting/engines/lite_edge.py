"""The `lite_edge` engine: a tiny network says where the person is, and closed-form matting solves for the edge."""

from __future__ import annotations

from typing import ClassVar

import cv2
import numpy as np

from backends.core.errors import WeightsMissing
from backends.matting.base import MattingEngine
from backends.matting.engines.edge_tracker import EdgeTracker
from backends.matting.engines.lite_network import LiteNetwork
from backends.matting.video.job import MatteFunction

SIDE = 448
"""The long side in pixels at which the edge of a video is solved."""

PICTURE_SIDE = 1024
"""The same of a single picture, which has more time."""

VIDEO_REACH = 0.017
"""How far the edge of a video is solved: wider than a picture's, for hair that swings and hands that wave."""

WIDE = 1.25
"""Videos that are wider than this, of their height, go to the network for such pictures."""


class LiteEdgeEngine(MattingEngine):
    """MediaPipe's selfie networks, and the edge from the picture's own colours.

    `weights` holds one network, or two, of which the one with the wider input sees wide videos.
    """

    name: ClassVar[str] = "lite_edge"
    watches_people: ClassVar[bool] = True
    pixels_a_call: int = 100_000

    def load(self, device: str) -> None:
        """It always runs on the processor."""
        if not self.weights:
            raise WeightsMissing("This engine needs its networks: download them, or choose another model.")
        networks = [LiteNetwork(path) for path in self.weights]
        self._networks = sorted(networks, key=lambda network: network.input_shape[2] / network.input_shape[1])

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        return _fit(height, width, SIDE)

    def picture_size(self, height: int, width: int) -> tuple[int, int]:
        return _fit(height, width, PICTURE_SIDE)

    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """Of pictures that have nothing to do with each other.

        Photographs go to the first network whatever their shape, and their colours do not overrule it: both was better
        on portraits kept apart.
        """
        return np.stack(
            [EdgeTracker(by_colour=False).alpha(frame, self._ask(self._networks[0], frame)) for frame in frames]
        )

    def begin(self) -> MatteFunction:
        return self._follow(EdgeTracker(reach=VIDEO_REACH))

    def begin_live(self) -> MatteFunction:
        return self._follow(EdgeTracker(by_colour=False))

    def _follow(self, tracker: EdgeTracker) -> MatteFunction:
        def mattes(frames: np.ndarray) -> np.ndarray:
            return np.stack([tracker.alpha(frame, self.answer(frame)) for frame in frames])

        return mattes

    def answer(self, frame: np.ndarray) -> np.ndarray:
        """The matte `(H, W)` float32 by the network for pictures of the shape of `frame` `(H, W, 3)` uint8."""
        height, width = frame.shape[:2]
        return self._ask(self._networks[-1 if width > WIDE * height else 0], frame)

    @staticmethod
    def _ask(network: LiteNetwork, frame: np.ndarray) -> np.ndarray:
        """A network's own matte `(H, W)` float32 of a frame `(H, W, 3)` uint8."""
        _, rows, columns, _ = network.input_shape
        small = cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        (output,) = network(small[None]).values()  # (1, h, w, 1)
        return cv2.resize(output[0, ..., 0], frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _fit(height: int, width: int, side: int) -> tuple[int, int]:
    """(height, width) with the long side at most `side`."""
    scale = min(1.0, side / max(height, width))
    return max(8, round(height * scale)), max(8, round(width * scale))
