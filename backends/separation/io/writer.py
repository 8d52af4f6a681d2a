"""Stems as they grow: a float WAV, playable segments, and their levels, without keeping the sound in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile

from backends.core.engine import Artifact, Metric
from backends.separation.types import PREVIEW_GAIN, SEGMENT_FRAMES

FLOOR_DB = -120.0
QUIET_DB = -60.0
INT16 = 2**15


def decibels(power: float) -> float:
    """Power (full scale 1) in dB, not under `FLOOR_DB`: a finite number also for silence."""
    return max(10 * float(np.log10(max(power, 1e-30))), FLOOR_DB)


class Meter:
    """Levels of one stereo signal: RMS, peak, and the share of one-second windows under `QUIET_DB`."""

    def __init__(self, samplerate: int) -> None:
        self.window = samplerate
        self.frames = self.quiet = self.filled = 0
        self.power = self.pending = self.peak = 0.0

    def add(self, block: np.ndarray) -> None:
        """`block` is (2, T)."""
        if not block.shape[1]:
            return
        power = np.square(block, dtype=np.float64).mean(axis=0)  # (T,)
        self.frames += len(power)
        self.power += float(power.sum())
        self.peak = max(self.peak, float(np.abs(block).max()))
        for piece in np.split(power, range(self.window - self.filled, len(power), self.window)):
            self.pending += float(piece.sum())
            self.filled += len(piece)
            if self.filled == self.window:
                self._close_window()

    def _close_window(self) -> None:
        if self.filled and decibels(self.pending / self.filled) < QUIET_DB:
            self.quiet += self.filled
        self.filled, self.pending = 0, 0.0

    def metrics(self, name: str) -> Iterator[Metric]:
        """The levels so far; the last window may be shorter than a second."""
        self._close_window()
        frames = max(self.frames, 1)
        yield Metric(f"level:{name}", decibels(self.power / frames), "dBFS")
        yield Metric(f"peak:{name}", decibels(self.peak**2), "dBFS")
        yield Metric(f"silence:{name}", self.quiet / frames, "share")


class Track:
    """One signal on its way to disk: cut into playable segments, and with `wav` also kept whole as 32-bit floats."""

    def __init__(self, name: str, number: int, samplerate: int, segments: Path, wav: Path | None = None) -> None:
        self.name, self.number, self.samplerate, self.segments = name, number, samplerate, segments
        self.meter = Meter(samplerate)
        self.index = self.start = 0
        self._pending = np.zeros((SEGMENT_FRAMES, 2), np.int16)
        self._filled = 0
        self._file = wav and soundfile.SoundFile(wav, "w", samplerate, 2, subtype="FLOAT", format="WAV")

    def add(self, block: np.ndarray) -> Iterator[Artifact]:
        """Write (2, T) and yield the segments that it completes."""
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
        samples, form = self._pending[: self._filled], {"subtype": "PCM_16", "format": "FLAC"}
        soundfile.write(path, samples, self.samplerate, compression_level=0.25, **form)  # a third faster, as small
        meta = {"index": self.index, "start": self.start, "frames": self._filled}
        self.index, self.start, self._filled = self.index + 1, self.start + self._filled, 0
        return Artifact("segment", self.name, path, meta)


class Stems:
    """All tracks of one separation: the mix, whose WAV is there already, and every stem. Closes them on leaving."""

    def __init__(self, names: tuple[str, ...], samplerate: int, out: Path) -> None:
        (out / "stems").mkdir(parents=True, exist_ok=True)
        segments = out / "segments"
        segments.mkdir(exist_ok=True)
        self.paths = {name: out / "stems" / f"{name}.wav" for name in names}
        self.tracks = [Track("mix", 0, samplerate, segments)]
        try:
            for number, (name, path) in enumerate(self.paths.items(), start=1):
                self.tracks.append(Track(name, number, samplerate, segments, path))
        except BaseException:
            self._close()
            raise
        self._mix_energy = self._residual_energy = 0.0

    def __enter__(self) -> Stems:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self._close()

    def _close(self) -> None:
        for track in self.tracks:
            track.close()

    def add(self, mix: np.ndarray, stems: np.ndarray) -> Iterator[Artifact]:
        """Write the next piece, `mix` (2, T) and `stems` (N, 2, T), and yield the segments it completes."""
        residual = mix - stems.sum(axis=0, dtype=np.float64)
        self._mix_energy += float(np.square(mix, dtype=np.float64).sum())
        self._residual_energy += float(np.square(residual).sum())
        for track, block in zip(self.tracks, (mix, *stems), strict=True):
            yield from track.add(block)

    def finish(self) -> Iterator[Artifact]:
        for track in self.tracks:
            yield from track.finish()

    def metrics(self) -> Iterator[Metric]:
        """What was measured on the way. `residual` is the energy of mix - sum of stems over that of the mix, in dB."""
        ratio = self._residual_energy / self._mix_energy if self._mix_energy else 0.0
        yield Metric("residual", decibels(ratio), "dB")
        for track in self.tracks:
            yield from track.meter.metrics(track.name)

    @property
    def segments(self) -> int:
        return self.tracks[0].index
