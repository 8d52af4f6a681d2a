"""Adapted weights: their card says what they were made of, and weights that changed since are not loaded."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backends.core.errors import WeightsBroken
from backends.core.task import task_named
from backends.serving.host import Host
from backends.weights.adapted import Lineage, digests_of, read_lineage, write_lineage
from backends.weights.store import WeightStore

ROOT = Path(__file__).parents[3] / "backends" / "starters"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(WeightStore(tmp_path / "weights"), "cpu")


def adapted(host: Host, task: str, source: Path, base: str) -> Path:
    """A starter's weights as if they had been adapted."""
    path = host.store.root / "yours" / task / f"mine{source.suffix}"
    path.parent.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, path)
    else:
        shutil.copyfile(source, path)
    card = next(card for card in task_named(task).cards if card.id == base)
    facts = {"base": base, "base_title": card.title, "base_sha256": "ab" * 32, "files": digests_of(path)}
    counts = {"learned": 8, "apart": 4, "noun": "clip", "steps": 40, "seed": 7}
    write_lineage(path, Lineage(**facts, **counts, made="2026-11-30", measured="On 4 clips kept apart: better."))
    return path


def test_the_card_is_like_its_base_and_tells_the_lineage(host: Host) -> None:
    path = adapted(host, "matting", ROOT / "modnet-starter.safetensors", "modnet-starter")
    card = next(card for card in host.info().tasks["matting"].cards if card.tier == "yours")
    base = next(card for card in task_named("matting").cards if card.id == "modnet-starter")
    assert (card.id, card.title, card.engine, card.here) == ("yours/mine.safetensors", "mine", "modnet", True)
    assert (card.licence, card.overhead, card.parameters) == (base.licence, base.overhead, base.parameters)
    assert "“MODNet starter” (sha256 abababababab), adapted here on 2026-11-30 to 8 of your own clips" in card.summary
    assert "seed 7" in card.summary and card.measured == "On 4 clips kept apart: better."
    assert host.info().tasks["matting"].own.strange == () and read_lineage(path) is not None


@pytest.mark.parametrize(
    ("task", "source", "base", "file"),
    [
        ("matting", "modnet-starter.safetensors", "modnet-starter", ""),
        ("fewshot", "clip-starter", "clip-starter", "open_clip_model.safetensors"),
    ],
)
def test_weights_that_changed_since_they_were_measured_are_refused(
    host: Host, task: str, source: str, base: str, file: str
) -> None:
    path = adapted(host, task, ROOT / source, base)
    name = f"yours/{path.name}"
    assert host.choose(task_named(task), weights=name)[1] == (path,)
    changed = path / file if file else path
    changed.write_bytes(changed.read_bytes()[:-1] + b"x")
    with pytest.raises(WeightsBroken, match="is not what it was when it was adapted"):
        host.choose(task_named(task), weights=name)
    changed.unlink()
    if file:
        with pytest.raises(WeightsBroken, match="is missing or another"):
            host.choose(task_named(task), weights=name)


def test_a_recipe_that_is_no_lineage_is_left_to_its_engine(host: Host) -> None:
    path = host.store.root / "yours" / "matting" / "net.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no network")
    path.with_suffix(".json").write_text('{"layout": "NHWC"}')
    assert read_lineage(path) is None
    card = next(card for card in host.info().tasks["matting"].cards if card.tier == "yours")
    assert card.measured == "" and card.title == "net.onnx"
