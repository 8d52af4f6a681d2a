"""Requests to servers of the tests, with the patience that a busy machine needs."""

from __future__ import annotations

from functools import partial

import gradio_client
import httpx

from tests.support.waiting import PATIENCE

get = partial(httpx.get, timeout=PATIENCE)
post = partial(httpx.post, timeout=PATIENCE)
delete = partial(httpx.delete, timeout=PATIENCE)
head = partial(httpx.head, timeout=PATIENCE)


def client(address: str, **more: object) -> gradio_client.Client:
    """Gradio's own client of a server, quiet and patient; files that jobs return stay where they are."""
    settings = {"verbose": False, "download_files": False, "httpx_kwargs": {"timeout": PATIENCE}}
    return gradio_client.Client(address, **(settings | more))
