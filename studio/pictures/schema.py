"""What is written down of a picture project, and reading it back from a file that anybody may have written."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backends.core.errors import BadInput
from backends.fewshot.data.class_list import LONGEST_NAME, MOST_CLASSES, visible

FORMAT, VERSION = "fourfold-pictures", 1
NAME_LETTERS, SENTENCE_LETTERS = LONGEST_NAME, 300
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass
class ClassOf:
    """One class: what it is called, a sentence that describes it ("" for none), its examples by sha256."""

    id: str
    name: str
    sentence: str = ""
    shots: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Picture:
    """What is known of a picture beside its pixels. `name` is what its file was called."""

    name: str
    bytes: int


@dataclass
class State:
    """All that is written down of a project. `card` "" is the model that the server thinks best, `head` "" the usual
    one; `words` is whether names and sentences count where the model understands them, `reject` whether "none of these"
    is an answer; `fine` are flags that somebody looked at and left, each as its kind and its pictures, by colons."""

    name: str = "My pictures"
    card: str = ""
    head: str = ""
    templates: str = "photo"
    words: bool = True
    reject: bool = True
    classes: list[ClassOf] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    pictures: dict[str, Picture] = field(default_factory=dict)
    fine: list[str] = field(default_factory=list)
    created: float = 0.0

    @property
    def shots(self) -> list[str]:
        """Every example, class by class."""
        return [sha for each in self.classes for sha in each.shots]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.classes)

    def class_of(self, sha: str) -> ClassOf | None:
        return next((each for each in self.classes if sha in each.shots), None)

    def title(self, sha: str) -> str:
        """What the picture's file was called."""
        known = self.pictures.get(sha)
        return known.name if known else sha[:12]


def checked_sha(sha: str) -> str:
    """`sha` itself once it is known to be safe in a path."""
    if not SHA256.fullmatch(sha):
        raise BadInput("This is not the name of a picture.")
    return sha


def tidy(text: str, most: int) -> str:
    """Text on one line, in one way of writing its letters, without what cannot be seen, at most so long."""
    return " ".join(visible(text).split())[:most].strip()


def same(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def free_name(state: State, name: str, but: str = "") -> str:
    cleaned = tidy(name, NAME_LETTERS)
    if not cleaned:
        raise BadInput("Type a name for the class first.")
    if any(same(each.name) == same(cleaned) and each.id != but for each in state.classes):
        raise BadInput(f"There is a class called “{cleaned}” already: choose another name.")
    return cleaned


def dump(state: State) -> dict[str, Any]:
    """The state as JSON values."""
    return {"format": FORMAT, "version": VERSION, **asdict(state)}


def parse(told: Any) -> State:
    """A state from JSON that anybody may have written. Raises BadInput."""
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadInput("This is not a picture project of Fourfold.")
    if told.get("version") != VERSION:
        raise BadInput("This project was saved by a newer Fourfold: open it there.")
    try:
        state = State(
            name=tidy(str(told["name"]), NAME_LETTERS) or "My pictures",
            card=str(told["card"])[:200],
            head=str(told["head"])[:40],
            templates=str(told["templates"])[:40],
            words=bool(told["words"]),
            reject=bool(told["reject"]),
            created=float(told["created"]),
        )
        for sha, known in told["pictures"].items():
            state.pictures[checked_sha(sha)] = Picture(tidy(str(known["name"]), 200), int(known["bytes"]))
        seen: set[str] = set()
        for each in told["classes"][:MOST_CLASSES]:
            shots = [sha for sha in dict.fromkeys(each["shots"]) if sha in state.pictures and sha not in seen]
            seen.update(shots)
            name, sentence = free_name(state, str(each["name"])), tidy(str(each["sentence"]), SENTENCE_LETTERS)
            state.classes.append(ClassOf(_id(state, each), name, sentence, shots))
        state.questions = _known(state, told["questions"])
        state.fine = [mark for mark in map(str, told["fine"]) if set(mark.split(":")[1:]) <= set(state.pictures)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput("The description of this project is damaged.") from error
    return state


def _id(state: State, told: Mapping[str, Any]) -> str:
    """The class's own id where it is one and not taken, so that an open page still knows the class."""
    given = str(told.get("id", ""))
    taken = {each.id for each in state.classes}
    return given if re.fullmatch(r"[0-9a-f]{8}", given) and given not in taken else secrets.token_hex(4)


def _known(state: State, shas: Sequence[str]) -> list[str]:
    return [sha for sha in dict.fromkeys(shas) if sha in state.pictures]
