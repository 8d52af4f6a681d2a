"""A small HTDemucs that learns from mixtures made on the fly, for the Demucs starter."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file
from torch import Tensor

from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from training.arithmetic import quick_arithmetic
from training.htdemucs.mixer import Mixer
from training.htdemucs.store import RATE, STEMS, Sounds
from training.loop import Recipe, averaged_weights, optimizer, warm_then_linear

NETWORK: dict[str, Any] = {
    "channels": 24,
    "t_layers": 2,
    "t_heads": 4,
    "bottom_channels": 128,
    "t_layer_scale": False,
    "dconv_mode": 1,
    "dconv_depth": 1,
    "dconv_comp": 4,
    "dconv_init": 0.1,
    "cac": False,
    "wiener_iters": -1,
    "end_iters": -1,
}
"""Where it differs from the published one: half the channels, a narrow and short transformer, magnitudes with the

phase of the mixture (`cac`), and branches that start at once instead of from nearly nothing, since training is short.
"""

SEGMENT = 3
"""Seconds of an example, in training and after."""

BATCH, PEAK, DECAY = 4, 1.5e-3, 0.01
STAGE = "separation"
VOICE = STEMS.index("vocals")
WINDOW = 2048
WEIGHTS = {"voice": 1.0, "rest": 1.0, "stems": 2.0}
"""Of the losses: the stems are known in two of five examples only."""

VALIDATED, VALIDATION_SECONDS = 8, 6


def make_network(**changes: Any) -> HTDemucs:
    return HTDemucs(list(STEMS), segment=SEGMENT, **NETWORK | changes)


def loss_parts(stems: Tensor, split: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of `(B, 4, 2, T)` stems the voices and the rest, `(B, 2, T)` each, and drums, bass and other where `split`."""
    return stems[:, VOICE], stems[:, :VOICE].sum(dim=1), stems[split, :VOICE].flatten(0, 1)


def losses(found: Tensor, true: Tensor, split: Tensor) -> dict[str, Tensor]:
    """Of the voice and of all but it; of drums, bass and other where `split` (B,) says that they are known."""
    pairs = list(zip(loss_parts(found, split), loss_parts(true, split), strict=True))
    wrong = distance(*(torch.cat(side) for side in zip(*pairs, strict=True)))  # (N,)
    voice, rest, stems = wrong.split([len(side) for side, _ in pairs])
    return {"voice": voice.mean(), "rest": rest.mean(), "stems": stems.sum() / (VOICE * len(split))}


def distance(found: Tensor, true: Tensor) -> Tensor:
    """`(N,)` from `(N, 2, T)`: by how much the samples differ, and the magnitudes of the middle."""
    with torch.no_grad():
        wanted = magnitudes(true)
    samples = (found - true).abs().mean(dim=(1, 2))
    return samples + (magnitudes(found) - wanted).abs().mean(dim=(1, 2))


def magnitudes(sound: Tensor) -> Tensor:
    """`(N, F, frames)` of `(N, 2, T)`, scaled so that noise has magnitudes about as large as its samples."""
    shape = torch.hann_window(WINDOW)
    spectrum = torch.stft(sound.mean(dim=1), WINDOW, WINDOW // 2, window=shape, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-6).sqrt() / shape.square().sum().sqrt()


class Separation(Recipe):
    """HTDemucs on mixtures made on the fly from a store of sounds.

    Args:
        sounds: what is mixed.
        batch: mixtures a step.
        seconds: the length of a mixture.
        changes: arguments of the network other than `NETWORK`.
    """

    ema_decay = 0.99

    def __init__(self, sounds: Sounds, batch: int = BATCH, seconds: float = SEGMENT, **changes: Any) -> None:
        self.sounds, self.size, self.frames = sounds, batch, round(seconds * RATE)
        self.network = make_network(**changes)

    def optimizers(self) -> list[torch.optim.Optimizer]:
        return [optimizer(torch.optim.AdamW, self.network, PEAK, DECAY, betas=(0.9, 0.98))]

    def schedule(self, step: int, steps: int) -> float:
        return warm_then_linear(step, steps, warm=40, fall=0.75)

    def batches(self, step: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Stems `(B, 4, 2, T)`, and which of them are known apart `(B,)`."""
        # A seed of its own for each step: a training that was interrupted sees what it would have seen.
        for now in itertools.count(step):
            stems, split = Mixer(self.sounds, self.frames, [1, now]).batch(self.size)
            yield torch.from_numpy(stems), torch.from_numpy(split)

    def loss(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        stems, split = batch
        with quick_arithmetic():
            estimates = self.network(stems.sum(dim=1))
        terms = losses(estimates.float(), stems, split)
        return torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum(), terms

    def check(self, weights: Mapping[str, Tensor]) -> dict[str, float]:
        network = make_network().eval()
        network.load_state_dict(weights)
        return validate(network, self.sounds)


@torch.no_grad()
def validate(network: HTDemucs, sounds: Sounds) -> dict[str, float]:
    """SI-SDR improvement of voice and rest on a few clips of the singers kept apart, in pieces of SEGMENT."""
    voices = sounds.of("voice", apart=True)
    backings = {item.group: item for item in sounds.of("accompaniment", apart=True)}
    gains = []
    for item in voices[:: max(1, len(voices) // VALIDATED)][:VALIDATED]:
        length = min(VALIDATION_SECONDS * RATE, item.frames)
        voice, rest = (torch.from_numpy(sounds.read(sound, 0, length)) for sound in (item, backings[item.group]))
        mix = (voice + rest) / (voice + rest).std()
        pieces = [network(piece.expand(2, -1)[None])[0, VOICE] for piece in mix.split(SEGMENT * RATE, dim=1)]
        found = torch.cat(pieces, dim=1).mean(dim=0).numpy()
        whole = mix[0].numpy()
        pairs = ((found, voice[0].numpy()), (whole - found, rest[0].numpy()))
        gains.append([si_sdr_improvement(guess, truth, whole) for guess, truth in pairs])
    mean = np.mean(gains, axis=0)
    return {"voice_gain": float(mean[0]), "rest_gain": float(mean[1])}


def export(work: Path, out: Path) -> None:
    """The averaged weights in half precision, with class and arguments as the engine reads them."""
    state = averaged_weights(work / f"{STAGE}.pt")
    about = {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([list(STEMS)])}
    about["kwargs"] = json.dumps(NETWORK | {"segment": SEGMENT})
    save_file({name: value.half().contiguous() for name, value in state.items()}, out, about)
