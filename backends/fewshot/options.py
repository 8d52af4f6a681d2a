"""The options of the few-shot engines: what all of them take, and what those take that fit a head on features."""

from __future__ import annotations

from pydantic import field_validator

from backends.core.options import Options, Switch, option
from backends.fewshot.explanation.options import AttributionOptions

NETWORKS = ("network", "browser-network")
TEMPLATES = ("plain", "photo", "ensemble")


class CommonOptions(Options):
    """What every few-shot engine takes."""

    only: str = option(
        "",
        title="Only a part",
        meaning="“features” looks at the pictures and words and stops there; “network” writes the image network as an "
        "ONNX file for other programs, “browser-network” for browsers; empty for the whole answer.",
        choices=("features", *NETWORKS),
        advanced=True,
    )
    seed: int = option(
        0,
        title="Seed",
        meaning="A whole number that the random choices start from; the same one repeats a result.",
        least=0,
        most=2**31 - 1,
        advanced=True,
    )


class FewshotOptions(CommonOptions):
    """Of a classification by features; `head` is "" for the one that suits the examples."""

    head: str = option(
        "",
        title="What decides",
        meaning="What decides from the features: one of the heads, or empty for what suits the examples.",
    )
    templates: str = option(
        "photo",
        title="Phrasing",
        meaning=f"How a class becomes a sentence for the model: one of {', '.join(TEMPLATES)}.",
        choices=TEMPLATES,
    )
    words: Switch = option(
        True,
        title="Words",
        meaning="“on” lets names and sentences have a vote where the model knows them, “off” goes by pictures alone.",
    )
    reject: Switch = option(
        True,
        title="None of these",
        meaning="“on” may answer “none of these” where nothing fits, “off” always names a class.",
    )

    @field_validator("head")
    @classmethod
    def _normalise_head(cls, head: str) -> str:
        return head.strip().lower().replace("-", "_")


class FeatureEngineOptions(AttributionOptions, FewshotOptions):
    """Everything that the engines with a feature extractor take."""
