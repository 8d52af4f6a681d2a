"""The stem player in a real browser: sample-exact sound, transport, mixer, loop, live growth, export, access."""

from __future__ import annotations

import base64
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from tests.support.browser import Harness, RunFolder
from tests.support.waiting import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RATE = 44100
SHORT = 1 << 16  # frames a segment: borders every 1.5 s
HERTZ = 441.0  # 100 frames a period

RECORD = """async (el) => {
  const { engine } = el.stemPlayer;
  engine.ensureGraph();
  const source = `registerProcessor("tape", class extends AudioWorkletProcessor {
    process([input]) {
      const silence = new Float32Array(128);
      this.port.postMessage([input[0] ?? silence, input[1] ?? input[0] ?? silence]);
      return true;
    }
  })`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  await engine.context.audioWorklet.addModule(url);
  const tape = new AudioWorkletNode(engine.context, "tape", { channelCount: 2, channelCountMode: "explicit" });
  el.tape = [];
  tape.port.onmessage = ({ data }) => el.tape.push(data);
  engine.graph.gate.connect(tape).connect(engine.context.destination);
  await engine.context.resume();
  while (el.tape.length < 50) await new Promise((done) => setTimeout(done, 20)); // the tape has settled
  el.tape = [];
}"""

PLAYED = """(el) => {
  const joined = new Float32Array(el.tape.length * 256);
  el.tape.forEach((block, i) => { joined.set(block[0], i * 128); joined.set(block[1], (el.tape.length + i) * 128); });
  const bytes = new Uint8Array(joined.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}"""

SITUATION = """{ state: e.state, position: e.position(), available: p.data.available, cursor: e.cursor,
  at: e.cursorAt, ready: [...e.segments.ready.keys()], loading: [...e.segments.loading.keys()],
  failed: [...e.segments.failed.values()], context: e.context?.state, now: e.context?.currentTime,
  pieces: e.pieces.map((one) => [one.at, one.from, one.length]) }"""

RENDER = """async (el, [start, frames]) => {
  const buffer = await el.stemPlayer.engine.render(start, frames);
  const joined = new Float32Array(2 * frames);
  joined.set(buffer.getChannelData(0)); joined.set(buffer.getChannelData(1), frames);
  const bytes = new Uint8Array(joined.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return btoa(text);
}"""


def samples_of(text: str) -> np.ndarray:
    """(2, T)"""
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(2, -1)


def sine(frames: int, amplitude: float = 0.4) -> np.ndarray:
    wave = amplitude * np.sin(2 * np.pi * HERTZ * np.arange(frames) / RATE)
    return np.stack([wave, wave])


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.4, 0.4, (2, frames))


class Player:
    """The component on a page, and what a test asks of it."""

    def __init__(self, page: Any, problems: list[str]) -> None:
        self.page = page
        self.root = page.locator(".player")
        self.problems = problems

    def get(self, expression: str) -> Any:
        return self.root.evaluate(f"(el) => {{ const p = el.stemPlayer, e = p.engine; return {expression}; }}")

    def until(self, expression: str, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while not (value := self.get(expression)):
            assert time.monotonic() < end, f"never: {expression}; {self.get(SITUATION)}"
            self.page.wait_for_timeout(40)
        return value

    def painted(self) -> None:
        """Wait until what was changed before has been drawn: the frame under way may have begun earlier."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def focus(self) -> None:
        self.root.evaluate("(el) => el.focus()")

    def press(self, *keys: str) -> None:
        self.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def lane(self, label: str) -> Any:
        return self.page.get_by_role("group", name=label, exact=True)

    def record(self) -> None:
        self.root.evaluate(RECORD)

    def played(self) -> np.ndarray:
        return samples_of(self.root.evaluate(PLAYED))

    def heard_more(self, seconds: float) -> None:
        """Wait until so much more was played: a busy machine may play it later than the clock on the wall says."""
        blocks = int(seconds * RATE / 128)
        self.root.evaluate("(el) => { el.tapeBefore = el.tape.length; }")
        end = time.monotonic() + PATIENCE
        while self.root.evaluate("(el) => el.tape.length - el.tapeBefore") < blocks:
            assert time.monotonic() < end, f"nothing more was played; {self.get(SITUATION)}"
            self.page.wait_for_timeout(40)

    def render(self, start: int, frames: int) -> np.ndarray:
        return samples_of(self.root.evaluate(RENDER, [start, frames]))

    def load_all(self) -> None:
        """Waits for every segment: a busy machine may not load them as fast as these short ones are played."""
        every = "[...Array(p.data.available).keys()]"
        self.until(f"{every}.map((i) => e.segments.want(i) ?? e.segments.ready.has(i)).every(Boolean)")

    def drag(self, lane: str, start: float, end: float) -> None:
        """Drags across a lane's picture, from one part of its width to another."""
        box = self.lane(lane).locator(".wave").bounding_box()
        y = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] * start, y)
        self.page.mouse.down()
        for step in range(1, 6):
            self.page.mouse.move(box["x"] + box["width"] * (start + (end - start) * step / 5), y)
        self.page.mouse.up()


@pytest.fixture(scope="module")
def runs(harness: Harness) -> Path:
    """Two lanes that cancel, a sine, and a plain song, each with several borders and a short last segment."""
    folder = harness.player_runs
    frames = 5 * SHORT + 12345
    opposite = RunFolder(folder / "opposite", SHORT, frames=frames)
    one = noise(frames) + 0.3 * sine(frames)
    opposite.add("one", one)
    opposite.add("other", -one)
    opposite.tell()
    tone = RunFolder(folder / "tone", SHORT, frames=frames)
    tone.add("tone", sine(frames))
    tone.tell()
    song = RunFolder(folder / "song", SHORT, frames=frames, title="Evening train", kinds={"original": "mix"})
    for seed, name in enumerate(("vocals", "drums", "everything but vocals")):
        song.add(name, noise(frames, seed) * 0.5)
    song.add("original", sine(frames))
    song.tell()
    return folder


RESET = """async (el) => {
  const p = el.stemPlayer;
  p.setLoop(null);
  p.stop();
  Object.assign(p.mixer, { gains: {}, pans: {}, source: "stems" });
  p.mixer.muted.clear();
  p.mixer.solo.clear();
  p.setPicture("waveform");
  p.help.hidden = true;
  p.timeline.fit();
  p.mixed();
}"""


@pytest.fixture(scope="module")
def shared(chromium: Any, harness: Harness, runs: Path) -> Iterator[Player]:
    """One page for all tests; like a studio's page it shows one run after the other in the same component."""
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(harness.page("player", run="song"))
    page.locator(".player").wait_for(timeout=90_000)
    yield Player(page, problems)
    page.context.close()


@pytest.fixture
def opened(shared: Player) -> Iterator[Callable[..., Player]]:
    """Shows a run as it is when it is opened; afterwards there must be nothing wrong on the console."""
    shared.page.set_viewport_size({"width": 1280, "height": 900})

    def open_run(run: str, wait: bool = True) -> Player:
        shared.root.evaluate(RESET)
        field = shared.page.get_by_label("Run")
        if field.input_value() != run:
            field.fill(run)
            field.press("Enter")
            shared.until(f"p.run === '{run}'")
        if wait:
            shared.until("e.segments.ready.size > 0")
        return shared

    yield open_run
    problems = shared.problems.copy()
    shared.problems.clear()
    assert not problems


@pytest.fixture
def song(opened: Callable[..., Player]) -> Player:
    return opened("song")


# ---- the sound ----


def test_opposite_lanes_cancel_to_silence_over_borders_seeks_and_toggles(opened: Callable[..., Player]) -> None:
    player = opened("opposite")
    player.load_all()
    player.record()
    player.get(f"p.setLoop({{ start: 0, end: {4 * SHORT} }}, true)")
    player.press("Space")
    player.until(f"e.position() > {int(2.2 * SHORT)}")  # two borders
    player.press("ArrowLeft", "ArrowRight", "Home")
    # Both at once: muted and back, soloed and back, and both faders in the middle of all that.
    both = "p.data.lanes.slice(0, 2).forEach((lane) => p.mixer.toggle(p.mixer.{}, lane))"
    for step in (both.format("muted"), both.format("muted"), both.format("solo"), both.format("solo")):
        player.get(f"({step}, p.mixed())")
        player.heard_more(0.06)
    player.get("(p.mixer.gains.one = p.mixer.gains.other = -6, p.mixed())")
    player.until(f"e.position() > {int(1.2 * SHORT)}")
    silence = player.played()
    assert silence.shape[1] > 4 * RATE
    assert np.abs(silence).max() <= 1e-4  # -80 dBFS
    player.press("1")
    player.until("e.levels[0].gain === 0")
    player.heard_more(0.6)
    assert np.abs(player.played()[:, -4000:]).max() > 0.05  # a lane alone is heard
    player.press("1")
    player.heard_more(0.6)
    assert player.get("e.state") == "playing"
    assert np.abs(player.played()[:, -4000:]).max() <= 1e-4  # and silence again


def test_the_sum_is_exact(song: Player, runs: Path) -> None:
    """The mix that is played is the sum of the stored stems: no limiter, no gap, no shift."""
    import soundfile

    player = song
    start, frames = SHORT - 3000, 2 * SHORT + 6000  # three segments, two borders
    heard = player.render(start, frames)
    stems = player.get("p.mixer.stems().map((lane) => lane.name)")
    assert stems == ["vocals", "drums", "everything but vocals"]
    stored = sum(
        np.concatenate([soundfile.read(runs / "song" / name / f"{i}.flac")[0] for i in range(6)]).T for name in stems
    )
    expected = 2 * stored[:, start : start + frames]  # segments are stored at half scale
    # Chromium reads positive 16-bit samples as n / 32767 and negative ones as n / 32768: 3e-5 of each stem.
    assert np.abs(heard - expected).max() < 3e-5 * 3 * 0.2 + 1e-6


def test_a_sine_has_no_seam_at_borders_loop_toggles_or_pause(opened: Callable[..., Player]) -> None:
    player = opened("tone")
    player.load_all()
    player.record()
    player.press("Space")
    player.until(f"e.position() > {int(1.3 * SHORT)}")
    player.get(f"p.setLoop({{ start: 10000, end: {4 * SHORT} }}, true)")  # replans what was scheduled, inaudibly
    player.heard_more(0.3)
    player.press("l")
    player.until(f"e.position() > {int(3.2 * SHORT)}")
    heard = player.played()[0]
    begin = int(np.argmax(np.abs(heard) > 1e-3)) + 400  # past the fade-in
    assert len(heard) - begin > 2.5 * SHORT
    assert_one_sine(heard[begin:])


def assert_one_sine(heard: np.ndarray) -> None:
    """A sine obeys x[n + 1] = 2 cos(w) x[n] - x[n - 1]; a skipped, doubled or silent sample breaks that."""
    w = 2 * np.pi * HERTZ / RATE
    residue = heard[2:] - 2 * np.cos(w) * heard[1:-1] + heard[:-2]
    seams = np.flatnonzero(np.abs(residue) > 8 / 32768)
    assert not len(seams), [(int(at), heard[max(0, at - 3) : at + 6].tolist()) for at in seams[:5]]
    assert np.abs(residue).max() < 8 / 32768  # rounding of 16-bit samples stored at half scale
    assert np.abs(heard).max() == pytest.approx(0.4, abs=1e-3)


def test_rendering_is_seamless_and_starts_on_the_frame(opened: Callable[..., Player]) -> None:
    player = opened("tone")
    start = SHORT - 777
    heard = player.render(start, 2 * SHORT)
    expected = 0.4 * np.sin(2 * np.pi * HERTZ * (start + np.arange(2 * SHORT)) / RATE)
    assert np.abs(heard[0] - expected).max() < 1e-4
    assert np.array_equal(heard[0], heard[1])


# ---- transport ----


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


# ---- the mixer ----


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


# ---- while a job runs ----


def test_playing_starts_before_the_end_waits_and_goes_on(opened: Callable[..., Player], runs: Path) -> None:
    frames = 3 * SHORT + 2000
    whole = sine(frames)
    live = RunFolder(runs / "live", SHORT, live=True)
    live.tell()
    player = opened("live", wait=False)
    player.page.get_by_text("The first seconds will appear here").wait_for()
    assert player.page.get_by_role("button", name="Play", exact=True).is_disabled()
    live.add("tone", whole[:, :SHORT])
    live.tell()
    player.until("e.segments.ready.size > 0")
    player.record()
    player.root.evaluate("(el) => { window.before = el.stemPlayer; }")
    player.press("Space")
    player.until("e.state === 'buffering' && e.position() > 60000")
    player.page.get_by_text("Buffering…").wait_for()
    live.add("tone", whole[:, SHORT : 2 * SHORT])
    live.tell()
    player.until(f"e.state === 'playing' && e.position() > {SHORT}")
    live.add("tone", whole[:, 2 * SHORT :])
    live.tell(frames=frames, live=False)
    player.until("e.state === 'ended'")
    assert player.get("e.position()") == frames
    assert player.page.evaluate("window.before === document.querySelector('[data-testid=stBidiComponentIsolated]')"
                                ".shadowRoot.querySelector('.player').stemPlayer")  # fmt: skip
    heard = player.played()[0]
    silent = (heard[:-1] == 0) & (heard[1:] == 0)  # a single zero is the sine crossing it
    assert np.count_nonzero(~silent) == pytest.approx(frames, abs=0.01 * RATE)  # nothing lost, nothing played twice


def test_a_missing_segment_is_told_and_can_be_tried_again(opened: Callable[..., Player], runs: Path) -> None:
    broken = RunFolder(runs / "broken", SHORT, frames=2 * SHORT)
    broken.add("vocals", sine(2 * SHORT))
    sound = (runs / "broken" / "vocals" / "0.flac").read_bytes()
    (runs / "broken" / "vocals" / "0.flac").write_bytes(sound[:100])
    broken.tell()
    player = opened("broken", wait=False)
    message = player.page.get_by_role("alert")
    message.get_by_text("“Vocals” could not be decoded at 0:00.").wait_for()
    (runs / "broken" / "vocals" / "0.flac").write_bytes(sound)
    message.get_by_role("button", name="Try again").click()
    player.until("e.segments.ready.has(0)")
    assert not message.is_visible()


def test_a_segment_of_the_wrong_length_is_an_error(opened: Callable[..., Player], runs: Path) -> None:
    odd = RunFolder(runs / "odd", SHORT, frames=2 * SHORT)
    odd.add("vocals", sine(SHORT - 1))
    odd.add("vocals", sine(SHORT))
    odd.tell()
    player = opened("odd", wait=False)
    player.page.get_by_text(f"is {SHORT - 1} samples long instead of {SHORT}").wait_for()


def test_memory_is_bounded(song: Player) -> None:
    kept = song.get(
        """(() => {
          const segments = new e.segments.constructor(() => {});
          segments.update(p.data);
          const hour = { numberOfChannels: 14, length: p.data.segment_frames };
          for (let i = 0; i < 606; i += 1) segments.keep(i, hour);
          return [segments.ready.size * 14 * 4 * p.data.segment_frames, [...segments.ready.keys()].slice(-1)];
        })()"""
    )
    assert kept[0] <= 96 * 2**20 and kept[1] == [605]


# ---- export, access, looks ----


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
    """On a plain http address of a local network there is no AudioWorklet; the player must not miss it."""
    source = "\n".join(path.read_text("utf-8") for path in Path("viz/components/stem_player").glob("*.js"))
    for secure_only in ("audioWorklet", "AudioWorkletNode", "crypto.subtle", "navigator.clipboard", "serviceWorker"):
        assert secure_only not in source
    assert "http://" not in source and "https://" not in source
