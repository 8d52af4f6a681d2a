"""The examples in all docstrings, run as they stand there: a module is found by having one."""

from __future__ import annotations

import doctest
import tempfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.options import Options, option

ROOT = Path(__file__).parents[1]
PACKAGES = ("backends", "benchmarks", "evaluation", "studio", "training", "viz")

MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text()
)

NAMES = {
    "BadInput": BadInput,
    "ModelCard": ModelCard,
    "Options": Options,
    "Path": Path,
    "np": np,
    "option": option,
    "tempfile": tempfile,
}
"""What examples use beside their own module."""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    outcome = doctest.testmod(import_module(name), extraglobs=NAMES)
    assert outcome.attempted > 0 and outcome.failed == 0


def test_examples_are_found() -> None:
    assert {"backends.core.logs", "evaluation.statistics.effects", "viz.separation.mel"} <= set(MODULES)
