"""Images and text interleaved in one prompt: examples with their answers, then the question.

Alayrac et al. 2022 ("Flamingo", section 2.3): the cross-attention of a text token sees the last image before it and no
other; earlier images reach it through the text between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.core.errors import BadInput, WeightsBroken

PICTURE, AROUND, END = "<image>", "<fake_token_around_image>", "<end_of_utterance>"
"""The special tokens of IDEFICS: the place of an image, the token on both sides of it, and the end of an utterance."""

ASK_NAME = "What is in this picture?"
ASK_CAPTION = "Describe this picture."


@dataclass(frozen=True)
class Turn:
    """One image, a question about it and the answer; the last turn of a prompt has no answer yet."""

    picture: str
    question: str
    answer: str = ""


@dataclass(frozen=True)
class SplitPrompt:
    """A prompt and its candidate answers as token ids, split where computation can be shared.

    Attributes:
        shots: up to the image that is asked about, the same for every query with these shots.
        query: from that image to where the answers begin to differ.
        answers: the remaining tokens of each answer, at least one.
    """

    shots: list[int]
    query: list[int]
    answers: list[list[int]]

    @property
    def longest(self) -> int:
        return len(self.shots) + len(self.query) + max((len(answer) for answer in self.answers), default=0)


def render_prompt(turns: Sequence[Turn], first: str, end: str) -> str:
    """The prompt as text with special tokens, ending where the answer to the last turn begins.

    Args:
        turns: the examples, and the question as the last one.
        first: the token that begins a text.
        end: the token that ends an utterance; "" for models that were not trained with it.

    >>> print(render_prompt([Turn("a.png", "What?", "a cat"), Turn("b.png", "What?")], "<s>", ""))
    <s>
    User:<fake_token_around_image><image><fake_token_around_image>What?
    Assistant: a cat
    User:<fake_token_around_image><image><fake_token_around_image>What?
    Assistant:
    """
    asked = [f"\nUser:{AROUND}{PICTURE}{AROUND}{turn.question}{end}\nAssistant:" for turn in turns]
    answered = [f" {turn.answer}{end}" for turn in turns[:-1]] + [""]
    return first + "".join(part for pair in zip(asked, answered, strict=True) for part in pair)


class PromptTokenizer:
    """Prompts as token ids by the model's own tokenizer, `hub`.

    Raises:
        WeightsBroken: the tokenizer has no tokens for images, so it is that of another model.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.hub = tokenizer
        known = tokenizer.get_vocab()
        if PICTURE not in known or AROUND not in known or tokenizer.bos_token is None:
            raise WeightsBroken(
                "The tokenizer in this folder does not know where pictures stand in a text, so it is not that of an "
                "IDEFICS model: put in the tokenizer's files of the same model."
            )
        self.picture = known[PICTURE]
        self.end = END if END in known else ""
        self._special_tokens = [mark for mark in tokenizer.all_special_tokens if mark]
        self.stops = {tokenizer.eos_token_id, known.get(END)} - {None}

    def require_plain(self, text: str) -> None:
        """Raises BadInput where a user's text contains a special token of this model."""
        if mark := next((mark for mark in self._special_tokens if mark in text), ""):
            raise BadInput(f"“{text[:40]}” holds “{mark}”, which is a sign to this model and no word: leave it out.")

    def split(self, turns: Sequence[Turn], answers: Sequence[str] = ()) -> SplitPrompt:
        """The prompt of `turns` with its candidate answers. Whole texts are tokenized: no split changes a token."""
        text = render_prompt(turns, self.hub.bos_token, self.end)
        tokens = self._tokens(text)
        whole = [self._tokens(f"{text} {answer}") for answer in answers]
        start = len(tokens) - 1 - tokens[::-1].index(self.picture)
        # With an answer appended, the last token of the prompt may merge into another; special tokens never do.
        part = min([len(tokens), *(common_prefix_length(tokens, one) for one in whole)])
        part = min([part, *(len(tokens) - 1 for tokens in whole)])
        return SplitPrompt(tokens[:start], tokens[start:part], [tokens[part:] for tokens in whole])

    def text(self, tokens: Sequence[int]) -> str:
        return str(self.hub.decode(list(tokens), skip_special_tokens=True))

    def _tokens(self, text: str) -> list[int]:
        return list(self.hub(text, add_special_tokens=False)["input_ids"])


def common_prefix_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common prefix.

    >>> common_prefix_length([1, 2, 3], [1, 2, 4, 5])
    2
    """
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def attended_image(tokens: Sequence[int], picture: int, before: int = 0) -> np.ndarray:
    """Which image each token attends to `(T,)`: the last one up to it, counted from 0; -1 before the first.

    Args:
        tokens: T token ids.
        picture: the id of the image token.
        before: how many images came before these tokens.

    >>> attended_image([5, 9, 5, 9], picture=9)
    array([-1,  0,  0,  1])
    """
    return before - 1 + np.cumsum(np.asarray(tokens) == picture)
