"""How fast people are cut out: `python benchmarks/matting_speed.py [network|video|engines] [--weights FILE]`.

`network` times MODNet at 512 × 288 by every way of running it on a processor that is installed, in turns, so that a
busy moment hurts all of them alike. `video` makes a 1080p clip with sound and times it from file to file, against a
plain loop over its frames with the same network; each side runs in its own process, so its peak memory is its own.
Without weights the network has weights by chance, which take the same time; its mattes would be fog, so both sides then
lay a person's outline over what it gives. `engines` makes a clip of `--size` and takes it through every model that is
here, each in a process of its own; the processor's time counts those that decode as well.
"""

from __future__ import annotations

import argparse
import copy
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backends.core.engine import Metric  # noqa: E402
from backends.core.model_card import ModelCard  # noqa: E402
from backends.matting.base import MattingEngine  # noqa: E402
from backends.matting.cards import CARDS  # noqa: E402
from backends.matting.engines.modnet import MODNet, working_size  # noqa: E402
from backends.matting.engines.modnet_engine import FromBytes, ModnetEngine, to_onnx  # noqa: E402
from backends.matting.engines.modnet_weights import load_modnet  # noqa: E402
from backends.serving.host import RUNNABLE_STATES, Host  # noqa: E402
from evaluation.synthetic.clip import make_clip  # noqa: E402
from evaluation.systems.matting import matting_engine  # noqa: E402

CARD = ModelCard("benchmark", "matting", "modnet", "", "", "", "", "yours")
BATCH = 4
CHANCE = "chance.ckpt"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("network", "video", "engines", "side"), default="network")
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", default="1280x720", help="of the clip for `engines`")
    parser.add_argument("--compile", action="store_true", help="also time torch.compile, which takes minutes to build")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.what == "network":
        networks(given)
    elif given.what == "video":
        videos(given)
    elif given.what == "engines":
        engines(given)
    else:
        one_side(*given.rest)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


# The network alone


def networks(given: argparse.Namespace) -> None:
    network = load_modnet(given.weights) if given.weights else MODNet().eval()
    frames = np.random.default_rng(0).integers(0, 255, (BATCH, 288, 512, 3), np.uint8)
    ways = ways_to_run(network, given.threads, given.compile)
    reference = ways["torch"](frames)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in ways.items():
        say(f"{name:22} differs from torch by {np.abs(way(frames) - reference).max():.1e} at most")
    for _ in range(given.runs):
        for name, way in ways.items():
            started = time.perf_counter()
            way(frames)
            times[name].append((time.perf_counter() - started) / BATCH)
    for name, taken in sorted(times.items(), key=lambda item: statistics.median(item[1])):
        median = statistics.median(taken)
        say(f"{name:22} {1000 * median:7.1f} ms a frame, {1 / median:5.1f} frames a second (median of {given.runs})")


def ways_to_run(network: MODNet, threads: int, compiled: bool) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    import onnxruntime as ort

    module = FromBytes(network).eval()
    last = copy.deepcopy(module).to(memory_format=torch.channels_last)

    def by_torch(way: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[np.ndarray], np.ndarray]:
        def run(frames: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return way(torch.from_numpy(frames)).numpy()

        return run

    settings = ort.SessionOptions()
    settings.intra_op_num_threads, settings.log_severity_level = threads, 3
    session = ort.InferenceSession(to_onnx(network), settings, providers=["CPUExecutionProvider"])
    ways = {
        "torch": by_torch(module),
        "torch, channels last": by_torch(last),
        "ONNX Runtime": lambda frames: session.run(None, {"frames": frames})[0],
    }
    if compiled:
        ways["torch.compile"] = by_torch(torch.compile(module))
    if importlib.util.find_spec("openvino"):
        ways["OpenVINO"] = by_openvino(module, threads)
    return ways


def by_openvino(module: FromBytes, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    import openvino

    example = torch.zeros(1, 288, 512, 3, dtype=torch.uint8)
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(openvino.convert_model(module, example_input=example), "CPU", settings)
    return lambda frames: next(iter(model([frames]).values()))


# From file to file


def videos(given: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        source, weights = Path(folder) / "source.mp4", given.weights or Path(folder) / CHANCE
        if not given.weights:
            torch.manual_seed(0)
            torch.save(MODNet().state_dict(), weights)
        make_source(source, given.seconds)
        results = {}
        for side in ("loop", "pipeline"):
            command = [sys.executable, __file__, "side", side, str(source), str(weights), folder]
            done = subprocess.run(
                [*command, "--threads", str(given.threads)], capture_output=True, text=True, check=True
            )
            results[side] = json.loads(done.stdout.splitlines()[-1])
            row = results[side]
            work = f"{row['work'] / row['frames']:.2f} processor seconds a frame"
            say(f"{side:9} {row['frames'] / row['seconds']:6.2f} frames a second, {work}, {row['memory']:.0f} MB")
            for name, value in row["parts"].items():
                say(f"          {name}: {value}")
        say(f"ratio     {results['loop']['seconds'] / results['pipeline']['seconds']:.2f}")


def engines(given: argparse.Namespace) -> None:
    """Every model that is here, from file to file, one after the other."""
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="fourfold-benchmark-") as folder:
        source = Path(folder) / "source.mp4"
        make_source(source, given.seconds, width, height)
        for card in (card.id for card in CARDS if Host().weights_state(card) in RUNNABLE_STATES):
            command = [sys.executable, __file__, "side", "engine", str(source), card, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            row = json.loads(done.stdout.splitlines()[-1])
            rate, work = row["frames"] / row["seconds"], row["work"] / row["frames"]
            say(f"{card:20} {rate:6.2f} frames a second, {work:.3f} processor seconds a frame, {row['memory']:.0f} MB")
            for name, value in row["parts"].items():
                say(f"{'':20} {name}: {value}")


def make_source(path: Path, seconds: float, width: int = 1920, height: int = 1080) -> None:
    """The sample clip enlarged, with a camera's noise, there and back again, and a tone beside it."""
    clip, rng = make_clip(min(seconds, 1.0), 480, 270), np.random.default_rng(0)
    pictures = [cv2.resize(rendered.rgb, (width, height), interpolation=cv2.INTER_CUBIC) for rendered in clip]
    pictures += pictures[-2:0:-1]
    noise = rng.normal(0, 2, (height, width, 1)).astype(np.int16)
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "20"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = out.add_stream("aac", rate=48_000, layout="mono")
        for index in range(round(seconds * 30)):
            picture = np.clip(pictures[index % len(pictures)] + np.roll(noise, 37 * index, axis=1), 0, 255)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture.astype(np.uint8), format="rgb24")))
        out.mux(video.encode(None))
        wave = 0.2 * np.sin(2 * np.pi * 330 * np.arange(round(seconds * 48_000)) / 48_000).astype(np.float32)
        for start in range(0, len(wave) - 1023, 1024):
            part = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], format="fltp", layout="mono")
            part.sample_rate, part.pts = 48_000, start
            out.mux(sound.encode(part))
        out.mux(sound.encode(None))


def one_side(side: str, source: str, weights: str, folder: str) -> None:
    run = {"loop": plain_loop, "pipeline": pipeline, "engine": whole_engine}[side]
    begun = resource.getrusage(resource.RUSAGE_SELF)
    started, before = time.perf_counter(), begun.ru_utime + begun.ru_stime
    frames, parts = run(Path(source), Path(weights), Path(folder) / side)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    readers = [child.cpu_times() for child in psutil.Process().children(recursive=True)]  # they wait for another file
    memory, work = used.ru_maxrss / 1024, used.ru_utime + used.ru_stime - before
    work += sum(reader.user + reader.system for reader in readers)
    say(json.dumps({"frames": frames, "seconds": seconds, "work": work, "memory": memory, "parts": parts}))


def person_shaped(alphas: np.ndarray, weights: Path) -> np.ndarray:
    """What a trained network would give in its place: head and shoulders with a soft edge."""
    if weights.name != CHANCE:
        return alphas
    height, width = alphas.shape[1:]
    outline = np.zeros((height, width), np.float32)
    cv2.circle(outline, (width // 2, height // 3), height // 6, 1.0, -1)
    cv2.ellipse(outline, (width // 2, height), (width // 4, height // 2), 0, 0, 360, 1.0, -1)
    return np.repeat(cv2.GaussianBlur(outline, (0, 0), height / 170)[None], len(alphas), axis=0)


def plain_loop(source: Path, weights: Path, out: Path) -> tuple[int, dict[str, str]]:
    """What anyone would write first: one frame after the other, one thread, the whole matte enlarged and laid over."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    out.mkdir()
    network = FromBytes(load_modnet(weights))
    reader, writer, count = cv2.VideoCapture(str(source)), None, 0
    spent = {"decoding": 0.0, "network": 0.0, "laying over and coding": 0.0}
    while True:
        times = [time.perf_counter()]
        there, frame = reader.read()
        if not there:
            break
        times.append(time.perf_counter())
        height, width = frame.shape[:2]
        small = cv2.resize(frame, working_size(height, width)[::-1], interpolation=cv2.INTER_AREA)[..., ::-1]
        with torch.inference_mode():
            alpha = network(torch.from_numpy(np.ascontiguousarray(small))[None]).numpy()
        alpha = person_shaped(alpha, weights)[0]
        times.append(time.perf_counter())
        alpha = cv2.resize(alpha, (width, height))[..., None]
        mixed = (alpha * frame + (1 - alpha) * (64, 177, 0)).astype(np.uint8)
        if writer is None:
            writer = cv2.VideoWriter(str(out / "result.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 30, (width, height))
        writer.write(mixed)
        times.append(time.perf_counter())
        for name, taken in zip(spent, np.diff(times), strict=True):
            spent[name] += float(taken)
        count += 1
    if writer is not None:
        writer.release()
    return count, {name: f"{1000 * seconds / count:.0f} ms a frame" for name, seconds in spent.items()}


def pipeline(source: Path, weights: Path, out: Path) -> tuple[int, dict[str, str]]:
    class Shaped(ModnetEngine):
        def mattes(self, frames: np.ndarray) -> np.ndarray:
            return person_shaped(super().mattes(frames), weights)

    engine = Shaped(CARD, (weights,))
    engine.load("cpu")
    return from_file_to_file(engine, source, out)


def whole_engine(source: Path, card: Path, out: Path) -> tuple[int, dict[str, str]]:
    return from_file_to_file(matting_engine(str(card)), source, out)


def from_file_to_file(engine: MattingEngine, source: Path, out: Path) -> tuple[int, dict[str, str]]:
    """How many frames the engine laid over green, and what it measured of itself."""
    parts, frames = {}, 0
    for event in engine.run({"media": source}, {"export": "composite", "background": "#00b140"}, out):
        if isinstance(event, Metric) and event.unit in ("fps", "ms"):
            parts[event.name] = f"{event.value:.1f} {event.unit}"
        frames = getattr(event, "frames", frames)
    return frames, parts


if __name__ == "__main__":
    main()
