"""Freed memory stays inside `reused_memory` and goes back at its end."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told how to keep memory")

ROOT = Path(__file__).parents[3]
BEGIN = """
import ctypes
import numpy as np
import psutil
from backends.shared.allocator import reused_memory

def resident():
    return psutil.Process().memory_info().rss / 2**20

def use_and_free(megabytes=200):
    blocks = [np.ones(1 << 17) for _ in range(megabytes)]  # 1 MiB each, written to
    assert sum(block[0] for block in blocks) == megabytes

def tell():
    print(resident() - before)

use_and_free(1)
ctypes.CDLL(None).malloc_trim(0)
before = resident()
"""


def told(program: str) -> list[float]:
    """What a process of its own tells in MB: in this one, other threads take and give back memory meanwhile."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return [float(line) for line in done.stdout.splitlines()]


def test_memory_is_kept_inside_and_given_back_at_the_end() -> None:
    inside, after_the_inner, outside = told(
        "with reused_memory():\n"
        "    use_and_free()\n"
        "    tell()\n"
        "    with reused_memory():\n"
        "        use_and_free()\n"
        "    tell()\n"  # the outer user still keeps it
        "tell()\n"
    )
    assert inside > 150 and after_the_inner > 150 and outside < 60


def test_memory_is_given_back_after_a_fault() -> None:
    (outside,) = told(
        "try:\n"
        "    with reused_memory():\n"
        "        use_and_free()\n"
        "        raise ZeroDivisionError\n"
        "except ZeroDivisionError:\n"
        "    tell()\n"
    )
    assert outside < 60
