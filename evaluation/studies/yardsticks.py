"""Answers that need no model: what a system must beat before its numbers mean anything."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

YARDSTICKS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "separation": {"mixture": "The whole song in place of every stem"},
        "matting": {"ellipse": "One fixed ellipse in the middle of the picture"},
        "folding": {"all-helix": "One straight helix, whatever the sequence"},
        "fewshot": {"chance": "Every class equally likely"},
    }
)
"""By task: the name of each, and what it does."""
