"""Interleaved prompts, the choice of examples, and IDEFICS read once and asked often, against the plain way."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import IdeficsProcessor

from backends.core.errors import TooLarge, WeightsBroken, WeightsMissing
from backends.fewshot.flamingo.interleave import (
    ASK_NAME,
    PromptTokenizer,
    SplitPrompt,
    Turn,
    attended_image,
    render_prompt,
)
from backends.fewshot.flamingo.model import IdeficsModel
from backends.fewshot.flamingo.rices import draw_balanced, most_similar, orders
from tests.support.fewshot_networks import CLASSES, idefics_folder, idefics_tokenizer

TURNS = [Turn("one", ASK_NAME, "cat"), Turn("two", ASK_NAME, "polar bear"), Turn("query", ASK_NAME)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return idefics_folder(tmp_path_factory.mktemp("weights") / "idefics")


@pytest.fixture(scope="module")
def reader(folder: Path) -> IdeficsModel:
    return IdeficsModel(folder, "cpu")


def pictures(count: int = 3) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(0, 255, (40, 50, 3), dtype=np.uint8) for _ in range(count)]


def plain_logits(reader: IdeficsModel, tokens: list[int], shown: list[np.ndarray]) -> torch.Tensor:
    """The network's own way: all pictures and all tokens at once."""
    pixels = torch.as_tensor(reader._prepare([Image.fromarray(one) for one in shown], return_tensors="pt"))
    looks = attended_image(tokens, reader.tokenizer.picture)
    with torch.inference_mode():
        out = reader.network(
            input_ids=torch.tensor([tokens]),
            pixel_values=pixels[None],
            image_attention_mask=torch.from_numpy(looks[:, None] == np.arange(len(shown)))[None],
        )
    return out.logits[0]


def test_a_prompt_says_who_speaks_and_where_pictures_stand() -> None:
    text = render_prompt(TURNS[1:], "<s>", "<end_of_utterance>")
    picture = "<fake_token_around_image><image><fake_token_around_image>"
    assert text == (
        f"<s>\nUser:{picture}What is in this picture?<end_of_utterance>\nAssistant: polar bear<end_of_utterance>"
        f"\nUser:{picture}What is in this picture?<end_of_utterance>\nAssistant:"
    )
    assert "end_of" not in render_prompt(TURNS, "<s>", "")


def test_a_prompt_is_what_the_library_s_processor_makes_of_it(reader: IdeficsModel, folder: Path) -> None:
    processor = IdeficsProcessor(reader._prepare, reader.tokenizer.hub)
    shown: list[Any] = [Image.fromarray(one) for one in pictures()]
    mark = "<end_of_utterance>"
    parts: list[Any] = []
    for turn, picture in zip(TURNS, shown, strict=True):
        answer = f" {turn.answer}{mark}" if turn.answer else ""
        parts += ["\nUser:", picture, f"{turn.question}{mark}\nAssistant:{answer}"]
    made = processor(text=[parts], add_special_tokens=False, add_end_of_utterance_token=False, return_tensors="pt")
    pieces = reader.tokenizer.split(TURNS)
    tokens = pieces.shots + pieces.query
    assert made["input_ids"][0].tolist() == tokens
    looks = attended_image(tokens, reader.tokenizer.picture)
    assert np.array_equal(made["image_attention_mask"][0].bool().numpy(), looks[:, None] == np.arange(3))
    assert looks[0] == -1 and looks[-1] == 2


def test_a_prompt_is_cut_where_work_can_be_shared(reader: IdeficsModel) -> None:
    pieces = reader.tokenizer.split(TURNS, CLASSES)
    assert pieces.query[0] == reader.tokenizer.picture and pieces.shots.count(reader.tokenizer.picture) == 2
    spelled = [reader.tokenizer.text(pieces.shots + pieces.query + answer) for answer in pieces.answers]
    assert [text.rsplit("Assistant: ", 1)[1] for text in spelled] == list(CLASSES)
    assert len(pieces.answers[1]) > 1, "a name of several tokens"
    other = reader.tokenizer.split([*TURNS[:2], Turn("another", "a black cat?")], CLASSES)
    assert other.shots == pieces.shots and other.query != pieces.query


def test_a_model_that_knows_no_end_of_an_utterance_is_asked_without(tmp_path: Path) -> None:
    plain = IdeficsModel(idefics_folder(tmp_path / "plain", chat=False), "cpu")
    pieces = plain.tokenizer.split(TURNS, CLASSES)
    assert plain.tokenizer.end == "" and plain.tokenizer.stops == {2}
    assert plain.tokenizer.text(pieces.shots).endswith("Assistant: polar bear\nUser:")
    shown = pictures()
    seen = [plain.encode_image(one) for one in shown]
    told = plain.score_candidates(plain.prefill(pieces.shots, [one.latents for one in seen[:2]]), pieces, seen[2])
    start = pieces.shots + pieces.query
    logits = plain_logits(plain, start + pieces.answers[0], shown).log_softmax(-1)
    assert told[0] == pytest.approx(float(logits[len(start) - 1, pieces.answers[0][0]]), abs=1e-5)


def test_an_answer_that_melts_into_the_prompt_is_cut_before_it() -> None:
    class Melting:
        """Spells by letters, but reads “: c” as one sign, as some tokenizers do."""

        bos_token, eos_token_id, all_special_tokens = "<s>", 2, ("<s>", "<image>")

        def get_vocab(self) -> dict[str, int]:
            return {"<image>": 900, "<fake_token_around_image>": 901}

        def __call__(self, text: str, add_special_tokens: bool) -> dict[str, list[int]]:
            for mark, sign in (("<image>", "¹"), ("<fake_token_around_image>", "²"), (": c", "³")):
                text = text.replace(mark, sign)
            return {"input_ids": [900 if sign == "¹" else ord(sign) for sign in text]}

    pieces = PromptTokenizer(Melting()).split([Turn("q", "?")], ["cat", "dog"])
    assert pieces.answers[0] == [ord(sign) for sign in "³at"]
    assert pieces.answers[1] == [ord(sign) for sign in ": dog"], "the part that melts is weighed with each"


def test_all_answers_in_one_pass_weigh_what_each_weighs_alone(reader: IdeficsModel) -> None:
    shown = pictures()
    seen = [reader.encode_image(one) for one in shown]
    pieces = reader.tokenizer.split(TURNS, CLASSES)
    held = reader.prefill(pieces.shots, [one.latents for one in seen[:2]])
    told = reader.score_candidates(held, pieces, seen[2])
    start = pieces.shots + pieces.query
    for answer, likely in zip(pieces.answers, told, strict=True):
        logits = plain_logits(reader, start + answer, shown).log_softmax(-1)
        alone = [float(logits[len(start) + place - 1, token]) for place, token in enumerate(answer)]
        assert likely == pytest.approx(np.mean(alone), abs=1e-5)
    assert np.ptp(told) > 0.01
    assert np.allclose(reader.score_candidates(held, pieces, seen[2]), told, atol=1e-6), "what is held stays as it was"
    swapped = reader.score_candidates(held, pieces, seen[0])
    assert np.abs(swapped - told).max() > 1e-4, "the picture counts"
    turned = reader.prefill(pieces.shots, [seen[1].latents, seen[0].latents])
    assert np.abs(reader.score_candidates(turned, pieces, seen[2]) - told).max() > 1e-5, "so do those of the examples"


def test_half_precision_weighs_nearly_the_same(reader: IdeficsModel, folder: Path) -> None:
    """As on a graphics card: everything the network is given comes in its own precision."""
    half = IdeficsModel(folder, "cpu")
    half.network.to(torch.bfloat16)
    told = []
    for one in (reader, half):
        seen = [one.encode_image(picture) for picture in pictures()]
        pieces = one.tokenizer.split(TURNS, CLASSES)
        told.append(
            one.score_candidates(one.prefill(pieces.shots, [each.latents for each in seen[:2]]), pieces, seen[2])
        )
        alone = one.tokenizer.split(TURNS[2:], CLASSES)
        told.append(one.score_candidates(one.prefill(alone.shots, []), alone, seen[2]))
        assert (
            list(one.generate(one.prefill(alone.shots, []), alone, seen[2], max_tokens=2))
            and seen[0].feature.dtype == np.float32
        )
    assert seen[0].latents.dtype == torch.bfloat16
    assert np.allclose(told[0], told[2], atol=0.1) and np.allclose(told[1], told[3], atol=0.1)


def test_without_examples_only_the_picture_itself_is_looked_at(reader: IdeficsModel) -> None:
    shown = pictures(1)
    pieces = reader.tokenizer.split(TURNS[2:], CLASSES)
    told = reader.score_candidates(reader.prefill(pieces.shots, []), pieces, reader.encode_image(shown[0]))
    start = pieces.shots + pieces.query
    logits = plain_logits(reader, start + pieces.answers[0], shown).log_softmax(-1)
    assert told[0] == pytest.approx(float(logits[len(start) - 1, pieces.answers[0][0]]), abs=1e-5)


def test_an_answer_is_written_by_the_likeliest_tokens(reader: IdeficsModel) -> None:
    shown = pictures()
    seen = [reader.encode_image(one) for one in shown]
    pieces = reader.tokenizer.split(TURNS)
    held = reader.prefill(pieces.shots, [one.latents for one in seen[:2]])
    texts = list(reader.generate(held, pieces, seen[2], max_tokens=4))
    tokens, expected = pieces.shots + pieces.query, []
    for _ in range(4):
        expected.append(int(plain_logits(reader, tokens + expected, shown)[-1].argmax()))
    assert texts[-1] == reader.tokenizer.text(expected).strip() and len(texts) == 4 and texts[-1].startswith(texts[0])
    assert list(reader.generate(held, pieces, seen[2], max_tokens=4)) == texts, "what is held stays as it was"


def test_writing_stops_where_the_utterance_does(reader: IdeficsModel, monkeypatch: pytest.MonkeyPatch) -> None:
    spelled = reader.tokenizer._tokens(" a red car")
    for last, count in ((next(iter(reader.tokenizer.stops)), 3), (None, 4)):
        told = iter([*spelled, *reader.tokenizer._tokens("\nUser:"), 5, 5] if last is None else [*spelled, last])

        def answer(held: Any, tokens: Any, *args: Any, told: Any = told, **kwargs: Any) -> torch.Tensor:
            return torch.nn.functional.one_hot(torch.tensor([next(told)]), 256).float()

        monkeypatch.setattr(reader, "_forward", answer)
        held = type("Held", (), {"cache": type("Cache", (), {"crop": lambda self, count: None})()})()
        texts = list(
            reader.generate(held, SplitPrompt([], [1], []), type("Seen", (), {"latents": torch.zeros(1, 1)})(), 60)
        )  # type: ignore[arg-type]
        assert texts[-1] == "a red car" and len(texts) >= count


def test_closing_stops_within_a_forward_pass(reader: IdeficsModel, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []
    inner = reader.network.forward
    monkeypatch.setattr(reader.network, "forward", lambda *a, **k: (passes.append(1), inner(*a, **k))[1])
    seen = reader.encode_image(pictures(1)[0])
    pieces = reader.tokenizer.split(TURNS[2:])
    held = reader.prefill(pieces.shots, [])
    writing = reader.generate(held, pieces, seen, 60)
    next(writing)
    writing.close()
    assert len(passes) == 2 and held.cache.get_seq_length() == len(pieces.shots), "and gives back what it read"


def test_a_prompt_longer_than_the_network_was_trained_for_is_refused(reader: IdeficsModel) -> None:
    pieces = reader.tokenizer.split([TURNS[0]] * 12 + TURNS[2:], CLASSES)
    with pytest.raises(TooLarge, match=r"this model reads 400: set “shots”"):
        reader.check_length(pieces)
    reader.check_length(reader.tokenizer.split(TURNS, CLASSES))


def without(key: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        state = load_file(folder / "model.safetensors")
        kept = {name: value for name, value in state.items() if key not in name}
        assert len(kept) < len(state)
        save_file(kept, folder / "model.safetensors")

    return damage


def of_another_model(folder: Path) -> None:
    other = idefics_tokenizer()
    told = json.loads(other.backend_tokenizer.to_str())
    told["added_tokens"] = [token for token in told["added_tokens"] if "image" not in token["content"]]
    (folder / "tokenizer.json").write_text(json.dumps(told))
    config = json.loads((folder / "tokenizer_config.json").read_text())
    config = {name: value for name, value in config.items() if "special" not in name and "added" not in name}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (without("perceiver_resampler"), WeightsBroken, "parts are missing, such as model.perceiver"),
        (without("alpha_cross_attn"), WeightsBroken, "parts are missing"),
        (without("lm_head"), WeightsBroken, "parts are missing"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "llama"}'), WeightsBroken, "kind “llama”"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), WeightsBroken, "tokenizer of"),
        (lambda folder: (folder / "tokenizer.json").unlink(), WeightsBroken, "tokenizer of|does not know"),
        (of_another_model, WeightsBroken, "does not know where pictures stand"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), WeightsBroken, "no preprocessor_config"),
        (lambda folder: (folder / "preprocessor_config.json").write_text("[}"), WeightsBroken, "cannot be read"),
        (shutil.rmtree, WeightsMissing, "not on this machine"),
    ],
)
def test_weights_are_complete_and_sound_or_refused(
    folder: Path, tmp_path: Path, damage: Callable[[Path], Any], error: type[Exception], said: str
) -> None:
    copied = shutil.copytree(folder, tmp_path / "weights")
    damage(copied)
    with pytest.raises(error, match=said):
        IdeficsModel(copied, "cpu")


def test_the_most_similar_examples_come_last() -> None:
    shots = np.array([[1, 0], [0, 1], [2, 2], [-1, 0], [3, 0]], np.float32)
    assert most_similar(np.float32([1, 0.1]), shots, 3).tolist() == [2, 4, 0], (
        "by angle; of equals the first is nearest"
    )
    assert most_similar(np.float32([1, 0.1]), shots, 99).tolist() == [3, 1, 2, 4, 0]


def test_drawn_examples_are_even_over_the_classes() -> None:
    labels = np.array([0] * 10 + [1] * 3 + [2] * 2)
    for seed in range(5):
        counts = np.bincount(labels[draw_balanced(labels, 6, seed)], minlength=3)
        assert counts.tolist() == [2, 2, 2]
    assert (
        draw_balanced(labels, 6, 1).tolist()
        == draw_balanced(labels, 6, 1).tolist()
        != draw_balanced(labels, 6, 2).tolist()
    )
    assert sorted(draw_balanced(labels, 99, 0)) == list(range(15))


def test_orders_are_different_and_there_are_no_more_than_can_be() -> None:
    shots = np.array([7, 3, 5])
    found = [tuple(int(place) for place in order) for order in orders(shots, 4, 0)]
    assert found[0] == (7, 3, 5) and len(set(found)) == 4 and all(sorted(order) == [3, 5, 7] for order in found)
    assert len(orders(shots, 100, 0)) == 6 and len(orders(shots[:1], 5, 0)) == 1
    assert [order.tolist() for order in orders(shots[:0], 5, 0)] == [[]]
