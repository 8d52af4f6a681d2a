"""The training of the Flamingo starter: it reads what the engine writes, all true, and nothing that is kept apart."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from backends.fewshot.flamingo.interleave import ASK_NAME, END, Speller, Turn, written
from backends.fewshot.flamingo.model import Reader
from evaluation.datasets.drawn_shapes import picture
from evaluation.synthetic.shape_scenes import NONE, Facts, Store
from training import flamingo, flamingo_checks, flamingo_episodes
from training.flamingo import Run, slope
from training.flamingo_episodes import Batch, Prompt, Scribe
from training.flamingo_matching import canonical
from training.flamingo_model import look, normalised
from training.flamingo_words import VOCABULARY, write_tokenizer


@pytest.fixture(scope="module")
def scribe(tmp_path_factory: pytest.TempPathFactory) -> Scribe:
    return Scribe(write_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def test_a_prompt_to_train_on_is_the_one_the_engine_writes(scribe: Scribe) -> None:
    tokenizer, prompt = scribe._tokenizer, Prompt()
    turns = [Turn("a", ASK_NAME, "dax"), Turn("b", "What colour is it?", "red"), Turn("c", ASK_NAME, "Ünter 漢")]
    for place, turn in enumerate(turns):
        scribe.turn(prompt, place, turn.question, turn.answer, place != 1)
    text = written([*turns, Turn("", "")], tokenizer.bos_token, END).rsplit("\nUser:", 1)[0]
    assert prompt.tokens == tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = Speller(tokenizer).pieces(turns, ["Ünter 漢"])
    assert prompt.tokens[:-1] == pieces.shots + pieces.query + pieces.answers[0]
    learned = [token for token, wanted in zip(prompt.tokens, prompt.learned, strict=True) if wanted]
    assert tokenizer.decode(learned) == f" dax{END} Ünter 漢{END}"
    assert len(tokenizer) == VOCABULARY and tokenizer.decode(prompt.tokens) == text


def test_each_token_looks_at_the_picture_before_it(scribe: Scribe) -> None:
    prompt, short = Prompt(), Prompt()
    for place in (7, 9):
        scribe.turn(prompt, place, ASK_NAME, "dax", True)
    scribe.turn(short, 3, ASK_NAME, "dax", True)
    batch = Batch.of([prompt, short])
    shown = batch.tokens[0] == scribe._picture[1]
    assert torch.equal(batch.sees[0].float().argmax(1)[batch.sees[0].any(1)], shown.cumsum(0)[batch.sees[0].any(1)] - 1)
    assert not batch.sees[0][: int(shown.float().argmax())].any(), "before the first picture there is none"
    assert batch.pictures.tolist() == [[7, 9], [3, 0]] and not batch.sees[1, :, 1].any()
    assert not batch.learned[1, len(short.tokens) :].any(), "what fills up a prompt is not learned"


def test_names_are_learned_once_their_class_was_met(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flamingo_episodes, "RANKED", 0)
    teacher = flamingo_episodes.Teacher(Store(np.zeros(0), Facts(*np.zeros((7, 0)))), scribe)
    for seed in range(30):
        prompt = teacher.name([("", [0, 1, 2]), ("", [3, 4, 5]), ("", [6, 7, 8])], 9, random.Random(seed))
        starts = [i for i, token in enumerate(prompt.tokens) if token == scribe.spell("\nAssistant:")[0]]
        learned = [prompt.learned[start + 1] for start in starts]
        labels = [place // 3 for place in prompt.pictures]
        assert learned == [label in labels[:i] for i, label in enumerate(labels)]
        assert len(set(prompt.pictures)) == len(prompt.pictures), "no picture is its own example"
        spoken = [prompt.tokens[start + 1 : prompt.tokens.index(scribe.end, start)] for start in starts]
        assert len({(label, *name) for label, name in zip(labels, spoken, strict=True)}) == len(set(labels))


def test_directions_that_go_together_are_found_and_come_first() -> None:
    rng = np.random.default_rng(0)
    shared, one_, other = (rng.standard_normal((4000, count)) for count in (2, 6, 6))
    ask, answer = canonical(np.hstack([one_, shared]), np.hstack([shared, other]), 3)
    together = (np.hstack([one_, shared]) @ ask * (np.hstack([shared, other]) @ answer)).mean(0)
    assert together[0] > 0.8 and together[1] > 0.8 and together[2] < 0.05
    assert np.abs(ask[:6, :2]).max() < 0.1 and np.abs(answer[2:, :2]).max() < 0.1


@pytest.fixture
def small(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Little to draw and to read, and a tokenizer that is there already."""
    made = scribe._tokenizer
    monkeypatch.setattr(flamingo, "write_tokenizer", lambda folder, seed: made.save_pretrained(folder) and made)
    for module, values in (
        (flamingo, {"EYE_BATCH": 4, "NOTE_EVERY": 1, "SAVE_EVERY": 1}),
        (flamingo_episodes, {"SIMPLE_KINDS": {"colour": 1}, "GROUPS": 1, "NAMING": 3, "ASKING": 3, "ASKED": 4}),
        (flamingo_checks, {"EPISODES": 2, "ASKED": 6}),
    ):
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)


def same(one_: dict[str, Any], other: dict[str, Any]) -> bool:
    return all(torch.equal(value, other[name]) for name, value in one_.items())


def test_training_goes_on_where_it_stopped_and_ends_in_weights_that_load(small: None, tmp_path: Path) -> None:
    straight = Run(tmp_path / "a", pictures=120, eyes=1)
    straight.train(3)
    shutil.copytree(tmp_path / "a" / "store", tmp_path / "b" / "store")
    Run(tmp_path / "b", pictures=120, eyes=1).train(2)
    rows = (tmp_path / "b" / "curve.csv").read_text().splitlines()
    again = Run(tmp_path / "b", pictures=120, eyes=1)
    assert again.step == 2 and len(rows) == 3 and rows[1].endswith(",,,,"), "first only pictures are learned"
    assert same(again.learner.state_dict(), torch.load(tmp_path / "b" / "last.pt", weights_only=True)["learner"])
    assert not same(again.learner.state_dict(), straight.learner.state_dict())
    again.export(tmp_path / "model")
    reader, network = Reader(tmp_path / "model", "cpu"), again.averaged()
    drawing = picture({"shape": "moon"}, random.Random(0))
    latents, feature = look(network, normalised(torch.from_numpy(drawing)[None]))
    seen = reader.look(drawing)
    assert np.abs(seen.feature - feature[0].detach().numpy()).max() < 0.02
    assert float((seen.latents - latents[0]).abs().max()) < 0.02
    assert (tmp_path / "model" / "model.safetensors").stat().st_size <= 2.4e6


def test_the_rate_rises_and_falls_to_nothing() -> None:
    rates = [slope(step, 1000) for step in range(1001)]
    assert rates[0] < 0.1 and rates[99] == max(rates) == 1 and rates[1000] == 0 and rates[900] < rates[750]
    assert NONE == -1
