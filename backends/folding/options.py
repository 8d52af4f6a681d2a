"""The options of each folding engine: what they mean, their ranges, and reading them from words or numbers."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationInfo, field_validator

from backends.core.errors import BadInput
from backends.core.options import Options, Switch, WordList, option
from backends.folding.capabilities import ALPHAFOLD2, ESMFOLD

MAX_RECYCLES = 24
MAX_SEED = 2**31 - 1
MAX_CHUNK_ROWS = 4_096

EXTRA_MEANINGS = {
    "contacts": "The probability that two residues touch.",
    "distogram": "Keeps the network's probabilities of all distances, for programs that take them.",
    "attention": "Keeps what every head of the language model looked at, to see it as contacts afterwards.",
    "mutations": "Asks the language model what it expects of every single mutation: one more pass for each residue.",
}
"""The arrays that an engine can keep beside the structure."""


def _recycles(default: int | None = 3) -> Any:
    return option(
        default,
        title="Recycles",
        meaning="How often the network looks at its own result and improves it. Each costs as much as the first pass.",
        least=0,
        most=MAX_RECYCLES,
    )


def _models(default: int) -> Any:
    return option(
        default,
        title="Models",
        meaning="Makes several structures and ranks them by their confidence.",
        least=1,
        most=5,
    )


def _seed() -> Any:
    return option(
        0,
        title="Seed",
        meaning="Random choices start from this number: the same one repeats a result.",
        least=0,
        most=MAX_SEED,
        advanced=True,
    )


def _extras(*offered: str) -> Any:
    """What an engine can keep beside the structure; without a word of the user's it keeps the contacts."""
    return option(
        ("contacts",),
        title="Keep also",
        meaning="Arrays to keep beside the structure, one or several words; contacts alone if not given.",
        choices=offered,
        advanced=True,
    )


class FoldingOptions(Options):
    """What every engine takes."""

    chain: str = option(
        "",
        title="Chain",
        meaning="Which of the chains to work on: its name, or its number from 1; empty where there is but one.",
    )


class WithExtras(FoldingOptions):
    """Options with `extras`, which are refused by a sentence that names what the model does give."""

    @field_validator("extras", mode="before", check_fields=False)
    @classmethod
    def _refuse_unknown_extras(cls, value: Any, field: ValidationInfo) -> Any:
        info = next(info for info in cls.described() if info.name == field.field_name)
        words = str(value).replace(",", " ").split() if isinstance(value, str) else value
        unknown = [word for word in words if word not in info.choices]
        if unknown:
            known = ", ".join(info.choices) or "none"
            raise BadInput(f"This model does not give “{unknown[0]}”; it gives: {known}.")
        return value


class EsmFoldOptions(WithExtras):
    recycles: int = _recycles()
    chunk: int | str = option(
        "auto",
        title="Chunk size",
        meaning=(
            "How many rows of the protein are worked on at once: “auto” fits them to the free memory, “off” takes all. "
            "Smaller needs less memory and more time; the result is the same."
        ),
        choices=("auto", "off"),
        least=1,
        most=MAX_CHUNK_ROWS,
        unit="rows",
        advanced=True,
    )
    relax: Switch = option(
        True,
        title="Relax",
        meaning=(
            "Moves atoms that sit inside each other apart, by about half an Å, and mends torn joints and twists that "
            "no protein has. It makes the fold possible, not more certain."
        ),
    )
    extras: WordList = _extras(*ESMFOLD.extras)


class EsmFold2Options(FoldingOptions):
    recycles: int | None = _recycles(None)
    models: int = _models(1)
    seed: int = _seed()


class AlphaFold2Options(WithExtras):
    recycles: int = _recycles()
    seed: int = _seed()
    extras: WordList = _extras(*ALPHAFOLD2.extras)


class ColabFoldOptions(FoldingOptions):
    recycles: int = _recycles()
    models: int = _models(5)
    seed: int = _seed()


class CoevolutionOptions(FoldingOptions):
    seed: int = _seed()
    language: Switch = option(
        False,
        title="Ask a language model",
        meaning="Asks a small language model for helices and strands too; its folds were no better.",
        advanced=True,
    )


class StructureOptions(FoldingOptions):
    b_factors: str = option(
        "auto",
        title="B-factor column",
        meaning=(
            "What the column holds: “auto” takes what the file states and guesses nothing; “plddt” is a model's "
            "confidence, “displacement” the motion of atoms in an experiment, “other” any other number."
        ),
        choices=("auto", "plddt", "displacement", "other"),
    )
    assembly: str = option(
        "",
        title="Assembly",
        meaning=(
            "Which biological assembly of the file to build, by its name, mostly a number from 1; empty for the chains "
            "as they were deposited. A crystal's file often holds only a part of what the protein forms in nature."
        ),
    )
