"""How well singing is told from its accompaniment on MIR-1K (Hsu & Jang 2010), by the engines themselves.

    python benchmarks/separation_quality.py --data DIR [--engine dsp] [--split held-out]

DIR holds the clips, 16 kHz stereo, accompaniment left and singing right, named SINGER_SONG_PART. The mixture is the
mean of both, written as a mono file and given to the engine exactly as a song is: read, resampled to the engine's rate,
split, written. The voice is the mean of the two channels that come back, resampled to 16 kHz; the accompaniment is the
mixture less the voice. Printed are mean SI-SDR improvements over the untouched mixture, in dB.

Every third singer in the order of names is held out; parameters may be chosen on the others alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backends.core.engine import Engine, Result  # noqa: E402
from backends.separation import TASK  # noqa: E402
from backends.separation.types import Separation  # noqa: E402
from backends.serving.host import Host  # noqa: E402
from evaluation.metrics.separation.bss_eval import si_sdr_improvement  # noqa: E402

SUFFIXES = {".ogg", ".wav", ".flac"}
DRAWS = 10_000


@dataclass(frozen=True)
class Score:
    """Of one clip: SI-SDR improvement of voice and accompaniment in dB, seconds of sound and of work."""

    singer: str
    vocals: float
    accompaniment: float
    length: float
    took: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of clips")
    parser.add_argument("--engine", default="dsp", help="an engine with a “vocals” stem")
    parser.add_argument("--weights", default="", help="a card's name or a file of weights; the engine's best if empty")
    parser.add_argument("--split", choices=["held-out", "tuning", "all"], default="held-out")
    parser.add_argument("--jobs", type=int, default=1, help="clips at once")
    arguments = parser.parse_args()
    clips = choose(arguments.data, arguments.split)
    measure = partial(score, arguments.engine, arguments.weights)
    with ProcessPoolExecutor(arguments.jobs) as pool:
        print_table(list(pool.map(measure, clips)), arguments.split)


def choose(folder: Path, split: str) -> list[Path]:
    """The clips of one part of the singers."""
    clips = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
    singers = sorted({singer(clip) for clip in clips})
    held = set(singers[2::3])
    chosen = [clip for clip in clips if split == "all" or (singer(clip) in held) == (split == "held-out")]
    if not chosen:
        raise SystemExit(f"There are no clips for “{split}” in {folder}.")
    return chosen


def singer(clip: Path) -> str:
    return clip.stem.split("_")[0]


def load_engine(name: str, weights: str) -> Engine:
    host = Host(device="cpu")
    card, files = host.choose(TASK, name, weights)
    engine = TASK.engine_class(card.engine)(card, files)
    engine.load("cpu")
    return engine


def score(engine: str, weights: str, clip: Path) -> Score:
    sound, samplerate = soundfile.read(clip, dtype="float64")
    accompaniment, voice = sound.T / 2
    mixture = accompaniment + voice
    with tempfile.TemporaryDirectory() as name:
        song, out = Path(name) / "song.wav", Path(name) / "out"
        soundfile.write(song, mixture, samplerate, subtype="FLOAT")
        split = load_engine(engine, weights)
        started = time.perf_counter()
        result: Result = [e for e in split.run({"song": song}, {"stems": "vocals"}, out) if isinstance(e, Result)][-1]
        took = time.perf_counter() - started
        assert isinstance(result, Separation)
        stem, rate = soundfile.read(result.stem("vocals").path)
    found = soxr.resample(stem.mean(axis=1), rate, samplerate)[: len(voice)]
    found = np.pad(found, (0, len(voice) - len(found)))
    return Score(
        singer(clip),
        si_sdr_improvement(found, voice, mixture),
        si_sdr_improvement(mixture - found, accompaniment, mixture),
        len(voice) / samplerate,
        took,
    )


def interval(values: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap of the mean over clips: singers are drawn first, then clips of each drawn singer."""
    random = np.random.default_rng(0)
    members = [values[groups == group] for group in np.unique(groups)]
    means = np.empty(DRAWS)
    for i in range(DRAWS):
        drawn = [members[j] for j in random.integers(len(members), size=len(members))]
        means[i] = np.concatenate([random.choice(clips, len(clips)) for clips in drawn]).mean()
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def print_table(scores: list[Score], split: str) -> None:
    groups = np.array([s.singer for s in scores])
    gains = np.array([(s.vocals, s.accompaniment) for s in scores])  # (clips, 2)
    lines = [f"{'singer':<14} {'clips':>5} {'vocals':>8} {'accompaniment':>14}"]
    for name in np.unique(groups):
        vocals, rest = gains[groups == name].mean(axis=0)
        lines.append(f"{name:<14} {(groups == name).sum():>5} {vocals:>8.2f} {rest:>14.2f}")
    lines.append(f"{split:<14} {len(scores):>5} {gains[:, 0].mean():>8.2f} {gains[:, 1].mean():>14.2f}")
    for label, column in (("vocals", 0), ("accompaniment", 1)):
        low, high = interval(gains[:, column], groups)
        better = (gains[:, column] > 0).mean()
        lines.append(
            f"{label}: mean {gains[:, column].mean():.2f} dB, 95 % interval {low:.2f} to {high:.2f}, "
            f"median {np.median(gains[:, column]):.2f}, better than the mixture in {better:.0%} of clips"
        )
    lines.append(f"speed: {sum(s.length for s in scores) / sum(s.took for s in scores):.1f} x real time")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
