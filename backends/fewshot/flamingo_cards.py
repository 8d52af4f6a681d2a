"""The open Flamingos as data. Their weights are in a folder that the user brings: nobody here may pass them on."""

from __future__ import annotations

from backends.cards import Limits, ModelCard, Need

_LICENCE = "for research"
_LICENCE_NOTE = (
    "Built on the first LLaMA, whose licence allows research only, no commercial use, and asks you to apply to Meta; "
    "the parts that were trained for IDEFICS and its vision tower are under the MIT licence."
)
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
