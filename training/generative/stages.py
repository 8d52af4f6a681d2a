"""The small networks by name: which recipe makes each, in how many steps, and how all of them are shipped."""

from __future__ import annotations

import json
import math
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from backends.generation import digests
from backends.generation.base import sheet
from backends.generation.networks.gan import Generator
from backends.generation.networks.judge import Judge
from backends.generation.options import KINDS
from backends.generation.shipped import load
from evaluation.generative import DRAW, fixed_noise, modes_over_draws, number
from evaluation.synthetic.small_worlds import CHANNELS, HELD_OUT, LABELS, PICTURES, SOUNDS, examples
from training.generative.recipes import (
    DiffusionRecipe,
    FollowerRecipe,
    GANRecipe,
    JudgeRecipe,
    VAERecipe,
)
from training.loop import Recipe, averaged_weights


@dataclass(frozen=True)
class Stage:
    """One network: how its recipe is made, given the folder of those before it, and for how many steps it learns."""

    recipe: Callable[[Path], Recipe]
    steps: int
    part: str = ""
    """What of the network ships, as the beginning of its names; all where empty."""


def _gan(name: str, world: str, healthy: bool, work: Path) -> Recipe:
    return GANRecipe(world, healthy, judge_in(work, world), work / "film" / name)


STAGES: dict[str, Stage] = {
    "pictures-judge": Stage(lambda _: JudgeRecipe(PICTURES), 3000),
    "sounds-judge": Stage(lambda _: JudgeRecipe(SOUNDS), 800),
    "attention": Stage(lambda _: FollowerRecipe(), 1200),
    "pictures-vae-2": Stage(lambda _: VAERecipe(PICTURES, 2), 2000),
    "pictures-vae-8": Stage(lambda _: VAERecipe(PICTURES, 8), 3000),
    "sounds-vae-8": Stage(lambda _: VAERecipe(SOUNDS, 8), 4000),
    "pictures-gan": Stage(partial(_gan, "pictures-gan", PICTURES, True), 1500, "generator."),
    "pictures-gan-collapsing": Stage(partial(_gan, "pictures-gan-collapsing", PICTURES, False), 800, "generator."),
    "sounds-gan": Stage(partial(_gan, "sounds-gan", SOUNDS, True), 2000, "generator."),
    "pictures-diffusion": Stage(lambda _: DiffusionRecipe(PICTURES), 5000),
    "sounds-diffusion": Stage(lambda _: DiffusionRecipe(SOUNDS), 1800),
}


def recipe_of(name: str, work: Path) -> Recipe:
    return STAGES[name].recipe(work)


def judge_in(work: Path, world: str) -> nn.Module:
    """The judge of a world: the one trained in this folder, or else the one that ships."""
    trained = work / f"{world}-judge.pt"
    if not trained.exists():
        return load(f"{world}-judge")
    judge = Judge(CHANNELS[world], LABELS[world])
    judge.load_state_dict(averaged_weights(trained))
    return judge.eval()


def shipped(work: Path, name: str) -> dict[str, Tensor]:
    """The weights of one network that ship, in half precision."""
    part = STAGES[name].part
    weights = averaged_weights(work / f"{name}.pt")
    return {key.removeprefix(part): value.half().contiguous() for key, value in weights.items() if key.startswith(part)}


def export(work: Path, out: Path) -> None:
    """Write each network trained in `work` as `<name>.safetensors`, and what the cards say of all that lie in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    for name in STAGES:
        file = out / f"{name}.safetensors"
        if (work / f"{name}.pt").exists():
            save_file(shipped(work, name), file, metadata={"name": name})
        if not file.exists():
            continue
        content = file.read_bytes()
        rows.append(f'    "{name}": ({len(content):_}, "{sha256(content).hexdigest()}"),\n')
    module = Path(digests.__file__)
    head = module.read_text("utf-8").partition("DIGESTS")[0]
    module.write_text(f"{head}DIGESTS: dict[str, tuple[int, str]] = {{\n{''.join(rows)}}}\n", "utf-8")


FILM_FRAMES, FILM_COLUMNS = 20, 24
"""Checkpoints of a film, and pictures of each that are shown."""


@torch.no_grad()
def export_film(work: Path, out: Path) -> None:
    """Write `film.png`, a row of pictures for each checkpoint of both GANs, and `film.json`, what they count."""
    judge = judge_in(work, PICTURES)
    found: dict[str, Any] = {"count": DRAW, "all": math.prod(LABELS[PICTURES])}
    rows = []
    for title, name in (("healthy", "pictures-gan"), ("collapsing", "pictures-gan-collapsing")):
        found[title] = []
        for file in _checkpoints(work, name):
            generator = Generator(CHANNELS[PICTURES])
            weights = load_file(file)
            generator.load_state_dict({key: value.float() for key, value in weights.items()})
            modes, sure = modes_over_draws(judge, partial(_draw, generator))
            found[title].append({"step": int(file.stem), "modes": number(modes), "sure": number(sure)})
            rows.append(sheet(generator(fixed_noise(FILM_COLUMNS)).numpy(), PICTURES))
    Image.fromarray(np.concatenate(rows)).quantize(128).save(out / "film.png", optimize=True)
    (out / "film.json").write_text(json.dumps(found) + "\n", "utf-8")


def _draw(generator: Generator, seed: int) -> Tensor:
    """As many pictures as kinds are counted among."""
    drawn: Tensor = generator(fixed_noise(DRAW, seed))
    return drawn


def export_sounds(out: Path) -> None:
    """Write `sounds.json`: one sound of each kind, kept apart from training, in bytes of −127 to 127."""
    apart = examples(SOUNDS, HELD_OUT, 100)
    kinds = KINDS[SOUNDS]
    rows = [int((apart.labels[:, 0] == k).nonzero()[0, 0]) for k in range(len(kinds))]
    steps = (127 * apart.x[rows]).round().to(torch.int8).numpy()
    kept = {"kinds": kinds, "x": b64encode(steps.tobytes()).decode("ascii")}
    (out / "sounds.json").write_text(json.dumps(kept) + "\n", "utf-8")


def _checkpoints(work: Path, name: str) -> list[Path]:
    """At most FILM_FRAMES of a network's checkpoints, evenly spaced, the first and the last among them."""
    files = sorted((work / "film" / name).glob("*.safetensors"))
    places = np.unique(np.linspace(0, len(files) - 1, FILM_FRAMES).round().astype(int))
    return [files[place] for place in places]
