"""The starter of songs: a small HTDemucs, trained on mixtures made on the fly.

    python -m training.songs prepare --songs songs.zip --mir1k mir1k --work FOLDER
    python -m training.songs train --work FOLDER --steps 1560
    python -m training.songs export --work FOLDER --out backends/starters/htdemucs-starter.safetensors

Training goes on from its last checkpoint, which holds everything; with more `--steps` than before the rate rises again.
"""

from __future__ import annotations

import argparse
import json
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file
from torch import Tensor, nn

from backends.shared.allocator import reused_memory
from evaluation.metrics.separation.bss_eval import si_sdr_improvement
from training.running import Average, decay_groups, keep, note
from training.song_data import RATE, STEMS, Sounds, prepare
from training.song_mix import Mixer

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

BATCH, PEAK, DECAY, AVERAGED = 4, 1.5e-3, 0.01, 0.99
VOICE = STEMS.index("vocals")
WINDOW = 2048
WEIGHTS = {"voice": 1.0, "rest": 1.0, "stems": 2.0}
"""Of the losses: the stems are known in two of five examples only."""

SAVE_SECONDS = 150
VALIDATED, VALIDATION_SECONDS = 8, 6


def make_network(**changes: Any) -> HTDemucs:
    return HTDemucs(list(STEMS), segment=SEGMENT, **NETWORK | changes)


def rate(step: int, steps: int) -> float:
    """Up over the first 40 steps, then level, and down to nothing over the last three quarters."""
    return PEAK * min(1.0, (step + 1) / 40, (steps - step) / (0.75 * steps))


def asked(stems: Tensor, split: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of `(B, 4, 2, T)` stems the voices and the rest, `(B, 2, T)` each, and drums, bass and other where `split`."""
    return stems[:, VOICE], stems[:, :VOICE].sum(dim=1), stems[split, :VOICE].flatten(0, 1)


def losses(found: Tensor, true: Tensor, split: Tensor) -> dict[str, Tensor]:
    """Of the voice and of all but it; of drums, bass and other where `split` (B,) says that they are known."""
    pairs = list(zip(asked(found, split), asked(true, split), strict=True))
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


class Training:
    """From the start or the last checkpoint in `work`, to `steps`."""

    def __init__(self, work: Path, steps: int, batch: int = BATCH, seconds: float = SEGMENT, **changes: Any) -> None:
        torch.manual_seed(0)
        self.work, self.steps, self.size = work, steps, batch
        self.frames = round(seconds * RATE)
        self.network = make_network(**changes)
        self.sounds = Sounds(work / "store")
        self.average = Average(self.network.state_dict(), AVERAGED)
        self.optimiser = torch.optim.AdamW(decay_groups(self.network, DECAY), lr=PEAK, betas=(0.9, 0.98))
        self.step, self.seconds, self.stopping = 0, 0.0, False
        self.file = work / "songs.pt"
        if self.file.exists():
            self._resume()

    def _resume(self) -> None:
        state = torch.load(self.file, weights_only=True)
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.weights, self.average.steps = state["average"], state["count"]
        self.step, self.seconds = state["step"], state["seconds"]

    def save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average.weights,
            "count": self.average.steps,
            "step": self.step,
            "seconds": self.seconds,
        }
        keep(state, self.file)

    def run(self, every: int = 50) -> None:
        """Train until the last step, or until `stopping` is set, which keeps what was learned."""
        told: dict[str, float] = {}
        since, saved = self.step, time.monotonic()
        while self.step < self.steps and not self.stopping:
            began = time.process_time()
            for name, value in self._learn().items():
                told[name] = told.get(name, 0.0) + value
            self.seconds += time.process_time() - began
            if self.step % every == 0 or self.step == self.steps:
                self._log({name: value / (self.step - since) for name, value in told.items()})
                told, since = {}, self.step
            if time.monotonic() - saved > SAVE_SECONDS:
                self.save()
                saved = time.monotonic()
        self.save()

    def _learn(self) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.step, self.steps)
        # A seed of its own for each step: a training that was interrupted sees what it would have seen.
        stems, split = (torch.from_numpy(p) for p in Mixer(self.sounds, self.frames, [1, self.step]).batch(self.size))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = self.network.train()(stems.sum(dim=1))
        found_losses = losses(found.float(), stems, split)
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack([WEIGHTS[name] * value for name, value in found_losses.items()]).sum().backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.average.follow(self.network.state_dict())
        self.step += 1
        return {name: float(value.detach()) for name, value in found_losses.items()}

    def _log(self, told: dict[str, float]) -> None:
        network = make_network().eval()
        network.load_state_dict(self.average.weights)
        row = {"step": self.step, "cpu_seconds": round(self.seconds), "rate": f"{rate(self.step - 1, self.steps):.6f}"}
        row |= {name: f"{value:.4f}" for name, value in (told | validate(network, self.sounds)).items()}
        note(self.work / "log.csv", row)


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
    state = torch.load(work / "songs.pt", weights_only=True)["average"]
    about = {"klass": "demucs.htdemucs.HTDemucs", "args": json.dumps([list(STEMS)])}
    about["kwargs"] = json.dumps(NETWORK | {"segment": SEGMENT})
    save_file({name: value.half().contiguous() for name, value in state.items()}, out, about)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("prepare", "train", "export"))
    parser.add_argument("--work", type=Path, required=True, help="a folder for the store, checkpoints and the log")
    parser.add_argument("--songs", type=Path, help="songs.zip")
    parser.add_argument("--mir1k", type=Path, help="the folder of MIR-1K's clips")
    parser.add_argument("--out", type=Path, help="the file of weights")
    parser.add_argument("--steps", type=int, default=1560)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.what == "prepare":
        prepare(given.songs, given.mir1k, given.work / "store")
    elif given.what == "export":
        export(given.work, given.out)
    else:
        training = Training(given.work, given.steps)
        signal.signal(signal.SIGTERM, lambda *_: setattr(training, "stopping", True))
        with reused_memory():
            training.run()


if __name__ == "__main__":
    main()
