"""The base of all separation engines: it reads the song, writes and measures the stems, and reports progress.

An engine adds its `sources`, its `samplerate`, and `chunks`, which turns a Mix into pieces of its sources.
"""

from __future__ import annotations

import shutil
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from backends.core.engine import Artifact, Engine, Event, Metric, Notice, Partial, Progress
from backends.core.errors import BadInput, EngineFailed
from backends.separation.io.audio import open_song, read_mix
from backends.separation.io.mix import Mix
from backends.separation.io.writer import SeparationWriter
from backends.separation.options import SeparationOptions
from backends.separation.types import Grouping, Separation
from backends.shared.disk_errors import writing

MAX_SECONDS = 3 * 3600.0
"""Longer songs are refused whatever a card says: a stem's WAV file has to stay under 4 GiB."""

READING_STEP = 10.0
"""Seconds of sound between two reports while the song is read."""

Chunks = Callable[[Mix], Iterator[np.ndarray]]

_writing = partial(writing, "The stems", (soundfile.LibsndfileError,))


class SeparationEngine(Engine):
    """Splits a stereo song into `sources` at `samplerate` Hz; both are known once `load` has returned."""

    task = "separation"
    sources: tuple[str, ...] = ()
    samplerate: int = 44100
    device: str = "cpu"
    ahead: int = 0
    """Frames of the next piece that `chunks` has worked through already: progress moves before a long piece is done."""

    @abstractmethod
    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        """Yield (S, 2, T) float32 pieces of all sources, in order and without overlap, `mix.frames` in total.

        T is free, and may be 0: such a piece only gives the caller a chance to stop.
        """

    def plan(self, options: Mapping[str, Any]) -> Chunks:
        """The function that separates a mix with these options. Engines with options of their own override it.

        Raises BadInput for a bad option, before anything is read.
        """
        return self.chunks

    def run(self, inputs: Mapping[str, Path], options: Mapping[str, Any], out: Path) -> Iterator[Event]:
        """Split a song into stems.

        Args:
            inputs: `song`, a sound file.
            options: `SeparationOptions`, and those of the engine.
            out: folder for `stems/NAME.wav`, `mix.wav` and the playable `segments/`.

        Yields:
            Progress, Notices about the file, Partial segments of the mix and of each stem as they are finished,
            Metrics, and last a Separation.

        Raises:
            BadInput, TooLarge: the song or an option cannot be used.
            EngineFailed: the disk or the memory is full, or the model's output broke down.
        """
        if "song" not in inputs:
            raise BadInput("There is no song to separate: choose one first.")
        chosen = SeparationOptions.read(options)
        grouping = Grouping.parse(chosen.stems, self.sources, chosen.adds_up)
        chunks = self.plan(options)
        with _writing():
            out.mkdir(parents=True, exist_ok=True)
            mix = yield from self._read(inputs["song"], chosen.track, out)
        _require_space(out, mix, len(grouping.stems))
        yield from self._write(mix, grouping, chunks, out)

    def _read(self, path: Path, track: str, out: Path) -> Generator[Event, None, Mix]:
        limit = min(self.card.limit(self.device).seconds or MAX_SECONDS, MAX_SECONDS)
        song = open_song(path, limit, track)
        reading = read_mix(song, self.samplerate, out / "mix.wav", limit)
        last_report = -READING_STEP
        try:
            while True:
                done = next(reading)
                if done >= last_report + READING_STEP:
                    last_report = done
                    yield Progress("Reading the song", done, max(done, song.duration), "s")
        except StopIteration as stop:
            mix: Mix = stop.value
        finally:
            reading.close()
        yield Progress("Reading the song", mix.seconds, mix.seconds, "s")
        yield from (Notice(sentence) for sentence in mix.notices)
        return mix

    def _write(self, mix: Mix, grouping: Grouping, chunks: Chunks, out: Path) -> Iterator[Event]:
        names = tuple(grouping.stems)
        # (N, S): 1 where a source is part of a stem.
        membership = np.array([[source in group for source in self.sources] for group in grouping.stems.values()])
        done = 0
        with _writing():
            writer = SeparationWriter(names, mix.samplerate, out, mix.tags)
        with writer:
            for chunk in chunks(mix):
                _require_finite(chunk)
                count = chunk.shape[-1]
                pieces = np.einsum("ns,sct->nct", membership.astype(np.float32), chunk)  # (N, 2, T)
                song = mix.read(done, count)
                if grouping.remainder:
                    place = names.index(grouping.remainder)
                    pieces[place] = song - (pieces.sum(axis=0) - pieces[place])
                yield from _partials(writer.add(song, pieces))
                done += count
                worked = min(done + self.ahead, mix.frames)
                yield Progress("Separating", worked / mix.samplerate, mix.seconds, "s")
            yield from _partials(writer.finish())
        if done != mix.frames:
            raise RuntimeError(f"{type(self).__name__} made {done} frames of a song of {mix.frames}")
        yield Metric("mix_peak", mix.peak, "")
        yield Metric("clipped", mix.clipped, "share")
        yield from writer.metrics()
        yield _result(mix, writer, out)


def _partials(segments: Iterator[Artifact]) -> Iterator[Partial]:
    with _writing():
        yield from (Partial(segment) for segment in segments)


def _result(mix: Mix, writer: SeparationWriter, out: Path) -> Separation:
    meta = {"tags": dict(mix.tags), "seconds": mix.seconds, "notices": list(mix.notices)}
    artifacts = [Artifact("stem", name, path) for name, path in writer.paths.items()]
    artifacts.append(Artifact("mix", "mix", out / "mix.wav", meta))
    return Separation(tuple(artifacts), mix.samplerate, mix.frames, tuple(writer.paths), writer.segments)


def _require_finite(chunk: np.ndarray) -> None:
    if not np.isfinite(chunk).all():
        raise EngineFailed("The model's output broke down on this song: try another model, or run it on the processor.")


def _require_space(out: Path, mix: Mix, stems: int) -> None:
    """Refuse before hours of work whose result would not fit: 32-bit floats of each stem, 16-bit segments of all."""
    needed = mix.frames * (8 * stems + 4 * (stems + 1))
    free = shutil.disk_usage(out).free
    if free < needed:
        raise EngineFailed(
            f"The disk is too full: the stems need {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "free some space and try again."
        )
