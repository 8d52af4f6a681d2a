"""What is said of a model server that does not answer: why, in words of who has to mend it."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from studio.jobs.backend import Backend


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("[Errno 111] Connection refused")


def hanging(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("The read operation timed out")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused, "nobody listens there"),
        (hanging, "nothing came in time"),
        (lambda _: httpx.Response(401), "FOURFOLD_TOKEN has to be the same"),
        (lambda _: httpx.Response(404), "“404 Not Found”"),
        (lambda _: httpx.Response(200, text="<html>Welcome to nginx</html>"), "no model server of this version"),
    ],
)
def test_the_reason_is_said_without_the_names_of_errors(
    answer: Callable[[httpx.Request], httpx.Response], words: str
) -> None:
    backend = Backend("http://gpu:7860")
    backend._http = httpx.Client(transport=httpx.MockTransport(answer))
    state = backend.state(fresh=True)
    assert state.state == "down" and state.sentence.startswith("The model server at http://gpu:7860 does not answer: ")
    assert words in state.sentence and "Error" not in state.sentence and state.sentence.endswith(".")
