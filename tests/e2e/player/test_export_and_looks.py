"""The stem player in a real browser: memory, export, access, looks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.stem_player import RATE, Player

pytestmark = pytest.mark.browser


def test_the_export_asks_for_what_is_heard(song: Player) -> None:
    player = song
    player.press("2")
    player.get("p.setGain(p.data.lanes[0], -3)")
    player.get("p.setLoop({ start: 44100, end: 66150 }, true)")
    player.page.get_by_label("File format").select_option("flac")
    button = player.page.get_by_role("button", name="Download what you hear")

    def asked() -> dict[str, list[str]]:
        with player.page.expect_download() as coming:
            button.click()
        assert coming.value.suggested_filename == "song.flac"
        return parse_qs(urlsplit(Path(coming.value.path()).read_text()).query)

    gains = "vocals:-3.0,everything but vocals:0.0"
    assert asked() == {"format": ["flac"], "gains": [gains]}
    player.page.get_by_label("Part to download").select_option("loop")
    assert asked() == {"format": ["flac"], "gains": [gains], "start": ["1.000000"], "end": ["1.500000"]}
    zipped = player.page.get_by_role("link", name="All stems (zip)")
    assert zipped.get_attribute("href") == "/player-runs/song/stems?format=flac"
    player.press("1", "3")
    assert button.is_disabled()
    player.page.get_by_text("Every stem is muted, so there is nothing to download.").wait_for()
    player.press("o")
    assert button.is_disabled()
    player.page.get_by_text("You hear the original").first.wait_for()


def test_the_format_chosen_last_is_there_for_the_next_song(song: Player) -> None:
    player = song
    player.page.get_by_label("File format").select_option("mp3")
    field = player.page.get_by_label("Run")
    field.fill("tone")
    field.press("Enter")
    player.until("p.run === 'tone' && p.exports.format.options.length > 1")
    assert player.get("p.exports.format.value") == "mp3"


def test_how_sure_tempo_key_beats_bars_and_chords_are_can_be_read_without_a_pointer(
    opened: Callable[..., Player],
) -> None:
    player = opened("beats")
    player.page.get_by_text("120 BPM").wait_for()
    button = player.page.get_by_role("button", name="How sure?")
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    said = player.page.locator("dl.sure")
    said.wait_for()
    lines = said.locator("div").all_inner_texts()
    heads = [line.partition("\n")[0] for line in lines]
    assert heads == ["Tempo: sure", "Key: a guess", "Beats: sure", "Bars: a guess", "Chords: a guess"]
    assert "Clear for 50 % of the time" in lines[-1] and "next is C major, close by" in lines[1]
    button.click()
    said.wait_for(state="hidden")


def test_everything_has_a_name_a_role_and_a_tab_stop(song: Player) -> None:
    player = song
    assert player.root.get_attribute("aria-label") == "Stem player: Evening train"
    nameless = player.root.evaluate(
        """(el) => [...el.querySelectorAll("button, input, select, a, [role=slider], [role=scrollbar], [tabindex='0']")]
          .filter((one) => one.checkVisibility() && !(one.getAttribute("aria-label") || one.textContent).trim())
          .map((one) => one.outerHTML)"""
    )
    assert nameless == []
    position = player.page.get_by_role("slider", name="Position")
    player.press("ArrowRight")
    player.painted()
    assert position.get_attribute("aria-valuetext") == "5 seconds of 7 seconds"
    assert position.get_attribute("aria-valuenow") == "5"
    reached = set()
    player.focus()
    for _ in range(60):
        player.page.keyboard.press("Tab")
        name = player.page.evaluate(
            "document.activeElement.shadowRoot?.activeElement?.ariaLabel"
            " || document.activeElement.shadowRoot?.activeElement?.textContent"
        )
        if name is None:
            break
        reached.add(name)
    wanted = {"Play", "Stop", "Position", "Mute Vocals", "Solo Drums", "Volume of Vocals", "Zoom in", "Original"}
    assert wanted | {"Part of the song in view", "Loop start, minutes and seconds", "File format"} <= reached
    player.press("1")
    player.page.get_by_role("status").get_by_text("Vocals muted").wait_for()
    player.press("?")
    assert player.page.get_by_role("region", name="Keyboard and mouse").is_visible()
    assert player.page.get_by_role("button", name="Help: keyboard and mouse").get_attribute("aria-expanded") == "true"
    player.press("Escape")
    assert not player.page.get_by_role("region", name="Keyboard and mouse").is_visible()


def test_the_focus_can_be_seen(song: Player) -> None:
    player = song
    player.focus()
    player.page.keyboard.press("Tab")
    width = player.root.evaluate("(el) => getComputedStyle(el.getRootNode().activeElement).outlineWidth")
    assert width == "2px"


def test_lanes_show_waveform_and_spectrogram(song: Player) -> None:
    player = song
    player.until("p.tiles.fine.size >= 24 && !p.tiles.busy.size && !p.dirty")
    colours = """p.rows.map((row) => {
      const { width, height } = row.canvas;
      const all = row.canvas.getContext('2d').getImageData(0, 0, width, height).data;
      const seen = new Set();
      for (let i = 0; i < all.length; i += 4) if (all[i + 3] === 255) seen.add(all.slice(i, i + 3).join());
      return [...seen].slice(0, 50);
    })"""
    vocals, drums = player.get(colours)[:2]
    assert vocals == ["213,94,0"] and drums == ["0,114,178"]  # the stems' own colours
    player.page.get_by_role("button", name="Spectrogram").click()
    player.until("!p.dirty")
    assert all(len(seen) > 20 for seen in player.get(colours)[:3])
    assert player.page.get_by_text("−80 dB").is_visible()
    sine_rows = player.get(
        """(() => { const { canvas } = p.rows[3];
        const all = canvas.getContext('2d').getImageData(canvas.width / 2, 0, 1, canvas.height).data;
        let best = 0;
        for (let y = 0; y < canvas.height; y += 1) if (all[4 * y] > all[4 * best]) best = y;
        return best / canvas.height; })()"""
    )
    # 441 Hz on a mel scale from 30 Hz to 16 kHz lies at (6.6 - 0.45) / (55.3 - 0.45) of the height.
    assert 1 - sine_rows == pytest.approx(0.112, abs=0.03)


@pytest.mark.parametrize("width", [390, 768])
def test_narrow_screens_stack_and_do_not_overflow(song: Player, width: int) -> None:
    player = song
    player.page.set_viewport_size({"width": width, "height": 800})
    player.painted()
    player.press("?")
    sizes = player.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert sizes[0] <= sizes[1]
    over = player.root.evaluate(
        """(el) => [...el.querySelectorAll("*")]
          .filter((one) => one.checkVisibility() && !one.closest(".wave, .ruler, .overview, .spoken"))
          .filter((one) => one.getBoundingClientRect().right > el.getBoundingClientRect().right + 1)
          .map((one) => one.className)"""
    )
    assert over == []
    small = player.root.evaluate(
        """(el) => [...el.querySelectorAll("button, select, input, a")].filter((one) => one.checkVisibility()
          && one.getBoundingClientRect().height < 34).map((one) => one.outerHTML)"""
    )
    assert small == []
    if width == 390:
        side = player.lane("Drums").locator(".side").bounding_box()
        wave = player.lane("Drums").locator(".wave").bounding_box()
        assert wave["y"] >= side["y"] + side["height"]
        player.lane("Drums").locator(".wave").click()
        assert player.get("e.position()") > RATE


def test_other_addresses_need_no_secure_context() -> None:
    """On a plain http address of a local network these are missing. Of AudioWorklet see test_pace."""
    source = "\n".join(path.read_text("utf-8") for path in Path("viz/components/stem_player").glob("*.js"))
    for secure_only in ("crypto.subtle", "navigator.clipboard", "serviceWorker"):
        assert secure_only not in source
    assert "http://" not in source and "https://" not in source
