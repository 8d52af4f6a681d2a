"""The open Flamingos as data. Published weights are in a folder that the user brings: nobody here may pass them on."""

from __future__ import annotations

from backends.core.model_card import Limits, ModelCard, Need, WeightFile

_LICENCE = "for research"
_LICENCE_NOTE = (
    "Built on the first LLaMA, whose licence allows research only, no commercial use, and asks you to apply to Meta; "
    "the parts that were trained for IDEFICS and its vision tower are under the MIT licence."
)
_STARTER = "flamingo-starter"
"""Its folder in `backends/starters/`."""

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
        "It was trained on drawn shapes alone, tells few shapes apart by name, and does not compare its examples: it "
        "gives the name of the one that is shown last, which is the most alike one. In any other order it guesses."
    ),
    measured=(
        "Of five new kinds of drawn things, each a colour and a shape with an invented name, it names 74 % right after "
        "one example each (95 % interval 65 to 82) and 97 % after eight (94 to 100), where guessing gives 20; of five "
        "new shapes 57 % (49 to 65) and 74 % (66 to 82). Asked for a colour it is right in 99 % (97 to 100), for a "
        "shape in 33 % (26 to 41)."
    ),
    licence="MIT",
    licence_note="It learned from pictures drawn by Fourfold alone and is free for any use.",
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
            1_520,
            "86df7b7fac81ea5a3b5cecd7b6a105baa53e9bc9a5694cb77d7e4a96711a8017",
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
    ),
    limits={"cpu": Limits(megapixels=100.0)},
    preference=3,
)
