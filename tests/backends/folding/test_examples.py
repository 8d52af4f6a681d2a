"""The examples in the documentation of pure functions give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "backends.folding.capabilities",
    "backends.folding.coevolution.chain",
    "backends.folding.pair_scores",
    "backends.folding.residues",
    "backends.folding.resources",
    "backends.folding.structure.geometry",
    "evaluation.metrics.folding.gdt",
    "evaluation.metrics.folding.superpose",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted and not outcome.failed
