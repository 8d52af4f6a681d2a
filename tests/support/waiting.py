"""Waiting for what has to happen, on a machine of any speed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

PATIENCE = 60.0
"""Seconds to wait for what has to happen: how soon says how busy the machine is and nothing of the code. Waiting costs
time only where it is in vain."""


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` returns, from a thread of its own: a browser that tests drive keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Fails where a thread that began in the block outlives it; those of other tests end when they like."""
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before


def wait_for(condition, seconds: float = PATIENCE, every: float = 0.02):
    """Poll until `condition` is true and return what it gave; fail after `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(every)
    pytest.fail(f"still not so after {seconds} s: {condition}")
