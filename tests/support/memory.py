"""Memory that must not grow with the length of what is worked on.

`make test` works on lengths at which growth would still be seen; those of real songs and videos, marked `nightly`, are
run by `make test-nightly`. What is measured runs in a process of its own: servers and clients that other tests left
behind in theirs hold memory too, and take more of it the longer a measurement lasts.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


def lengths(usual: tuple[int, int], nightly: tuple[int, int]) -> pytest.MarkDecorator:
    """Runs a test with its `small` and `large` length, and with far longer ones at night."""
    return pytest.mark.parametrize(("small", "large"), [usual, pytest.param(*nightly, marks=pytest.mark.nightly)])


def in_own_process(work: Callable[..., T], *given: Any) -> T:
    """What `work` returns in a process where nothing else runs: a function of a module, or a `partial` of one.

    Not by `multiprocessing`, whose processes run the main module again: after a test of a page that is the page.
    """
    done = subprocess.run(
        [sys.executable, "-c", "from tests.support.memory import answer; answer()"],
        input=pickle.dumps((work, given)),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    result: T = pickle.loads(done.stdout)
    return result


def answer() -> None:
    """The other end of `in_own_process`: work comes in, its result goes out, and what it prints goes to the errors."""
    work, given = pickle.loads(sys.stdin.buffer.read())
    with redirect_stdout(sys.stderr):
        result = work(*given)
    sys.stdout.buffer.write(pickle.dumps(result))


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
