"""The published weights that `make setup` fetches, for the tests of content that need them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backends.core.errors import UserError
from backends.core.model_card import ModelCard
from backends.weights.locations import default_root
from backends.weights.store import WeightStore

ROOT = default_root()
"""The folder of whoever runs the tests, read before each test gets one of its own."""


def packaged_files(card: ModelCard) -> tuple[Path, ...]:
    """The verified files of `card`, or the test is skipped and says why."""
    try:
        return WeightStore(ROOT).paths(card)
    except UserError as error:
        pytest.skip(f"the weights of {card.id} are not here: {error.sentence}")
