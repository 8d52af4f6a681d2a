"""The examples in docstrings of the shared parts of the backends, run as they stand there."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    "backends.core.event_json",
    "backends.core.info",
    "backends.core.options",
    "backends.shared.device_memory",
    "backends.shared.strict_json",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name: str) -> None:
    outcome = doctest.testmod(import_module(name))
    assert outcome.attempted > 0 and outcome.failed == 0
