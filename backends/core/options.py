"""The options of an engine as data: one pydantic model validates them and describes them to people and programs.

The model stands beside its engine, in a module without heavy imports. The command line's help, `/info` and the forms of
the studio are drawn from it.

>>> class BlurOptions(Options):
...     radius: float = option(2.0, title="Radius", meaning="How far a pixel spreads.", least=0, most=50, unit="pixels")
...     edges: Switch = option(True, title="Sharp edges", meaning="Leave the edges as they are.")
>>> BlurOptions.read({"radius": "3.5", "edges": "off"})
BlurOptions(radius=3.5, edges=False)
>>> BlurOptions.read({"radius": 80})
Traceback (most recent call last):
...
backends.core.errors.BadInput: The option “radius” takes a number from 0 to 50.
>>> [(info.name, info.kind, info.default) for info in BlurOptions.described()]
[('radius', 'number', 2.0), ('edges', 'switch', True)]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Self, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo

from backends.core.errors import BadInput

EXCERPT_CHARACTERS = 40
"""Characters of a wrong value that are repeated in the sentence about it."""

Kind = Literal["number", "integer", "switch", "choice", "choices", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)

Switch = bool
"""The type of an option that is “on” or “off”; true, false, yes, no, 1 and 0 are understood too."""


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, list | tuple):
        return tuple(str(word).strip() for word in value if str(word).strip())
    return tuple(str(value).replace(",", " ").split())


WordList = Annotated[tuple[str, ...], BeforeValidator(_words)]
"""The type of an option that takes several words, separated by commas or spaces, or a JSON array of them."""

ON, OFF = ("on", "true", "1", "yes"), ("off", "false", "0", "no")


class OptionInfo(BaseModel):
    """What a form, a help text or a program needs to know of one option.

    `kind` says which values it takes: a "number" or "integer" from `least` to `most` (None: no bound), or else one of
    the words in `choices`; a "switch"; one ("choice") or several ("choices") of the words in `choices`; or "text",
    which is also what a kind counts as that only another version knows.
    `default` is what counts where nothing is given; None leaves the decision to the model. `advanced` options stand
    apart in a form.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    title: str = ""
    meaning: str = ""
    kind: Annotated[Kind, BeforeValidator(lambda kind: kind if kind in KINDS else "text")] = "text"
    default: Any = None
    least: float | None = None
    most: float | None = None
    unit: str = ""
    choices: tuple[str, ...] = ()
    advanced: bool = False


class Options(BaseModel):
    """The options of one engine: subclass it and declare each option as a field with `option`.

    A field's type decides the kind of the option: `float`, `int`, `Switch`, `str` (a choice, where `choices` are
    given), `WordList`; `int | str` with choices takes a whole number or one of these words, and `| None` with the
    default None leaves the value to the model. A validator of a subclass may raise BadInput with its own sentence.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """The options that a client or a terminal gave, where "" and None mean the default.

        Options of other engines are passed over: the task has refused those that no engine has.

        Raises:
            BadInput: one sentence that names the option.
        """
        own = {name: value for name in cls.model_fields if (value := given.get(name)) is not None and value != ""}
        try:
            return cls(**own)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            raise BadInput(f"The option “{name}” cannot be “{_excerpt(own.get(name))}”.") from error

    @classmethod
    def described(cls) -> tuple[OptionInfo, ...]:
        """Every option, in the order in which they are declared."""
        return _described(cls)

    @field_validator("*", mode="before")
    @classmethod
    def _parse(cls, value: Any, field: ValidationInfo) -> Any:
        """Words from a terminal and values from JSON become the field's type, or a sentence."""
        info = next(info for info in cls.described() if info.name == field.field_name)
        return value if value is None else _PARSERS[info.kind](info, value)


def option(
    default: Any,
    *,
    title: str,
    meaning: str,
    least: float | None = None,
    most: float | None = None,
    unit: str = "",
    choices: tuple[str, ...] = (),
    advanced: bool = False,
) -> Any:
    """A field of an `Options` model.

    Args:
        default: its value where nothing is given.
        title: what a form calls it, in a word or two.
        meaning: what it does, in one sentence for people.
        least: the smallest number it takes, None where there is no bound.
        most: the largest number it takes, None where there is no bound.
        unit: of the number, such as "seconds".
        choices: the words it takes.
        advanced: whether most people never need it.
    """
    facts: dict[str, Any] = {"unit": unit, "advanced": advanced}
    facts |= {"enum": list(choices)} if choices else {}
    facts |= {key: bound for key, bound in (("minimum", least), ("maximum", most)) if bound is not None}
    return Field(default, title=title, description=meaning, json_schema_extra=facts)


@cache
def _described(cls: type[Options]) -> tuple[OptionInfo, ...]:
    return tuple(_info(name, field) for name, field in cls.model_fields.items())


def _info(name: str, field: FieldInfo) -> OptionInfo:
    facts: Any = field.json_schema_extra or {}
    choices = tuple(facts.get("enum", ()))
    default = list(field.default) if isinstance(field.default, tuple) else field.default
    return OptionInfo(
        name=name,
        title=field.title or name,
        meaning=field.description or "",
        kind=_kind(field.annotation, choices),
        default=default,
        least=facts.get("minimum"),
        most=facts.get("maximum"),
        unit=facts.get("unit", ""),
        choices=choices,
        advanced=facts.get("advanced", False),
    )


def _kind(annotation: Any, choices: tuple[str, ...]) -> Kind:
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
    types = {get_args(part)[0] if get_origin(part) is Annotated else part for part in parts}
    if bool in types:
        return "switch"
    if float in types:
        return "number"
    if int in types:
        return "integer"
    if any(get_origin(part) is tuple for part in types):
        return "choices" if choices else "text"
    return "choice" if choices else "text"


def _parse_number(info: OptionInfo, value: Any) -> float | str:
    if (word := str(value).strip().lower()) in info.choices:
        return word
    number = _float(info, value, "a number")
    if not _in_range(info, number):
        raise BadInput(f"The option “{info.name}” takes a number{_range_text(info)}.")
    return number


def _parse_integer(info: OptionInfo, value: Any) -> int | str:
    if (word := str(value).strip().lower()) in info.choices:
        return word
    number = _float(info, value, "a whole number")
    if isinstance(value, bool) or not number.is_integer() or not _in_range(info, number):
        raise BadInput(f"The option “{info.name}” takes a whole number{_range_text(info)}, not “{_excerpt(value)}”.")
    return int(number)


def _float(info: OptionInfo, value: Any, kind: str) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond every float, and so beyond every range
        return math.inf
    except (TypeError, ValueError) as error:
        raise BadInput(f"The option “{info.name}” takes {kind}, not “{_excerpt(value)}”.") from error


def _in_range(info: OptionInfo, number: float) -> bool:
    least = -math.inf if info.least is None else info.least
    most = math.inf if info.most is None else info.most
    return least <= number <= most  # never true of NaN


def _range_text(info: OptionInfo) -> str:
    least, most = (_number_text(bound) for bound in (info.least, info.most))
    if least and most:
        return f" from {least} to {most}"
    return f" of at least {least}" if least else f" of at most {most}" if most else ""


def _number_text(bound: float | None) -> str:
    if bound is None:
        return ""
    return str(int(bound)) if float(bound).is_integer() and abs(bound) < 1e15 else f"{bound:g}"


def _parse_switch(info: OptionInfo, value: Any) -> bool:
    word = str(value).strip().lower()
    if word not in ON + OFF:
        raise BadInput(f"The option “{info.name}” is “on” or “off”, not “{_excerpt(value)}”.")
    return word in ON


def _parse_choice(info: OptionInfo, value: Any) -> str:
    word = str(value).strip().lower()
    _check_word(info, word)
    return word


def _parse_choices(info: OptionInfo, value: Any) -> tuple[str, ...]:
    words = tuple(word.lower() for word in _words(value))
    for word in words:
        _check_word(info, word)
    return words


def _check_word(info: OptionInfo, word: str) -> None:
    if word not in info.choices:
        raise BadInput(f"The option “{info.name}” is one of {', '.join(info.choices)}, not “{_excerpt(word)}”.")


def _parse_text(info: OptionInfo, value: Any) -> Any:
    return value


def _excerpt(value: Any) -> str:
    return str(value)[:EXCERPT_CHARACTERS]


_PARSERS = {
    "number": _parse_number,
    "integer": _parse_integer,
    "switch": _parse_switch,
    "choice": _parse_choice,
    "choices": _parse_choices,
    "text": _parse_text,
}
