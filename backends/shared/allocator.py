"""Keep the memory of a long computation, and give all of it back afterwards.

A network allocates and frees the same few large blocks for every segment. The C library hands blocks of that size back
to the system each time, and the system clears every page anew: up to a sixth of a segment's time on a CPU. Peak memory
is the same either way.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Names and numbers of glibc's malloc.h.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
M_MMAP_MAX = -4

KEEP = {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1}
USUAL = {M_MMAP_MAX: 65_536, M_MMAP_THRESHOLD: 2**25, M_TRIM_THRESHOLD: 2**26}
"""Where the C library's own adaptation ends for programs with large blocks; setting any of them switches that off."""

_lock = threading.Lock()
_users = 0


@contextmanager
def reused_memory() -> Iterator[None]:
    """Inside, freed blocks stay with the process for the next use; on leaving they go back. Only on glibc."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    _count(+1)
    try:
        yield
    finally:
        _count(-1)


def _count(step: int) -> None:
    global _users  # noqa: PLW0603 (a setting of the whole process)
    libc = ctypes.CDLL(None)
    with _lock:
        _users += step
        for parameter, value in (KEEP if _users else USUAL).items():
            libc.mallopt(parameter, value)
        if not _users:
            libc.malloc_trim(0)
