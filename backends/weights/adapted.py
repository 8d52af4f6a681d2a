"""Weights that were adapted on this machine: what they were made of, written beside them, and checked when they load.

A file `NAME.safetensors` has its lineage in `NAME.json`, a folder `NAME` in its own `lineage.json`. The lineage names
the sha256 of every file of the network, so that weights that changed afterwards are not taken for those measured.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from backends.core.errors import WeightsBroken
from backends.core.model_card import ModelCard
from backends.weights.digests import Digests

FORMAT = "fourfold lineage 1"
IN_FOLDER = "lineage.json"


class Lineage(BaseModel):
    """What adapted weights were made of and how good they were found.

    Attributes:
        format: always `FORMAT`, which tells the file from other recipes beside weights.
        base, base_title, base_sha256: the card that learning began from, and the digest of its weights.
        files: the sha256 of each file of the network by its name.
        learned, apart, noun: how many of the user's files it learned from and how many it was measured on, and what
            one of them is called.
        steps, seed: how long it learned, and what decided chance.
        made: the day, as in 2026-11-30.
        measured: in a sentence, before and after on the files kept apart.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str = FORMAT
    base: str
    base_title: str
    base_sha256: str
    files: dict[str, str]
    learned: int
    apart: int
    noun: str
    steps: int
    seed: int
    made: str
    measured: str


def lineage_path(weights: Path) -> Path:
    """Where the lineage of a file or folder of weights lies, whether it is there or not."""
    return weights / IN_FOLDER if weights.is_dir() else weights.with_suffix(".json")


def read_lineage(weights: Path) -> Lineage | None:
    """The lineage of weights; None of those that were not adapted here."""
    try:
        content = json.loads(lineage_path(weights).read_text(encoding="utf-8"))
        return Lineage.model_validate(content) if content["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def write_lineage(weights: Path, lineage: Lineage) -> None:
    """Write it beside the weights, whole or not at all."""
    path = lineage_path(weights)
    part = path.with_name(f".{path.name}.part")
    part.write_text(lineage.model_dump_json(indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def digests_of(weights: Path) -> dict[str, str]:
    """The sha256 of each file of a network by its name: of the file, or of all in the folder but its lineage."""
    files = [weights] if weights.is_file() else sorted(file for file in weights.iterdir() if file.is_file())
    known = Digests(notes=False)
    return {file.name: known.of(file) for file in files if file.name != IN_FOLDER and not file.name.startswith(".")}


_verified = Digests(notes=False)


def verify(weights: Path) -> None:
    """Raise WeightsBroken where adapted weights are not what they were when they were measured; hashed once."""
    lineage = read_lineage(weights)
    if lineage is None:
        return
    for name, digest in lineage.files.items():
        file = weights / name if weights.is_dir() else weights.with_name(name)
        if not file.is_file() or _verified.of(file) != digest:
            raise WeightsBroken(
                f"“{weights.name}” is not what it was when it was adapted and measured ({name} is missing or another): "
                "adapt it again, or delete it."
            )


def card_of(card: ModelCard, lineage: Lineage, bases: Sequence[ModelCard]) -> ModelCard:
    """`card` of weights of the user's own, with what is known of them since they were adapted here."""
    base = next((each for each in bases if each.id == lineage.base), None)
    origin = f"sha256 {lineage.base_sha256[:12]}"
    told = replace(
        card,
        title=card.title.removesuffix(".safetensors"),
        summary=(
            f"“{lineage.base_title}” ({origin}), adapted here on {lineage.made} to {lineage.learned} of your own "
            f"{lineage.noun}s (seed {lineage.seed}, {lineage.steps} steps)."
        ),
        weak_at=f"It was taught on your {lineage.noun}s alone: on other kinds it may be worse than what it began from.",
        measured=lineage.measured,
    )
    if base is None:
        return told
    return replace(
        told,
        outputs=base.outputs,
        licence=base.licence,
        licence_note=f"As “{base.title}”, which it was made from. {base.licence_note}".strip(),
        limits=base.limits,
        without=base.without,
        capabilities=base.capabilities,
        overhead=base.overhead,
        speed=base.speed,
        parameters=base.parameters,
    )
