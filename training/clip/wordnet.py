"""Nouns of WordNet 3.0 and what they mean in terms of ImageNet's 1,000 classes, which are nodes of WordNet.

The folder holds WordNet's own files `data.noun`, `index.noun` and `cntlist.rev` (free for any use; for example Debian's
package `wordnet-base`). Of the classes only their numbers are needed, which timm has.

A word means the classes below any of its senses: “crane” two of them, “dog” 118. A word without a class below it, such
as “deer”, means what the nearest node above does that has some: the other hoofed animals.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path

NARROW, STEPS_UP = 60, 4
"""A word without classes takes those of a node at most so many steps above it, with at most so many classes."""
WIDE = 400
"""A node with more classes than this (an artifact, a whole) says nothing of a picture."""
SENSES = 3
"""How many of a word's senses count, the most frequent first."""
FIELDS = {"05": "animals", "06": "artifacts", "13": "food", "17": "natural objects", "20": "plants"}
"""WordNet's files of nouns for what a picture can show."""
_LATIN = re.compile(r"[A-Z][a-z]+ [a-z]+|genus .*")


def imagenet_nodes() -> tuple[str, ...]:
    """Of each of the 1,000 classes, in their order, WordNet's number of its node (`n01440764` is 01440764)."""
    text = resources.files("timm.data._info").joinpath("imagenet_synsets.txt").read_text(encoding="utf-8")
    return tuple(line.strip().removeprefix("n") for line in text.splitlines() if line.strip())


@dataclass(frozen=True)
class WordNet:
    """The nouns: `words`, `fields` and `parents` of each node; of each word its nodes (`senses`) and how often
    it is met (`counts`)."""

    words: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, str]
    parents: Mapping[str, tuple[str, ...]]
    senses: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]

    @classmethod
    def read(cls, folder: Path) -> WordNet:
        words, fields, parents = {}, {}, {}
        for row in _rows(folder / "data.noun"):
            number, kind, lemmas, above = _node(row.split(" | ")[0].split())
            words[number], fields[number], parents[number] = lemmas, kind, above
        return cls(words, fields, parents, dict(_senses(folder / "index.noun")), _counts(folder / "cntlist.rev"))


@dataclass
class Meanings:
    """Which classes each word means. `nodes` are the classes' nodes, in their order."""

    net: WordNet
    nodes: tuple[str, ...] = field(default_factory=imagenet_nodes)

    @cached_property
    def below(self) -> dict[str, frozenset[int]]:
        """Of each node that has any, the classes at it or below it."""
        found: dict[str, set[int]] = defaultdict(set)
        for index, node in enumerate(self.nodes):
            open_nodes = [node]
            while open_nodes:
                here = open_nodes.pop()
                found[here].add(index)
                open_nodes += self.net.parents.get(here, ())
        return {node: frozenset(classes) for node, classes in found.items() if len(classes) <= WIDE}

    @cached_property
    def pictured(self) -> dict[str, frozenset[int]]:
        """Of each word that has any, the classes that it means: of its frequent senses, and of classes of its name."""
        own = set(self.nodes)
        found: dict[str, set[int]] = defaultdict(set)
        for node, classes in self.below.items():
            for place, word in enumerate(self.net.words[node]):
                frequent = node in self.net.senses.get(word.lower(), ())[:SENSES]
                if (frequent or node in own) and not (place and _LATIN.fullmatch(word)):
                    found[word].update(classes)
        return {word: frozenset(classes) for word, classes in found.items()}

    @cached_property
    def unpictured(self) -> dict[str, frozenset[int]]:
        """Words of things that have no class, and the classes of the nearest node above that has some.

        Of more than one word only those that are met in ordinary texts; names of persons and species are left out.
        """
        found = {}
        for word, nodes in self.net.senses.items():
            if word in self.pictured or not (word.isalpha() or word in self.net.counts):
                continue
            things = [
                node for node in nodes[:SENSES] if self.net.fields[node] in FIELDS and word in self.net.words[node]
            ]
            if things and (classes := self._above(things[0])):
                found[word] = classes
        return found

    @cached_property
    def names(self) -> tuple[tuple[str, ...], ...]:
        """Of each class, its own words."""
        return tuple(tuple(word for word in self.net.words[node] if word in self.pictured) for node in self.nodes)

    @cached_property
    def true_of(self) -> tuple[frozenset[str], ...]:
        """Of each class, all words that are true of its pictures."""
        found: list[set[str]] = [set() for _ in self.nodes]
        for word, classes in self.pictured.items():
            for index in classes:
                found[index].add(word)
        return tuple(frozenset(words) for words in found)

    def classes_of(self, words: Iterable[str]) -> frozenset[int]:
        """The classes that the first of the words means which means any."""
        return next((self.pictured[word] for word in words if word in self.pictured), frozenset())

    def _above(self, node: str) -> frozenset[int]:
        level = [node]
        for _ in range(STEPS_UP):
            level = [parent for each in level for parent in self.net.parents.get(each, ())]
            for parent in level:
                if 0 < len(self.below.get(parent, ())) <= NARROW:
                    return self.below[parent]
        return frozenset()


def _rows(path: Path) -> Iterable[str]:
    """The lines of a file of WordNet, without its licence at the top."""
    with path.open(encoding="utf-8") as lines:
        yield from (line for line in lines if not line.startswith("  "))


def _node(fields: list[str]) -> tuple[str, str, tuple[str, ...], tuple[str, ...]]:
    """Number, field, words and parents of a line of `data.noun`:
    `number field type count (word id)… count (pointer…)…`."""
    count = int(fields[3], 16)
    lemmas = tuple(fields[4 + 2 * i].replace("_", " ") for i in range(count))
    rest = fields[4 + 2 * count :]
    pointers = [rest[1 + 4 * i : 5 + 4 * i] for i in range(int(rest[0]))]
    above = tuple(node for kind, node, part, _ in pointers if kind in ("@", "@i") and part == "n")
    return fields[0], fields[1], lemmas, above


def _senses(path: Path) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Each word in small letters and its nodes, the most frequent first: the last fields of a line of `index.noun`."""
    for row in _rows(path):
        fields = row.split()
        yield fields[0].replace("_", " "), tuple(fields[-int(fields[2]) :])


def _counts(path: Path) -> dict[str, int]:
    """How often each noun was met: lines of `cntlist.rev` are `word%1:… sense count`, where 1 says it is a noun."""
    found: dict[str, int] = defaultdict(int)
    for row in path.read_text(encoding="utf-8").splitlines():
        key, _, count = row.split()
        word, _, kind = key.partition("%")
        if kind.startswith("1:"):
            found[word.replace("_", " ")] += int(count)
    return dict(found)
