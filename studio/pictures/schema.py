"""The stored description of a picture project, and how it is read from a file that anybody may have written."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backends.core.errors import BadInput, TooLarge
from backends.fewshot.data.class_list import MAX_CLASSES, MAX_NAME_LENGTH, printable

FORMAT, VERSION = "fourfold-pictures", 1
MAX_SENTENCE_LENGTH = 300
MAX_REMOVALS = 10
"""Removals that can be undone; older ones are final."""
STORED_NAMES = {"dismissed_flags": "fine"}
"""Names of fields in the file where they differ from those here."""

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class ImageClass:
    """One class: its name, a sentence that describes it ("" for none), its examples by sha256."""

    id: str
    name: str
    sentence: str = ""
    shots: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """Facts about an image file: its name as uploaded, and its size in bytes."""

    name: str
    bytes: int


@dataclass
class Removal:
    """What was removed at once and can be brought back; its image files stay until then.

    Attributes:
        id: of this removal.
        classes: the classes that lost examples, each with the removed ones as its shots.
        place: where in the list of classes the class stood, if the class itself was removed; -1 otherwise.
        questions: the removed queries.
        pictures: every removed image by sha256.
    """

    id: str
    classes: list[ImageClass] = field(default_factory=list)
    place: int = -1
    questions: list[str] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)


@dataclass
class ProjectState:
    """Everything that is stored about a project beside the image files.

    Attributes:
        card: id of the model; "" for the server's default.
        head: id of the head; "" for the one that suits the examples.
        templates: the prompt template set.
        words: whether names and sentences are used where the model understands text.
        reject: whether “none of these” is a possible answer.
        questions: the queries by sha256, the newest first.
        pictures: every image by sha256.
        dismissed_flags: flags that the user looked at and dismissed, each as its kind and its images, joined by colons.
        removals: what can be brought back, the oldest first.
    """

    name: str = "My pictures"
    card: str = ""
    head: str = ""
    templates: str = "photo"
    words: bool = True
    reject: bool = True
    classes: list[ImageClass] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    dismissed_flags: list[str] = field(default_factory=list)
    removals: list[Removal] = field(default_factory=list)
    created: float = 0.0

    @property
    def shots(self) -> list[str]:
        """Every example, class by class."""
        return [sha for each in self.classes for sha in each.shots]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.classes)

    def class_of(self, sha: str) -> ImageClass | None:
        return next((each for each in self.classes if sha in each.shots), None)

    def title(self, sha: str) -> str:
        """What the picture's file was called."""
        known = self.pictures.get(sha)
        return known.name if known else sha[:12]


def validate_sha(sha: str) -> str:
    """`sha` itself once it is known to be safe in a path."""
    if not SHA256.fullmatch(sha):
        raise BadInput("This is not the name of a picture.")
    return sha


def clean_text(text: str, most: int) -> str:
    """Text on one line with normalised spaces and accents, without unprintable characters, cut at `most` characters."""
    return " ".join(printable(text).split())[:most].strip()


def normalise_name(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """What sorts names as a reader would: 2 before 10, and capitals beside small letters.

    >>> sorted(["10", "b2", "B10", "2"], key=natural_key)
    ['2', '10', 'b2', 'B10']
    """
    parts = re.findall(r"\d{1,18}|\D+", normalise_name(name))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def checked_text(text: str, most: int, what: str) -> str:
    """Text on one line as `clean_text` makes it, refused and never cut where it is too long. Raises TooLarge."""
    cleaned = clean_text(text, len(text))
    if len(cleaned) > most:
        raise TooLarge(f"{what} “{cleaned[:30]}…” is longer than {most} letters: shorten it.")
    return cleaned


def free_name(state: ProjectState, name: str, but: str = "") -> str:
    """The name as it is stored. Raises BadInput where it is empty or taken, TooLarge where it is too long."""
    cleaned = checked_text(name, MAX_NAME_LENGTH, "The name")
    if not cleaned:
        raise BadInput("Type a name for the class first.")
    if any(normalise_name(each.name) == normalise_name(cleaned) and each.id != but for each in state.classes):
        raise BadInput(f"There is a class called “{cleaned}” already: choose another name.")
    return cleaned


def dump(state: ProjectState) -> dict[str, Any]:
    """The state as JSON values."""
    values = asdict(state)
    if not state.removals:
        del values["removals"]
    return {"format": FORMAT, "version": VERSION, **{STORED_NAMES.get(name, name): values[name] for name in values}}


def parse(values: Any) -> ProjectState:
    """A state from JSON that anybody may have written. Raises BadInput."""
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise BadInput("This is not a picture project of Fourfold.")
    version = values.get("version")
    if isinstance(version, int) and version > VERSION:
        raise BadInput("This project was saved by a newer Fourfold: open it there.")
    if version != VERSION:
        raise BadInput("The description of this project is damaged: it names no version that there ever was.")
    try:
        state = ProjectState(
            name=clean_text(str(values["name"]), MAX_NAME_LENGTH) or "My pictures",
            card=str(values["card"])[:200],
            head=str(values["head"])[:40],
            templates=str(values["templates"])[:40],
            words=bool(values["words"]),
            reject=bool(values["reject"]),
            created=float(values["created"]),
        )
        for sha, known in values["pictures"].items():
            state.pictures[validate_sha(sha)] = Picture(clean_text(str(known["name"]), 200), int(known["bytes"]))
        seen: set[str] = set()
        for each in values["classes"][:MAX_CLASSES]:
            shots = [sha for sha in dict.fromkeys(each["shots"]) if sha in state.pictures and sha not in seen]
            seen.update(shots)
            name = free_name(state, clean_text(str(each["name"]), MAX_NAME_LENGTH))
            sentence = clean_text(str(each["sentence"]), MAX_SENTENCE_LENGTH)
            state.classes.append(ImageClass(_id(state, each), name, sentence, shots))
        state.questions = _known(state, values["questions"])
        state.dismissed_flags = [
            mark for mark in map(str, values["fine"]) if set(mark.split(":")[1:]) <= set(state.pictures)
        ]
        state.removals = [_removal(each) for each in values.get("removals", [])[-MAX_REMOVALS:]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput("The description of this project is damaged.") from error
    return state


def _removal(values: Mapping[str, Any]) -> Removal:
    pictures = {
        validate_sha(sha): Picture(clean_text(str(known["name"]), 200), int(known["bytes"]))
        for sha, known in values["pictures"].items()
    }
    classes = [
        ImageClass(
            str(each["id"])[:8],
            clean_text(str(each["name"]), MAX_NAME_LENGTH),
            clean_text(str(each["sentence"]), MAX_SENTENCE_LENGTH),
            [sha for sha in each["shots"] if sha in pictures],
        )
        for each in values["classes"]
    ]
    questions = [sha for sha in values["questions"] if sha in pictures]
    return Removal(str(values["id"])[:8], classes, int(values["place"]), questions, pictures)


def _id(state: ProjectState, values: Mapping[str, Any]) -> str:
    """The class's own id where it is one and not taken, so that an open page still knows the class."""
    given = str(values.get("id", ""))
    taken = {each.id for each in state.classes}
    return given if re.fullmatch(r"[0-9a-f]{8}", given) and given not in taken else secrets.token_hex(4)


def _known(state: ProjectState, shas: Sequence[str]) -> list[str]:
    return [sha for sha in dict.fromkeys(shas) if sha in state.pictures]
