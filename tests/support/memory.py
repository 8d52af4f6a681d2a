"""Memory that must not grow with the length of what is worked on.

`make test` works on lengths at which growth would still be seen; those of real songs and videos, marked `nightly`, are
run by `make test-nightly`.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest

TRIES = 3
"""Other threads of the tests take memory now and then: both lengths are measured side by side up to so many times."""


def lengths(usual: tuple[int, int], nightly: tuple[int, int]) -> pytest.MarkDecorator:
    """Runs a test with its `small` and `large` length, and with far longer ones at night."""
    return pytest.mark.parametrize(("small", "large"), [usual, pytest.param(*nightly, marks=pytest.mark.nightly)])


def peak_memory(work: Callable[[], object]) -> int:
    """The most bytes that Python and NumPy held at once for `work`."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def assert_flat_memory(
    work: Callable[[int], object], small: int, large: int, *, growth: float, most: float = float("inf")
) -> None:
    """Fails unless work on `large` takes no more memory than on `small`.

    Args:
        work: Called with a length; first with `small` and unmeasured, so that what is loaded once is there.
        small: The length that is compared with.
        large: A length whose data alone would be several times `growth`.
        growth: Bytes that `large` may take more at its peak.
        most: Bytes that `large` may take at its peak.
    """
    work(small)
    for _ in range(TRIES):
        limit = min(peak_memory(lambda: work(small)) + growth, most)
        taken = peak_memory(lambda: work(large))
        if taken < limit:
            return
    pytest.fail(f"{large} takes {taken:,} bytes, {small} allows {limit:,.0f}, the last of {TRIES} times")
