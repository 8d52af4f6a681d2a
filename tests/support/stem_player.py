"""The stem player on a page of the harness, and what tests ask of it."""

from __future__ import annotations

import base64
import time
from typing import Any

import numpy as np

from tests.support.waiting import PATIENCE

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
