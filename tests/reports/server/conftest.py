"""A library of its own for each test."""

from __future__ import annotations

import pytest

from studio.library.library import Library


@pytest.fixture
def library() -> Library:
    return Library()
