"""Dataclasses as the plain values that `wire` sends to another process, and back again by the types of their fields.

>>> from dataclasses import dataclass
>>> @dataclass(frozen=True)
... class Part:
...     begin: Fraction
...     size: tuple[int, int] = (0, 0)
>>> from_fields(Part, {"begin": "1/3", "size": [4, 3]})
Part(begin=Fraction(1, 3), size=(4, 3))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


def to_fields(record: Any) -> dict[str, Any]:
    """The fields of a dataclass, with arrays as they are: nothing is copied."""
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def from_fields(kind: type[Record], values: Mapping[str, Any]) -> Record:
    """The dataclass that `to_fields` took apart. JSON on the way made lists of tuples."""
    types = _types(kind)  # type: ignore[arg-type]
    return kind(**{name: _restored(types[name], value) for name, value in values.items()})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return to_fields(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Fraction) else value


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _restored(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    if get_origin(kind) in (Union, UnionType):
        [kind] = [each for each in get_args(kind) if each is not type(None)]
    if get_origin(kind) is tuple:
        kinds = get_args(kind)
        kinds = (kinds[0],) * len(value) if kinds[-1] is Ellipsis else kinds
        return tuple(_restored(each, item) for each, item in zip(kinds, value, strict=True))
    if isinstance(kind, type) and is_dataclass(kind):
        return from_fields(kind, value)
    return kind(value) if kind in (Fraction, Path) else value
