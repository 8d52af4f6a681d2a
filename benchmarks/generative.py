"""What the small networks of "How they work" can do: `python -m benchmarks.generative [PART …] [--few]`.

Every number on that page which is not computed in the browser comes from here and is written to
`backends/starters/generative/measured.json`, part by part: a value with its 95 % interval, and beside it what real
examples reach (the floor) and what needs no network (the ceiling). All examples are drawn or made by programs, other
ones than those trained on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import viz.how.shipped as page
from backends.generation.digests import DIGESTS
from backends.generation.engines.diffusion import denoise
from backends.generation.networks.attention import HEADS, LAYERS, LENGTH, LETTERS, Switches, answers
from backends.generation.shipped import FOLDER, load
from benchmarks.generative_browser import healing, in_browser
from evaluation import generative
from evaluation.statistics.intervals import Interval, student, wilson
from evaluation.synthetic.small_worlds import CHANNELS, COUNTS, LABELS, PICTURES, SOUNDS, TRAIN, Examples, examples

OUT, FILM = FOLDER / "measured.json", Path(page.__file__).parent / "film.json"
UNSEEN = 2
"""The seed of the examples that are measured on: neither trained on nor looked at while training."""

BETAS = (0.1, 0.3, 1, 3, 10, 30)
SAMPLES = {PICTURES: 200, SOUNDS: 60}
"""How many are made at each point; sounds are fewer, since making real ones to compare with takes longest."""

GUIDANCE = (0, 1, 2, 3, 4, 6, 8)
STEPS = (4, 8, 12, 20, 35, 50, 100)


def number(interval: Interval) -> dict[str, float]:
    """An interval as the page reads it."""
    return {
        "value": round(interval.estimate, 5), "low": round(interval.low, 5), "high": round(interval.high, 5),
        "count": interval.count,
    }  # fmt: skip


def share(hits: Tensor | np.ndarray) -> dict[str, float]:
    return number(wilson(int(hits.sum()), len(hits)))


def mean(values: Tensor | np.ndarray) -> dict[str, float]:
    return number(student(np.asarray(values, float)))


def judges(few: bool) -> dict[str, Any]:
    """How often the judges are right, and how often they are sure, about real examples."""
    found = {}
    for world in (PICTURES, SOUNDS):
        real, judge = examples(world, UNSEEN, 200 if few else 2000), load(f"{world}-judge")
        read, _ = generative.readings(judge, real.x)
        found[world] = {
            "right": share((read == real.labels).all(1)),
            "sure": share(generative.surely_recognised(judge, real.x)),
        }
    return found


def attention(few: bool) -> dict[str, Any]:
    """Accuracy over random texts, whole and with parts taken away; where each head looks."""
    network = load("attention")
    letters = torch.randint(LETTERS, (40 if few else 500, LENGTH), generator=torch.Generator().manual_seed(UNSEEN))
    wanted = answers(letters)
    known = wanted >= 0

    def accuracy(switches: Switches) -> dict[str, float]:
        told, _ = network(letters, switches)
        return mean(_shares(told.argmax(-1) == wanted, known))

    _, maps = network(letters)
    place = torch.arange(LENGTH)
    last = torch.where((letters[:, :, None] == letters[:, None, :]).tril(-1), place, -1).amax(2)
    answer = (last + 1).clamp(max=LENGTH - 1)
    heads = {}
    for layer in range(LAYERS):
        for head in range(HEADS):
            weights = maps[layer][:, head]  # (B, T, T)
            on_answer = weights.gather(2, answer[..., None])[..., 0]
            heads[f"{layer}.{head}"] = {
                "before": round(float(weights.diagonal(-1, 1, 2).mean()), 4),
                "answer": round(float(on_answer[known].mean()), 4),
                "without": accuracy(Switches(frozenset({(layer, head)}))),
            }
    repeated = torch.stack([row.bincount(minlength=LETTERS).argmax() for row in letters])
    return {
        "texts": len(letters),
        "right": accuracy(Switches()),
        "floor": mean(_shares(wanted == repeated[:, None], known)),
        "without positions": accuracy(Switches(positions=False)),
        "without mask": accuracy(Switches(mask=False)),
        "temperature 3": accuracy(Switches(temperature=3)),
        "heads": heads,
    }  # fmt: skip


def _shares(right: Tensor, known: Tensor) -> Tensor:
    """The share of `right` `(B, T)` where the answer is `known`, of each text `(B,)`."""
    return (right & known).sum(1) / known.sum(1)


def vae(few: bool) -> dict[str, Any]:
    """Error, information, coordinates in use and disentanglement of each network at several β."""
    return {
        name: vae_network(name, few) for name in ("pictures-vae-2", "pictures-vae-8", "sounds-vae-8") if name in DIGESTS
    }


def vae_network(name: str, few: bool) -> dict[str, Any]:
    """One of them."""
    world = name.partition("-")[0]
    network, judge = load(name), load(f"{world}-judge")
    real = examples(world, UNSEEN, 200 if few else 2000)
    mean_picture = real.x.mean(0, keepdim=True)
    return {
        "examples": len(real),
        "ceiling": mean(_errors(mean_picture.expand_as(real.x), real.x)),
        "points": [_vae_point(network, judge, real, beta) for beta in BETAS],
    }


def _errors(made: Tensor, x: Tensor) -> Tensor:
    """Squared error of each example as of values in 0..1."""
    return (made - x).square().flatten(1).mean(1) / 4


@torch.no_grad()
def _vae_point(network: Any, judge: Any, real: Examples, beta: float) -> dict[str, Any]:
    price = torch.full((len(real),), float(beta))
    code = network.encode(real.x, price)
    nats = code.divergence()  # (N, Z)
    back = network.decode(code.mean, price)
    drawn = torch.randn(500, network.size, generator=torch.Generator().manual_seed(1))
    out_of_nothing = network.decode(drawn, price[:1].expand(500))
    read, _ = generative.readings(judge, back)
    factors = [np.asarray(getattr(real.factors, name), float) for name in _factor_names(real)]
    gaps = generative.information_gap(code.mean.double().numpy(), factors)
    return {
        "beta": beta,
        "error": mean(_errors(back, real.x)),
        "nats": mean(nats.sum(1)),
        "used": int((nats.mean(0) >= generative.IN_USE).sum()),
        "kept": share((read == real.labels).all(1)),
        "sure": share(generative.surely_recognised(judge, out_of_nothing)),
        "gap": mean(gaps),
        "gaps": dict(zip(_factor_names(real), (round(gap, 3) for gap in gaps), strict=True)),
    }


def _factor_names(real: Examples) -> tuple[str, ...]:
    """The factors that every example has; a disc has no angle."""
    return (
        ("kind", "colour", "x", "y", "size")
        if hasattr(real.factors, "colour")
        else ("kind", "pitch", "decay", "loudness")
    )


def diffusion(few: bool) -> dict[str, Any]:
    """Judged accuracy and variety by guidance and by steps; whether it copies."""
    return {world: _diffusion(world, few) for world in (PICTURES, SOUNDS)}


def _diffusion(world: str, few: bool) -> dict[str, Any]:
    network, judge = load(f"{world}-diffusion"), load(f"{world}-judge")
    count = 40 if few else SAMPLES[world]
    real = examples(world, UNSEEN, 2 * count)

    def point(at: float, steps: int, guidance: float) -> dict[str, Any]:
        labels = real.labels[:count]
        made = sample(network, world, labels, steps, guidance)
        read, _ = generative.readings(judge, made)
        return {
            "at": at, "right": share((read == labels).all(1)), "variety": mean(generative.variety(made, labels)),
        }  # fmt: skip

    made = sample(network, world, real.labels[:count], 20, 2.0)
    other = examples(world, UNSEEN + 1, count).x
    read, _ = generative.readings(judge, real.x)
    seen = judge.features(real.x)
    found = {
        "count": count,
        "guidance": [point(w, 20, w) for w in GUIDANCE],
        "steps": [point(steps, steps, 2.0) for steps in STEPS],
        "floor": {
            "right": share((read == real.labels).all(1)),
            "variety": mean(generative.variety(real.x, real.labels)),
        },
        "ceiling": {"right": {"value": round(1 / float(np.prod(LABELS[world])), 4)}},
        "coverage": share(generative.coverage(judge.features(made), seen)),
        "coverage of real": share(generative.coverage(judge.features(other), seen)),
    }
    if world == PICTURES:
        train = examples(world, TRAIN, COUNTS[world]).x
        found["copying"] = {
            "made": mean(generative.nearest(made, train)),
            "held_out": mean(generative.nearest(real.x[:count], train)),
        }
    return found


@torch.no_grad()
def sample(network: Any, world: str, labels: Tensor, steps: int, guidance: float) -> Tensor:
    """One made example for each row of labels `(N, L)`."""
    noise = torch.randn(len(labels), CHANNELS[world], 16, 16, generator=torch.Generator().manual_seed(steps))
    *_, last = denoise(network, noise, labels, steps=steps, guidance=guidance, kept=None)
    return last.guess


@torch.no_grad()
def gan(few: bool) -> dict[str, Any]:
    """Modes, certainty and copying of each generator, over several draws of noise."""
    film = json.loads(FILM.read_text("utf-8"))
    real, train = examples(PICTURES, UNSEEN, 512), examples(PICTURES, TRAIN, COUNTS[PICTURES]).x
    judge = load("pictures-judge")
    film["floor"], _ = generative.count_modes(judge, real.x)
    found = {
        "film": film,
        "healthy": _generator("pictures-gan", judge, train, few),
        "collapsing": _generator("pictures-gan-collapsing", judge, train, few),
        "held_out": mean(generative.nearest(real.x[:200], train)),
    }
    if "sounds-gan" in DIGESTS:
        other = examples(SOUNDS, TRAIN, COUNTS[SOUNDS]).x
        found["sounds"] = _generator("sounds-gan", load("sounds-judge"), other, few)
        apart = examples(SOUNDS, UNSEEN, 200).x
        found["sounds"]["held_out"] = mean(generative.nearest(apart, other))
    return found


def _generator(name: str, judge: Any, train: Tensor, few: bool) -> dict[str, Any]:
    network = load(name)
    draws = [network(generative.fixed_noise(512, seed)) for seed in range(2 if few else 8)]
    counted = [generative.count_modes(judge, made) for made in draws]
    return {
        "count": 512,
        "modes": mean([modes for modes, _ in counted]),
        "sure": mean([sure for _, sure in counted]),
        "copying": mean(generative.nearest(draws[0][:200], train)),
    }


def speed(few: bool) -> dict[str, Any]:
    """Median seconds of 20 guided steps of one picture, in torch here and in the browser where there is Chromium."""
    torch.set_num_threads(2)
    network = load("pictures-diffusion")
    label = torch.tensor([[2, 3]])
    times = []
    for _ in range(3 if few else 15):
        began = time.perf_counter()
        sample(network, PICTURES, label, 20, 2.0)
        times.append(time.perf_counter() - began)
    return {"torch": round(statistics.median(times), 4), **in_browser(3 if few else 15)}


PARTS: Mapping[str, Callable[[bool], Any]] = {
    "judges": judges, "attention": attention, "vae": vae, "diffusion": diffusion, "gan": gan, "healing": healing,
    "speed": speed,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=(*PARTS, []), help="all of them by default")
    parser.add_argument("--few", action="store_true", help="few examples, for a look in a minute; nothing is written")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    found = json.loads(OUT.read_text("utf-8")) if OUT.exists() else {}
    for name in given.parts or PARTS:
        part = PARTS[name](given.few)
        print(name, json.dumps(part, indent=1)[:2000])  # noqa: T201
        if not given.few:
            found[name] = part
            OUT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
