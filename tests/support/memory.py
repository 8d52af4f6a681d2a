"""Memory that must not grow with the length of what is worked on.

`make test` works on lengths at which growth would still be seen; those of real songs and videos, marked `nightly`, are
run by `make test-nightly`. What is measured runs in a process of its own: servers and clients that other tests left
behind in theirs hold memory too, and take more of it the longer a measurement lasts.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def lengths(usual: tuple[int, int], nightly: tuple[int, int]) -> pytest.MarkDecorator:
    """Runs a test with its `small` and `large` length, and with far longer ones at night."""
    return pytest.mark.parametrize(("small", "large"), [usual, pytest.param(*nightly, marks=pytest.mark.nightly)])


def in_own_process(work: Callable[..., T], *given: Any) -> T:
    """What `work` returns in a process where nothing else runs: a function of a module, or a `partial` of one."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def peak_memory(work: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held at once for `work`, and for whatever else this process does then."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peaks(work: Callable[[int], object], sizes: Sequence[int]) -> list[int]:
    """The peak of each size, after the first was worked on unmeasured, so that what is loaded once is there."""
    work(sizes[0])
    return [peak_memory(partial(work, size)) for size in sizes]


def assert_flat_memory(work: Callable[[int], object], small: int, large: int, *, growth: float) -> None:
    """Fails unless work on `large` takes no more memory than on `small`.

    Args:
        work: A function of a module, or a `partial` of one, that is called with a length in a process of its own.
        small: The length that is compared with.
        large: A length whose data alone would be several times `growth`.
        growth: Bytes that `large` may take more at its peak.
    """
    held, taken = in_own_process(peaks, work, (small, large))
    assert taken < held + growth, f"{large} takes {taken:,} bytes, {small} takes {held:,}"
