"""Prompts to train on, as the engine writes them: new things named by their examples, and questions with true answers.

Pictures are shared between the prompts of a batch, since looking at them costs most.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from backends.fewshot.flamingo.interleave import AROUND, ASK_NAME, END, PICTURE
from evaluation.synthetic.scenes import NUMBERS
from evaluation.synthetic.shape_questions import ask, distinct_names, questions
from evaluation.synthetic.shape_scenes import COLOUR_NAMES, FILL_NAMES, NONE, SHAPE_NAMES, Store
from evaluation.synthetic.shapes import FILLS, SHAPES

KINDS = {"shape": 0.4, "colour": 0.13, "fill": 0.22, "pair": 0.2, "number": 0.05}
SIMPLE_KINDS = {"colour": 0.4, "fill": 0.2, "pair": 0.4}
"""What makes a class, and how often; and in the simple prompts of the beginning."""

GROUPS, CLASSES, EACH = 3, 5, 4
"""Sets of pictures of a batch that share prompts; how many classes each has, and pictures a class."""

NAMING, ASKING, ASKED = 36, 18, 20
"""Prompts of a batch that name, those that ask, and how many pictures these are about."""

LENGTHS = (3, 4, 5, 6, 7, 8, 9, 12)
TRUE_NAMES = 0.25
"""How often classes bear the names of what they are."""

RANKED, BLUR = 0.8, 0.35
"""How often the examples stand in the order of their likeness to the last picture, the most alike last, as the engine
puts them; how blurred that order is, since likeness does not always go by class."""

USUAL_QUESTION = 0.85
NAME_QUESTIONS = ("What is it?", "What is this?", "Which class is it?", "What do you call this?")


@dataclass
class Prompt:
    """Tokens with, for each, the picture it looks at and whether it is to be learned; pictures by their numbers.

    `named` is the class of a token that is part of a name, `naming` that of one that a name comes after; else NONE.
    """

    pictures: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    learned: list[bool] = field(default_factory=list)
    named: list[int] = field(default_factory=list)
    naming: list[int] = field(default_factory=list)


class Scribe:
    """Writes prompts turn by turn; what it makes is what the tokenizer makes of the engine's own text."""

    def __init__(self, tokenizer: Any) -> None:
        known = tokenizer.get_vocab()
        self._tokenizer = tokenizer
        self.start, self.end = tokenizer.bos_token_id, known[END]
        self._picture = [known[AROUND], known[PICTURE], known[AROUND]]
        self.spell = lru_cache(50_000)(self._spell)

    def _spell(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def turn(
        self, prompt: Prompt, picture: int, question: str, answer: str | None, learned: bool, *, label: int = NONE
    ) -> None:
        """Add a picture with its question and, unless it is None, its answer, which is the name of class `label`."""
        if not prompt.tokens:
            self._add(prompt, [self.start], False)
        self._add(prompt, [*self.spell("\nUser:"), self._picture[0]], False)
        prompt.pictures.append(picture)
        self._add(prompt, [*self._picture[1:], *self.spell(question), self.end, *self.spell("\nAssistant:")], False)
        if answer is not None:
            prompt.naming[-1] = label
            self._add(prompt, self.spell(f" {answer}"), learned, label)
            self._add(prompt, [self.end], learned)

    def _add(self, prompt: Prompt, tokens: Sequence[int], learned: bool, label: int = NONE) -> None:
        prompt.tokens += tokens
        prompt.looks += [len(prompt.pictures) - 1] * len(tokens)
        prompt.learned += [learned] * len(tokens)
        prompt.named += [label] * len(tokens)
        prompt.naming += [NONE] * len(tokens)


@dataclass
class Batch:
    """Prompts side by side: `sees` `(B, T, P)`, `pictures` `(B, P)`, all others `(B, T)`."""

    tokens: Tensor
    learned: Tensor
    sees: Tensor
    pictures: Tensor
    named: Tensor
    naming: Tensor

    @classmethod
    def of(cls, prompts: Sequence[Prompt]) -> Batch:
        longest, most = max(len(p.tokens) for p in prompts), max(len(p.pictures) for p in prompts)
        tokens, looks = np.zeros((len(prompts), longest), int), np.full((len(prompts), longest), NONE)
        learned, pictures = np.zeros((len(prompts), longest), bool), np.zeros((len(prompts), most), int)
        named, naming = np.full_like(looks, NONE), np.full_like(looks, NONE)
        for row, prompt in enumerate(prompts):
            count = len(prompt.tokens)
            named[row, :count], naming[row, :count] = prompt.named, prompt.naming
            tokens[row, :count], looks[row, :count] = prompt.tokens, prompt.looks
            learned[row, :count], pictures[row, : len(prompt.pictures)] = prompt.learned, prompt.pictures
        sees = torch.from_numpy(looks)[..., None] == torch.arange(most)
        tables = (torch.from_numpy(table) for table in (pictures, named, naming))
        return cls(torch.from_numpy(tokens), torch.from_numpy(learned), sees, *tables)


@dataclass
class Work:
    """One step's pictures, rows of the store, and the prompts about them, which count them from 0."""

    rows: list[int]
    naming: Batch
    asking: Batch


class Teacher:
    """Draws the work of each step from a store."""

    def __init__(self, store: Store, scribe: Scribe) -> None:
        self.store, self.scribe = store, scribe

    @cached_property
    def classes(self) -> dict[str, list[tuple[str, np.ndarray]]]:
        """By kind: what a class is called if it has a name, and its pictures."""
        facts = self.store.facts
        single = (facts.count == 1) & (facts.other_shape == NONE)
        clear = single & np.isin(facts.fill, [FILL_NAMES.index("plain"), FILL_NAMES.index("hollow")])
        several = facts.other_shape == NONE
        named = single & (facts.shape < len(SHAPES))
        pairs = facts.shape * 100 + facts.colour
        found = {
            "shape": [(_if_in(SHAPE_NAMES[i], SHAPES), clear & (facts.shape == i)) for i in range(len(SHAPE_NAMES))],
            "colour": [(name, single & (facts.colour == i)) for i, name in enumerate(COLOUR_NAMES)],
            "fill": [(_if_in(name, FILLS), single & (facts.fill == i)) for i, name in enumerate(FILL_NAMES)],
            "pair": [(_pair_name(pair), named & (pairs == pair)) for pair in np.unique(pairs[named])],
            "number": [(word, several & (facts.count == number)) for number, word in NUMBERS.items()],
        }
        rows = {kind: [(name, np.flatnonzero(where)) for name, where in some] for kind, some in found.items()}
        return {kind: [one for one in some if len(one[1]) >= EACH] for kind, some in rows.items()}

    def work(self, rng: random.Random, simple: bool = False) -> Work:
        """The pictures and prompts of one step; where `simple`, with few classes that are called by short words."""
        rows: list[int] = []
        naming: list[Prompt] = []
        length = rng.choice(LENGTHS)
        for _ in range(GROUPS):
            shares = SIMPLE_KINDS if simple else KINDS
            kind = rng.choices(list(shares), list(shares.values()))[0]
            some = self._classes(kind, rng)
            sets = []
            for name, pictures in some:
                chosen = rng.sample(range(len(pictures)), EACH)
                sets.append((name, list(range(len(rows), len(rows) + EACH))))
                rows += [int(pictures[i]) for i in chosen]
            naming += [self.name(sets, length, rng, simple) for _ in range(NAMING // GROUPS)]
        start = len(rows)
        rows += [rng.randrange(len(self.store.facts)) for _ in range(ASKED)]
        asking = [self.ask(rows, range(start, len(rows)), rng) for _ in range(ASKING)]
        return Work(rows, Batch.of(naming), Batch.of(asking))

    def looked_at(self, count: int, rng: random.Random) -> list[int]:
        """Pictures to learn to see by: half of them of shapes with names, clear to see."""
        named = [rows for name, rows in self.classes["shape"] if name]
        some = [rng.choice(rng.choice(named)) for _ in range(count // 2 if named else 0)]
        return [int(row) for row in some] + [rng.randrange(len(self.store.facts)) for _ in range(count - len(some))]

    def _classes(self, kind: str, rng: random.Random) -> list[tuple[str, np.ndarray]]:
        """Some of a kind; of shapes either those with names or any, most of which have none."""
        some = self.classes[kind]
        if kind in ("shape", "fill") and rng.random() < 0.4:
            some = [one for one in some if one[0]]
        return rng.sample(some, min(CLASSES, len(some)))

    def name(
        self, sets: Sequence[tuple[str, list[int]]], length: int, rng: random.Random, simple: bool = False
    ) -> Prompt:
        """Pictures of some classes in any order, each with its class's name. What was seen before is to be learned.

        Of examples in the order of their likeness to the last picture that picture's name alone is.
        """
        some = rng.sample(list(sets), min(len(sets), rng.choice((2, 2, 2, 3) if simple else (2, 2, 3, 4, 5))))
        true = all(name for name, _ in some) and rng.random() < TRUE_NAMES
        names = [name for name, _ in some] if true else distinct_names(len(some), rng, simple=simple)
        question = ASK_NAME if rng.random() < USUAL_QUESTION else rng.choice(NAME_QUESTIONS)
        left = [rng.sample(pictures, len(pictures)) for _, pictures in some]
        often = [rng.uniform(0.15, 1) for _ in some]
        order = []
        for _ in range(min(length, sum(map(len, left)))):
            label = rng.choices(range(len(some)), [often[i] if left[i] else 0 for i in range(len(some))])[0]
            order.append((left[label].pop(), label))
        if ranked := rng.random() < RANKED:
            order[:-1] = sorted(order[:-1], key=lambda one: (one[1] == order[-1][1]) + rng.gauss(0, BLUR))
        prompt, met = Prompt(), set()
        for place, (picture, label) in enumerate(order):
            learned = true or (label in met and (not ranked or place == len(order) - 1))
            self.scribe.turn(prompt, picture, question, names[label], learned, label=label)
            met.add(label)
        return prompt

    def ask(self, rows: Sequence[int], places: Sequence[int], rng: random.Random) -> Prompt:
        """One to four pictures with true answers; mostly the same kind of question of all."""
        prompt, facts = Prompt(), self.store.facts
        first, kind = rng.choice(places), ""
        for _ in range(rng.choice((1, 1, 2, 3, 4))):
            able = [place for place in places if not kind or kind in questions(facts, rows[place])]
            place = rng.choice(able) if prompt.pictures else first
            if not kind or rng.random() < 0.3:
                kind = rng.choice(questions(facts, rows[place]))
            question, answer = ask(kind, facts, rows[place], rng)
            self.scribe.turn(prompt, place, question, answer, True)
        return prompt


def _if_in(name: str, named: Any) -> str:
    return name if name in named else ""


def _pair_name(pair: int) -> str:
    return f"{COLOUR_NAMES[pair % 100]} {SHAPE_NAMES[pair // 100]}"
