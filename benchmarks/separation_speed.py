"""Time and memory of a separation against the demucs command line, on the same checkpoint and the same sound.

    python -m benchmarks.separation_speed --seconds 60 --runs 3

Makes its own checkpoint (htdemucs in its published size, with random weights: these decide neither time nor memory)
and its own sound. The two programs take turns, each run in a fresh process with the same segment, overlap 0.25 and no
shifts, writing 32-bit float stems. Prints medians of wall time, processor time and peak resident memory, and ratios.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

SAMPLERATE = 44_100
ROOT = Path(__file__).resolve().parents[1]
SOURCES = ["drums", "bass", "other", "vocals"]
PUBLISHED = {"segment": Fraction(39, 5), "bottom_channels": 512, "dconv_mode": 3, "t_layers": 5, "t_heads": 8}
PARAMETERS = 41_984_456


@dataclass(frozen=True)
class Cost:
    """Of one run: wall and processor time in seconds, peak resident memory in MB."""

    wall: float
    processor: float
    memory: float


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, nargs="+", default=[60.0, 600.0], help="length of the sound")
    parser.add_argument("--runs", type=int, default=3, help="runs of each program")
    parser.add_argument("--threads", type=int, default=0, help="threads of each program; 0 for its own choice")
    parser.add_argument("--checkpoint", type=Path, help="a .th file to use instead of the one made here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        checkpoint = make_checkpoint(work / "repo", arguments.checkpoint)
        for seconds in arguments.seconds:
            song = make_song(work / "song.wav", seconds)
            report(seconds, alternate(song, checkpoint, work, arguments))


def make_checkpoint(folder: Path, given: Path | None) -> Path:
    """A `.th` file as the demucs package writes it, alone in `folder`, named after its checksum."""
    folder.mkdir()
    if given is not None:
        return Path(shutil.copy(given, folder))
    import torch
    from demucs.htdemucs import HTDemucs

    torch.manual_seed(0)
    model = HTDemucs(SOURCES, **PUBLISHED)
    if sum(value.numel() for value in model.parameters()) != PARAMETERS:
        raise SystemExit("This network does not have the size of the published one.")
    state = {key: value.half() for key, value in model.state_dict().items()}
    held = {"klass": HTDemucs, "args": [SOURCES], "kwargs": PUBLISHED, "state": state, "training_args": {}}
    buffer = io.BytesIO()
    torch.save(held, buffer)
    path = folder / f"random-{hashlib.sha256(buffer.getvalue()).hexdigest()[:8]}.th"
    path.write_bytes(buffer.getvalue())
    return path


def make_song(path: Path, seconds: float) -> Path:
    """Noise with a beat, 16-bit stereo."""
    rng = np.random.default_rng(0)
    with soundfile.SoundFile(path, "w", SAMPLERATE, 2, subtype="PCM_16") as file:
        left = round(seconds * SAMPLERATE)
        beat = np.exp(-4 * np.arange(SAMPLERATE) / SAMPLERATE)[:, None]
        while left > 0:
            second = 0.1 * rng.standard_normal((SAMPLERATE, 2)) * (0.2 + beat)
            file.write(second[:left])
            left -= SAMPLERATE
    return path


def alternate(song: Path, checkpoint: Path, work: Path, arguments: argparse.Namespace) -> dict[str, list[Cost]]:
    """Run both programs in turn, so that a busy spell of the machine meets both."""
    name = checkpoint.stem.rsplit("-", 1)[0]
    settings = ["--shifts", "0", "--overlap", "0.25", "--float32", "-d", "cpu", "-o", str(work / "demucs")]
    model = ["--engine", "demucs", "--weights", str(checkpoint), "--out", str(work / "fourfold")]
    programs = {
        "demucs": ["demucs", "--repo", str(checkpoint.parent), "-n", name, *settings, str(song)],
        "fourfold": ["backends", "run", "separation", str(song), *model],
    }
    costs: dict[str, list[Cost]] = {program: [] for program in programs}
    for run in range(arguments.runs):
        for program, command in programs.items():
            cost = measure([sys.executable, "-m", *command], arguments.threads)
            costs[program].append(cost)
            say(f"  run {run + 1} {program:9} {cost.wall:8.1f} s  {cost.processor:8.1f} s cpu  {cost.memory:7.0f} MB")
            shutil.rmtree(work / program)
    return costs


def measure(command: list[str], threads: int) -> Cost:
    """The cost of one process, from the system's own account of it."""
    environment = {**os.environ, "FOURFOLD_DEVICE": "cpu"}
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{errors.read()[-2000:]}")
    return Cost(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, kilobytes(usage) / 1000)


def kilobytes(usage: resource.struct_rusage) -> float:
    return usage.ru_maxrss / 1000 if sys.platform == "darwin" else usage.ru_maxrss


def report(seconds: float, costs: dict[str, list[Cost]]) -> None:
    say(f"{seconds:.0f} s of sound, medians of {len(costs['demucs'])} runs:")
    for field, unit in (("wall", "s"), ("processor", "s"), ("memory", "MB")):
        theirs, ours = (statistics.median(getattr(cost, field) for cost in costs[name]) for name in costs)
        say(f"  {field:10} demucs {theirs:8.1f} {unit:2}  fourfold {ours:8.1f} {unit:2}  ratio {ours / theirs:.2f}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
