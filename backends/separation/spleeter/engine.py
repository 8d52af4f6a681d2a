"""The `spleeter` engine: two networks take the voice out, the built-in separator tells drums, bass and other apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.core.errors import WeightsMissing
from backends.separation.base import Chunks, SeparationEngine
from backends.separation.dsp.engine import BlockSplitter, DspParameters
from backends.separation.io.mix import SILENCE_RMS, Mix
from backends.separation.options import SeparationOptions
from backends.separation.spleeter.network import load_unet
from backends.separation.spleeter.voice import voice_of
from backends.shared.allocator import reused_memory
from backends.shared.device_memory import out_of_memory_as_sentence

OUT_OF_MEMORY = (
    "There is not enough memory for this model: close other programs, or choose the built-in separator, "
    "or, if it ran on a GPU, start again with FOURFOLD_DEVICE=cpu."
)

LEVEL = 0.18
"""RMS at which the networks hear a song, about that of the mastered music they learned from. On three clips heard at
half of it they lose 1 dB of voice, at a quarter 3; on the singers kept apart nothing."""

VOICE_SHARE = 0.6
"""Of the work on a second of music; the rest is that of the built-in separator."""


class SpleeterEngine(SeparationEngine):
    """Splits a song by Spleeter's two networks. What is not voice is accompaniment, so the stems add up to the song."""

    name = "spleeter"
    sources = ("drums", "bass", "other", "vocals")
    samplerate = 44100
    parameters = DspParameters()

    def load(self, device: str) -> None:
        if len(self.weights) != 2:
            raise WeightsMissing("Spleeter is a pair of files, one network for the voice and one for the rest.")
        self.device = device
        with out_of_memory_as_sentence(OUT_OF_MEMORY):
            self.voice, self.accompaniment = (
                load_unet(path).to(device).to(memory_format=torch.channels_last) for path in self.weights
            )

    def plan(self, options: Mapping[str, Any]) -> Chunks:
        wanted = {name.strip() for name in SeparationOptions.read(options).stems.split(",") if name.strip()}
        return self._voice_and_rest if wanted == {"vocals"} else self.chunks

    def chunks(self, mix: Mix) -> Iterator[np.ndarray]:
        """See `SeparationEngine.chunks`: four stems."""
        stretch = Stretch(mix, self._voice(mix))
        # The accompaniment has no voice left to be looked for, which is most of what the built-in separator does.
        splitter = BlockSplitter(mix.samplerate, self.parameters, None)
        nothing = np.zeros((len(self.sources), 2, 0), np.float32)
        for span in splitter.spans(mix.frames):
            for _ in stretch.reach(span.end):
                self.ahead = int(VOICE_SHARE * (stretch.end - span.start))
                yield nothing
            for stems in splitter.split(span, stretch.accompaniment(span.begin, span.end - span.begin)):
                if stems is None:
                    voice_ahead = VOICE_SHARE * (stretch.end - span.start)
                    self.ahead = int(voice_ahead + (1 - VOICE_SHARE) * splitter.ahead)
                    yield nothing
                    continue
                self.ahead = 0
                stems[self.sources.index("vocals")] = stretch.voice(span.start, span.stop - span.start)
                yield stems

    def _voice_and_rest(self, mix: Mix) -> Iterator[np.ndarray]:
        """Where only the voice is asked for, all the rest is in one of its sources."""
        done = 0
        for voice in self._voice(mix):
            stems = np.zeros((len(self.sources), *voice.shape), np.float32)
            stems[self.sources.index("vocals")] = voice
            stems[self.sources.index("other")] = mix.read(done, voice.shape[-1]) - voice
            done += voice.shape[-1]
            yield stems

    def _voice(self, mix: Mix) -> Iterator[np.ndarray]:
        with reused_memory() if self.device == "cpu" else nullcontext():
            pieces = voice_of(mix, partial(self._forward, gain=LEVEL / max(mix.std, SILENCE_RMS)), self.device)
            while True:
                with torch.inference_mode(), out_of_memory_as_sentence(OUT_OF_MEMORY):
                    piece = next(pieces, None)
                if piece is None:
                    return
                yield piece

    def _forward(self, magnitude: Tensor, gain: float = 1.0) -> tuple[Tensor, Tensor]:
        magnitude = (magnitude * gain).contiguous(memory_format=torch.channels_last)
        return self.voice(magnitude), self.accompaniment(magnitude)


class Stretch:
    """The part of a song's voice that is still needed, from frame `start`, made as far as it is asked for."""

    def __init__(self, mix: Mix, pieces: Iterator[np.ndarray]) -> None:
        self._mix = mix
        self._pieces = pieces
        self.start = 0
        self._voice = np.zeros((2, 0), np.float32)

    @property
    def end(self) -> int:
        """Frames of the song whose voice is known."""
        return self.start + self._voice.shape[1]

    def reach(self, frame: int) -> Iterator[None]:
        """Make the voice up to `frame`, pausing after each segment of the networks."""
        while self.end < frame:
            self._voice = np.concatenate([self._voice, next(self._pieces)], axis=1)
            yield

    def voice(self, start: int, frames: int) -> np.ndarray:
        """(2, `frames`) from `start`; what lies before is forgotten."""
        self._voice, self.start = self._voice[:, start - self.start :], start
        return self._voice[:, :frames]

    def accompaniment(self, start: int, frames: int) -> np.ndarray:
        """The song less its voice, (2, `frames`) from `start`; what lies before is forgotten."""
        return self._mix.read(start, frames) - self.voice(start, frames)
