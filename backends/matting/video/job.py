"""One video from file to files: decoding, matting, finishing and encoding run at the same time in bounded memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np

from backends.core.engine import Artifact, Event, Metric, Notice, Partial, Progress
from backends.core.errors import BadInput
from backends.matting.finishing.background import open_background
from backends.matting.finishing.finishing import Finisher, preview, with_own_alpha
from backends.matting.finishing.matte_store import (
    RawMatteReader,
    proxy_size,
    quantise,
    stack_source_and_matte,
    to_uint8,
)
from backends.matting.finishing.temporal import SmoothedFrame, Smoother
from backends.matting.guidance.correction import Correction
from backends.matting.guidance.entries import EntryFollower, HeldFrame
from backends.matting.options import MattingOptions
from backends.matting.types import Frame, Matting
from backends.matting.video.colour import SDR
from backends.matting.video.exports import (
    ALPHA_EXPORT,
    PROXY_EXPORT,
    RAW_MATTE,
    SOURCE_AND_MATTE,
    Export,
)
from backends.matting.video.frame_stats import FrameStatsWriter
from backends.matting.video.observations import PeopleObserver, sentences_on_people
from backends.matting.video.outputs import open_outputs
from backends.matting.video.pipeline import Channel, WorkerGroup
from backends.matting.video.preservation_report import preservation_report
from backends.matting.video.reader import IsolatedReader
from backends.matting.video.source_notices import sentences_on_source
from backends.matting.video.stage_items import Batch, FinishedFrame, GuidedFrame, StageClock, make_batch
from backends.matting.video.timeline import Timeline
from backends.matting.video.transparency import SeeThrough
from backends.matting.video.writers import SourcePart, Writer

STAGE = "Cutting out"
IMPOSSIBLE_TIMES = (
    "The times in this video make no sense, so it cannot be written anew: convert it to MP4 in another program and "
    "choose that."
)
PREVIEWS = 12
IN_FLIGHT_BYTES = 50_000_000
"""Decoded frames that wait between the stages take about this much memory."""

HELD_FRAMES, HELD_BYTES = 12, 150_000_000
"""Frames that wait to be completed by later ones: at most so many, and no more than take about this much memory."""

MatteFunction = Callable[[np.ndarray], np.ndarray]
"""Frames `(B, h, w, 3)` uint8 to raw mattes `(B, h, w)` float32."""


class VideoJob:
    """The four stages of one video: decode, matte, finish, encode.

    Args:
        path: the source, untrusted.
        out: the folder to write into.
        options: what to make.
        size: from (height, width) of the source to the engine's working size.
        mattes: the engine's matte function.
        pixels_a_call: how many pixels of the working size `mattes` gets at once, at least one frame.
        max_pixels: the largest source that is read.
        new_background: a picture or video to lay behind, if one was sent along.
        matte: the raw mattes of an earlier run of this file; then `size` and `mattes` are not called.
        watch_people: whether detectors look at a few frames, so that their disagreement with the mattes can be said.
        correction: of the raw mattes that were sent along, worked out by hints.
    """

    def __init__(
        self,
        path: Path,
        out: Path,
        options: MattingOptions,
        *,
        size: Callable[[int, int], tuple[int, int]],
        mattes: MatteFunction,
        pixels_a_call: int,
        max_pixels: int,
        new_background: Path | None = None,
        matte: Path | None = None,
        watch_people: bool = False,
        correction: Correction | None = None,
    ) -> None:
        self.out, self.options, self._mattes, self._correction = out, options, mattes, correction
        self._open(path, matte, new_background, max_pixels)
        info = self.info
        self.size = self._raw_mattes.size if self._raw_mattes else size(info.height, info.width)
        self._proxy_size = proxy_size(info.width, info.height, info.sar)
        self.colour = SDR if info.colour.hdr else info.colour
        end = None if options.end_seconds is None else Fraction(options.end_seconds).limit_denominator(1000)
        self.source = SourcePart(path, info, Fraction(options.start).limit_denominator(1000), end)
        self._exports = _with_lossless_matte(options.exports)
        self.finisher = Finisher(options, frozenset(export.content for export in self._exports), self._background)
        self.writers: list[Writer] = []
        pixel_bytes = 3 + (6 if info.depth > 8 else 0) + (4 if info.alpha else 0)
        frame_bytes = pixel_bytes * info.width * info.height
        in_flight = max(2, min(8, IN_FLIGHT_BYTES // frame_bytes))
        held = max(2, min(HELD_FRAMES, HELD_BYTES // frame_bytes)) if self._raw_mattes is None else 0
        self._entries: EntryFollower[GuidedFrame] = EntryFollower(held)
        self.batch = max(1, min(in_flight, pixels_a_call // (self.size[0] * self.size[1])))
        self._batches: Channel[Batch] = Channel(max(1, in_flight // self.batch))
        self._matted: Channel[SmoothedFrame[GuidedFrame]] = Channel(in_flight)
        self._finished: Channel[FinishedFrame] = Channel(max(2, in_flight // 2))
        self._workers = WorkerGroup(self._batches, self._matted, self._finished)
        self._previews: deque[Event] = deque()
        self.timeline = Timeline()
        self._see_through: SeeThrough | None = None
        self._clock = StageClock()
        self.stats = FrameStatsWriter(out / "frames.json", correction is not None)
        self.total = self._expected_frames()
        self._check_lengths()
        self._people = PeopleObserver(self.total) if watch_people else None

    def _open(self, path: Path, matte: Path | None, new_background: Path | None, max_pixels: int) -> None:
        """Open all files that are read. If one of them is refused, the others are closed again."""
        options = self.options
        with ExitStack() as opened:
            self.reader = IsolatedReader(path, options.start, options.end_seconds, max_pixels)
            opened.callback(self.reader.close)
            info = self.info = self.reader.info
            self._raw_mattes = None
            if matte:
                self._raw_mattes = RawMatteReader(matte, path, info.width, info.height, max_pixels=max_pixels)
                opened.callback(self._raw_mattes.close)
            self._background = None
            if options.composite:
                self._background = open_background(options.background, new_background, info.sar)
            opened.pop_all()

    def _expected_frames(self) -> int:
        """How many frames there will be, as far as the file says; 0 where it does not."""
        seconds = self.options.end_seconds or self.info.seconds
        whole = self.info.frames if self.options.end_seconds is None else 10**9
        if not seconds:
            return 0
        return max(1, min(whole or 10**9, round((seconds - self.options.start) * float(self.info.rate))))

    def _check_lengths(self) -> None:
        """Refuse an export that is too long, as far as the file says how long it is."""
        seconds = (self.options.end_seconds or self.info.seconds) - self.options.start
        for export in self._exports:
            if export.max_seconds and seconds > export.max_seconds + 0.5:
                self._close(done=False)
                raise BadInput(
                    f"{export.title} can be up to {export.max_seconds:g} seconds long: choose a shorter part, or WebM."
                )

    def events(self) -> Generator[Event, None, None]:
        """Run the job. Closing the generator stops all threads and deletes unfinished files."""
        done = False
        started = time.monotonic()
        try:
            for writer in open_outputs(self.out, self.source, self.colour, self._exports, self.size):
                self.writers.append(writer)
            self._workers.start("decode", self._decode)
            self._workers.start("finish", self._finish)
            self._workers.start("encode", self._encode)
            yield from self._matte()
            for _ in self._workers.wait(0.2):
                yield from self._report()
            yield from self._report()
            self._check_frames()
            done = True
            yield Metric("frames per second", self.timeline.count / max(1e-6, time.monotonic() - started), "fps")
            yield from self._results()
        except (OverflowError, av.error.ArgumentError) as error:  # of clocks that a damaged header made up
            raise BadInput(IMPOSSIBLE_TIMES) from error
        finally:
            self._workers.stop()
            self._close(done)

    def _decode(self) -> None:
        height, width = self.size
        more = True
        while more:
            with self._clock.timed("decoding"):
                frames = list(islice(iter(self.reader.read, None), self.batch))
                more = bool(frames)
                batch = make_batch(frames, height, width) if more else None
            if batch is not None:
                self._batches.put(batch)
        self._batches.close()

    def _matte(self) -> Iterator[Event]:
        """The stage on the device. It runs in the caller's own thread, where the job can be stopped between batches."""
        smoother: Smoother[GuidedFrame] = Smoother(self.options.temporal)
        yield Progress(STAGE, 0, self.total, "frames")
        try:
            for batch in self._batches:
                self._workers.check()
                with self._clock.timed("matting"):
                    alphas = quantise(self._alphas(batch))
                for frame, guide, alpha in zip(batch.frames, batch.guides, alphas, strict=True):
                    self._smooth(smoother, self._entries.push(GuidedFrame(frame, guide), guide, alpha))
                yield from self._report()
            self._smooth(smoother, self._entries.flush())
            for smoothed in smoother.flush():
                self._hand_over(smoothed)
            self._matted.close()
        except BaseException:
            self._workers.check()  # an abandoned channel means that a thread failed: raise its error instead
            raise

    def _smooth(self, smoother: Smoother[GuidedFrame], frames: Iterable[HeldFrame[GuidedFrame]]) -> None:
        for frame in frames:
            for smoothed in smoother.push(frame.payload, frame.guide, frame.alpha):
                self._hand_over(smoothed)

    def _alphas(self, batch: Batch) -> np.ndarray:
        """`(B, h, w)` float32, from the engine, or from an earlier run with its corrections."""
        if self._raw_mattes is None:
            return self._mattes(batch.guides)
        raw = self._raw_mattes.at([self.source.start + frame.pts * self.info.time_base for frame in batch.frames])
        if self._correction is not None:
            for matte, frame in zip(raw, batch.frames, strict=True):
                corrected = self._correction.alpha(frame.index)
                matte[:] = matte if corrected is None else corrected
        return raw

    def _hand_over(self, smoothed: SmoothedFrame[GuidedFrame]) -> None:
        frame = smoothed.payload.frame
        sure = None if self._correction is None else self._correction.sureness_at(frame.index)
        self.stats.add(smoothed, float(frame.pts * self.info.time_base), sure)
        self._matted.put(smoothed)

    def _finish(self) -> None:
        interval = max(1, self.total // PREVIEWS) if self.total else 60
        base = float(self.info.time_base)
        for smoothed in self._matted:
            frame = smoothed.payload.frame
            if self._people is not None:
                self._people.look(frame.index, smoothed.payload.guide, smoothed.alpha)
            with self._clock.timed("finishing"):
                alpha = self.finisher.finish_matte(frame.rgb, smoothed.payload.guide, smoothed.alpha)
                alpha = with_own_alpha(alpha, frame)
                self._see_through = self._see_through or SeeThrough.of(frame)
                if frame.index % interval == 0:
                    self._previews.append(self._preview(frame, alpha))
                pictures = self.finisher.render(frame, alpha, frame.pts * base)
                pictures[RAW_MATTE] = to_uint8(smoothed.raw)
                pictures[SOURCE_AND_MATTE] = stack_source_and_matte(frame.rgb, alpha, self._proxy_size)
            self._finished.put(FinishedFrame(frame.pts, pictures))
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
            with self._clock.timed("coding"):
                for writer in self.writers:
                    writer.write(finished.pictures[writer.export.content], finished.pts)
            self.timeline.add(finished.pts * self.info.time_base)
        self.timeline.end = self.reader.end * self.info.time_base
        for writer in self.writers:
            writer.close(self.reader.end)

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
        self.stats.close()
        yield from self.stats.metrics()
        for stage, seconds in self._clock.seconds.items():
            yield Metric(f"{stage} a frame", 1000 * seconds / self.timeline.count, "ms")
        yield from map(Notice, sentences_on_people(self.stats, self._people))
        if self._correction is not None:
            yield from map(Notice, self._correction.sentences())
        yield from map(Notice, sentences_on_source(self.source, self.reader, self.timeline, self.writers))
        artifacts = [
            Artifact(
                writer.export.artifact,
                writer.export.kind,
                writer.path,
                {"sound": bool(writer.tracks)} if writer.export is PROXY_EXPORT else {},
            )
            for writer in self.writers
        ]
        artifacts.append(Artifact("frames", "frames", self.stats.path))
        yield Matting(
            artifacts=tuple(artifacts),
            width=self.info.width,
            height=self.info.height,
            frames=self.timeline.count,
            seconds=float(self.timeline.last),
            kept=tuple(preservation_report(self.info, self.timeline, self.writers, self._see_through)),
        )

    def _close(self, done: bool) -> None:
        self.stats.close()
        self.reader.close()
        if self._raw_mattes is not None:
            self._raw_mattes.close()
        if self._background is not None:
            self._background.close()
        if not done:
            for writer in self.writers:
                with suppress(OSError, av.error.FFmpegError):  # one that is half closed must not keep the others open
                    writer.abandon()


def _with_lossless_matte(exports: tuple[Export, ...]) -> tuple[Export, ...]:
    return (*exports, ALPHA_EXPORT) if any(export.kind == "luma" for export in exports) else exports
