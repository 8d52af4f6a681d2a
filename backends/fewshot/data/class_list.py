"""Classes in words: reading `name: sentence` lines, and the sentences that tell a model of a class."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from backends.core.errors import BadInput, TooLarge

MOST_CLASSES = 200
LONGEST_NAME = 80
LONGEST_SENTENCE = 1_000
LARGEST_FILE = 1 << 20

VOWELS = "aeiou"
PHOTO = "a photo of {}."
ENSEMBLE = (
    "a photo of {}.",
    "a close view of {}.",
    "{} seen from far away.",
    "{} in the middle of the picture.",
    "part of {} at the edge of the picture.",
    "a dim, blurry picture that shows {}.",
    "a sharp picture of {} in daylight.",
    "a drawing of {}.",
)
"""One class seen in many ways: the mean of what a model makes of these is steadier than any one of them."""


def read_classes(path: Path) -> dict[str, str]:
    """`parse_classes` of a text file. Raises BadInput and TooLarge."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise TooLarge("The file of classes is over 1 MB: one short line a class is enough.")
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"“{path.name}” cannot be read ({error.strerror}).") from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return parse_classes(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise BadInput("The file of classes is not plain text: save it as text in UTF-8.") from error


def parse_classes(text: str) -> dict[str, str]:
    """Lines such as `cat: a house cat, seen indoors` as names and sentences, in their order.

    The sentence may be left out; empty lines and those that start with # do not count.

    Raises:
        BadInput: no class, a line without a name, or a name used twice. TooLarge: too many or too long.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, sentence = line.replace("：", ":", 1).partition(":")
        name, sentence = clean_name(name), " ".join(sentence.split())
        if not name:
            raise BadInput(f"Line {number} of the classes has no name before its colon.")
        if any(name.casefold() == other.casefold() for other in found):
            raise BadInput(f"The class “{name}” is there twice: give each class its own name.")
        if len(sentence) > LONGEST_SENTENCE:
            raise TooLarge(f"The sentence of “{name}” is longer than {LONGEST_SENTENCE:,} letters: shorten it.")
        found[name] = sentence
        if len(found) > MOST_CLASSES:
            raise TooLarge(f"There are more than {MOST_CLASSES} classes: use fewer.")
    if not found:
        raise BadInput("There is no class in here: write one a line, such as “cat: a house cat”.")
    return found


def clean_name(name: str) -> str:
    """A class's name in one spelling, without what cannot be seen. Raises TooLarge."""
    name = " ".join(visible(name).split())
    if len(name) > LONGEST_NAME:
        raise TooLarge(f"The name “{name[:30]}…” is longer than {LONGEST_NAME} letters: shorten it.")
    return name


def visible(text: str) -> str:
    """The text with accents in one spelling, and a blank for what cannot be seen."""
    # U+200D joins emoji, U+FE0F says that a sign is one: neither is printable, both belong to names.
    signs = unicodedata.normalize("NFC", text)
    return "".join(sign if sign.isprintable() or sign in "\u200d\ufe0f" else " " for sign in signs)


def prompts(name: str, sentence: str, template_set: str) -> tuple[str, ...]:
    """The sentences for one class. A sentence of the user's own always counts; “ensemble” adds others to it."""
    named = name.replace("_", " ")
    if template_set == "plain":
        return (sentence or named,)
    thing = with_article(named)
    if template_set == "photo":
        return (sentence or PHOTO.format(thing),)
    made = tuple(template.format(thing) for template in ENSEMBLE)
    return (sentence, *made) if sentence else made


def with_article(name: str) -> str:
    """“a cat”, “an owl”; a name that is no plain English noun (“Zürich”, “🐱”, “the sea”) stays as it is."""
    first, _, _ = name.partition(" ")
    if not first.isascii() or not first.isalpha() or not first.islower() or first in ("a", "an", "the", "some", "no"):
        return name
    return f"{'an' if first[0] in VOWELS else 'a'} {name}"
