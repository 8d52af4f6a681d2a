"""The examples in docstrings of the shared parts of the backends, run as they stand there."""

from __future__ import annotations

import doctest
import tempfile
from importlib import import_module
from pathlib import Path

import pytest

from backends.core.errors import BadInput
from backends.core.model_card import ModelCard
from backends.core.options import Options, option

MODULES = (
    "backends.core.engine",
    "backends.core.errors",
    "backends.core.event_json",
    "backends.core.info",
    "backends.core.model_card",
    "backends.core.options",
    "backends.core.task",
    "backends.shared.device_memory",
    "backends.shared.strict_json",
    "backends.cli.results",
)

GLOBALS = {
    "BadInput": BadInput,
    "ModelCard": ModelCard,
    "Options": Options,
    "Path": Path,
    "option": option,
    "tempfile": tempfile,
}
"""What the examples use beside their own module."""


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    outcome = doctest.testmod(import_module(name), extraglobs=GLOBALS)
    assert outcome.attempted > 0 and outcome.failed == 0
