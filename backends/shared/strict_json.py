"""JSON as RFC 8259 has it: a number that is not finite becomes null, where Python would write NaN or Infinity."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def dumps(value: Any, *, indent: int | None = None) -> str:
    """The JSON text of a value of dicts, lists, tuples, strings, numbers, and numpy's arrays and numbers.

    >>> dumps({"loudness": float("-inf"), "levels": (1.0, float("nan")), "note": "NaN stays a word"})
    '{"loudness": null, "levels": [1.0, null], "note": "NaN stays a word"}'
    """
    return json.dumps(strict(value), ensure_ascii=False, allow_nan=False, indent=indent)


def strict(value: Any) -> Any:
    """The same value with None for every number that is not finite, and lists for arrays and tuples."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    if hasattr(value, "tolist"):  # numpy's arrays and numbers
        return strict(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
