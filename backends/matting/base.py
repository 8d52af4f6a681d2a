"""What the matting engines share: everything but the matte itself.

An engine says at which size it looks at a picture and gives mattes for a batch of frames; the base reads, keeps time
calm, finishes, writes and reports.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from backends.engine import Artifact, Engine, Event, Metric, Notice, Progress
from backends.matting.background import background
from backends.matting.edges import foreground, multilevel_foreground
from backends.matting.exports import COMPOSITE, CUTOUT, MATTE
from backends.matting.finish import Finisher, over
from backends.matting.job import STAGE, Mattes, VideoJob
from backends.matting.log import NOBODY, uncertainty
from backends.matting.options import Settings
from backends.matting.picture import Picture, read_picture, write_png
from backends.matting.source import MAX_PICTURE_PIXELS, MAX_VIDEO_PIXELS, is_picture
from backends.matting.types import Kept, Matting

FINE_PIXELS = 12_000_000
"""Pictures up to this size get the slower and finer foreground colours."""


class MattingEngine(Engine):
    """One way of finding the matte of a person."""

    task: ClassVar[str] = "matting"
    pixels_a_call: int = 640_000
    """How much is matted at once: a few small frames or one large one, so that memory stays small on a processor."""

    @abstractmethod
    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """Alpha in 0..1 of each frame.

        Args:
            frames: `(B, H, W, 3)` uint8 RGB, of any size; `working_size` says which is best.

        Returns:
            `(B, H, W)` float32.
        """

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) at which this engine wants to look at a picture of that size."""
        return height, width

    def begin(self) -> Mattes:
        """What gives the mattes of one video, in order. An engine that remembers earlier frames starts afresh here."""
        return self.mattes

    def begin_live(self) -> Mattes:
        """Like `begin`, for a camera: one frame a call, and no frame may take much longer than the others."""
        return self.begin()

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Cut the person out of `inputs["media"]`, a video or a picture; `inputs["background"]` may lie behind."""
        settings = Settings.parse(options)
        path, behind = inputs["media"], inputs.get("background")
        out.mkdir(parents=True, exist_ok=True)
        if is_picture(path):
            yield from self._picture(path, settings, out, behind)
            return
        job = VideoJob(
            path,
            out,
            settings,
            size=self.working_size,
            mattes=self.begin(),
            pixels_a_call=self.pixels_a_call,
            most_pixels=self._most_pixels(MAX_VIDEO_PIXELS),
            new_background=behind,
        )
        yield from job.events()

    def _most_pixels(self, hard: int) -> int:
        limit = self.card.limit("cpu").megapixels
        return min(hard, int(limit * 1e6)) if limit else hard

    def _picture(self, path: Path, settings: Settings, out: Path, behind: Path | None) -> Iterator[Event]:
        yield Progress(STAGE, 0, 1, "pictures")
        picture = read_picture(path, MAX_PICTURE_PIXELS)
        alpha = self._picture_alpha(picture, settings)
        yield Progress("Colouring the edge", 0, 1, "pictures")
        artifacts = self._write_picture(picture, alpha, settings, out, behind)
        yield Progress(STAGE, 1, 1, "pictures")
        yield Metric("uncertain pixels", 100 * uncertainty(alpha), "%")
        yield Metric("area of the person", 100 * float(alpha.mean()), "%")
        if alpha.mean() < NOBODY:
            yield Notice("No person was found in this picture, so nearly all of it is see-through.")
        height, width = alpha.shape
        kept = [Kept("size", "kept", f"{width} × {height} pixels.")]
        if picture.turned:
            kept.append(Kept("orientation", "kept", "The picture is turned the way it was taken, in every program."))
        if picture.icc:
            kept.append(Kept("colour", "kept", "The picture's own colour profile."))
        yield Matting(artifacts=artifacts, width=width, height=height, frames=1, kept=tuple(kept))

    def _picture_alpha(self, picture: Picture, settings: Settings) -> np.ndarray:
        height, width = self.working_size(*picture.rgb.shape[:2])
        small = cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA)
        matte = self.begin()(small[None])[0]
        alpha = Finisher(settings, frozenset({MATTE})).alpha(picture.rgb, small, matte)
        return alpha if picture.alpha is None else alpha * picture.alpha

    def _write_picture(
        self, picture: Picture, alpha: np.ndarray, settings: Settings, out: Path, behind: Path | None
    ) -> tuple[Artifact, ...]:
        matte = cv2.convertScaleAbs(alpha, alpha=255)
        fine = settings.despill == 1 and alpha.size <= FINE_PIXELS
        colours = (
            multilevel_foreground(picture.rgb, alpha) if fine else foreground(picture.rgb, alpha, settings.despill)
        )
        write_png(out / "alpha.png", matte)
        write_png(out / "cutout.png", cv2.merge([colours, matte]), picture.icc)
        artifacts = [
            Artifact("alpha", "alpha", out / "alpha.png"),
            Artifact("export", CUTOUT, out / "cutout.png"),
        ]
        if settings.composite:
            new = background(settings.background, behind)
            composite = over(colours, alpha, new.behind(picture.rgb, alpha, 0.0))
            new.close()
            write_png(out / "composite.png", composite, picture.icc)
            artifacts.append(Artifact("export", COMPOSITE, out / "composite.png"))
        return tuple(artifacts)
