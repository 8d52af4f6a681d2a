"""One video from file to files: decoding, matting, finishing and coding at the same time, in bounded memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np

from backends.core.engine import Artifact, Event, Metric, Notice, Partial, Progress
from backends.core.errors import BadInput
from backends.matting.finishing.background import background
from backends.matting.finishing.finishing import Finisher, preview
from backends.matting.finishing.matte_store import StoredMattes, as_kept, proxy_size, stacked, tags, to_bytes
from backends.matting.finishing.temporal import Moment, Smoother
from backends.matting.options import Settings
from backends.matting.types import Frame, Matting
from backends.matting.video.colour import SDR
from backends.matting.video.exports import ALPHA, KEPT_MATTE, PROXY, RAW, STACKED, Export
from backends.matting.video.frame_stats import NOBODY, FrameLog
from backends.matting.video.frames import VideoReader
from backends.matting.video.pipeline import Channel, Crew
from backends.matting.video.preservation_report import Timeline, kept
from backends.matting.video.writers import Source, Writer, writer_for

STAGE = "Cutting out"
STAGES = ("decoding", "matting", "finishing", "coding")
PREVIEWS = 12
IN_FLIGHT_BYTES = 50_000_000
Mattes = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Batch:
    """Frames with the same frames at the size the engine looks at: `small` `(B, h, w, 3)` uint8."""

    frames: list[Frame]
    small: np.ndarray


@dataclass(frozen=True)
class Seen:
    """One frame and what the engine saw of it."""

    frame: Frame
    small: np.ndarray


@dataclass(frozen=True)
class Finished:
    """The pictures of one frame, by content."""

    pts: int
    pictures: dict[str, np.ndarray]


class VideoJob:
    """The four stages of one video.

    Args:
        path: the source. new_background: a picture or video to lay behind, if one was sent.
        size: from (height, width) of the source to the size the engine wants to look at.
        mattes: `(B, h, w, 3)` uint8 to `(B, h, w)` float32.
        pixels_a_call: how many pixels of that size `mattes` gets at once, at least one frame.
        matte: the mattes of an earlier run of this file; then `size` and `mattes` are not asked.
    """

    def __init__(
        self,
        path: Path,
        out: Path,
        settings: Settings,
        *,
        size: Callable[[int, int], tuple[int, int]],
        mattes: Mattes,
        pixels_a_call: int,
        most_pixels: int,
        new_background: Path | None = None,
        matte: Path | None = None,
    ) -> None:
        self.out, self.settings, self._mattes = out, settings, mattes
        self._open(path, matte, new_background, most_pixels)
        info = self.info
        self.size = self._stored.size if self._stored else size(info.height, info.width)
        self._proxy_size = proxy_size(info.width, info.height, info.sar)
        self.colour = SDR if info.colour.hdr else info.colour
        end = None if settings.end is None else Fraction(settings.end).limit_denominator(1000)
        self.source = Source(path, info, Fraction(settings.start).limit_denominator(1000), end)
        exports = _with_alpha(settings.exports)
        self.finisher = Finisher(settings, frozenset(export.content for export in exports), self._behind)
        self.writers: list[Writer] = []
        self._exports = exports
        room = max(2, min(8, IN_FLIGHT_BYTES // (3 * info.width * info.height)))
        self.batch = max(1, min(room, pixels_a_call // (self.size[0] * self.size[1])))
        self._batches: Channel[Batch] = Channel(max(1, room // self.batch))
        self._matted: Channel[Moment[Seen]] = Channel(room)
        self._finished: Channel[Finished] = Channel(max(2, room // 2))
        self._crew = Crew(self._batches, self._matted, self._finished)
        self._previews: deque[Event] = deque()
        self.timeline = Timeline()
        self._spent = dict.fromkeys(STAGES, 0.0)
        self.log = FrameLog(out / "frames.json")
        self.total = self._expected()

    def _open(self, path: Path, matte: Path | None, new_background: Path | None, most: int) -> None:
        """Open all that is read. Where one of them is refused, the others are closed again."""
        settings = self.settings
        with ExitStack() as half_open:
            self.reader = VideoReader(path, settings.start, settings.end, most)
            half_open.callback(self.reader.close)
            info = self.info = self.reader.info
            self._stored = StoredMattes(matte, path, info.width, info.height, most=most) if matte else None
            if self._stored is not None:
                half_open.callback(self._stored.close)
            self._behind = background(settings.background, new_background, info.sar) if settings.composite else None
            half_open.pop_all()

    def _expected(self) -> int:
        """How many frames there will be, as far as the file says."""
        seconds = self.settings.end or self.info.seconds
        whole = self.info.frames if self.settings.end is None else 10**9
        if not seconds:
            return 0
        return max(1, min(whole or 10**9, round((seconds - self.settings.start) * float(self.info.rate))))

    def events(self) -> Iterator[Event]:
        """Run the job. Closing this stops all threads and takes away half-made files."""
        done = False
        started = time.monotonic()
        try:
            self._open_writers()
            self._crew.start("decode", self._decode)
            self._crew.start("finish", self._finish)
            self._crew.start("encode", self._encode)
            yield from self._matte()
            for _ in self._crew.waiting(0.2):
                yield from self._report()
            yield from self._report()
            self._check_frames()
            done = True
            yield Metric("frames per second", self.timeline.count / max(1e-6, time.monotonic() - started), "fps")
            yield from self._results()
        finally:
            self._crew.stop()
            self._tidy(done)

    def _open_writers(self) -> None:
        """One for each export, and two for what every run leaves behind."""
        for export in self._exports:
            self.writers.append(writer_for(export, self.out, self.source, self.colour))
        (height, width), half = self.size, self._proxy_size
        plain = replace(self.info, sar=Fraction(1), audio=())
        told = tags(self.source.path, self.info.width, self.info.height, self.source.begin)
        mattes = replace(self.source, info=replace(plain, width=width, height=height), tags=told)
        small = replace(self.source, info=replace(plain, width=half[0], height=2 * half[1]))
        self.writers.append(writer_for(KEPT_MATTE, self.out, mattes, SDR))
        self.writers.append(writer_for(PROXY, self.out, small, SDR))

    def _decode(self) -> None:
        height, width = self.size
        going = True
        while going:
            with self._timed("decoding"):
                frames = list(islice(iter(self.reader.read, None), self.batch))
                going = bool(frames)
                batch = _batched(frames, height, width) if going else None
            if batch is not None:
                self._batches.put(batch)
        self._batches.close()

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Add the time that a stage worked, not what it waited for the others."""
        started = time.perf_counter()
        yield
        self._spent[stage] += time.perf_counter() - started

    def _matte(self) -> Iterator[Event]:
        """The stage on the device, in the caller's own thread: between two batches it can be stopped."""
        smoother: Smoother[Seen] = Smoother(self.settings.temporal)
        yield Progress(STAGE, 0, self.total, "frames")
        try:
            for batch in self._batches:
                self._crew.check()
                with self._timed("matting"):
                    alphas = as_kept(self._alphas(batch))
                for frame, small, alpha in zip(batch.frames, batch.small, alphas, strict=True):
                    for moment in smoother.push(Seen(frame, small), small, alpha):
                        self._hand_over(moment)
                yield from self._report()
            for moment in smoother.flush():
                self._hand_over(moment)
            self._matted.close()
        except BaseException:
            self._crew.check()  # an abandoned channel means that a thread failed: its error is the one to tell
            raise

    def _alphas(self, batch: Batch) -> np.ndarray:
        """`(B, h, w)` float32, from the engine or from an earlier run."""
        if self._stored is None:
            return self._mattes(batch.small)
        return self._stored.at([self.source.begin + frame.pts * self.info.time_base for frame in batch.frames])

    def _hand_over(self, moment: Moment[Seen]) -> None:
        self.log.add(moment, float(moment.payload.frame.pts * self.info.time_base))
        self._matted.put(moment)

    def _finish(self) -> None:
        every = max(1, self.total // PREVIEWS) if self.total else 60
        base = float(self.info.time_base)
        for moment in self._matted:
            frame = moment.payload.frame
            with self._timed("finishing"):
                alpha = self.finisher.alpha(frame.rgb, moment.payload.small, moment.alpha)
                if frame.index % every == 0:
                    self._previews.append(self._preview(frame, alpha))
                pictures = self.finisher.pictures(frame.rgb, alpha, frame.pts * base)
                pictures[RAW] = to_bytes(moment.raw)
                pictures[STACKED] = stacked(frame.rgb, alpha, self._proxy_size)
            self._finished.put(Finished(frame.pts, pictures))
        self._finished.close()

    def _preview(self, frame: Frame, alpha: np.ndarray) -> Partial:
        folder = self.out / "previews"
        folder.mkdir(exist_ok=True)
        name = f"{frame.index:06d}.webp"
        (folder / name).write_bytes(preview(frame.rgb, alpha))
        seconds = round(float(frame.pts * self.info.time_base), 4)
        return Partial(Artifact("preview", name, folder / name, {"frame": frame.index, "seconds": seconds}))

    def _encode(self) -> None:
        for finished in self._finished:
            with self._timed("coding"):
                for writer in self.writers:
                    writer.write(finished.pictures[writer.export.content], finished.pts)
            self.timeline.add(finished.pts * self.info.time_base)
        for writer in self.writers:
            writer.close()

    def _report(self) -> Iterator[Event]:
        while self._previews:
            yield self._previews.popleft()
        if self.timeline.count:
            self.total = max(self.total, self.timeline.count)
            yield Progress(STAGE, self.timeline.count, self.total, "frames")

    def _check_frames(self) -> None:
        if not self.timeline.count:
            raise BadInput("There is no picture in the part that was chosen: choose an earlier start.")

    def _results(self) -> Iterator[Event]:
        self.log.close()
        yield from self.log.metrics()
        for stage, seconds in self._spent.items():
            yield Metric(f"{stage} a frame", 1000 * seconds / self.timeline.count, "ms")
        yield from self._notices()
        artifacts = [Artifact(writer.export.artifact, writer.export.kind, writer.path) for writer in self.writers]
        artifacts.append(Artifact("frames", "frames", self.log.path))
        yield Matting(
            artifacts=tuple(artifacts),
            width=self.info.width,
            height=self.info.height,
            frames=self.timeline.count,
            seconds=float(self.timeline.last),
            kept=tuple(kept(self)),
        )

    def _notices(self) -> Iterator[Event]:
        reader = self.reader
        if self.log.largest < NOBODY:
            yield Notice("No person was found in this video, so nearly all of it is see-through.")
        if reader.broken:
            yield Notice("Parts of this video are damaged; what could not be read was left out.")
        if reader.untimed:
            yield Notice(f"{reader.untimed} frames carried no usable time and were placed by the frame rate.")
        if reader.reshaped:
            yield Notice("The picture changes its size midway; all of it was brought to the first size.")
        if self.info.colour.hdr:
            yield Notice("This is an HDR video; its brightness was brought down to ordinary screens.")
        if reader.deinterlaced:
            yield Notice("This video was interlaced; its half pictures were joined into whole ones.")

    def _tidy(self, done: bool) -> None:
        self.log.close()
        self.reader.close()
        if self._stored is not None:
            self._stored.close()
        if self._behind is not None:
            self._behind.close()
        if not done:
            for writer in self.writers:
                with suppress(OSError, av.error.FFmpegError):  # half gone already; the others are to go too
                    writer.abandon()


def _with_alpha(exports: tuple[Export, ...]) -> tuple[Export, ...]:
    return (*exports, ALPHA) if any(export.kind == "luma" for export in exports) else exports


def _batched(frames: list[Frame], height: int, width: int) -> Batch:
    small = [cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA) for frame in frames]
    return Batch(frames, np.stack(small))
