"""The few-shot models as data: what each is, weighs, is bad at, and where its weights are published.

`outputs` says what a model understands: "pictures", and "words" where a sentence can teach it a class.
"""

from __future__ import annotations

from backends.cards import Limits, ModelCard

_TASK = "fewshot"
_LIMITS = {"cpu": Limits(megapixels=100.0)}

CARDS: tuple[ModelCard, ...] = (
    ModelCard(
        id="prototypes",
        task=_TASK,
        engine="prototypes",
        title="Colour, texture and shape",
        summary="Needs no download: it describes a picture by its colours, textures and outlines and compares those.",
        weak_at="It has learned nothing and knows no words: it sees what a picture looks like, not what it means.",
        licence="MIT",
        licence_note="This part of Fourfold learned from no data and is free for any use.",
        tier="builtin",
        outputs=("pictures",),
        limits=_LIMITS,
        preference=10,
    ),
)
"""Best first."""
