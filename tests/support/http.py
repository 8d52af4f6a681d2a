"""Requests to servers of the tests, with the patience that a busy machine needs."""

from __future__ import annotations

from functools import partial

import httpx

from tests.support.waiting import PATIENCE

get = partial(httpx.get, timeout=PATIENCE)
post = partial(httpx.post, timeout=PATIENCE)
delete = partial(httpx.delete, timeout=PATIENCE)
head = partial(httpx.head, timeout=PATIENCE)
