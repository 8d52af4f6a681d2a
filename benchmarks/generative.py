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
from collections.abc import Callable, Mapping, Sequence
from functools import cache
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
from evaluation.generative import number
from evaluation.statistics.intervals import student, wilson
from evaluation.synthetic.small_worlds import CHANNELS, COUNTS, LABELS, PICTURES, SOUNDS, TRAIN, Examples, examples

OUT, FILM = FOLDER / "measured.json", Path(page.__file__).parent / "film.json"
UNSEEN = 2
"""The seed of the examples that are measured on: neither trained on nor looked at while training."""

BETAS = (0.1, 0.3, 1, 3, 10, 30)
SAMPLES = {PICTURES: 200, SOUNDS: 60}
"""How many are made at each point; sounds are fewer, since making real ones to compare with takes longest."""

GUIDANCE = (0, 1, 2, 3, 4, 6, 8)
STEPS = (4, 8, 12, 20, 35, 50, 100)


def share(hits: Tensor | np.ndarray) -> dict[str, float]:
    return number(wilson(int(hits.sum()), len(hits)))


def mean(values: Tensor | np.ndarray | Sequence[float]) -> dict[str, float]:
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
            "sure of noise": share(generative.surely_recognised(judge, generative.plain_noise(real.x, len(real), 1))),
            "guessing": {"value": round(1 / float(np.prod(LABELS[world])), 4)},
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
    even = (torch.tril(torch.ones(LENGTH, LENGTH)) / (place + 1)[:, None]).expand(len(letters), -1, -1)
    heads = {}
    for layer in range(LAYERS):
        for head in range(HEADS):
            heads[f"{layer}.{head}"] = {
                **_looks(maps[layer][:, head], answer, known),
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
        "even": _looks(even, answer, known),
    }  # fmt: skip


def _looks(weights: Tensor, answer: Tensor, known: Tensor) -> dict[str, Any]:
    """How much of the weights `(B, T, T)` lies on the letter before, and on the `answer` `(B, T)` where it is known."""
    on_answer = weights.gather(2, answer[..., None])[..., 0]  # (B, T)
    return {
        "before": mean(weights.diagonal(-1, 1, 2).mean(1)),
        "answer": mean((on_answer * known).sum(1) / known.sum(1)),
    }


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
    network: Any = load(name)
    judge: Any = load(f"{world}-judge")
    real, train = examples(world, UNSEEN, 200 if few else 2000), _train(world, few)
    linear, back = generative.principal_components(train, network.size)(real.x)
    factors = _factors(real)
    return {
        "examples": len(real),
        "ceiling": mean(_errors(real.x.mean(0, keepdim=True).expand_as(real.x), real.x)),
        "linear": mean(_errors(back, real.x)),
        "names in nats": round(float(np.log(np.prod(LABELS[world]))), 2),
        "factors": len(factors),
        "gap": {
            "floor": mean(generative.information_gap(np.stack(factors, 1), factors)),
            "ceiling": mean(generative.information_gap(linear.double().numpy(), factors)),
        },
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
    gaps = generative.information_gap(code.mean.double().numpy(), _factors(real))
    return {
        "beta": beta,
        "error": mean(_errors(back, real.x)),
        "nats": mean(nats.sum(1)),
        "used": _used(nats),
        "kept": share((read == real.labels).all(1)),
        "sure": share(generative.surely_recognised(judge, out_of_nothing)),
        "gap": mean(gaps),
        "gaps": dict(zip(_factor_names(real), (round(gap, 3) for gap in gaps), strict=True)),
    }


def _used(nats: Tensor) -> dict[str, float]:
    """How many coordinates say enough to count as in use; of low and high all or some of their interval does.

    Args:
        nats: what each coordinate says of each example, `(N, Z)`.
    """
    says = [student(np.asarray(column, float)) for column in nats.T]
    surely, here, perhaps = (
        sum(getattr(one, end) >= generative.IN_USE for one in says) for end in ("low", "estimate", "high")
    )
    return {"value": here, "low": surely, "high": perhaps, "count": len(nats)}


def _factors(real: Examples) -> list[np.ndarray]:
    return [np.asarray(getattr(real.factors, name), float) for name in _factor_names(real)]


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
    network: Any = load(f"{world}-diffusion")
    judge: Any = load(f"{world}-judge")
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
    train = _train(world, few)
    noise = generative.plain_noise(train, len(real), 1)
    return {
        "count": count,
        "guidance": [point(w, 20, w) for w in GUIDANCE],
        "steps": [point(steps, steps, 2.0) for steps in STEPS],
        "floor": {
            "right": share((read == real.labels).all(1)),
            "variety": mean(generative.variety(real.x, real.labels)),
        },
        "ceiling": {
            "right": {"value": round(1 / float(np.prod(LABELS[world])), 4)},
            "variety": mean(generative.variety(noise, real.labels)),
        },
        "coverage": share(generative.coverage(judge.features(made), seen)),
        "coverage of real": share(generative.coverage(judge.features(other), seen)),
        "copying": {
            "made": mean(generative.nearest(made, train)),
            "held_out": mean(generative.nearest(real.x[:count], train)),
            "noise": mean(generative.nearest(noise[:count], train)),
        },
    }


@torch.no_grad()
def sample(network: Any, world: str, labels: Tensor, steps: int, guidance: float) -> Tensor:
    """One made example for each row of labels `(N, L)`."""
    noise = torch.randn(len(labels), CHANNELS[world], 16, 16, generator=torch.Generator().manual_seed(steps))
    *_, last = denoise(network, noise, labels, steps=steps, guidance=guidance, kept=None)
    return last.guess


@torch.no_grad()
def gan(few: bool) -> dict[str, Any]:
    """Modes, certainty and copying of each generator, over several draws of noise."""
    return {
        "film": json.loads(FILM.read_text("utf-8")),
        "healthy": _generator("pictures-gan", few),
        "collapsing": _generator("pictures-gan-collapsing", few),
        **_beside_a_generator(PICTURES, few),
        "sounds": {**_generator("sounds-gan", few), **_beside_a_generator(SOUNDS, few)},
    }


def _generator(name: str, few: bool) -> dict[str, Any]:
    network: Any = load(name)
    world = name.partition("-")[0]

    def draw(seed: int) -> Tensor:
        return network(generative.fixed_noise(generative.DRAW, seed))

    return {"count": generative.DRAW, **_judge_draws(world, draw, few)}


def _beside_a_generator(world: str, few: bool) -> dict[str, Any]:
    """The same of real examples that were kept apart (the floor), and of plain noise (the ceiling)."""
    train = _train(world, few)
    return {
        "floor": _judge_draws(world, lambda seed: examples(world, UNSEEN + seed, generative.DRAW).x, few),
        "ceiling": _judge_draws(world, lambda seed: generative.plain_noise(train, generative.DRAW, seed), few),
    }


def _judge_draws(world: str, draw: Callable[[int], Tensor], few: bool) -> dict[str, Any]:
    """Kinds, certainty, and the distance from the nearest training example, of what `draw` gives for a seed."""
    modes, sure = generative.modes_over_draws(load(f"{world}-judge"), draw, 2 if few else generative.DRAWS)
    copying = mean(generative.nearest(draw(0)[:200], _train(world, few)))
    return {"modes": number(modes), "sure": number(sure), "copying": copying}


def _train(world: str, few: bool) -> Tensor:
    """What the networks of a world were trained on; of `few` a part."""
    return _trained_on(world, 500 if few else COUNTS[world])


@cache
def _trained_on(world: str, count: int) -> Tensor:
    return examples(world, TRAIN, count).x


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
