"""The shipped networks as a task: pictures and sounds step by step, the same for the same seed, cancelled at once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from backends.cli import main
from backends.core.engine import Metric, Partial, Progress
from backends.core.errors import BadInput
from backends.core.task import task_named
from backends.generation.base import GenerationEngine
from backends.weights.store import WeightStore

TASK = task_named("generation")
CARDS = {card.id: card for card in TASK.cards}


@pytest.fixture(scope="module")
def engine_of() -> Iterator[Any]:
    engines: dict[str, GenerationEngine] = {}

    def made(name: str) -> GenerationEngine:
        if name not in engines:
            engine: Any = TASK.engine_class(CARDS[name].engine)(CARDS[name], WeightStore().paths(CARDS[name]))
            engine.load("cpu")
            engines[name] = engine
        return engines[name]

    return made


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path), int)


def test_a_picture_comes_out_of_noise_in_steps_that_can_be_watched(engine_of, tmp_path: Path) -> None:
    asked = {"count": 8, "kind": "ring", "colour": "blue", "steps": 8, "guidance": 3}
    events = list(engine_of("pictures-diffusion").run({}, asked, tmp_path))
    films = [event.artifact for event in events if isinstance(event, Partial)]
    assert [film.meta["step"] for film in films] == list(range(1, 9))
    assert [event.done for event in events if isinstance(event, Progress)] == list(range(1, 9))
    measured = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert measured["as asked"] >= 0.5, "one kind in one colour of twenty"
    rings = [pixels(one.path) for one in events[-1].artifacts if one.kind == "picture"]
    assert len(rings) == 8 and np.mean([ring[..., 2].max() > ring[..., 0].max() for ring in rings]) > 0.7, "blue"


def test_the_same_seed_makes_the_same_and_a_cancelled_job_stops_between_two_steps(engine_of, tmp_path: Path) -> None:
    engine, sheets = engine_of("pictures-diffusion"), []
    for seed in (3, 3, 4):
        events = engine.run({}, {"count": 1, "steps": 4, "seed": seed}, tmp_path)
        sheets.append(pixels(next(one for one in events if isinstance(one, Partial)).artifact.path))
        events.close()
        assert not (tmp_path / "step-002.png").exists()
    assert (sheets[0] == sheets[1]).all() and (sheets[0] != sheets[2]).any()


def test_a_hole_is_filled_and_the_rest_stays_as_it_was(engine_of, tmp_path: Path) -> None:
    picture, mask = np.zeros((16, 16, 3), np.uint8), np.zeros((16, 16), np.uint8)
    picture[4:12, 4:12] = (240, 200, 50)
    mask[:, 8:] = 255
    Image.fromarray(picture).save(tmp_path / "picture.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    inputs = {"picture": tmp_path / "picture.png", "mask": tmp_path / "mask.png"}
    engine = engine_of("pictures-diffusion")
    *_, result = engine.run(inputs, {"count": 1, "steps": 10}, tmp_path)
    filled = pixels(result.artifacts[0].path)
    assert (filled[:, :8] == picture[:, :8]).all()
    assert filled[5:11, 8:11, 0].mean() > 100, "the yellow goes on beyond the edge"
    with pytest.raises(BadInput, match="give both"):
        list(engine.run({"picture": inputs["picture"]}, {}, tmp_path))


@pytest.mark.slow
def test_a_made_sound_can_be_heard_and_a_picture_cannot_be_asked_of_it(engine_of, tmp_path: Path) -> None:
    engine = engine_of("sounds-diffusion")
    *_, result = engine.run({}, {"count": 1, "kind": "kick", "steps": 8, "guidance": 2}, tmp_path)
    wave, rate = soundfile.read(next(one.path for one in result.artifacts if one.kind == "sound"))
    power = np.abs(np.fft.rfft(wave)) ** 2
    hertz = np.fft.rfftfreq(len(wave), 1 / rate)
    assert 0.4 < len(wave) / rate < 0.5 and power[hertz < 300].sum() > 0.6 * power.sum(), "a kick is low"
    with pytest.raises(BadInput, match="it knows no ring"):
        list(engine.run({}, {"kind": "ring"}, tmp_path))


def test_a_picture_goes_through_a_code_and_comes_back(engine_of, tmp_path: Path) -> None:
    square = np.zeros((64, 64, 3), np.uint8)
    square[16:48, 16:48] = (240, 70, 60)
    Image.fromarray(square).save(tmp_path / "square.png")
    events = list(engine_of("pictures-vae-8").run({"picture": tmp_path / "square.png"}, {"count": 2}, tmp_path))
    measured = {event.name: event.value for event in events if isinstance(event, Metric)}
    assert measured["nats in the code"] > 3 and measured["reconstruction error"] < 0.03
    codes = json.loads((tmp_path / "codes.json").read_text())["codes"]
    assert len(codes) == 2 and len(codes[0]) == 8


def test_the_command_line_makes_things_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["run", "generation", "--weights", "attention", "--text", "a b c a", "--out", str(tmp_path / "out")]
    assert main([*words, "--json"]) == 0
    rows = json.loads((tmp_path / "out" / "attention.json").read_text())["rows"]
    assert json.loads(capsys.readouterr().out)["metrics"]["right"] == 1.0
    assert [row["right"] for row in rows] == [None, None, None, "b"] and rows[-1]["says"] == "b"
    assert main([*words, "--heads_off", "3.1"]) == 2
    assert "no head “3.1”" in capsys.readouterr().err
