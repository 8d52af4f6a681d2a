"""Writing stems while they are separated: a float WAV, playable segments and levels of each, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile

from backends.core.engine import Artifact, Metric
from backends.separation.io.levels import LevelMeter, decibels
from backends.separation.types import PREVIEW_GAIN, SEGMENT_FRAMES

INT16 = 2**15

WAV_TAGS = {
    "title": "title",
    "artist": "artist",
    "album": "album",
    "date": "date",
    "genre": "genre",
    "track": "tracknumber",
    "comment": "comment",
}
"""The tags that a WAV file has room for (its INFO list), and libsndfile's names for them."""


class StemWriter:
    """Writes one signal to playable segments and, with `wav`, also whole as 32-bit floats; measures its level."""

    def __init__(self, name: str, number: int, samplerate: int, segments: Path, wav: Path | None = None) -> None:
        self.name, self.number, self.samplerate, self.segments = name, number, samplerate, segments
        self.meter = LevelMeter(samplerate)
        self.index = self.start = 0
        self._pending = np.zeros((SEGMENT_FRAMES, 2), np.int16)
        self._filled = 0
        self._file = wav and soundfile.SoundFile(wav, "w", samplerate, 2, subtype="FLOAT", format="WAV")

    def tag(self, tags: Mapping[str, str]) -> None:
        """Name the song in the WAV file, with this stem in its title. Only before the first samples."""
        title = f"{tags['title']} ({self.name})" if tags.get("title") else self.name
        for name, text in {**tags, "title": title}.items():
            if self._file and text and name in WAV_TAGS:
                setattr(self._file, WAV_TAGS[name], text)

    def add(self, block: np.ndarray) -> Iterator[Artifact]:
        """Write the next (2, T) samples and yield the segments that they complete."""
        self.meter.add(block)
        if self._file:
            self._file.write(block.T)
        scaled = np.rint(block.T * (PREVIEW_GAIN * INT16))
        preview = np.clip(scaled, -INT16, INT16 - 1).astype(np.int16)  # (T, 2)
        while len(preview):
            taken = min(len(preview), SEGMENT_FRAMES - self._filled)
            self._pending[self._filled : self._filled + taken] = preview[:taken]
            self._filled += taken
            preview = preview[taken:]
            if self._filled == SEGMENT_FRAMES:
                yield self._segment()

    def finish(self) -> Iterator[Artifact]:
        """Yield the last, shorter segment, if any, and close the WAV file."""
        if self._filled:
            yield self._segment()
        self.close()

    def close(self) -> None:
        if self._file:
            self._file.close()

    def _segment(self) -> Artifact:
        path = self.segments / f"{self.number}-{self.index}.flac"
        samples, kind = self._pending[: self._filled], {"subtype": "PCM_16", "format": "FLAC"}
        # This compression level is a third faster than the default and makes files of the same size.
        soundfile.write(path, samples, self.samplerate, compression_level=0.25, **kind)
        meta = {"index": self.index, "start": self.start, "frames": self._filled}
        self.index, self.start, self._filled = self.index + 1, self.start + self._filled, 0
        return Artifact("segment", self.name, path, meta)


class SeparationWriter:
    """Writes the mix, whose WAV exists already, and every stem of a separation; leaving the context closes them.

    Args:
        names: of the stems.
        samplerate: in Hz.
        out: the folder for `stems` and `segments`.
        tags: of the song, which its stems keep.
    """

    def __init__(
        self, names: tuple[str, ...], samplerate: int, out: Path, tags: Mapping[str, str] | None = None
    ) -> None:
        (out / "stems").mkdir(parents=True, exist_ok=True)
        segments = out / "segments"
        segments.mkdir(exist_ok=True)
        self.paths = {name: out / "stems" / f"{name}.wav" for name in names}
        self.writers = [StemWriter("mix", 0, samplerate, segments)]
        try:
            for number, (name, path) in enumerate(self.paths.items(), start=1):
                self.writers.append(StemWriter(name, number, samplerate, segments, path))
                self.writers[-1].tag(tags or {})
        except BaseException:
            self._close()
            raise
        self._mix_energy = self._residual_energy = 0.0

    def __enter__(self) -> SeparationWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._close()

    def _close(self) -> None:
        for writer in self.writers:
            writer.close()

    def add(self, mix: np.ndarray, stems: np.ndarray) -> Iterator[Artifact]:
        """Write the next piece, `mix` (2, T) and `stems` (N, 2, T), and yield the segments it completes."""
        residual = mix - stems.sum(axis=0, dtype=np.float64)
        self._mix_energy += float(np.square(mix, dtype=np.float64).sum())
        self._residual_energy += float(np.square(residual).sum())
        for writer, block in zip(self.writers, (mix, *stems), strict=True):
            yield from writer.add(block)

    def finish(self) -> Iterator[Artifact]:
        for writer in self.writers:
            yield from writer.finish()

    def metrics(self) -> Iterator[Metric]:
        """The residual, 10 log10(|mix - sum of stems|² / |mix|²) in dB, and the levels of the mix and each stem."""
        ratio = self._residual_energy / self._mix_energy if self._mix_energy else 0.0
        yield Metric("residual", decibels(ratio), "dB")
        for writer in self.writers:
            yield from _level_metrics(writer)

    @property
    def segments(self) -> int:
        return self.writers[0].index


def _level_metrics(writer: StemWriter) -> Iterator[Metric]:
    meter = writer.meter
    yield Metric(f"level:{writer.name}", meter.level_db, "dBFS")
    yield Metric(f"peak:{writer.name}", meter.peak_db, "dBFS")
    yield Metric(f"silence:{writer.name}", meter.silent_fraction, "share")
