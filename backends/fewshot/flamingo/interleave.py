"""Pictures and text in one line, as a Flamingo reads them: examples with their answers, then the question.

Alayrac et al. 2022, "Flamingo": every word looks at the picture before it, and at no other, through cross-attention;
what earlier pictures had to say reaches it through the words between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backends.core.errors import BadInput, WeightsBroken

PICTURE, AROUND, END = "<image>", "<fake_token_around_image>", "<end_of_utterance>"
"""The marks of IDEFICS: the place of a picture, what stands on both sides of it, and the end of what one says."""

ASK_NAME = "What is in this picture?"
ASK_CAPTION = "Describe this picture."


@dataclass(frozen=True)
class Turn:
    """One picture, what is asked about it and what is answered; the last turn of a prompt waits for its answer."""

    picture: str
    question: str
    answer: str = ""


@dataclass(frozen=True)
class Pieces:
    """A prompt and its possible answers as token numbers, cut where the work can be shared.

    Attributes:
        shots: up to the picture that is asked about, the same for every query with these shots.
        query: from that picture to where the answers part.
        answers: what comes after for each answer, at least one token.
    """

    shots: list[int]
    query: list[int]
    answers: list[list[int]]

    @property
    def longest(self) -> int:
        return len(self.shots) + len(self.query) + max((len(answer) for answer in self.answers), default=0)


def written(turns: Sequence[Turn], first: str, end: str) -> str:
    """The prompt in words and marks, beginning with `first` and open for the answer to the last turn.

    Args:
        end: the mark that ends what one says; "" for models that were not trained with it.
    """
    asked = [f"\nUser:{AROUND}{PICTURE}{AROUND}{turn.question}{end}\nAssistant:" for turn in turns]
    answered = [f" {turn.answer}{end}" for turn in turns[:-1]] + [""]
    return first + "".join(part for pair in zip(asked, answered, strict=True) for part in pair)


class Speller:
    """Prompts as token numbers by a model's own tokenizer.

    Raises:
        WeightsBroken: the tokenizer does not know the marks of pictures, so it is that of another model.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        known = tokenizer.get_vocab()
        if PICTURE not in known or AROUND not in known or tokenizer.bos_token is None:
            raise WeightsBroken(
                "The tokenizer in this folder does not know where pictures stand in a text, so it is not that of an "
                "IDEFICS model: put in the tokenizer's files of the same model."
            )
        self.picture = known[PICTURE]
        self.end = END if END in known else ""
        self._marks = [mark for mark in tokenizer.all_special_tokens if mark]
        self.stops = {tokenizer.eos_token_id, known.get(END)} - {None}

    def require_plain(self, text: str) -> None:
        """Raises BadInput where a text of the user's holds what this model takes for a picture or an end."""
        if mark := next((mark for mark in self._marks if mark in text), ""):
            raise BadInput(f"“{text[:40]}” holds “{mark}”, which is a sign to this model and no word: leave it out.")

    def pieces(self, turns: Sequence[Turn], answers: Sequence[str] = ()) -> Pieces:
        """The prompt of `turns`, cut for sharing. Whole texts are spelled, so that no cut changes a token."""
        text = written(turns, self._tokenizer.bos_token, self.end)
        bare = self._tokens(text)
        whole = [self._tokens(f"{text} {answer}") for answer in answers]
        start = len(bare) - 1 - bare[::-1].index(self.picture)
        # With an answer the last token of the prompt may become another, but marks stay what they are.
        part = min([len(bare), *(_common(bare, tokens) for tokens in whole)])
        part = min([part, *(len(tokens) - 1 for tokens in whole)])
        return Pieces(bare[:start], bare[start:part], [tokens[part:] for tokens in whole])

    def text(self, tokens: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _tokens(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens they begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def looks_at(tokens: Sequence[int], picture: int, before: int = 0) -> np.ndarray:
    """Which picture each token looks at `(T,)`: the last one up to it, counted from 0; -1 before the first.

    Args:
        picture: the token that stands for a picture.
        before: how many pictures came before these tokens.
    """
    return before - 1 + np.cumsum(np.asarray(tokens) == picture)
