"""The training of the Flamingo starter: it reads what the engine writes, all true, and nothing that is kept apart."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from backends.fewshot.flamingo.interleave import ASK_NAME, END, PromptTokenizer, Turn, render_prompt
from backends.fewshot.flamingo.model import IdeficsModel
from evaluation.datasets.drawn_shapes import picture
from evaluation.synthetic.shape_scenes import Facts, Store
from training.flamingo import checks as flamingo_checks
from training.flamingo import episodes as flamingo_episodes
from training.flamingo import recipe as flamingo
from training.flamingo.episodes import Batch, Prompt, Scribe
from training.flamingo.matching import canonical
from training.flamingo.network import look, normalised
from training.flamingo.recipe import STAGE, Flamingo, export, network_with
from training.flamingo.words import VOCABULARY, write_tokenizer
from training.loop import Loop, averaged_weights
from training.plots import read_log

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def scribe(tmp_path_factory: pytest.TempPathFactory) -> Scribe:
    return Scribe(write_tokenizer(tmp_path_factory.mktemp("tokenizer")))


def test_a_prompt_to_train_on_is_the_one_the_engine_writes(scribe: Scribe) -> None:
    tokenizer, prompt = scribe._tokenizer, Prompt()
    turns = [Turn("a", ASK_NAME, "dax"), Turn("b", "What colour is it?", "red"), Turn("c", ASK_NAME, "Ünter 漢")]
    for place, turn in enumerate(turns):
        scribe.turn(prompt, place, turn.question, turn.answer, place != 1)
    text = render_prompt([*turns, Turn("", "")], tokenizer.bos_token, END).rsplit("\nUser:", 1)[0]
    assert prompt.tokens == tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = PromptTokenizer(tokenizer).split(turns, ["Ünter 漢"])
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
        (flamingo, {"EYE_BATCH": 4}),
        (flamingo_episodes, {"SIMPLE_KINDS": {"colour": 1}, "GROUPS": 1, "NAMING": 3, "ASKING": 3, "ASKED": 4}),
        (flamingo_checks, {"EPISODES": 2, "ASKED": 6}),
    ):
        for name, value in values.items():
            monkeypatch.setattr(module, name, value)


def test_pictures_are_learned_before_prompts_and_training_ends_in_weights_that_load(
    small: None, tmp_path: Path
) -> None:
    recipe = Flamingo(tmp_path, pictures=120, eyes=1)
    lessons = recipe.batches(0, 3)
    assert [next(lessons).work is None for _ in range(3)] == [True, False, False], "first only pictures are learned"
    assert next(recipe.batches(2, 3)).rows != next(recipe.batches(1, 3)).rows
    training = Loop(recipe, tmp_path, STAGE, 2)
    training.run()
    names = {row["name"] for row in read_log(training.log_file)}
    assert {"aside", "naming", "asking", "likeness", "named", "answered", "pair_4"} <= names
    weights = averaged_weights(training.file)
    export(weights, tmp_path / "exported")
    reader, network = IdeficsModel(tmp_path / "exported", "cpu"), network_with(weights)
    drawing = picture({"shape": "moon"}, random.Random(0))
    latents, feature = look(network, normalised(torch.from_numpy(drawing)[None]))
    seen = reader.encode_image(drawing)
    assert np.abs(seen.feature - feature[0].detach().numpy()).max() < 0.02
    assert float((seen.latents - latents[0]).abs().max()) < 0.02
    assert (tmp_path / "exported" / "model.safetensors").stat().st_size <= 2.4e6
