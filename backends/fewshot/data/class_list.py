"""Class descriptions: parsing `name: sentence` lines, and the prompts that a model reads for a class."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from backends.core.errors import BadInput, TooLarge

MAX_CLASSES = 200
MAX_NAME_LENGTH = 80
MAX_SENTENCE_LENGTH = 1_000
MAX_FILE_BYTES = 1 << 20

LABEL_ROW = re.compile(r"[^:]*\.(jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|heic|heif)[\"']?\s*[,;\t]", re.IGNORECASE)
"""A row of a table that names pictures and their labels."""

MARKUP = re.compile(r"\s*(<!doctype|<html|<\?xml|\{\s*\"|\[\s*[\"{])", re.IGNORECASE)
"""How files begin that programs write and people do not."""

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
"""Prompt ensemble (Radford et al. 2021, section 3.1.4): the mean text feature varies less than that of one prompt."""


def read_classes(path: Path) -> dict[str, str]:
    """`parse_classes` of a text file. Raises BadInput and TooLarge."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
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
    """Class names with their sentences, in their order, from lines such as `cat: a house cat, seen indoors`.

    The sentence may be left out; empty lines and those that start with # do not count.

    Raises:
        BadInput: no class, a line without a name, a name used twice, or something else than a list of classes.
        TooLarge: too many or too long.

    >>> parse_classes("cat: a house cat\\ndog")
    {'cat': 'a house cat', 'dog': ''}
    """
    _check_is_list(text)
    classes: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, _, sentence = line.replace("：", ":", 1).partition(":")
        name, sentence = clean_name(name), " ".join(sentence.split())
        if not name:
            raise BadInput(f"Line {number} of the classes has no name before its colon.")
        if any(name.casefold() == other.casefold() for other in classes):
            raise BadInput(f"The class “{name}” is there twice: give each class its own name.")
        if len(sentence) > MAX_SENTENCE_LENGTH:
            raise TooLarge(f"The sentence of “{name}” is longer than {MAX_SENTENCE_LENGTH:,} letters: shorten it.")
        classes[name] = sentence
        if len(classes) > MAX_CLASSES:
            raise TooLarge(f"There are more than {MAX_CLASSES} classes: use fewer.")
    if not classes:
        raise BadInput("There is no class in here: write one a line, such as “cat: a house cat”.")
    return classes


def _check_is_list(text: str) -> None:
    """Raises BadInput for a table of labels, and for what only programs read."""
    lines = [line for line in text.splitlines() if line.strip()]
    rows = sum(bool(LABEL_ROW.match(line)) for line in lines)
    if rows and rows >= len(lines) - 1:  # all but a heading
        raise BadInput(
            "This is a table of pictures with their labels and no list of classes: give it as examples, in one zip or "
            "folder with the pictures, or write one class a line."
        )
    if MARKUP.match(text):
        raise BadInput("This is no list of classes: write one a line, such as “cat: a house cat”.")


def clean_name(name: str) -> str:
    """A class name with normalised spaces and accents, without unprintable characters. Raises TooLarge."""
    name = " ".join(printable(name).split())
    if len(name) > MAX_NAME_LENGTH:
        raise TooLarge(f"The name “{name[:30]}…” is longer than {MAX_NAME_LENGTH} letters: shorten it.")
    return name


def printable(text: str) -> str:
    """The text with composed accents (NFC), and a space for every unprintable character."""
    # U+200D joins emoji, U+FE0F selects the emoji form of a character: neither is printable, both belong to names.
    characters = unicodedata.normalize("NFC", text)
    return "".join(one if one.isprintable() or one in "\u200d\ufe0f" else " " for one in characters)


def prompts(name: str, sentence: str, template_set: str) -> tuple[str, ...]:
    """The sentences for one class. The user's own sentence is always among them; “ensemble” adds others.

    Args:
        name: of the class.
        sentence: what the user wrote about it, or "".
        template_set: “plain”, “photo” or “ensemble”.

    >>> prompts("polar_bear", "", "photo")
    ('a photo of a polar bear.',)
    """
    named = name.replace("_", " ")
    if template_set == "plain":
        return (sentence or named,)
    thing = with_article(named)
    if template_set == "photo":
        return (sentence or PHOTO.format(thing),)
    made = tuple(template.format(thing) for template in ENSEMBLE)
    return (sentence, *made) if sentence else made


def with_article(name: str) -> str:
    """“a cat”, “an owl”; a name that is no plain English noun (“Zürich”, “🐱”, “the sea”) stays as it is.

    >>> with_article("owl"), with_article("the sea")
    ('an owl', 'the sea')
    """
    first, _, _ = name.partition(" ")
    if not first.isascii() or not first.isalpha() or not first.islower() or first in ("a", "an", "the", "some", "no"):
        return name
    return f"{'an' if first[0] in VOWELS else 'a'} {name}"
