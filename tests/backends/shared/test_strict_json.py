"""Strict JSON: no NaN in it, and no word damaged."""

from __future__ import annotations

import json

import numpy as np
import pytest

from backends.shared.strict_json import dumps


def test_numbers_that_are_not_finite_become_null_wherever_they_are_and_words_stay() -> None:
    value = {
        "rows": [1, 2.5, float("nan"), (float("inf"), True, None)],
        "array": np.array([[0.5, np.nan], [-np.inf, 2]], np.float32),
        "scalar": np.float32("nan"),
        "count": np.int64(7),
        "chain NaN": "NaN and Infinity are words here",
        3: "é",
    }
    told = json.loads(dumps(value), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert told == {
        "rows": [1, 2.5, None, [None, True, None]],
        "array": [[0.5, None], [None, 2.0]],
        "scalar": None,
        "count": 7,
        "chain NaN": "NaN and Infinity are words here",
        "3": "é",
    }
    assert "é" in dumps(value) and dumps([1], indent=1) == "[\n 1\n]"


def test_what_json_cannot_say_becomes_null() -> None:
    value = {"a": float("nan"), "b": np.float32(2.5), "c": np.array([1.0, np.inf]), 4: (True, None)}
    assert json.loads(dumps(value)) == {"a": None, "b": 2.5, "c": [1.0, None], "4": [True, None]}


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        dumps({"what": object()})
