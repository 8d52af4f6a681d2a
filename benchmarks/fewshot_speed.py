"""How fast pictures become features, beside a plain loop with open_clip, and how long teaching takes.

    python -m benchmarks.fewshot_speed

It draws photographs, saves a ViT-B/32 with random weights to a file, and looks at the same JPEGs with both, decoding
included: features of random weights cost what those of learned ones cost. The two take turns, and each figure is the
median of the rounds. “times” is how many times as fast Fourfold is, by the clock and, which other programs on the
machine disturb less, by the work of the processor for one picture. `--architecture` names another of open_clip's
networks, or `prototypes`, the descriptors without weights. Teaching is the least of three times.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from backends.fewshot.base import FeatureEngine
from backends.fewshot.cards import CARDS
from backends.fewshot.classifier import Classifier
from backends.fewshot.data.image_collection import open_image_collection
from backends.fewshot.feature_cache import FeatureCache
from backends.fewshot.feature_extraction import FeatureTable, extract_features
from backends.fewshot.types import Support

SIZES = {"web": (640, 480), "screen": (1600, 1200), "phone": (4032, 3024)}
SHOTS = (20, 100, 300, 1_000, 2_000)
CLASSES, DIMENSIONS = 10, 512
HEADS = ("nearest", "gda", "tip_adapter", "proker", "linear_probe", "tip_adapter_f")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fewshot_speed", description=__doc__)
    parser.add_argument("--architecture", default="ViT-B-32")
    parser.add_argument("--pictures", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--part", choices=("features", "teaching", "all"), default="all")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["FOURFOLD_WEIGHTS"] = str(Path(folder, "weights"))
        if arguments.part != "teaching":
            features(arguments, Path(folder))
        if arguments.part != "features":
            teaching()


def features(arguments: argparse.Namespace, folder: Path) -> None:
    """Pictures a second by each way of looking at the same files."""
    engine, plain = build_engine(arguments.architecture, folder)
    ways: dict[str, Callable[[Path], np.ndarray]] = {"Fourfold": lambda path: ours(engine, path)}
    if plain is not None:
        ways |= {"one by one": plain, "in batches": lambda path: plain(path, 16)}
    say(f"{arguments.architecture}, {arguments.pictures} JPEGs of each size, medians of {arguments.rounds} rounds")
    say(f"{'size':20} {'way':12} {'a second':>9} {'times':>6} {'processor s':>12} {'times':>6} {'least cosine':>13}")
    for name in arguments.sizes.split(","):
        path = photographs(folder / name, arguments.pictures, *SIZES[name])
        spent: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        rows = {}
        for _ in range(arguments.rounds):
            for way, do in ways.items():
                wall, work = time.perf_counter(), time.process_time()
                rows[way] = do(path)
                spent[way].append((time.perf_counter() - wall, time.process_time() - work))
        report(f"{name} {SIZES[name][0]} × {SIZES[name][1]}", arguments.pictures, spent, rows)


def report(size: str, pictures: int, spent: dict[str, list[tuple[float, float]]], rows: dict[str, np.ndarray]) -> None:
    """A line a way; “times” is how many times as fast Fourfold is, by the clock and by the processor's work."""
    medians = {way: [statistics.median(column) for column in zip(*found, strict=True)] for way, found in spent.items()}
    for way, (wall, work) in medians.items():
        faster = [mine / theirs for mine, theirs in zip(medians[way], medians["Fourfold"], strict=True)]
        cosine = float((rows[way] * rows["Fourfold"]).sum(axis=1).min())
        figures = f"{pictures / wall:9.2f} {faster[0]:6.2f} {work / pictures:12.3f} {faster[1]:6.2f} {cosine:13.4f}"
        say(f"{size:20} {way:12} {figures}")


def build_engine(architecture: str, folder: Path) -> tuple[FeatureEngine, Callable[..., np.ndarray] | None]:
    """The engine, and a plain loop with the same weights."""
    if architecture == "prototypes":
        from backends.fewshot.prototypes import PrototypesEngine

        engine: FeatureEngine = PrototypesEngine(CARDS[-1])
        engine.load("cpu")
        return engine, None
    import open_clip
    import torch
    from safetensors.torch import save_file

    from backends.fewshot.clip.engine import ClipEngine

    torch.manual_seed(0)
    weights = folder / f"{architecture}.safetensors"
    save_file(open_clip.create_model(architecture).state_dict(), weights)
    model, _, transform = open_clip.create_model_and_transforms(architecture, pretrained=str(weights))
    model.eval()

    def plain(path: Path, batch: int = 1) -> np.ndarray:
        rows, files = [], sorted(path.iterdir())
        with torch.no_grad():
            for start in range(0, len(files), batch):
                seen: list[Any] = [transform(Image.open(file)) for file in files[start : start + batch]]
                found = model.encode_image(torch.stack(seen))
                rows.append((found / found.norm(dim=-1, keepdim=True)).numpy())
        return np.concatenate(rows)

    engine = ClipEngine(replace(CARDS[0], id="random", tier="yours", files=()), (weights,))
    engine.load("cpu")
    return engine, plain


def ours(engine: FeatureEngine, path: Path) -> np.ndarray:
    """As a job does it, but for a memory that is always empty."""
    with tempfile.TemporaryDirectory() as empty, open_image_collection(path) as gallery:
        events: Iterator[Any] = extract_features(engine, gallery.items, FeatureCache(Path(empty, "features.sqlite")))
        while True:
            try:
                next(events)
            except StopIteration as end:
                found: FeatureTable = end.value
                return found.features


def photographs(folder: Path, count: int, width: int, height: int) -> Path:
    """JPEGs with as much detail as photographs have: soft colours, edges and some noise."""
    folder.mkdir()
    for index in range(count):
        rng = np.random.default_rng(index)
        coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), np.uint8)).resize((width, height), Image.BICUBIC)
        fine = Image.fromarray(rng.integers(0, 256, (height // 6, width // 6, 3), np.uint8)).resize((width, height))
        picture = 0.75 * np.asarray(coarse, np.float32) + 0.2 * np.asarray(fine, np.float32)
        picture += rng.normal(0, 2, (height, width, 1)).astype(np.float32)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / f"{index:03}.jpg", quality=90)
    return folder


def teaching() -> None:
    """Seconds to teach each head anew, its settings chosen and its left-out score measured."""
    say(f"teaching with {CLASSES} classes and {DIMENSIONS} numbers a picture, words for all: seconds by pictures")
    say("head".ljust(14) + "".join(f"{count:>9,}" for count in SHOTS))
    for head in HEADS:
        spent = [seconds(partial(Classifier.fit, clusters(count), head)) for count in SHOTS]
        say(head.ljust(14) + "".join(f"{found:9.3f}" for found in spent))


def clusters(count: int) -> Support:
    """Unit rows around a centre for each class, as far apart as those of a CLIP are."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLASSES, DIMENSIONS))
    labels = np.arange(count) % CLASSES
    rows = centres[labels] + 2.0 * rng.normal(size=(count, DIMENSIONS))
    words = centres + rng.normal(size=centres.shape)
    unit = [(each / np.linalg.norm(each, axis=1, keepdims=True)).astype(np.float32) for each in (rows, words)]
    return Support(unit[0], labels, tuple(f"class {index}" for index in range(CLASSES)), unit[1])


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
