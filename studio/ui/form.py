"""A form drawn from the options that a model card declares, and its values as the options of a job.

Each option becomes one widget with its title, range, unit and meaning; advanced ones stand in an expander. A task that
wants a widget of its own for an option gives it in `widgets`. What a form returns names only what differs from the
defaults, so that a run's options say what somebody chose; the same options fill the form again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import streamlit as st

from backends.core.options import OptionInfo

Widget = Callable[[OptionInfo, Any, str], Any]
"""Draws an option, given its present value and a key for Streamlit; returns the chosen value."""

SLIDER_STEPS = 100
"""A range of more whole numbers than this is typed, not slid over."""

ON, OFF = "on", "off"


def draw(
    options: Iterable[OptionInfo],
    before: Mapping[str, Any],
    key: str,
    *,
    widgets: Mapping[str, Widget] | None = None,
    without: Collection[str] = (),
) -> dict[str, Any]:
    """Draw a widget for each option and return the options to send.

    Args:
        options: as the card declares them.
        before: options to start from, such as those of an earlier run; {} for the defaults.
        key: tells this form's widgets from others; another key starts from `before` anew.
        widgets: a task's own widgets by the name of the option.
        without: names of options that are asked for elsewhere.

    Returns:
        The chosen value of each option that differs from its default, as it travels to the model server.
    """
    wanted = [info for info in options if info.name not in without]
    own = widgets or {}
    values = {info.name: _draw_one(info, before, key, own) for info in wanted if not info.advanced}
    advanced = [info for info in wanted if info.advanced]
    if advanced:
        touched = any(not _is_default(info, starting_value(info, before.get(info.name))) for info in advanced)
        with st.expander("Advanced", expanded=touched, icon=":material/tune:"):
            values |= {info.name: _draw_one(info, before, key, own) for info in advanced}
    return to_options(wanted, values)


def starting_value(info: OptionInfo, given: Any) -> Any:
    """The value that a widget starts with: what an earlier run said where it still makes sense, else the default."""
    if given is None or given == "":
        return info.default
    try:
        return _READERS[info.kind](info, given)
    except (TypeError, ValueError, OverflowError):  # From a version whose option took other values.
        return info.default


def to_options(options: Iterable[OptionInfo], values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` without those that are the default, as they travel: switches as "on" or "off", several words joined."""
    chosen = {info.name: values[info.name] for info in options if not _is_default(info, values.get(info.name))}
    return {name: _sent(value) for name, value in chosen.items()}


def _is_default(info: OptionInfo, value: Any) -> bool:
    if value is None or value == "":
        return True
    if info.kind == "choices":
        return list(value) == list(info.default or ())
    return bool(value == info.default)


def _sent(value: Any) -> Any:
    if isinstance(value, bool):
        return ON if value else OFF
    return ",".join(value) if isinstance(value, list | tuple) else value


# -- reading back ----------------------------------------------------------------------------------------------------


def _read_number(info: OptionInfo, given: Any) -> float | str:
    if str(given) in info.choices:
        return str(given)
    return _bounded(info, float(given))


def _read_integer(info: OptionInfo, given: Any) -> int | str:
    if str(given) in info.choices:
        return str(given)
    number = float(given)
    if not number.is_integer():
        raise ValueError
    return int(_bounded(info, number))


def _bounded(info: OptionInfo, number: float) -> float:
    least = -math.inf if info.least is None else info.least
    most = math.inf if info.most is None else info.most
    if not least <= number <= most:
        raise ValueError
    return number


def _read_switch(info: OptionInfo, given: Any) -> bool:
    return str(given).strip().lower() in (ON, "true", "1", "yes")


def _read_choice(info: OptionInfo, given: Any) -> str:
    if str(given) not in info.choices:
        raise ValueError
    return str(given)


def _read_choices(info: OptionInfo, given: Any) -> list[str]:
    words = given if isinstance(given, list | tuple) else str(given).replace(",", " ").split()
    return [word for word in words if word in info.choices]


_READERS: Mapping[str, Callable[[OptionInfo, Any], Any]] = {
    "number": _read_number,
    "integer": _read_integer,
    "switch": _read_switch,
    "choice": _read_choice,
    "choices": _read_choices,
    "text": lambda info, given: str(given),
}


# -- widgets ---------------------------------------------------------------------------------------------------------


def _draw_one(info: OptionInfo, before: Mapping[str, Any], key: str, own: Mapping[str, Widget]) -> Any:
    draw_widget = own.get(info.name) or _WIDGETS[info.kind]
    return draw_widget(info, starting_value(info, before.get(info.name)), f"{key}-{info.name}")


def label(info: OptionInfo) -> str:
    """The option's title with its unit, as in "Softness (pixels)"."""
    title = info.title or info.name
    return f"{title} ({info.unit})" if info.unit else title


def _number(info: OptionInfo, value: Any, key: str) -> Any:
    if info.choices:
        return _number_or_word(info, value, key)
    whole = info.kind == "integer"
    kind: Any = int if whole else float  # Streamlit wants all numbers of one widget to be of one type
    least, most, start = (None if bound is None else kind(bound) for bound in (info.least, info.most, value))
    if least is None or most is None or start is None or (whole and most - least > SLIDER_STEPS):
        return st.number_input(
            label(info), least, most, start, 1 if whole else None, help=info.meaning or None, key=key
        )
    step: Any = 1 if whole else _round_step((most - least) / SLIDER_STEPS)
    return st.slider(label(info), least, most, start, step, help=info.meaning or None, key=key)


def _round_step(step: float) -> float:
    """The next number of the series 1, 2, 5, 10, … that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))


def _number_or_word(info: OptionInfo, value: Any, key: str) -> Any:
    """A number of one's own, or one of the words that the option takes as well."""
    words = list(dict.fromkeys([*info.choices, *([] if value is None else [str(value)])]))
    index = words.index(str(value)) if value is not None else None
    chosen = st.selectbox(
        label(info), words, index, help=info.meaning or None, key=key, accept_new_options=True, placeholder="automatic"
    )
    return starting_value(info, chosen)


def _switch(info: OptionInfo, value: Any, key: str) -> Any:
    return st.toggle(label(info), bool(value), help=info.meaning or None, key=key)


def _choice(info: OptionInfo, value: Any, key: str) -> Any:
    choices = list(info.choices)
    index = choices.index(value) if value in choices else None
    return st.selectbox(label(info), choices, index, help=info.meaning or None, key=key, placeholder="automatic")


def _choices(info: OptionInfo, value: Any, key: str) -> Any:
    return st.multiselect(label(info), list(info.choices), list(value or ()), help=info.meaning or None, key=key)


def _text(info: OptionInfo, value: Any, key: str) -> Any:
    return st.text_input(label(info), str(value or ""), help=info.meaning or None, key=key).strip()


_WIDGETS: Mapping[str, Widget] = {
    "number": _number,
    "integer": _number,
    "switch": _switch,
    "choice": _choice,
    "choices": _choices,
    "text": _text,
}
