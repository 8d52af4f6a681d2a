"""What the training pictures are called: classes, kinds, synonyms, and sentences made of them."""

from __future__ import annotations

import csv
import io
import random
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.concepts import RENAMED, SYNONYMS, kinds_of

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


def caption(entry: Entry, rng: random.Random) -> tuple[str, str]:
    """`(key of a concept, a sentence that says it)`: most often the picture's own class, at times a kind it is of."""
    concept = entry.concepts[0]
    if len(entry.concepts) > 1 and rng.random() < KIND:
        concept = rng.choice(entry.concepts[1:])
    return concept.key, sentence(rng.choice(concept.words), rng)


def read_entries(archive: Path) -> list[Entry]:
    """The rows of `captions.csv` (file, caption, alt) in the archive of pictures, in their order."""
    kinds = kinds_of()
    with zipfile.ZipFile(archive) as pictures:
        rows = list(csv.DictReader(io.StringIO(pictures.read("captions.csv").decode("utf-8"))))
    synonyms = _synonyms(rows)
    return [_entry(row["file"], row["caption"], row["alt"], kinds, synonyms) for row in rows]


def held_out(entries: Iterable[Entry]) -> tuple[str, ...]:
    """The Caltech classes that are never trained on: of those that Tiny ImageNet lacks, every fifth by name."""
    entries = list(entries)
    known = {entry.label for entry in entries if entry.origin == "tiny_imagenet"}
    names = sorted({entry.label for entry in entries if entry.origin == "caltech101"} - known)
    return tuple(names[4::5])


def _synonyms(rows: Sequence[dict[str, str]]) -> dict[str, tuple[str, ...]]:
    """The words for each class of Tiny ImageNet, without its Latin names."""
    found: dict[str, tuple[str, ...]] = dict(SYNONYMS)
    for row in rows:
        if row["file"].startswith("tiny_imagenet/") and row["caption"] not in found:
            words = [word.strip() for word in row["alt"].split(",")]
            words = [word for word in words if not _LATIN.fullmatch(word) or word == row["caption"]]
            found[row["caption"]] = tuple(dict.fromkeys([row["caption"], row["caption"], *words[:3]]))
    return found


def _entry(file: str, caption: str, alt: str, kinds: dict, synonyms: dict[str, tuple[str, ...]]) -> Entry:
    origin = file.split("/", maxsplit=1)[0]
    if origin == "catalogue":
        return _product(file, caption, alt, kinds)
    name = caption.removeprefix("children's ") if origin == "garments_cc0" else caption
    label = RENAMED.get(name, name)
    own = Concept(label, synonyms.get(label, (label,)))
    wider = tuple(Concept(f"kind of {kind}", words) for kind, words in kinds.get(label, ()))
    return Entry(file, label, (own, *wider), origin)


def _product(file: str, title: str, alt: str, kinds: dict) -> Entry:
    """A product of the catalogue: its class is the last word of what it is (`women's grey casual sweaters`)."""
    _, _, what = alt.partition(" ")
    last = what.rsplit(maxsplit=1)[-1]
    label = RENAMED.get(last, last)
    said = Concept(alt, (alt, alt, what, title))
    plain = Concept(label, (label, last, f"{what.split()[0]} {last}"))
    wider = tuple(Concept(f"kind of {kind}", words) for kind, words in kinds.get(label, ()))
    return Entry(file, label, (said, plain, *wider), "catalogue")
