"""A task as data: its engines, their options and what each card can do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backends.core.errors import BadInput
from backends.core.options import Options, option
from backends.core.task import EngineSpec, tasks
from tests.support.ticking import TASK, Ticking, TickingCapabilities


class Other(Options):
    ticks: int = option(5, title="Ticks", meaning="How many of the other's.")
    colour: str = option("red", title="Colour", meaning="Which colour.")


two = replace(TASK, engines={**TASK.engines, "other": EngineSpec("no.such:Engine", Other)})


def test_the_options_of_a_task_are_those_of_all_its_engines_the_first_meaning_first() -> None:
    assert TASK.options == {"ticks": "How many.", "delay": "Seconds each."}
    assert two.options == {**TASK.options, "colour": "Which colour."}
    assert list(two.options) == ["ticks", "delay", "colour"]


def test_a_card_has_its_engines_options_less_those_that_its_network_lacks() -> None:
    card = TASK.cards[0]
    assert [info.name for info in TASK.options_of(card)] == ["ticks", "delay"]
    assert [info.name for info in TASK.options_of(replace(card, without=("delay",)))] == ["ticks"]
    assert [info.default for info in two.options_of(replace(card, engine="other"))] == [5, "red"]


def test_a_card_can_do_what_its_engine_can_unless_it_says_otherwise() -> None:
    card = TASK.cards[0]
    assert TASK.capabilities_of(card) == TickingCapabilities(counts=True)
    changed = replace(card, capabilities={"backwards": True, "unheard of": 3})
    assert TASK.capabilities_of(changed) == TickingCapabilities(counts=True, backwards=True)


def test_an_engine_is_imported_only_when_it_is_asked_for() -> None:
    assert TASK.engine_class("ticking") is Ticking
    assert two.engine("other").options is Other  # though its module does not exist
    with pytest.raises(BadInput, match="no engine called “magic” for ticking; there is ticking, other"):
        two.engine_class("magic")


@pytest.mark.parametrize("task", tasks().values(), ids=lambda task: task.name)
def test_every_card_names_an_engine_and_options_that_there_are(task) -> None:
    for card in task.cards:
        assert card.task == task.name and card.engine in task.engines
        names = {info.name for info in task.engine(card.engine).options.described()}
        assert set(card.without) <= names
        assert set(card.capabilities) <= set(type(task.engine(card.engine).capabilities).model_fields)
        assert all(info.title and info.meaning.endswith(".") for info in task.options_of(card))
