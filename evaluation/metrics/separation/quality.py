"""The quality card: what can be said about finished stems from the files alone, in plain words.

One pass over the mix and all stems side by side, a second at a time, so an hour takes no more memory than a minute.
Nothing here needs true stems; with them, `scores.py` beside this file gives the field's measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.separation.io.levels import SILENCE_DB, LevelMeter
from evaluation.metrics.separation import quality_rows as rows
from evaluation.metrics.separation.bleed import BleedMeter
from evaluation.metrics.separation.loudness_meters import (
    Block,
    ClippingMeter,
    LoudnessMeter,
    ResidualMeter,
    TruePeakMeter,
    read_aligned,
)
from evaluation.metrics.separation.quality_rows import QualityRow

BLEED_SECONDS = 600.0
MUSIC_SECONDS = 300.0
"""Bleed, and tempo and key, are measured on the first part of a long file; all else on the whole of it."""

SILENCE_WINDOW_SECONDS = 0.05

MIX = "\0mix"  # no stem has this name, so that a stem may be called "mix"


@dataclass(frozen=True)
class QualityCard:
    """`rows` in reading order; `seconds` is the length of the song; `notes` say what was not measured in full."""

    rows: tuple[QualityRow, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def row(self, identity: str) -> QualityRow:
        """The row with that id, such as "residual" or "bleed_vocals". Raises KeyError where there is none."""
        for row in self.rows:
            if row.id == identity:
                return row
        raise KeyError(identity)

    def of_stem(self, stem: str) -> tuple[QualityRow, ...]:
        """The rows about one stem; `""` gives those about the whole song."""
        return tuple(row for row in self.rows if row.stem == stem)

    def plus(self, *more: QualityRow) -> QualityCard:
        """The same card with further rows at its end."""
        return replace(self, rows=self.rows + more)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        return {**asdict(self), "rows": [{**asdict(row), "text": row.text} for row in self.rows]}


def assess(mix: Path, stems: Mapping[str, Path], progress: Callable[[float], None] | None = None) -> QualityCard:
    """Measure finished `stems` (name to sound file) against their `mix`.

    Args:
        mix: the song as the engine heard it; any file libsndfile reads.
        stems: as long as the mix and at its sample rate; mono stems count on every channel.
        progress: called now and then with the fraction done, 0 to 1.

    Raises:
        BadInput: a file cannot be read, is empty, does not fit the mix, or holds values that are not numbers.
    """
    meters: SongMeters | None = None
    total = _frames(mix)
    for samplerate, blocks in read_aligned({MIX: mix, **stems}):
        if meters is None:
            meters = SongMeters(samplerate, blocks[MIX].shape[0], tuple(stems))
        meters.add(blocks)
        if progress and meters.seconds_read % 10 == 0:
            progress(min(0.95, meters.frames / max(1, total)))
    assert meters is not None  # read_aligned raises for an empty file
    card = meters.card()
    if progress:
        progress(1.0)
    return card


def _frames(path: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(path).frames)
    except (soundfile.LibsndfileError, OSError):
        return 0  # read_aligned says what is wrong with it


class SongMeters:
    """All meters of a card, fed with blocks of one second."""

    def __init__(self, samplerate: int, channels: int, stems: tuple[str, ...]) -> None:
        self.samplerate = samplerate
        self.frames = 0
        self.seconds_read = 0
        self.mix_level = LevelMeter(samplerate, SILENCE_WINDOW_SECONDS)
        self.levels = {stem: LevelMeter(samplerate, SILENCE_WINDOW_SECONDS) for stem in stems}
        self.clipping = ClippingMeter()
        self.true_peak = TruePeakMeter()
        self.loudness = LoudnessMeter(samplerate, channels)
        self.residual = ResidualMeter()
        self.bleed = BleedMeter(samplerate, stems)
        self.mono = MonoRecorder(samplerate)

    def add(self, blocks: Mapping[str, Block]) -> None:
        mix = blocks[MIX]
        stems = {name: blocks[name] for name in self.levels}
        self.mix_level.add(mix)
        self.clipping.add(mix)
        self.true_peak.add(mix)
        self.loudness.add(mix)
        for name, block in stems.items():
            self.levels[name].add(block)
        if stems:
            self.residual.add(mix, stems)
            if self.seconds_read < BLEED_SECONDS:
                self.bleed.add(stems)
        if self.seconds_read < MUSIC_SECONDS:
            self.mono.add(mix)
        self.frames += mix.shape[1]
        self.seconds_read += 1

    def card(self) -> QualityCard:
        from evaluation.metrics.separation import (
            tempo_key,  # here, because scipy takes a second to load and a page should not
        )

        silent = self.mix_level.level_db < SILENCE_DB
        lines = [rows.residual_row(None if silent else self.residual.db)]
        bleed = self.bleed.fractions
        for stem, meter in self.levels.items():
            enough = bleed is not None and meter.level_db >= SILENCE_DB
            lines.append(rows.bleed_row(stem, bleed[stem] if bleed is not None and enough else None))
        for stem, meter in self.levels.items():
            lines += rows.stem_rows(stem, meter)
        mono = self.mono.samples()
        lines += [
            rows.clipping_row(None if silent else self.clipping.fraction),
            rows.loudness_row(self.loudness.lufs),
            rows.true_peak_row(None if silent else self.true_peak.db),
            rows.tempo_row(None if silent else tempo_key.detect_tempo(mono)),
            rows.key_row(None if silent else tempo_key.detect_key(mono)),
        ]
        return QualityCard(tuple(lines), self.frames / self.samplerate, self._notes())

    def _notes(self) -> tuple[str, ...]:
        notes = []
        for limit, what in ((BLEED_SECONDS, "Bleed was"), (MUSIC_SECONDS, "Tempo and key were")):
            if self.frames > limit * self.samplerate:
                notes.append(f"{what} measured on the first {limit / 60:.0f} minutes.")
        return tuple(notes)


class MonoRecorder:
    """Keeps the first part of the song in mono at `tempo_key.SAMPLERATE`: 26 MB for five minutes."""

    def __init__(self, samplerate: int) -> None:
        import soxr

        from evaluation.metrics.separation import tempo_key

        self.stream = soxr.ResampleStream(samplerate, tempo_key.SAMPLERATE, 1, dtype="float32")
        self.parts: list[NDArray[np.float32]] = []

    def add(self, block: Block) -> None:
        self.parts.append(self.stream.resample_chunk(block.mean(axis=0).astype(np.float32)))

    def samples(self) -> NDArray[np.float64]:
        """All samples so far, `(T,)`; no more can be added."""
        self.parts.append(self.stream.resample_chunk(np.zeros(0, np.float32), last=True))
        return np.concatenate(self.parts).astype(np.float64)
