"""A question whose answer is a map: its expert settings, its cost, the map in the task's own view, trust, take-away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.errors import BadInput
from studio import services
from studio.inside import address, answers, asking, boards, take_away, trust
from studio.inside.answers import Answer, Content, Inquiry
from studio.inside.attribution import Map, control_map, read_map
from studio.inside.questions import Question
from studio.library.library import Run
from studio.ui import formatting
from viz.inside.parts import part_bars
from viz.inside.style import reach

DETAILS = {4: "coarse", 6: "rather coarse", 8: "usual", 12: "fine", 16: "finer", 24: "very fine", 32: "finest"}
USUAL_DETAIL = 8
CURVES = 54
"""Evaluations of the deletion and insertion curves: one order by the map and five at random, nine steps each."""


@dataclass(frozen=True)
class Choice:
    """What the visitor chose to ask.

    Attributes:
        title: in words.
        options: of the question, as they travel: target, against, region, at.
        files: by the names of the task's inputs.
        further: further arguments of the command line that asks the same.
    """

    title: str
    options: Mapping[str, Any]
    files: Mapping[str, Path | Content]
    further: Mapping[str, str] = field(default_factory=dict)


Draw = Callable[[Map, float, str], tuple[Any, str]]
"""Draws a map on a scale, given a key for its widgets; gives the figure and its sentence."""

DrawFiles = Callable[[Answer], None]
"""Draws what an answer holds besides."""


def show(run: Run, question: Question, asked: Choice, draw: Draw, files: DrawFiles = lambda answer: None) -> None:
    """The whole way of a question from its cost to its take-away.

    Args:
        run: that is asked about.
        question: from the list.
        asked: what the visitor chose.
        draw: shows a map.
        files: shows what a look into the model gives besides, such as sounds.
    """
    chosen = _settings(run, question)
    if chosen is None:
        return
    inquiry = _inquiry(run, asked, {**chosen, "check": "off"})
    evaluations = _evaluations(run, chosen)
    look = partial(_first_look, draw, inquiry.key)
    cost = asking.cost_text(evaluations, run.id, run.weights)
    answer = asking.answered(inquiry, "Find out", cost, first_look=look)
    if answer is None:
        return
    found = read_map(answer)
    if is_probe(run, chosen["method"]):
        figure, alt = draw(found, reach(found.values), inquiry.key)
        files(answer)
        _about(run, found)
        take_away.show(inquiry, answer, figure, alt, asked.further)
        return
    shown, judged = st.container(), st.container()
    with judged:
        tested = _tested(run, asked, chosen, evaluations)
    control = control_map(tested) if tested else None
    if tested:  # what is pinned of the map goes with its verdict
        found = replace(found, about={**found.about, "checks": read_map(tested).checks}, control=control)
    if question.face == "map" and found.parts:  # an expert's method takes the input as a few things with names
        draw = draw_parts
    scale = reach(found.values) if control is None else reach(found.values, control.values)
    with shown:
        figure, alt = draw(found, scale, inquiry.key)
        _about(run, found)
    if tested:
        with judged:
            trust.show(read_map(tested), inquiry.key)
            _twin(control, scale, draw, inquiry.key)
            _offer_full_test(run, asked, chosen, evaluations)
    take_away.show(inquiry, tested or answer, figure, alt, asked.further)


def _first_look(draw: Draw, key: str, answer: Answer) -> None:
    """A coarse map, until the whole one is there."""
    found = read_map(answer, "preview")
    st.caption(":material/hourglass_top: A first, coarse look. What matters most is being looked at more closely.")
    draw(found, reach(found.values), f"{key}-first")


def draw_parts(found: Map, scale: float, key: str) -> tuple[Any, str]:
    """What each named part adds."""
    figure, alt = part_bars(found.parts, found.values, found.unit)
    take_away.chart(figure, alt, f"parts-{key}", live=lambda: boards.of_parts(found.parts, found, alt))
    return figure, alt


def _twin(control: Map | None, scale: float, draw: Draw, key: str) -> None:
    """The map of the same model with shuffled weights, on the same scale of colours."""
    if control is None:
        return
    with st.expander("The same map of a model that knows nothing", icon=":material/shuffle:"):
        st.caption(
            "The weights of this model were shuffled, and the map was made again, on the same scale of colours. What "
            "both maps show alike is in the input, not learned."
        )
        draw(control, scale, f"{key}-control")


def _inquiry(run: Run, asked: Choice, settings: Mapping[str, Any]) -> Inquiry:
    options = {**asked.options, **settings}
    return Inquiry(run, asked.title, run.task, run.weights, options, asked.files)


def _offer(run: Run) -> Any:
    """How the run's engine can be explained. Raises BadInput where it cannot."""
    explain = services.backend().info().tasks[run.task].explain
    if not explain.endpoint or run.engine not in explain.engines:
        title = run.card.get("title", run.weights)
        raise BadInput(f"“{title}” cannot be asked this: it does not say why it answers. Choose another model.")
    return explain.engines[run.engine]


def is_probe(run: Run, method: str) -> bool:
    """Whether a method looks into the model: what it gives is no map of the input that could be tested."""
    info = _offer(run).methods.get(method)
    return bool(getattr(info, "probe", False))


def _settings(run: Run, question: Question) -> dict[str, Any] | None:
    """Method, detail, seed and baseline: the usual ones, or those that an expert chooses. None where nothing can be
    asked."""
    offer = _offer(run)
    method, detail = question.method or offer.default, question.detail or USUAL_DETAIL
    if method not in offer.methods or offer.methods[method].reason:
        reason = offer.methods[method].reason if method in offer.methods else "This model server does not know how yet."
        st.info(formatting.escape(reason), icon=":material/block:")
        return None
    if address.read("expert") == "on" and not is_probe(run, method):
        return _expert(offer, question, method, detail)
    return {"method": method, "detail": detail, "seed": 0}


def _expert(offer: Any, question: Question, method: str, detail: int) -> dict[str, Any]:
    with st.container(border=True):
        left, middle, third, right = st.columns([3, 2, 2, 1])
        with left:
            methods = {name: info for name, info in offer.methods.items() if not getattr(info, "probe", False)}
            usable = [name for name, info in methods.items() if not info.reason]
            if not question.method:
                method = address.choose(
                    "method", "Method", usable, method, names=lambda name: offer.methods[name].title or name,
                    help="How to find out. Each has its faults: compare two.",
                )  # fmt: skip
            info = offer.methods[method]
            st.caption(f"{info.meaning[:1].upper()}{info.meaning[1:]}.")
        with middle:
            detail = int(
                address.choose(
                    "detail", "Detail", [str(each) for each in DETAILS], str(detail),
                    names=lambda each: f"{each} × {each}, {DETAILS[int(each)]}",
                    help="Into how many parts a side of the input is divided where parts are covered.",
                )
            )  # fmt: skip
        with third:
            baseline = _baseline(offer.baselines)
        with right:
            seed = st.number_input(
                "Seed", 0, 2**31 - 1, int(address.number("seed", 0, 2**31 - 1, 0)), key="inside-seed"
            )
            address.write("seed", str(seed), "0")
        out = [f"**{one.title or name}**: {one.reason}" for name, one in methods.items() if one.reason]
        if out:
            with st.popover("Methods that make no sense here", icon=":material/block:"):
                st.markdown("\n\n".join(out))
    return {"method": method, "detail": detail, "seed": int(seed), **({"baseline": baseline} if baseline else {})}


def _baseline(baselines: Mapping[str, str]) -> str:
    """What takes the place of a part that is taken away; "" for the usual, also where there is nothing to choose."""
    names = list(baselines)
    if len(names) < 2:
        return ""
    chosen = address.choose(
        "baseline", "Baseline", names, names[0], names=lambda name: baselines[name],
        help="What takes the place of a part that is taken away. A map that changes much with it is to be doubted.",
    )  # fmt: skip
    return "" if chosen == names[0] else chosen


def _evaluations(run: Run, settings: Mapping[str, Any]) -> int:
    """How often the model is asked with these settings, by what its engine says of itself."""
    from backends.core.task import task_named

    if is_probe(run, settings["method"]):
        return int(_offer(run).methods[settings["method"]].evaluations)
    offers = task_named(run.task).load_explainable().offers
    if run.engine not in offers:
        return 0
    return int(offers[run.engine].described(settings["detail"])[settings["method"]]["evaluations"])


def _tested(run: Run, asked: Choice, settings: Mapping[str, Any], evaluations: int) -> Answer | None:
    """The answer with its tests, where it was tested; else the way there, with what it costs."""
    for depth in ("full", "quick"):
        answer = answers.find(_inquiry(run, asked, {**settings, "check": depth}))
        if answer is not None:
            return answer
    depth = "full" if address.read("expert") == "on" else "quick"
    st.markdown(
        "**Can this map be believed?** It was not tested yet.",
        help="The tests compare it with the map of a model that knows nothing, and take away what it calls important.",
    )
    return _test(run, asked, settings, evaluations, depth=depth, button=f"Test it ({depth})")


def _offer_full_test(run: Run, asked: Choice, settings: Mapping[str, Any], evaluations: int) -> None:
    """The way to the tests that the quick ones leave out, and what they cost; nothing where all were made."""
    if answers.find(_inquiry(run, asked, {**settings, "check": "full"})) is None:
        st.caption(
            "Further tests: how much the map changes by next to nothing, whether it says what happens when parts are "
            "covered, and whether another method and other random numbers agree."
        )
        _test(run, asked, settings, evaluations, depth="full", button="Test it further")


def _test(
    run: Run, asked: Choice, settings: Mapping[str, Any], evaluations: int, *, depth: str, button: str
) -> Answer | None:
    """The answer with its tests "quick" or "full"; else a button that makes them, with what they cost."""
    times = CURVES + evaluations if depth == "quick" else CURVES + 100 + 5 * evaluations
    cost = asking.cost_text(times, run.id, run.weights, "about ")
    return asking.answered(_inquiry(run, asked, {**settings, "check": depth}), button, cost, ":material/fact_check:")


def _about(run: Run, found: Map) -> None:
    """By which method, at what cost, of which weights."""
    about = found.about
    evaluations, seconds = about.get("evaluations", 0), about.get("seconds", 0.0)
    parts = [
        f"score {about.get('score', 0):.3g} {found.unit}".strip(),
        f"method {about.get('method', '')}",
        f"{evaluations} evaluations in {seconds:.1f} s" if evaluations else f"{seconds:.1f} s",
        f"model {run.card.get('title', run.weights)}",
        formatting.WEIGHTS.get(run.card.get("tier", ""), ""),
    ]
    st.caption(formatting.escape(" · ".join(part for part in parts if part)))
