"""The open Flamingos as data. Published weights are in a folder that the user brings: nobody here may pass them on."""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, Need, WeightFile

_LICENCE = "for research"
_LICENCE_NOTE = (
    "Built on the first LLaMA, whose licence allows research only, no commercial use, and asks you to apply to Meta; "
    "the parts that were trained for IDEFICS and its vision tower are under the MIT licence."
)
_STARTER = "flamingo-starter"
_BORROWED = "clip-starter"
"""Folders in `backends/starters/`: its own, and that of the tower by which it sees likeness."""

_LIMITS = {"cpu": Limits(megapixels=100.0, memory_bytes=40_000_000_000), "cuda": Limits(megapixels=100.0)}


def _need(name: str) -> Need:
    how = (
        f"The weights are not on this machine: download the hub repository HuggingFaceM4/{name} (17.9 GB of "
        f".safetensors and the small files beside them) and put its files into the folder “{name}” of Fourfold's "
        "weights, or name that folder with --weights. It needs a graphics card with 24 GB, or 40 GB of memory "
        "without one, where an answer takes minutes."
    )
    return Need("folder", f"HuggingFaceM4/{name}", how)


FLAMINGO_CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="idefics-9b-instruct",
        task="fewshot",
        engine="flamingo",
        title="Flamingo (IDEFICS 9B, instructed)",
        summary="Shows your examples to a language model that sees pictures; it names, describes and answers.",
        weak_at="Slow and large, trained on English, and swayed by the order of the examples: the spread is told.",
        licence=_LICENCE,
        licence_note=_LICENCE_NOTE,
        tier="full",
        outputs=("pictures", "words", "answers"),
        parameters=8_929_687_824,
        needs=(_need("idefics-9b-instruct"),),
        limits=_LIMITS,
        preference=25,
    ),
    ModelCard(
        id="idefics-9b",
        task="fewshot",
        engine="flamingo",
        title="Flamingo (IDEFICS 9B)",
        summary="The same model before it was taught to follow instructions: for prompts made of examples alone.",
        weak_at="It continues text and does not converse: without examples its answers wander.",
        licence=_LICENCE,
        licence_note=_LICENCE_NOTE,
        tier="full",
        outputs=("pictures", "words", "answers"),
        parameters=8_929_679_632,
        needs=(_need("idefics-9b"),),
        limits=_LIMITS,
        preference=20,
    ),
)
"""Best first."""

FLAMINGO_STARTER = ModelCard(
    id="flamingo-starter",
    task="fewshot",
    engine="flamingo",
    title="Starter",
    summary="Comes with Fourfold: a very small Flamingo that answers at once and shows how asking by examples works.",
    weak_at=(
        "Its words were trained on drawn shapes alone, and it does not compare its examples: it gives the name of the "
        "one that is shown last, which is the most alike one. In any other order it guesses; of a photograph it can "
        "say nothing but such a name."
    ),
    measured=(
        "Of five kinds of photographs of CIFAR-10 with invented names it names 40 % right after one example each "
        "(95 % interval 36 to 46) and 65 % (60 to 70) after eight, where guessing gives 20; of five new kinds of "
        "Caltech 75 % (69 to 80) and 95 % (93 to 97); of five new kinds of drawn things, each a colour and a "
        "shape, 75 % (68 to 83) and 97 % (93 to 100); of five new drawn shapes 63 % (57 to 71) and 87 % (80 to "
        "91). Asked for a colour it is right in 99 % (97 to 100), for a shape in 33 % (26 to 41)."
    ),
    licence="research only",
    licence_note=(
        "Its own network learned from pictures drawn by Fourfold alone and is free for any use. It knows likeness by "
        "the image tower of the pictures starter, of whose collections two allow research only."
    ),
    tier="starter",
    outputs=("pictures", "words", "answers"),
    parameters=1_178_628,
    files=(
        WeightFile(
            "model.safetensors",
            2_373_216,
            "5031c34cab0754769ac4f77edbf1b85528d099f148493e004364bd7e05d25aed",
            path=_STARTER,
        ),
        WeightFile(
            "config.json",
            1_549,
            "87fe67f533e277786343a5bf3169644840b60995cf889b7b951b2d73d37b9902",
            path=_STARTER,
        ),
        WeightFile(
            "preprocessor_config.json",
            441,
            "17a19f7793adf3f253c0fd0704914b0eb26007009984b1b23c4b9c1bcb31da2f",
            path=_STARTER,
        ),
        WeightFile(
            "tokenizer.json",
            43_594,
            "ba1d9b002b20e2ac8bdee46207033518890126fcc208e9d3f6bc5f743081f5bb",
            path=_STARTER,
        ),
        WeightFile(
            "tokenizer_config.json",
            326,
            "a95970a8ff1f087381e2c16f41ae76a3226e1ac70d2f0dc2490977412c864642",
            path=_STARTER,
        ),
        WeightFile(
            "open_clip_model.safetensors",
            11_038_650,
            "c3b5c54bd1f747b8e3f2a069baa939490e330fd569bbec65a7354bfdbf32c656",
            path=_BORROWED,
        ),
    ),
    limits={"cpu": Limits(megapixels=100.0)},
    preference=3,
)
