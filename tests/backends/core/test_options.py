"""The options of an engine: what is read from words and JSON, what is refused, and how they describe themselves."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError, field_validator, model_validator

from backends.core.errors import BadInput
from backends.core.options import OptionInfo, Options, Switch, WordList, option

MODES = ("full", "half")
WORDS = ("red", "green")


class Mixed(Options):
    overlap: float = option(
        0.25, title="Overlap", meaning="Shared.", least=0, most=0.9, unit="of a segment", advanced=True
    )
    shifts: int = option(0, title="Shifts", meaning="Runs.", least=0, most=10)
    recycles: int | None = option(None, title="Recycles", meaning="Rounds.", least=0, most=24)
    chunk: int | str = option("auto", title="Chunk", meaning="Rows.", least=1, most=4096, choices=("auto", "off"))
    calm: Switch = option(True, title="Calm", meaning="Smooth.")
    mode: str = option("full", title="Mode", meaning="Precision.", choices=MODES)
    colours: WordList = option((), title="Colours", meaning="Which.", choices=WORDS)
    stems: WordList = option((), title="Stems", meaning="Which.")
    chain: str = option("", title="Chain", meaning="A name.")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"overlap": "0.5"}, {"overlap": 0.5}),
        ({"overlap": 0}, {"overlap": 0.0}),
        ({"shifts": "3"}, {"shifts": 3}),
        ({"shifts": 3.0}, {"shifts": 3}),
        ({"recycles": "0"}, {"recycles": 0}),
        ({"chunk": "OFF"}, {"chunk": "off"}),
        ({"chunk": "64"}, {"chunk": 64}),
        ({"calm": "off"}, {"calm": False}),
        ({"calm": False}, {"calm": False}),
        ({"calm": "0"}, {"calm": False}),
        ({"calm": "Yes"}, {"calm": True}),
        ({"mode": " Half "}, {"mode": "half"}),
        ({"colours": "red, green"}, {"colours": ("red", "green")}),
        ({"colours": ["green"]}, {"colours": ("green",)}),
        ({"stems": "vocals drums"}, {"stems": ("vocals", "drums")}),
        ({"stems": ["everything but vocals"]}, {"stems": ("everything but vocals",)}),
        ({"chain": 2}, {"chain": "2"}),
    ],
)
def test_words_of_a_terminal_and_values_of_json_are_read(given: dict[str, Any], expected: dict[str, Any]) -> None:
    assert Mixed.read(given).model_dump() == Mixed().model_dump() | expected


def test_nothing_said_means_the_default_and_other_engines_options_are_passed_over() -> None:
    assert Mixed.read(dict.fromkeys(Mixed.model_fields, "") | {"another": 5}) == Mixed()
    assert Mixed.read(dict.fromkeys(Mixed.model_fields)) == Mixed.read({}) == Mixed()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"overlap": 1.5}, "The option “overlap” takes a number from 0 to 0.9."),
        ({"overlap": "nan"}, "The option “overlap” takes a number from 0 to 0.9."),
        ({"overlap": 10**400}, "The option “overlap” takes a number from 0 to 0.9."),
        ({"overlap": "much"}, "The option “overlap” takes a number, not “much”."),
        ({"overlap": [1]}, "The option “overlap” takes a number, not “[1]”."),
        ({"shifts": 11}, "The option “shifts” takes a whole number from 0 to 10, not “11”."),
        ({"shifts": True}, "The option “shifts” takes a whole number from 0 to 10, not “True”."),
        ({"shifts": "1.5"}, "The option “shifts” takes a whole number from 0 to 10, not “1.5”."),
        ({"shifts": "inf"}, "The option “shifts” takes a whole number from 0 to 10, not “inf”."),
        ({"shifts": "many"}, "The option “shifts” takes a whole number, not “many”."),
        ({"chunk": "none"}, "The option “chunk” takes a whole number, not “none”."),
        ({"calm": "maybe"}, "The option “calm” is “on” or “off”, not “maybe”."),
        ({"mode": "quarter"}, "The option “mode” is one of full, half, not “quarter”."),
        ({"colours": "red,blue"}, "The option “colours” is one of red, green, not “blue”."),
        ({"chain": {"a": 1}}, "The option “chain” cannot be “{'a': 1}”."),
        ({"mode": "x" * 100}, f"The option “mode” is one of full, half, not “{'x' * 40}”."),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_option(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput) as raised:
        Mixed.read(given)
    assert raised.value.sentence == sentence


def test_a_range_may_have_one_end_or_none() -> None:
    class Open(Options):
        above: float = option(1.0, title="Above", meaning=".", least=0)
        below: int = option(1, title="Below", meaning=".", most=1_000_000)
        free: float = option(1.0, title="Free", meaning=".")

    assert Open.read({"free": "-1e9"}).free == -1e9
    with pytest.raises(BadInput, match="takes a number of at least 0"):
        Open.read({"above": -1})
    with pytest.raises(BadInput, match="takes a whole number of at most 1000000, not “2000000”"):
        Open.read({"below": 2_000_000})
    with pytest.raises(BadInput, match=r"“free” takes a number\."):
        Open.read({"free": "nan"})


def test_a_subclass_may_say_it_in_its_own_words() -> None:
    class Part(Options):
        start: float = option(0.0, title="Start", meaning=".", least=0)
        end: float = option(0.0, title="End", meaning=".", least=0)
        names: WordList = option((), title="Names", meaning=".")

        @field_validator("names")
        @classmethod
        def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
            if "kazoo" in names:
                raise BadInput("There is no kazoo here.")
            return names

        @model_validator(mode="after")
        def _order(self) -> Part:
            if self.end and self.end <= self.start:
                raise BadInput("The end has to come after the start: choose a longer part.")
            return self

    assert Part.read({"start": 1, "end": "2"}).end == 2
    with pytest.raises(BadInput, match="has to come after the start"):
        Part.read({"start": 2, "end": 1})
    with pytest.raises(BadInput, match="no kazoo"):
        Part.read({"names": "flute kazoo"})


def test_options_describe_themselves_for_help_forms_and_info() -> None:
    infos = {info.name: info for info in Mixed.described()}
    assert infos["overlap"] == OptionInfo(
        name="overlap", title="Overlap", meaning="Shared.", kind="number", default=0.25, least=0, most=0.9,
        unit="of a segment", advanced=True,
    )  # fmt: skip
    kinds = {name: info.kind for name, info in infos.items()}
    assert kinds == {
        "overlap": "number", "shifts": "integer", "recycles": "integer", "chunk": "integer", "calm": "switch",
        "mode": "choice", "colours": "choices", "stems": "text", "chain": "text",
    }  # fmt: skip
    assert infos["chunk"].choices == ("auto", "off") and infos["recycles"].default is None
    for info in infos.values():
        assert OptionInfo.model_validate_json(info.model_dump_json()) == info
    assert OptionInfo.model_validate({"name": "new", "kind": "text", "of": "another version"}).name == "new"
    assert OptionInfo.model_validate({"name": "new", "kind": "colour wheel"}).kind == "text"
    schema = Mixed.model_json_schema()["properties"]["overlap"]
    assert (schema["minimum"], schema["maximum"], schema["description"]) == (0, 0.9, "Shared.")


def test_options_are_frozen_and_take_no_unknown_field() -> None:
    with pytest.raises(ValidationError):
        Mixed(another=1)
    with pytest.raises(ValidationError):
        Mixed().shifts = 2
    with pytest.raises(BadInput):
        Mixed(shifts=11)
