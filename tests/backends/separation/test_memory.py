"""Freed memory stays inside `reused_memory` and goes back at its end."""

from __future__ import annotations

import ctypes
import platform

import numpy as np
import psutil
import pytest

from backends.separation.memory import reused_memory

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told how to keep memory")


def resident() -> float:
    return psutil.Process().memory_info().rss / 2**20


def settled() -> float:
    """Resident memory without what earlier tests freed and the C library still keeps."""
    ctypes.CDLL(None).malloc_trim(0)
    return resident()


def use_and_free(megabytes: int = 200) -> None:
    blocks = [np.ones(1 << 17) for _ in range(megabytes)]  # 1 MiB each, written to
    assert sum(block[0] for block in blocks) == megabytes


def test_memory_is_kept_inside_and_given_back_at_the_end():
    before = settled()
    with reused_memory():
        use_and_free()
        assert resident() - before > 150
        with reused_memory():
            use_and_free()
        assert resident() - before > 150  # the outer user still keeps it
    assert resident() - before < 60


def test_memory_is_given_back_after_a_fault():
    before = settled()
    with pytest.raises(ZeroDivisionError), reused_memory():
        use_and_free()
        raise ZeroDivisionError
    assert resident() - before < 60
