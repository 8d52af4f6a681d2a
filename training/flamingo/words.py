"""The tokenizer of the Flamingo starter."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from backends.fewshot.flamingo.interleave import AROUND, ASK_CAPTION, ASK_NAME, END, PICTURE
from evaluation.synthetic.scenes import NUMBERS
from evaluation.synthetic.shape_questions import new_name, plural
from evaluation.synthetic.shape_scenes import COLOUR_NAMES, RELATIONS
from evaluation.synthetic.shapes import FILLS, SHAPES

VOCABULARY = 832
MARKS = ("<pad>", "<s>", "</s>", "<unk>", AROUND, PICTURE, END)
WHOLE = ("\nUser:", "\nAssistant:", ASK_NAME, ASK_CAPTION)
"""What every prompt holds is one piece each, so that prompts are short."""


def sentences(count: int, rng: random.Random) -> Iterator[str]:
    """What the tokenizer learns its pieces from."""
    for number in range(count):
        yield f" {new_name(rng)}"
        if number % 3 == 0:
            colour, shape = rng.choice(COLOUR_NAMES), rng.choice(list(SHAPES))
            yield f" {colour} {shape} {plural(shape)} {rng.choice(list(FILLS))} {rng.choice(list(NUMBERS.values()))}"
            yield f"Is the {colour} {shape} {rng.choice(RELATIONS)} the {colour} {shape}? yes no"
            yield "What colour is it? What shape is it? How many are there? What pattern does it have? Where is the"


def write_tokenizer(folder: Path, seed: int = 0) -> Any:
    """A byte-pair tokenizer that can spell any text; it is kept in `folder`."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    whole = "|".join(text.replace("?", r"\?").replace(".", r"\.") for text in WHOLE)
    words = Regex(rf"{whole}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s")
    inner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=list(MARKS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    rng = random.Random(seed)
    inner.train_from_iterator([*(text for text in WHOLE for _ in range(9000)), *sentences(9000, rng)], trainer)
    made = PreTrainedTokenizerFast(
        tokenizer_object=inner, bos_token="<s>", eos_token="</s>", unk_token="<unk>", pad_token="<pad>"
    )
    made.add_special_tokens({"additional_special_tokens": [AROUND, PICTURE, END]})
    made.save_pretrained(folder)
    return made
