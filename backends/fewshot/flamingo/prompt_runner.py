"""Choosing the examples for each image, building the prompt, and asking the model."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from backends.core.engine import Event, Notice, Progress
from backends.core.errors import EngineFailed
from backends.fewshot.calibration import fit_temperature
from backends.fewshot.data.image_collection import ImageFile
from backends.fewshot.flamingo.interleave import SplitPrompt, Turn
from backends.fewshot.flamingo.options import FlamingoOptions
from backends.fewshot.flamingo.results import ClassLikelihoods, FreeAnswer, QueryAnswer, Shot
from backends.fewshot.flamingo.rices import draw_balanced, most_similar, orders

if TYPE_CHECKING:
    from backends.fewshot.flamingo.model import IdeficsModel, ImageFeatures, PromptCache

ASKING = "Asking about the pictures"
MEASURING = "Asking about the examples"
NOT_FINITE = "The model's numbers broke down on these pictures: try another model."

MAX_CACHED_PROMPTS = 8
"""Key-value caches of examples that are kept: a few hundred megabytes each in the published size."""


@dataclass(frozen=True)
class LeaveOneOutScore:
    """The fraction of the examples that get their own name with the others shown, and the temperature fitted to it."""

    accuracy: float
    temperature: float


class PromptRunner:
    """Chooses the examples for an image and asks; the cache of a prompt's examples is reused for the next image.

    Args:
        model: the loaded network.
        shots: all examples.
        classes: the class names, which labels index.
        asked: what is asked, and how many examples are shown in how many orders.
    """

    def __init__(
        self,
        model: IdeficsModel,
        shots: Sequence[Shot],
        classes: Sequence[str],
        asked: FlamingoOptions,
    ) -> None:
        self.model, self.shots, self.asked = model, shots, asked
        self.names = [name.replace("_", " ") for name in classes]
        self._caches: dict[tuple[int, ...], PromptCache] = {}

    def select_shots(self, features: ImageFeatures, without: int | None = None) -> np.ndarray:
        """Indices of the shots to show beside an image, in the first of the orders; `without` one of them."""
        available = np.array([index for index in range(len(self.shots)) if index != without], int)
        limit = self.asked.max_shots
        count = len(available) if limit is None else min(limit, len(available))
        if not count:
            return available[:0]
        if self.asked.pick == "drawn":
            labels = np.array([self.shots[index].label for index in available])
            return available[draw_balanced(labels, count, self.asked.seed)]
        shot_features = np.stack([self.shots[index].features.feature for index in available])
        return available[most_similar(features.feature, shot_features, count)]

    def answer(
        self, item: ImageFile, features: ImageFeatures, progress: Callable[[float], Progress]
    ) -> Generator[Event, None, QueryAnswer]:
        """Ask with the examples in each order; descriptions and free answers with the first order alone."""
        if self.asked.only:
            return QueryAnswer(item, features.feature)
        yield progress(0)
        selected = self.select_shots(features)
        if self.asked.ask != "names":
            return (yield from self._generate(item, features, selected, progress))
        files, likelihoods = [], []
        for count, order in enumerate(orders(selected, self.asked.orders, self.asked.seed)):
            files.append(self._files(order))
            likelihoods.append((yield from self._score(item.name, features, order, progress(count))))
        turns = self._turns(item.name, selected)
        return ClassLikelihoods(item, features.feature, turns, files, likelihoods=np.stack(likelihoods))

    def measure(self) -> Generator[Event, None, LeaveOneOutScore | None]:
        """Each example as if it were asked about, with the others shown; None with fewer than two."""
        if len(self.shots) < 2:
            yield Notice("With fewer than two examples there is none to leave out: how often it is right is not known.")
            return None
        scores = []
        for count, shot in enumerate(self.shots):
            now = Progress(MEASURING, count, len(self.shots), "answers")
            selected = self.select_shots(shot.features, without=count)
            scores.append((yield from self._score(shot.item.name, shot.features, selected, now)))
        yield Progress(MEASURING, len(self.shots), len(self.shots), "answers")
        labels = np.array([shot.label for shot in self.shots])
        table = np.stack(scores)
        return LeaveOneOutScore(float((table.argmax(1) == labels).mean()), fit_temperature(table, labels))

    def score(self, name: str, features: ImageFeatures, order: np.ndarray) -> np.ndarray:
        """Mean log-likelihood per token `(C,)` of each class name, with these shots in this order."""
        steps = self._score(name, features, order, Progress(ASKING, 0, 1, "answers"))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                likelihoods: np.ndarray = end.value
                return likelihoods

    def split(self, name: str, order: np.ndarray) -> SplitPrompt:
        """The prompt about an image, with these shots and all class names as its candidate answers."""
        return self.model.tokenizer.split(self._turns(name, order), self.names)

    def _score(
        self, name: str, features: ImageFeatures, order: np.ndarray, now: Progress
    ) -> Generator[Event, None, np.ndarray]:
        """Mean log-likelihood per token `(C,)` of each class name; yields `now` before each pass of the network."""
        prompt = self.split(name, order)
        self.model.check_length(prompt)
        yield now
        cache = self._prefilled(order, prompt.shots)
        yield now
        likelihoods = self.model.score_candidates(cache, prompt, features)
        if not np.isfinite(likelihoods).all():
            raise EngineFailed(NOT_FINITE)
        return likelihoods

    def _generate(
        self, item: ImageFile, features: ImageFeatures, selected: np.ndarray, progress: Callable[[float], Progress]
    ) -> Generator[Event, None, QueryAnswer]:
        from backends.fewshot.flamingo.model import MAX_ANSWER_TOKENS

        turns = self._turns(item.name, selected)
        prompt = self.model.tokenizer.split(turns)
        self.model.check_length(prompt, MAX_ANSWER_TOKENS)
        texts, cache = [""], self._prefilled(selected, prompt.shots)
        yield progress(0)
        with closing(self.model.generate(cache, prompt, features, MAX_ANSWER_TOKENS)) as partial_texts:
            for text in partial_texts:
                texts.append(text)
                yield progress(len(texts) / (MAX_ANSWER_TOKENS + 2))
        return FreeAnswer(item, features.feature, turns, [self._files(selected)], text=texts[-1])

    def _prefilled(self, order: np.ndarray, tokens: Sequence[int]) -> PromptCache:
        """The cache of these examples in this order; the oldest cache is dropped where there are too many."""
        key = tuple(int(index) for index in order)
        if key not in self._caches:
            while len(self._caches) >= MAX_CACHED_PROMPTS:
                self._caches.pop(next(iter(self._caches)))
            self._caches[key] = self.model.prefill(tokens, [self.shots[index].features.latents for index in key])
        return self._caches[key]

    def _turns(self, name: str, order: np.ndarray) -> list[Turn]:
        shots = [self.shots[int(index)] for index in order]
        question = self.asked.prompt_question
        return [*(Turn(shot.item.name, question, shot.answer) for shot in shots), Turn(name, question)]

    def _files(self, order: np.ndarray) -> list[str]:
        return [self.shots[int(index)].item.name for index in order]
