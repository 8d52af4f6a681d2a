"""The engines of generation, and the shipped networks as data; what was measured of them is read from the benchmark's
own file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from backends.core.model_card import ModelCard, WeightFile
from backends.core.task import EngineSpec
from backends.generation.capabilities import GenerationCapabilities
from backends.generation.digests import DIGESTS
from backends.generation.options import AttentionOptions, DiffusionOptions, GenerationOptions, VAEOptions
from backends.weights.locations import STARTERS

_ENGINES = "backends.generation.engines."
ENGINES: dict[str, EngineSpec] = {
    "diffusion": EngineSpec(f"{_ENGINES}diffusion:DiffusionEngine", DiffusionOptions, GenerationCapabilities()),
    "vae": EngineSpec(f"{_ENGINES}vae:VAEEngine", VAEOptions, GenerationCapabilities()),
    "gan": EngineSpec(f"{_ENGINES}gan:GANEngine", GenerationOptions, GenerationCapabilities()),
    "attention": EngineSpec(f"{_ENGINES}attention:AttentionEngine", AttentionOptions, GenerationCapabilities()),
}

MEASURED = STARTERS / "generative" / "measured.json"
"""What `python -m benchmarks.generative` found."""


@cache
def measurements() -> Mapping[str, Any]:
    """By part of the benchmark; empty before it ran for the first time."""
    return json.loads(MEASURED.read_text("utf-8")) if MEASURED.exists() else {}


def _sentence(part: str, say: Callable[[Any], str]) -> str:
    """What `say` makes of a part of the measurements; "" while it is not measured."""
    return say(measurements()[part]) if part in measurements() else ""


def _share(one: Mapping[str, float]) -> str:
    return f"{100 * one['value']:.1f} % (95 % interval {100 * one['low']:.1f} to {100 * one['high']:.1f} %)"


def _file(name: str) -> WeightFile:
    size, digest = DIGESTS.get(name, (0, ""))  # none before the first export
    return WeightFile(f"{name}.safetensors", size, digest, path="generative")


def _card(name: str, title: str, summary: str, weak_at: str, found: str, **facts: Any) -> ModelCard:
    engine = facts.pop("engine", name.split("-")[1] if "-" in name else name)
    return ModelCard(
        id=name,
        task="generation",
        engine=engine,
        title=title,
        summary=summary,
        weak_at=weak_at,
        licence="MIT",
        licence_note="Trained here on things that the project draws and sounds that it makes: free for any use.",
        tier="starter",
        files=(_file(name),),
        measured=found,
        **facts,
    )


def _diffusion(world: str) -> str:
    def say(part: Any) -> str:
        if world not in part:
            return ""
        found = part[world]
        point = next(one for one in found["guidance"] if one["at"] == 2)
        return (
            f"Of {found['count']} {world} made in 20 steps with guidance 2, a judge reads what was asked for in "
            f"{_share(point['right'])}; of real ones in {100 * found['floor']['right']['value']:.0f} %."
        )

    return _sentence("diffusion", say)


def _vae(name: str) -> str:
    def say(part: Any) -> str:
        if name not in part:
            return ""
        point = next(one for one in part[name]["points"] if one["beta"] == 1)
        return (
            f"At β 1 it uses {point['used']} numbers, and of examples kept apart a judge reads the same after it in "
            f"{_share(point['kept'])}."
        )

    return _sentence("vae", say)


def _gan(which: str, of: int) -> str:
    def say(part: Any) -> str:
        if which not in part:
            return ""
        found = part[which]
        return (
            f"Among {found['count']} it makes {found['modes']['value']:.1f} of {of} kinds, and a judge surely "
            f"recognises {_share(found['sure'])}."
        )

    return _sentence("gan", say)


def _attention(found: Any) -> str:
    return (
        f"On {found['texts']} random texts it answers {_share(found['right'])} rightly; guessing the commonest letter "
        f"{100 * found['floor']['value']:.0f} %."
    )


def _judge(world: str) -> str:
    return _sentence(
        "judges", lambda part: f"Of real ones it was not trained on it names {_share(part[world]['right'])} rightly."
    )


_SOUNDS = {"world": "sounds"}
_TOY = "It knows only what it was trained on: five kinds of drawn things in four colours, 16 × 16 pixels, on black."
_TOY_SOUND = "It knows only six kinds of made sounds of half a second, and a spectrogram loses their finest timing."

_EVERY: tuple[ModelCard, ...] = (
    _card(
        "pictures-diffusion", "Diffusion of pictures", "Makes small pictures out of noise, step by step, as asked.",
        _TOY, _diffusion("pictures"), parameters=93_139, preference=40,
    ),
    _card(
        "sounds-diffusion", "Diffusion of sounds", "Makes drum hits and notes out of noise, step by step, as asked.",
        _TOY_SOUND, _diffusion("sounds"), parameters=94_456, preference=30, without=("colour",), capabilities=_SOUNDS,
    ),
    _card(
        "pictures-vae-8", "VAE of pictures, 8 numbers", "Turns a picture into eight numbers and back.", _TOY,
        _vae("pictures-vae-8"), parameters=57_763, preference=20, capabilities={"code": 8},
    ),
    _card(
        "pictures-vae-2", "VAE of pictures, 2 numbers", "Turns a picture into a place in a plane, and back.",
        f"{_TOY} Two numbers cannot hold all that differs.", _vae("pictures-vae-2"), parameters=57_031, preference=19,
        capabilities={"code": 2},
    ),
    _card(
        "sounds-vae-8", "VAE of sounds, 8 numbers", "Makes sounds of eight numbers.", _TOY_SOUND, _vae("sounds-vae-8"),
        parameters=59_208, preference=18, capabilities={"world": "sounds", "code": 8},
    ),
    _card(
        "pictures-gan", "GAN of pictures", "Makes small pictures in one step.", f"{_TOY} It takes no wishes.",
        _gan("healthy", 20), parameters=24_819, preference=12,
    ),
    _card(
        "sounds-gan", "GAN of sounds", "Makes drum hits and notes in one step.", f"{_TOY_SOUND} It takes no wishes.",
        _gan("sounds", 6), parameters=25_544, preference=11, capabilities=_SOUNDS,
    ),
    _card(
        "pictures-gan-collapsing", "GAN of pictures, collapsed", "Was trained to get stuck, to show how that looks.",
        "It makes few of the things it was shown; that is what it is for.", _gan("collapsing", 20), parameters=24_819,
        preference=1,
    ),
    _card(
        "attention", "Attention", "Says at each word of a text what followed it the last time.",
        "It reads at most 32 words, 16 of them different, and knows nothing of what they mean.",
        _sentence("attention", _attention),
        parameters=22_576, preference=2, capabilities={"world": "words"},
    ),
)  # fmt: skip

CARDS = tuple(card for card in _EVERY if card.id in DIGESTS)
"""Those whose weights ship: a network that was not trained yet has no card."""

JUDGES: tuple[ModelCard, ...] = tuple(
    _card(
        f"{world}-judge", f"Judge of {world}", f"Says what is in {world} that networks make.",
        "It is sure of some that no person would recognise.",
        _judge(world),
        engine="gan", parameters=count,
    )
    for world, count in (("pictures", 11_185), ("sounds", 11_339))
)  # fmt: skip
"""Weights that nobody chooses: they measure the others."""
