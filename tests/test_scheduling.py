"""What tests share is made once: those of a module, and those that share a program, are given to one worker."""

from __future__ import annotations

import pytest

from tests.conftest import ModuleScheduling
from tests.support.servers import ModelServer


def test_a_test_that_shares_a_program_tells_the_scheduler(
    request: pytest.FixtureRequest, model_server: ModelServer
) -> None:
    assert model_server.address
    if hasattr(request.config, "workerinput"):  # by itself, a test keeps its name
        assert request.node.nodeid.endswith("@model_server")


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("tests/a/test_b.py::test_c", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c[d@e::f]", "tests/a/test_b.py"),
        ("tests/a/test_b.py::test_c[d]@studio", "studio"),
    ],
)
def test_a_scope_is_a_module_or_a_program(name: str, scope: str) -> None:
    assert ModuleScheduling.scope_of(name) == scope
