"""The stem player in a real browser: playing, seeking, looping, zooming."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.support.stem_player import RATE, SHORT, Player
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_plays_shows_time_and_ends_by_itself(song: Player) -> None:
    player = song
    player.page.get_by_role("button", name="Play", exact=True).click()
    player.until("e.state === 'playing' && e.position() > 22050")
    shown = player.page.locator(".time-now").inner_text()
    assert shown != "0:00.0"
    # The clock of the sound: on a busy machine the sound itself falls behind the clock on the wall.
    clocks = "[e.position() / 44100, e.context.currentTime]"
    first = player.get(clocks)
    player.until(f"e.context.currentTime > {first[1] + 1}")
    then = player.get(clocks)
    assert then[0] - first[0] == pytest.approx(then[1] - first[1], abs=0.15)
    player.page.get_by_role("button", name="Pause", exact=True).click()
    held = player.get("e.position()")
    player.painted()
    assert player.get("e.position()") == held
    player.press("End", "ArrowLeft", "Space")
    player.press("End")
    player.until("e.state === 'ended'")
    assert player.get("e.position()") == 5 * SHORT + 12345
    player.press("Space")  # again from the start
    player.until("e.state === 'playing' && e.position() < 4 * 44100")
    player.page.get_by_role("button", name="Stop").click()
    assert player.get("[e.state, e.position()]") == ["paused", 0]


def test_click_and_keys_seek(song: Player) -> None:
    player = song
    box = player.lane("Drums").locator(".wave").bounding_box()
    player.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    total = 5 * SHORT + 12345
    assert player.get("e.position()") == pytest.approx(total / 2, abs=total / box["width"] * 1.5)
    player.press("Shift+ArrowRight")
    assert player.get("e.position()") == pytest.approx(total / 2 + RATE, abs=total / box["width"] * 1.5)
    player.press("Home", "ArrowRight")
    assert player.get("e.position()") == 5 * RATE
    player.press("ArrowLeft", "ArrowLeft")
    assert player.get("e.position()") == 0
    player.painted()
    heads = player.page.locator(".lane .head").evaluate_all("(all) => all.map((one) => one.style.left)")
    assert len(set(heads)) == 1


@pytest.mark.slow
def test_a_dragged_loop_keeps_the_playhead(song: Player) -> None:
    player = song
    player.drag("Vocals", 0.5, 0.6)
    loop = player.get("p.loop")
    total = 5 * SHORT + 12345
    assert loop["start"] == pytest.approx(0.5 * total, rel=0.01) and loop["end"] == pytest.approx(0.6 * total, rel=0.01)
    assert player.get("p.looping")
    player.record()
    player.press("Space")
    places, rounds, end = [], 0, time.monotonic() + PATIENCE
    while rounds < 2:
        assert time.monotonic() < end, f"it does not go round: {places[-20:]}"
        player.page.wait_for_timeout(50)
        places.append(player.get("e.position()"))
        rounds = sum(after < before for before, after in itertools.pairwise(places))
    assert all(loop["start"] <= place < loop["end"] for place in places)
    player.drag("Vocals", 0.6, 0.7)  # the right edge moves
    assert player.get("p.loop.start") == loop["start"]
    assert player.get("p.loop.end") == pytest.approx(0.7 * total, rel=0.01)


def test_typed_loop_times(song: Player) -> None:
    player = song
    start = player.page.get_by_label("Loop start, minutes and seconds")
    end = player.page.get_by_label("Loop end, minutes and seconds")
    start.fill("0:01.250")
    end.fill("2.5")
    end.press("Enter")
    assert player.get("p.loop") == {"start": round(1.25 * RATE), "end": round(2.5 * RATE)}
    assert end.input_value() == "0:02.500"
    start.fill("0:03 l")  # letters stay letters while one types
    start.press("Enter")
    assert start.get_attribute("aria-invalid") == "true"
    player.page.get_by_text("Write a time like 1:02.500.").wait_for()
    start.fill("0:04")
    start.press("Enter")
    player.page.get_by_text("The loop's end has to come after its start.").wait_for()
    player.page.get_by_role("button", name="Clear").click()
    assert player.get("p.loop") is None and start.input_value() == ""


def test_zoom_and_scroll(song: Player) -> None:
    player = song
    total = 5 * SHORT + 12345
    assert player.get("p.timeline.view") == {"start": 0, "end": total}
    player.press("+", "+")
    assert player.get("p.timeline.span") == pytest.approx(total / 4)
    box = player.lane("Drums").locator(".wave").bounding_box()
    player.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    middle = player.get("(p.timeline.view.start + p.timeline.view.end) / 2")
    player.page.keyboard.down("Control")
    player.page.mouse.wheel(0, -60)
    player.page.keyboard.up("Control")
    player.until(f"p.timeline.span < {total / 5}")
    assert player.get("(p.timeline.view.start + p.timeline.view.end) / 2") == pytest.approx(middle, rel=0.01)
    before = player.get("p.timeline.view.start")
    player.page.keyboard.down("Shift")
    player.page.mouse.wheel(0, 200)
    player.page.keyboard.up("Shift")
    player.until(f"p.timeline.view.start > {before}")
    player.page.get_by_role("button", name="Show the whole song").click()
    assert player.get("p.timeline.view") == {"start": 0, "end": total}
