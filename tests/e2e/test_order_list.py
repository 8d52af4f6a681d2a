"""The steps of a story in a real browser: put in order by mouse, by finger and by keyboard."""

from __future__ import annotations

import json
from typing import Any

import pytest

from viz.components.bundle import SHARED, bundle_style
from viz.components.order_list import SCRIPT

ITEMS = [{"id": name, "title": f"Step {name}", "note": ""} for name in "abcd"]


@pytest.fixture
def steps(page: Any) -> Any:
    """The list by itself; what it sends is kept in `sent`."""
    script = SCRIPT.replace("export default function", "window.orderList = function")
    page.goto("about:blank")
    page.evaluate("document.body.innerHTML = '<div id=place></div>'; window.sent = [];")
    page.add_style_tag(content=bundle_style(SHARED.parent / "order_list" / "list.css"))
    page.add_script_tag(content=f"(() => {{ {script} }})();")
    page.evaluate(
        """items => orderList({ data: { run: "x", items, label: "Steps", serial: 1 }, parentElement: place,
        setStateValue: (name, value) => sent.push(value), setTriggerValue: (name, value) => sent.push(value) })""",
        ITEMS,
    )
    return page


def order(page: Any) -> str:
    return "".join(page.evaluate("[...document.querySelectorAll('li')].map((row) => row.dataset.id)"))


def sent(page: Any) -> str:
    return "".join(page.evaluate("sent.at(-1).ids"))


def middle(page: Any, name: str, part: str = ".handle") -> tuple[float, float]:
    box = page.locator(f"li[data-id={name}] {part}").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.browser
def test_steps_are_dragged_by_mouse_and_by_finger(steps: Any) -> None:
    steps.mouse.move(*middle(steps, "d"))
    steps.mouse.down()
    steps.mouse.move(*middle(steps, "b"), steps=6)
    steps.mouse.up()
    assert order(steps) == sent(steps) == "adbc"
    finger = steps.context.new_cdp_session(steps)
    path = [middle(steps, name) for name in "adb"]
    for kind, places in (("touchStart", path[:1]), ("touchMove", path[1:2]), ("touchMove", path[2:]), ("touchEnd", [])):
        points = [{"x": x, "y": y} for x, y in places]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert order(steps) == sent(steps) == "dbac"


@pytest.mark.browser
def test_steps_are_moved_by_keyboard_and_the_place_is_spoken(steps: Any) -> None:
    steps.locator("li[data-id=a]").click()
    steps.keyboard.press("ArrowDown")
    assert steps.evaluate("document.activeElement.dataset.id") == "b"
    assert order(steps) == "abcd" and steps.evaluate("sent.at(-1).chosen") == "b"
    steps.keyboard.press("Alt+ArrowDown")
    steps.keyboard.press("Alt+ArrowDown")
    steps.keyboard.press("Alt+ArrowDown")  # it is the last one already
    assert order(steps) == sent(steps) == "acdb"
    assert steps.get_by_role("status").inner_text() == "Step b: now 4 of 4"
    assert json.loads(steps.evaluate("JSON.stringify(sent.at(-1))"))["chosen"] == "b"
