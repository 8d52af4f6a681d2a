"""The examples in the docstrings of the few-shot modules give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module

import numpy as np
import pytest

MODULES = (
    "backends.fewshot.calibration",
    "backends.fewshot.classifier",
    "backends.fewshot.data.class_list",
    "backends.fewshot.features",
    "backends.fewshot.flamingo.interleave",
    "backends.fewshot.flamingo.rices",
    "backends.fewshot.heads",
    "backends.fewshot.heads.base",
    "backends.fewshot.heads.folds",
    "backends.fewshot.heads.formula",
    "backends.fewshot.heads.linear_probe",
    "backends.fewshot.heads.nearest",
    "backends.fewshot.heads.proker",
    "backends.fewshot.heads.tip_adapter",
    "backends.fewshot.trust.out_of_distribution",
    "backends.fewshot.types",
    "evaluation.metrics.fewshot.classifiers",
    "evaluation.metrics.fewshot.embedding",
    "evaluation.metrics.fewshot.scores",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str) -> None:
    module = import_module(name)
    result = doctest.testmod(module, extraglobs={"np": np})
    assert result.attempted and not result.failed
