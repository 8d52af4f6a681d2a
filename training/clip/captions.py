"""What the training pictures are called: classes, kinds, synonyms, and sentences made of them."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evaluation.datasets import captioned_pictures
from training.clip.concepts import SYNONYMS, kinds_of

TEMPLATES = (
    *("{}",) * 4,
    *("a photo of {}", "a picture of {}", "an image of {}") * 2,
    *("a small photo of {}", "a blurry photo of {}", "a close photo of {}", "a dark photo of {}"),
    *("a photo with {} in it", "a photo of the {0}", "this is {}", "here is {}", "it shows {}", "one can see {}"),
    *("{} in a picture", "{}, photographed", "a close view of {}", "{} seen from far away", "part of {} at the edge"),
    *("a sharp picture of {} in daylight", "a dim picture that shows {}", "{} in the middle of the picture"),
)
"""`{0}` takes the bare words, `{}` those with their article."""
_MASS = frozenset({"pants", "shorts", "clothing", "clothes", "furniture", "food", "nature", "footwear", "headwear"})
_LATIN = re.compile(r"[A-Z][a-z]+ [a-z]+")
KIND = 0.3
"""How often a picture is called by a kind it is of (where it is of one) and not by its own name."""


@dataclass(frozen=True)
class Concept:
    """Something that may be said of pictures, and the words for it."""

    key: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Entry:
    """A training picture: `file` in the archive, `label` its class, `concepts` what is true of it, narrowest first."""

    file: str
    label: str
    concepts: tuple[Concept, ...]
    origin: str
    """The picture's collection: the first folder of `file`."""


def with_article(words: str) -> str:
    """`a goldfish`, `an ant`, `two-piece` things as they are: plurals and stuff take no article."""
    last = words.rsplit(maxsplit=1)[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is")) and last not in {"bus", "trolleybus"}
    if plural or last in _MASS or words.startswith(("a ", "an ", "the ")):
        return words
    return f"{'an' if words[0].lower() in 'aeio' else 'a'} {words}"


def sentence(words: str, rng: random.Random) -> str:
    """One way to say that a picture shows `words`; one in three ends with a full stop."""
    template = rng.choice(TEMPLATES) + ("." if rng.random() < 1 / 3 else "")
    if "{0}" in template or rng.random() < 0.25:
        return template.replace("{0}", "{}").format(words)
    return template.format(with_article(words))


def word_for(entry: Entry, rng: random.Random) -> tuple[str, str]:
    """`(key of a concept, a word for it)`: most often of the picture's own class, at times of a kind it is of."""
    concept = entry.concepts[0]
    if len(entry.concepts) > 1 and rng.random() < KIND:
        concept = rng.choice(entry.concepts[1:])
    return concept.key, rng.choice(concept.words)


def caption(entry: Entry, rng: random.Random) -> tuple[str, str]:
    """`(key of a concept, a sentence that says it)`."""
    key, word = word_for(entry, rng)
    return key, sentence(word, rng)


def read_entries(archive: Path) -> list[Entry]:
    """The pictures of the archive in their order, with what may be said of them."""
    kinds, rows = kinds_of(), captioned_pictures.read_entries(archive)
    synonyms = _synonyms(rows)
    return [_entry(row, kinds, synonyms) for row in rows]


def _synonyms(rows: Sequence[captioned_pictures.Entry]) -> dict[str, tuple[str, ...]]:
    """The words for each class of Tiny ImageNet, without its Latin names."""
    found: dict[str, tuple[str, ...]] = dict(SYNONYMS)
    for row in rows:
        if row.origin == "tiny_imagenet" and row.caption not in found:
            words = [word.strip() for word in row.alt.split(",")]
            words = [word for word in words if not _LATIN.fullmatch(word) or word == row.caption]
            found[row.caption] = tuple(dict.fromkeys([row.caption, row.caption, *words[:3]]))
    return found


def _entry(row: captioned_pictures.Entry, kinds: dict, synonyms: dict[str, tuple[str, ...]]) -> Entry:
    label = row.label
    wider = tuple(Concept(f"kind of {kind}", words) for kind, words in kinds.get(label, ()))
    if row.origin == "catalogue":  # such as “women's grey casual sweaters”
        _, _, what = row.alt.partition(" ")
        in_full = Concept(row.alt, (row.alt, row.alt, what, row.caption))
        plain = Concept(label, (label, what.rsplit(maxsplit=1)[-1], f"{what.split()[0]} {what.rsplit(maxsplit=1)[-1]}"))
        return Entry(row.file, label, (in_full, plain, *wider), row.origin)
    return Entry(row.file, label, (Concept(label, synonyms.get(label, (label,))), *wider), row.origin)
