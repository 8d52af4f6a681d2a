"""The base class of the matting engines: everything but the raw matte itself.

An engine names its working size and gives raw mattes for a batch of frames. The base class reads, smooths over time,
finishes, writes and reports.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from backends.core.engine import Artifact, Engine, Event, Metric, Notice, Progress, Result
from backends.matting.engines.person_detection import detect_people
from backends.matting.finishing.background import open_background
from backends.matting.finishing.composing import compose
from backends.matting.finishing.finishing import finish_picture_matte, picture_foreground
from backends.matting.finishing.matte_store import (
    quantise,
    read_raw_matte,
    to_uint8,
    write_proxy_picture,
    write_raw_matte,
)
from backends.matting.guidance.correction import Correction
from backends.matting.guidance.job import guided_events
from backends.matting.guidance.pictures import correct_picture
from backends.matting.options import MattingOptions
from backends.matting.types import Matting, PreservationCheck
from backends.matting.video.exports import COMPOSITE, CUTOUT
from backends.matting.video.frame_stats import NO_PERSON_AREA, uncertain_fraction
from backends.matting.video.job import STAGE, MatteFunction, VideoJob
from backends.matting.video.observations import is_left_out
from backends.matting.video.source import MAX_VIDEO_PIXELS, is_picture
from backends.matting.video.still_image import Picture, read_picture, write_png
from backends.shared.images import MAX_PICTURE_PIXELS

MIN_TIMED_FRAMES = 12
"""With fewer frames than this, most of the time goes into opening and closing files."""

NO_FACE_IN_PICTURE = "No face or standing body could be made out here: check that what was cut out is a person."

FACE_LEFT_OUT = "A face was seen here that is not in the cut-out: check that nobody is missing, or try another model."

NO_MEMORY = "There was not enough memory for this picture: close other programs or try again."


class MattingEngine(Engine):
    """One way of finding the matte of a person.

    `watches_people` says whether face and body detectors check a few frames of each video beside it.
    """

    task: ClassVar[str] = "matting"
    watches_people: ClassVar[bool] = False
    pixels_a_call: int = 640_000
    """Pixels of a batch, a few small frames or one large one: it bounds the memory on a processor."""

    @classmethod
    def needs_model(cls, inputs: Mapping[str, Path]) -> bool:
        return "matte" not in inputs

    @abstractmethod
    def mattes(self, frames: np.ndarray) -> np.ndarray:
        """The raw matte of each frame.

        Args:
            frames: `(B, H, W, 3)` uint8 RGB, of any size; `working_size` says which is best.

        Returns:
            `(B, H, W)` float32 in 0..1.
        """

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) to which a picture of that size is scaled before `mattes`."""
        return height, width

    def picture_size(self, height: int, width: int) -> tuple[int, int]:
        """The same for a picture that is not one of a video's, and may take longer."""
        return self.working_size(height, width)

    def begin(self) -> MatteFunction:
        """The function that gives the mattes of one video, in order; an engine that tracks starts afresh here."""
        return self.mattes

    def begin_live(self) -> MatteFunction:
        """Like `begin`, for a camera: one frame a call, and no frame may take much longer than the others."""
        return self.begin()

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Cut the person out of a video or a picture.

        Args:
            inputs: "media" is the source. "background" may be a picture or video to lay behind. With "matte", the raw
                matte of an earlier run of the same file by any engine, the source is only finished and exported anew;
                hints then correct that matte.
            options: as in `MattingOptions`.
            out: the folder to write into.

        Raises:
            UserError: the options or the files cannot be worked with.
        """
        chosen = MattingOptions.read(options)
        path, behind = inputs["media"], inputs.get("background")
        matte = inputs.get("matte")
        out.mkdir(parents=True, exist_ok=True)
        if is_picture(path):
            yield from self._picture(path, chosen, out, behind, matte)
            return

        def job(out: Path, options: MattingOptions, matte: Path | None, correction: Correction | None) -> VideoJob:
            return VideoJob(
                path,
                out,
                options,
                size=self.working_size,
                mattes=self.begin() if matte is None else self.mattes,
                pixels_a_call=self.pixels_a_call,
                max_pixels=self._max_pixels(),
                new_background=behind,
                matte=matte,
                watch_people=self.watches_people and matte is None,
                correction=correction,
            )

        if chosen.hints:
            yield from guided_events(path, out, chosen, job, matte=matte, max_pixels=self._max_pixels())
        else:
            yield from job(out, chosen, matte, None).events()

    def amount(self, inputs: Mapping[str, Path], last: Progress, result: Result) -> float:
        """Megapixels of all frames plus the card's overhead; 0 where the time says nothing about the model."""
        if not isinstance(result, Matting) or result.frames < MIN_TIMED_FRAMES or "matte" in inputs:
            return 0.0
        return result.frames * (self.card.overhead + result.width * result.height / 1e6)

    def _max_pixels(self) -> int:
        limit = self.card.limit("cpu").megapixels
        return min(MAX_VIDEO_PIXELS, int(limit * 1e6)) if limit else MAX_VIDEO_PIXELS

    def _picture(
        self, path: Path, options: MattingOptions, out: Path, behind: Path | None, matte: Path | None
    ) -> Iterator[Event]:
        yield Progress(STAGE, 0, 1, "pictures")
        picture = read_picture(path, MAX_PICTURE_PIXELS)
        raw = self._picture_matte(picture) if matte is None else read_raw_matte(matte, path, *picture.size)
        base = raw
        if options.hints:
            raw = quantise(correct_picture(picture.rgb, base, options.hints, options.person))
        alpha = finish_picture_matte(picture, raw, options)
        yield Progress("Colouring the edge", 0, 1, "pictures")
        artifacts = self._write_picture(picture, alpha, options, out, behind)
        artifacts += _write_picture_store(picture, path, raw, alpha, out)
        if options.hints and matte is None:
            write_raw_matte(out / "base.png", to_uint8(base), path, *picture.size)
            artifacts += (Artifact("base", "base", out / "base.png"),)
        yield Progress(STAGE, 1, 1, "pictures")
        yield Metric("uncertain pixels", 100 * uncertain_fraction(alpha), "%")
        yield Metric("area of the person", 100 * float(alpha.mean()), "%")
        if alpha.mean() < NO_PERSON_AREA:
            yield Notice("No person was found in this picture, so nearly all of it is see-through.")
        elif self.watches_people and matte is None:
            yield from _notices_on_people(picture, alpha)
        height, width = alpha.shape
        checks = [PreservationCheck("size", "kept", f"{width} × {height} pixels.")]
        if picture.turned:
            checks.append(
                PreservationCheck(
                    "orientation", "kept", "The picture is turned the way it was taken, in every program."
                )
            )
        if picture.icc:
            checks.append(PreservationCheck("colour", "kept", "The picture's own colour profile."))
        if picture.bits > 8:
            checks.append(PreservationCheck("bit depth", "changed", f"{picture.bits} bits a colour became 8."))
        yield Matting(artifacts=artifacts, width=width, height=height, frames=1, kept=tuple(checks))

    def _picture_matte(self, picture: Picture) -> np.ndarray:
        """The raw matte `(h, w)` float32 at the engine's working size."""
        full_width, full_height = picture.size
        height, width = self.picture_size(full_height, full_width)
        small = cv2.resize(picture.rgb, (width, height), interpolation=cv2.INTER_AREA)
        return quantise(self.mattes(small[None])[0])

    def _write_picture(
        self, picture: Picture, alpha: np.ndarray, options: MattingOptions, out: Path, behind: Path | None
    ) -> tuple[Artifact, ...]:
        matte = to_uint8(alpha)
        colours = picture_foreground(picture, alpha, options)
        write_png(out / "alpha.png", matte)
        write_png(out / "cutout.png", cv2.merge([colours, matte]), picture.icc)
        artifacts = [
            Artifact("alpha", "alpha", out / "alpha.png"),
            Artifact("export", CUTOUT, out / "cutout.png"),
        ]
        if options.composite:
            new_background = open_background(options.background, behind)
            composite = compose(colours, alpha, new_background.render(picture.rgb, alpha, 0.0), options)
            new_background.close()
            write_png(out / "composite.png", composite, picture.icc)
            artifacts.append(Artifact("export", COMPOSITE, out / "composite.png"))
        return tuple(artifacts)


def _notices_on_people(picture: Picture, alpha: np.ndarray) -> Iterator[Notice]:
    """What the detectors say of who is in a picture and its matte `(H, W)`."""
    detections = detect_people(picture.rgb)
    if not detections:
        yield Notice(NO_FACE_IN_PICTURE)
    elif any(is_left_out(detection, alpha) for detection in detections):
        yield Notice(FACE_LEFT_OUT)


def _write_picture_store(
    picture: Picture, source: Path, raw: np.ndarray, alpha: np.ndarray, out: Path
) -> tuple[Artifact, ...]:
    """Store the raw matte of a picture, and its proxy for a browser."""
    write_raw_matte(out / "matte.png", to_uint8(raw), source, *picture.size)
    write_proxy_picture(out / "proxy.webp", picture.rgb, alpha)
    return (Artifact("matte", "matte", out / "matte.png"), Artifact("proxy", "proxy", out / "proxy.webp"))
