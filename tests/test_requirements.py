"""Every package that the code imports is declared, and every package that is declared is used."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OWN = {"app", "backends", "benchmarks", "evaluation", "pages", "studio", "tests", "training", "viz"}
SHIPPED = ("app.py", "pages", "studio", "viz", "evaluation", "backends")
TOOLS = ("training", "benchmarks", "tests", "docs")
BROUGHT_BY_USERS = {"openfold", "ml_collections", "openvino"}
"""Programs and packages that a user may add; the code asks whether they are there before it imports them."""
COMMANDS = {
    "import-linter",
    "mypy",
    "pytest-randomly",
    "pytest-rerunfailures",
    "pytest-timeout",
    "pytest-xdist",
    "ruff",
}
CARRIED = {"authlib", "flask", "flask-cors", "museval", "torchvision"}
"""Used without an import of ours: museval's metrics are loaded from their file, torchvision is open_clip's, Authlib
Streamlit's, Flask moto's."""


def declared(*names: str) -> set[str]:
    lines = [line for name in names for line in (ROOT / name).read_text().splitlines()]
    return {normal(re.split(r"\[|==", line)[0]) for line in lines if "==" in line and not line.startswith("#")}


def normal(name: str) -> str:
    """The name of a distribution as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def distributions() -> Mapping[str, list[str]]:
    """The distributions that install each top-level name; it takes seconds, as every installed file is listed."""
    return packages_distributions()


@cache
def imported_in(place: str) -> Mapping[str, Path]:
    """Top-level names of packages of others that files below `place` import, each with one file that does."""
    users: dict[str, Path] = {}
    path = ROOT / place
    for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names and top not in OWN | BROUGHT_BY_USERS:
                    users.setdefault(top, file)
    return users


def imported(*places: str) -> dict[str, Path]:
    return {name: file for place in places for name, file in imported_in(place).items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("places", "files"),
    [
        (SHIPPED, ("requirements.txt", "requirements-cluster.txt")),
        (TOOLS, ("requirements.txt", "requirements-dev.txt", "requirements-cluster.txt", "requirements-login.txt")),
    ],
)
def test_what_is_imported_is_declared(places: tuple[str, ...], files: tuple[str, ...]) -> None:
    owners, known = distributions(), declared(*files)
    missing = {
        name: str(file.relative_to(ROOT))
        for name, file in imported(*places).items()
        if not {normal(owner) for owner in owners.get(name, [name])} & known
    }
    assert not missing


@pytest.mark.slow
def test_what_is_declared_is_used() -> None:
    owners = distributions()
    used = {normal(owner) for name in imported(*SHIPPED, *TOOLS) for owner in owners.get(name, [name])}
    assert declared("requirements.txt", "requirements-dev.txt") - used - COMMANDS - CARRIED == set()


def test_ray_is_imported_only_where_it_was_asked_for() -> None:
    """It is optional: one folder may need it, and the server reads that only with `--ray`."""
    users = {
        str(file.relative_to(ROOT)) for file in (ROOT / "backends").rglob("*.py") if "\nimport ray" in file.read_text()
    }
    assert users == {"backends/cluster/remote.py", "backends/cluster/start.py"}


def test_every_version_is_pinned_once() -> None:
    lines = [
        line
        for name in (*(file.name for file in sorted(ROOT.glob("requirements*.txt"))), "constraints.txt")
        for line in (ROOT / name).read_text().splitlines()
        if line and not line.startswith(("#", "-r "))
    ]
    assert [line for line in lines if "==" not in line] == []
    versions: dict[str, set[str]] = {}
    for line in lines:
        name, _, version = line.partition("==")
        versions.setdefault(normal(name), set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}
