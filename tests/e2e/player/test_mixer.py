"""The stem player in a real browser: mute, solo, faders, keys, and the state that Python knows."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.stem_player import RATE, Player, sine

pytestmark = pytest.mark.browser


def levels(player: Player) -> list[float]:
    return [round(level["gain"], 4) for level in player.get("e.levels")]


def test_mute_and_solo_by_click_and_key(song: Player) -> None:
    player = song
    assert levels(player) == [2, 2, 2, 0]  # the original is never added to the stems
    mute = player.page.get_by_role("button", name="Mute Drums")
    mute.click()
    assert mute.get_attribute("aria-pressed") == "true" and levels(player) == [2, 0, 2, 0]
    player.page.keyboard.press("2")  # a click leaves the focus on the player
    assert mute.get_attribute("aria-pressed") == "false" and levels(player) == [2, 2, 2, 0]
    solo = player.page.get_by_role("button", name="Solo Vocals")
    solo.click()
    assert solo.get_attribute("aria-pressed") == "true" and levels(player) == [2, 0, 0, 0]
    player.page.keyboard.press("Shift+Digit3")
    assert levels(player) == [2, 0, 2, 0]
    player.page.keyboard.press("1")  # mute wins over solo
    assert levels(player) == [0, 0, 2, 0]


def test_stems_or_original_never_both(song: Player) -> None:
    player = song
    player.page.get_by_role("button", name="Original", exact=True).click()
    assert levels(player) == [0, 0, 0, 2]
    heard = player.render(0, 4000)
    assert np.abs(heard[0] - sine(4000)[0]).max() < 1e-4
    player.page.get_by_role("button", name="Stems", exact=True).click()
    assert levels(player) == [2, 2, 2, 0]
    player.press("o")
    assert levels(player) == [0, 0, 0, 2]


def test_a_fader_moves_by_keyboard_and_says_its_value(song: Player) -> None:
    player = song
    fader = player.page.get_by_role("slider", name="Volume of Vocals")
    fader.focus()
    for _ in range(6):
        player.page.keyboard.press("ArrowDown")
    assert fader.get_attribute("aria-valuetext") == "−3.0 dB"
    assert levels(player)[0] == round(2 * 10 ** (-3 / 20), 4)
    assert player.get("e.position()") == 0  # the arrows belonged to the fader
    fader.dblclick()
    assert levels(player)[0] == 2


def test_text_fields_keep_their_keys(song: Player) -> None:
    player = song
    notes = player.page.get_by_label("Notes")
    notes.click()
    player.page.keyboard.type("1 2 l")
    field = player.page.get_by_label("Loop start, minutes and seconds")
    field.click()
    player.page.keyboard.type("1 ")
    assert notes.input_value() == "1 2 l"
    assert player.get("[e.state, p.mixer.muted.size]") == ["paused", 0]


@pytest.mark.slow
def test_the_state_reaches_python_and_comes_back(song: Player) -> None:
    player = song
    player.press("2", "ArrowRight")
    player.get("p.setGain(p.data.lanes[0], -3)")
    told = player.page.locator("[data-testid=stCode]")
    for part in ('"vocals": -3', '"muted": ["drums"]', '"position": 5,'):
        told = told.filter(has_text=part)
    told.wait_for()
    player.root.evaluate("(el) => { window.old = el.stemPlayer; }")
    player.page.get_by_text("Show the player").click()
    player.root.wait_for(state="detached")
    player.page.wait_for_function("window.old.engine.segments.ready.size === 0")  # it let go of its memory
    player.page.get_by_text("Show the player").click()
    player.root.wait_for()
    assert player.get("[p.mixer.gains.vocals, p.mixer.muted.has('drums'), e.position()]") == [-3, True, 5 * RATE]


def test_which_stems_are_heard_is_one_choice(song: Player) -> None:
    choice = song.page.get_by_label("Which stems you hear")
    assert choice.input_value() == "all"
    choice.select_option("without:vocals")
    assert song.get("[...p.mixer.muted]") == ["vocals"]
    assert "gains=drums:0.0,everything" in song.get("p.exports.url()")
    choice.select_option("only:drums")
    assert sorted(song.get("[...p.mixer.muted]")) == ["everything but vocals", "vocals"]
    song.press("1")
    assert choice.input_value() == "without:everything but vocals"
    choice.select_option("all")  # which is remembered for the tests that follow
    assert song.get("[p.mixer.preset, p.mixer.muted.size]") == ["all", 0]
