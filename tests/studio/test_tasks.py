"""The registry of tasks: shared rooms know no task, and what a task registers reaches navigation and services."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from studio import tasks

ROOT = Path(__file__).parents[2]
SHARED = ("jobs", "library", "web", "ui")


def imported(path: Path) -> set[str]:
    """The modules that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_what_all_tasks_share_imports_no_task() -> None:
    rooms = tuple(room.removesuffix(".task") for room in tasks.ROOMS)
    shared = [
        *(ROOT / "studio").glob("*.py"),
        *(file for name in SHARED for file in (ROOT / "studio" / name).glob("*")),
    ]
    shared += [ROOT / "app.py", ROOT / "pages" / "home.py"]
    for path in (path for path in shared if path.suffix == ".py"):
        assert not [name for name in imported(path) if name.startswith(rooms)], path


def test_every_page_of_the_navigation_exists_and_home_is_the_first() -> None:
    pages = tasks.pages()
    assert pages[0] == tasks.HOME
    assert {page.path for page in pages} == {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}


def test_tasks_are_found_by_name_and_one_of_another_fourfold_is_not() -> None:
    assert list(tasks.registered()) == ["separation", "matting", "folding", "fewshot"]
    assert tasks.get("separation").page == "pages/songs.py"
    assert tasks.find("translation") is None
    with pytest.raises(KeyError):
        tasks.get("translation")


def test_services_of_tasks_are_made_once_and_stopped_before_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio import services

    stopped: list[str] = []

    class Service:
        def __init__(self, name: str) -> None:
            self.name = name

        def stop(self) -> None:
            stopped.append(self.name)

    def upper() -> Service:
        services.get("lower")
        return Service("upper")

    monkeypatch.setattr(services, "_factories", lambda: {"upper": upper, "lower": lambda: Service("lower")})
    services.stop()
    assert services.get("upper") is services.get("upper")
    services.stop()
    assert stopped == ["upper", "lower"]
