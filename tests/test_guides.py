"""docs/add-an-engine.md, followed step by step: what it says to write is written, and does what it says."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

import backends.separation
import evaluation.metrics.separation
from backends.core import task as registry
from backends.core.errors import BadInput
from backends.core.task import Task, task_named
from backends.separation import cards
from backends.serving.host import Host
from backends.serving.run_job import JobRequest, run_job
from evaluation.metrics import base
from studio import services, tasks
from tests.backends.separation import test_engines

GUIDE = (Path(__file__).parents[1] / "docs" / "add-an-engine.md").read_text("utf-8")
ENGINE, CARD, ROW, METRIC, PAGE, REGISTRATION = re.findall(r"^```python\n(.*?)^```", GUIDE, re.M | re.S)


def written(package: ModuleType, name: str, code: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Put `code` into the package as the module `name`, for the length of a test."""
    (folder / f"{name}.py").write_text(code, "utf-8")
    patch.setattr(package, "__path__", [*package.__path__, str(folder)])
    importlib.invalidate_caches()
    full = f"{package.__name__}.{name}"
    patch.delitem(sys.modules, full, raising=False)
    importlib.import_module(full)
    patch.setitem(sys.modules, full, sys.modules[full])  # so that it is forgotten with the rest


def appended(module: ModuleType, code: str, patch: pytest.MonkeyPatch, *names: str) -> None:
    """Run `code` at the end of a module; what it changes of `names` is put back after the test."""
    scope = dict(vars(module))
    for name in names:
        value = scope[name]
        scope[name] = type(value)(value) if isinstance(value, dict | list) else value
    exec(compile(code, module.__name__, "exec"), scope)
    for name in names:
        patch.setattr(module, name, scope[name])


@pytest.fixture
def separation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Task]:
    """The separation task after steps 1 and 2."""
    folder = tmp_path / "added"
    folder.mkdir()
    written(backends.separation, "mid_side", ENGINE, folder, monkeypatch)
    appended(cards, CARD, monkeypatch, "ENGINES", "CARDS")
    added = replace(backends.separation.TASK, engines=cards.ENGINES, cards=cards.CARDS)
    monkeypatch.setattr(backends.separation, "TASK", added)
    yield task_named("separation")


def test_a_new_engine_holds_what_its_row_says(
    separation: Task, short_song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appended(test_engines, ROW, monkeypatch, "ROWS")
    *_, (card, stem, source, least) = test_engines.ROWS
    assert card == "mid_side"
    assert test_engines.improvement(separation, card, stem, short_song, source, tmp_path) > least


def test_its_option_is_validated_described_and_offered(separation: Task, short_song: Path, tmp_path: Path) -> None:
    host = Host(device="cpu")
    card, weights = host.choose(separation, weights="mid_side")
    with pytest.raises(BadInput, match="“width” takes a number from 0 to 1"):
        list(run_job(host, JobRequest(separation, card, weights, {"song": short_song}, {"width": "2"}, tmp_path)))
    info = next(one for one in host.info().tasks["separation"].cards if one.id == "mid_side")
    width = next(option for option in info.options if option.name == "width")
    assert (width.title, width.most, width.advanced) == ("Width", 1, True)


def test_its_option_is_in_the_help(separation: Task, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module("backends.__main__").main(["run", "separation", "--help"])
    assert "--width" in capsys.readouterr().out


def test_a_new_metric_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(evaluation.metrics.separation, "balance", METRIC, tmp_path, monkeypatch)
    base.metrics.cache_clear()
    try:
        metric = base.metrics("separation")["balance"]
        left = np.stack([np.ones(8), 0.5 * np.ones(8)])
        assert metric.format(metric.compute(left, None)) == "6.0 dB"
    finally:
        base.metrics.cache_clear()


def test_a_new_page_is_in_the_navigation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    appended(tasks, REGISTRATION, monkeypatch, "PAGES")
    assert [page.title for page in tasks.pages()][-1] == "Hello"
    (tmp_path / "hello.py").write_text(PAGE, "utf-8")
    try:
        page = AppTest.from_file(str(tmp_path / "hello.py")).run()
    finally:
        services.stop()
    assert not page.exception and "**0** runs" in page.markdown[0].value


def test_tasks_are_as_before(separation: Task) -> None:
    assert list(registry.tasks()) == ["separation", "matting", "folding", "fewshot", "generation"]
