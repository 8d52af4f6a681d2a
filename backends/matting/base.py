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

from backends.core.engine import Artifact, Engine, Event, Metric, Notice, Progress, Result
from backends.matting.finishing.background import background
from backends.matting.finishing.finishing import over, picture_alpha, picture_colours
from backends.matting.finishing.matte_store import as_kept, read_matte, to_bytes, write_matte, write_proxy_picture
from backends.matting.options import Settings
from backends.matting.types import Kept, Matting
from backends.matting.video.exports import COMPOSITE, CUTOUT
from backends.matting.video.frame_stats import NOBODY, uncertainty
from backends.matting.video.job import STAGE, Mattes, VideoJob
from backends.matting.video.source import MAX_VIDEO_PIXELS, is_picture
from backends.matting.video.still_image import Picture, read_picture, write_png
from backends.shared.images import MAX_PICTURE_PIXELS

FEW = 12
"""With fewer frames than this, opening and closing files is what takes the time."""


class MattingEngine(Engine):
    """One way of finding the matte of a person."""

    task: ClassVar[str] = "matting"
    pixels_a_call: int = 640_000
    """How much is matted at once: a few small frames or one large one, so that memory stays small on a processor."""

    @classmethod
    def needs_model(cls, inputs: Mapping[str, Path]) -> bool:
        return "matte" not in inputs

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
        """Cut the person out of `inputs["media"]`, a video or a picture; `inputs["background"]` may lie behind.

        With `inputs["matte"]`, the artifact "matte" of an earlier run of the same file, it is only finished and
        exported anew, from any engine's run.
        """
        settings = Settings.parse(options)
        path, behind = inputs["media"], inputs.get("background")
        matte = inputs.get("matte")
        out.mkdir(parents=True, exist_ok=True)
        if is_picture(path):
            yield from self._picture(path, settings, out, behind, matte)
            return
        job = VideoJob(
            path,
            out,
            settings,
            size=self.working_size,
            mattes=self.begin() if matte is None else self.mattes,
            pixels_a_call=self.pixels_a_call,
            most_pixels=self._most_pixels(MAX_VIDEO_PIXELS),
            new_background=behind,
            matte=matte,
        )
        yield from job.events()

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Megapixels of all frames, and those the model is worth; a few frames and kept mattes tell nothing."""
        if not isinstance(result, Matting) or result.frames < FEW or "matte" in inputs:
            return 0.0
        return result.frames * (self.card.overhead + result.width * result.height / 1e6)

    def _most_pixels(self, hard: int) -> int:
        limit = self.card.limit("cpu").megapixels
        return min(hard, int(limit * 1e6)) if limit else hard

    def _picture(
        self, path: Path, settings: Settings, out: Path, behind: Path | None, matte: Path | None
    ) -> Iterator[Event]:
        yield Progress(STAGE, 0, 1, "pictures")
        picture = read_picture(path, MAX_PICTURE_PIXELS)
        small = self._picture_matte(picture) if matte is None else read_matte(matte, path, *picture.size)
        alpha = picture_alpha(picture, small, settings)
        yield Progress("Colouring the edge", 0, 1, "pictures")
        artifacts = self._write_picture(picture, alpha, settings, out, behind)
        artifacts += _keep_picture(picture, path, small, alpha, out)
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

    def _picture_matte(self, picture: Picture) -> np.ndarray:
        """What the engine sees: `(h, w)` float32."""
        full_width, full_height = picture.size
        height, width = self.working_size(full_height, full_width)
        small = cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA)
        return as_kept(self.begin()(small[None])[0])

    def _write_picture(
        self, picture: Picture, alpha: np.ndarray, settings: Settings, out: Path, behind: Path | None
    ) -> tuple[Artifact, ...]:
        matte = to_bytes(alpha)
        colours = picture_colours(picture, alpha, settings)
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


def _keep_picture(
    picture: Picture, source: Path, small: np.ndarray, alpha: np.ndarray, out: Path
) -> tuple[Artifact, ...]:
    """What a run of a picture leaves behind: the matte as it was found, and source above matte for a browser."""
    write_matte(out / "matte.png", to_bytes(small), source, *picture.size)
    write_proxy_picture(out / "proxy.webp", picture.rgb, alpha)
    return (Artifact("matte", "matte", out / "matte.png"), Artifact("proxy", "proxy", out / "proxy.webp"))
