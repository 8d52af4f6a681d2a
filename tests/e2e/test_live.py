"""The live page in a real browser whose camera is a file: known picture in, known outline and background out."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from evaluation.synthetic.clip import Rendered, make_clip
from tests.support.browser import FLAGS, Studio
from tests.support.camera import HEIGHT, RATE, WIDTH, with_camera
from tests.support.waiting import wait_for
from viz.components.bundle import bundle_script

pytestmark = pytest.mark.browser

PARTS = Path(__file__).resolve().parents[2] / "viz" / "components" / "live_stage"
BLUE = (0x00, 0x47, 0xBB)

FOUND = """(root) => {
  const s = root.liveStage;
  window.stage = s;
  return Boolean(s);
}"""
# One call draws all looks, so that no newer outline of the model comes between two that are compared.
PIXELS = """(looks) => looks.map((look) => {
  const { compositor, canvas } = window.stage;
  compositor.draw({ ...window.stage.look, ...look });
  const data = compositor.pixels();
  let text = "";
  for (let i = 0; i < data.length; i += 32768) text += String.fromCharCode(...data.subarray(i, i + 32768));
  return [canvas.width, canvas.height, btoa(text)];
})"""


@pytest.fixture(scope="module")
def truth() -> Rendered:
    return make_clip(1.0, WIDTH, HEIGHT)[0]


@pytest.fixture(scope="module")
def live_page(
    studio: Studio,
    chromium_path: str,
    playwright_driver: Any,
    truth: Rendered,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The live page in a browser whose only camera shows `truth` for ever."""
    film = tmp_path_factory.mktemp("camera") / "camera.y4m"
    browser = with_camera(playwright_driver, chromium_path, FLAGS, film, truth.rgb)
    made = browser.new_page(viewport={"width": 1280, "height": 1000})
    made.set_default_timeout(60_000)
    made.goto(f"{studio.address}/live")
    made.get_by_role("button", name="Start the camera").wait_for(timeout=60_000)
    yield made
    browser.close()


@pytest.fixture
def page(live_page: Any) -> Any:
    """The live page with its camera on, whatever the test before left."""
    start = live_page.get_by_role("button", name="Start the camera")
    if start.is_visible():
        start.click()
    live_page.locator("[data-number=latency]").filter(has_text=re.compile(r"\d")).wait_for(timeout=60_000)
    assert live_page.locator(".live").evaluate(FOUND)
    return live_page


def drawn(page: Any, **look: Any) -> np.ndarray:
    """What the stage draws now, `(H, W, 4)` uint8."""
    return drawn_together(page, look)[0]


def drawn_together(page: Any, *looks: dict[str, Any]) -> list[np.ndarray]:
    """The same moment in each of the looks, `(H, W, 4)` uint8."""
    pictures = page.evaluate(PIXELS, [{"mirror": False, "edge": 0, **look} for look in looks])
    return [
        np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)[::-1]
        for width, height, data in pictures
    ]


def outside(truth: Rendered) -> np.ndarray:
    """Surely background: well away from every hair."""
    return cv2.dilate((truth.alpha > 0).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0


def inside(truth: Rendered) -> np.ndarray:
    """Surely person."""
    return cv2.erode((truth.alpha == 1).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0


def share(near: np.ndarray, where: np.ndarray) -> float:
    return float(near[where].mean())


def like(picture: np.ndarray, colours: Any, tolerance: int) -> np.ndarray:
    return np.abs(picture[..., :3].astype(int) - np.asarray(colours, int)).max(axis=2) <= tolerance


def test_the_person_stands_before_the_new_background(page: Any, truth: Rendered) -> None:
    blue = {"behind": "colour", "colour": "#0047bb"}
    picture, mirrored = drawn_together(page, blue, {**blue, "mirror": True})
    assert picture.shape == (HEIGHT, WIDTH, 4)  # the camera's own size, though smaller pictures were sent
    assert page.evaluate("stage.flow.side") < WIDTH
    assert share(like(picture, BLUE, 3), outside(truth)) > 0.97
    assert share(like(picture, truth.rgb, 16), inside(truth)) > 0.93
    assert share(like(mirrored, picture[:, ::-1, :3], 3), np.ones(truth.alpha.shape, bool)) > 0.99


def test_nothing_behind_is_see_through_and_blur_keeps_the_person_sharp(page: Any, truth: Rendered) -> None:
    cut = drawn(page, behind="none")
    assert share(cut[..., 3] == 0, outside(truth)) > 0.97 and share(cut[..., 3] == 255, inside(truth)) > 0.93
    blurred = drawn(page, behind="blur", blur=0.045)
    assert share(like(blurred, truth.rgb, 16), inside(truth)) > 0.93

    def detail(picture: np.ndarray) -> float:
        grey = cv2.cvtColor(np.ascontiguousarray(picture[..., :3]), cv2.COLOR_RGB2GRAY).astype(np.float32)
        return float((grey - cv2.GaussianBlur(grey, (0, 0), 3))[outside(truth)].std())

    assert detail(blurred) < 0.35 * detail(truth.rgb)


def test_the_numbers_are_shown_and_true(page: Any) -> None:
    def number(name: str) -> str:
        return page.locator(f"[data-number={name}]").inner_text()

    wait_for(lambda: float(number("fps")) > 0 and float(number("mattes")) > 0)
    assert 0 < float(number("latency")) < 10_000
    width, height = map(int, number("sent").split(" × "))
    assert width in page.evaluate("stage.flow.choice.sides") and height == pytest.approx(width * HEIGHT / WIDTH, abs=2)
    made, seconds = page.evaluate(
        """async () => {
      const [first, began] = [stage.flow.number, performance.now()];
      const passed = () => performance.now() - began;
      const enough = () => passed() > 1500 && (stage.flow.number - first > 2 || passed() > 60000);
      while (!enough()) await new Promise((done) => setTimeout(done, 50));
      return [stage.flow.number - first, (performance.now() - began) / 1000];
    }"""
    )
    assert 0 < made <= seconds * RATE + 4  # never more than the camera gives
    assert page.evaluate("stage.flow.sent.size") <= 2


def test_what_may_help_stands_below_the_numbers_while_it_is_needed(page: Any) -> None:
    shown = page.evaluate(
        """() => ["A quicker model may help.", ""].map((advice) => {
      stage.flow.advice = advice;
      stage.showNumbers();
      return stage.numbers.nextElementSibling.textContent;
    })"""
    )
    assert shown == ["A quicker model may help.", ""]


def test_the_controls_change_the_picture(page: Any, truth: Rendered) -> None:
    page.get_by_role("button", name="Colour", exact=True).click()
    page.get_by_role("button", name="Blue", exact=True).click()
    assert page.evaluate("[stage.look.behind, stage.look.colour]") == ["colour", "#0047bb"]
    usual = drawn(page, behind="none")[..., 3].astype(float).mean()
    slider = page.get_by_label("Edge", exact=True)
    slider.focus()
    for _ in range(8):
        slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "+8 grow"
    grown = drawn(page, behind="none")[..., 3].astype(float).mean()
    for _ in range(16):
        slider.press("ArrowLeft")
    shrunk = drawn(page, behind="none")[..., 3].astype(float).mean()
    assert shrunk < usual - 2 and grown > usual + 2
    for _ in range(8):
        slider.press("ArrowRight")


def test_it_can_be_told_to_look_for_the_person_again(page: Any) -> None:
    page.get_by_role("button", name="Find me again").click()
    assert page.evaluate("() => !window.stage.shown")
    page.wait_for_function("() => window.stage.shown && window.stage.link.ready")


def test_a_picture_of_ones_own_lies_behind_and_a_bad_file_is_a_sentence(page: Any, truth: Rendered) -> None:
    file = io.BytesIO()
    halves = np.zeros((100, 400, 3), np.uint8)
    halves[:, :200], halves[:, 200:] = (250, 10, 10), (10, 250, 10)
    Image.fromarray(halves).save(file, "PNG")
    page.get_by_label("Background picture").set_input_files(
        {"name": "wall.png", "mimeType": "image/png", "buffer": file.getvalue()}
    )
    wait_for(lambda: page.evaluate("stage.hasBackdrop"))
    picture = drawn(page, behind="picture", mirror=True)  # the background is never mirrored
    assert like(picture, (250, 10, 10), 4)[:8, :40].all() and like(picture, (10, 250, 10), 4)[:8, -40:].all()
    page.get_by_label("Background picture").set_input_files(
        {"name": "wall.png", "mimeType": "image/png", "buffer": b"no picture"}
    )
    page.get_by_text("This file is no picture").wait_for()


def test_the_cutout_and_the_recording_can_be_kept(page: Any, truth: Rendered) -> None:
    page.evaluate("stage.look.mirror = false")
    with page.expect_download() as download:
        page.get_by_role("button", name="Cut-out (PNG)").click()
    saved = np.asarray(Image.open(download.value.path()))
    assert saved.shape == (HEIGHT, WIDTH, 4) and share(saved[..., 3] == 0, outside(truth)) > 0.97
    assert share(like(saved, truth.rgb, 16) & (saved[..., 3] == 255), inside(truth)) > 0.93
    page.get_by_role("button", name="Record", exact=True).click()
    page.evaluate("stage.recording.recorder.addEventListener('dataavailable', (e) => { window.kept = e.data.size; })")
    wait_for(lambda: page.evaluate("window.kept > 0"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Stop and save").click()
    with av.open(str(download.value.path())) as film:
        frame = next(film.decode(video=0))
    assert (frame.width, frame.height) == (WIDTH, HEIGHT)


def test_it_goes_on_after_the_model_server_was_started_again(studio: Studio, page: Any) -> None:
    before = page.evaluate("stage.flow.number")
    for child in studio.children():
        child.kill()
    page.locator(".status").filter(has_text="Trying again").wait_for()
    wait_for(lambda: page.evaluate("stage.link.ready && stage.flow.latencies.values.length > 0"), 120, 0.2)
    assert page.evaluate("stage.flow.number") > before
    page.get_by_role("button", name="Stop the camera").click()
    assert page.evaluate("stage.stream === null && stage.link.socket === null")


def test_a_window_of_its_own_shows_the_picture_alone_and_see_through(page: Any, truth: Rendered) -> None:
    page.evaluate("Object.assign(stage.look, { behind: 'none', mirror: false, exact: true })")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Own window").click()
    window = opened.value
    assert page.evaluate("stage.stream === null && stage.link.socket === null")  # one picture at a time
    asked = {name: values[0] for name, values in parse_qs(urlsplit(window.url).query).items()}
    assert (asked["behind"], asked["mirror"], "camera" in asked) == ("none", "false", False)
    window.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    window.wait_for_function("() => document.querySelector('.live').liveStage.flow.latencies.values.length > 0")
    assert window.get_by_role("button").count() == 0
    shot = np.asarray(Image.open(io.BytesIO(window.screenshot(omit_background=True))))
    assert shot.shape == (HEIGHT, WIDTH, 4)
    assert share(shot[..., 3] == 0, outside(truth)) > 0.97
    assert share(like(shot, truth.rgb, 16) & (shot[..., 3] == 255), inside(truth)) > 0.93
    window.close()


def test_the_address_of_the_window_is_read_with_care(studio: Studio, chromium: Any) -> None:
    window = chromium.new_page()
    window.goto(
        f"{studio.address}/live/picture?card=dsp&behind=picture&colour=red&edge=9999&softness=x&blur=&size=9&mirror=0"
    )
    look = window.evaluate("document.querySelector('.live').liveStage.look")
    assert {name: look[name] for name in ("behind", "colour", "edge", "softness", "blur", "size", "mirror")} == {
        "behind": "blur", "colour": "#00b140", "edge": 10, "softness": 0, "blur": 0.03,
        "size": "1280 × 720", "mirror": False,
    }  # fmt: skip
    window.get_by_role("alert").filter(has_text=re.compile("camera", re.I)).wait_for()  # this browser has none
    answer = window.goto(f"{studio.address}/live/picture?card=%3Cscript%3E")
    assert answer.status == 400 and "names no model" in window.locator("body").inner_text()
    window.close()


def test_without_leave_for_the_camera_there_is_a_sentence_and_a_phone_shows_all(studio: Studio, chromium: Any) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{studio.address}/live")
    page.get_by_role("button", name="Start the camera").click(timeout=60_000)
    page.get_by_role("alert").filter(has_text=re.compile("camera", re.I)).wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_the_size_falls_before_the_rate_and_comes_back(chromium: Any) -> None:
    page = chromium.new_page()
    page.add_script_tag(content=bundle_script(PARTS, ("util", "controller"), ("dom",)))
    sizes = page.evaluate(
        """() => {
      const sides = [160, 192, 224, 256, 320];
      // A model that needs `cost` milliseconds for 100 x 100 pixels, two pictures under way.
      const run = (choice, cost, looks) => {
        const seen = [];
        for (let i = 0; i < looks; i += 1) {
          const work = cost * (sides[choice.index] / 100) ** 2;
          choice = adapt(choice, { work, interval: Math.max(33, work), trip: 2 * work, camera: 33 });
          seen.push(choice.index);
        }
        return [choice, seen];
      };
      const [slow, falls] = run(firstChoice(sides), 30, 10);
      const [fast, rises] = run(slow, 3, 40);
      const [, tight] = run(firstChoice(sides), 12, 60);
      const late = adapt(firstChoice(sides), { work: 5, interval: 33, trip: 900, camera: 33 });
      const dark = adapt(firstChoice(sides), { work: 5, interval: 110, trip: 60, camera: 100 });
      return { start: firstChoice(sides).index, falls, rises, tight, late: late.index, dark: dark.index,
        one: firstChoice([256]).index,
        sent: [sentSize(1280, 720, 256), sentSize(200, 100, 256), sentSize(90, 1000, 160)] };
    }"""
    )
    page.close()
    assert sizes["start"] == 2 and sizes["falls"][-1] == 0 and sizes["falls"] == sorted(sizes["falls"], reverse=True)
    assert sizes["rises"][-1] == 4 and sizes["rises"] == sorted(sizes["rises"])
    changes = np.count_nonzero(np.diff(sizes["tight"][10:]))
    assert changes <= 3  # a size that turned out too large is not tried again and again
    assert (sizes["late"], sizes["dark"], sizes["one"]) == (1, 2, 0)
    assert sizes["sent"] == [[256, 144], [200, 100], [32, 160]]


def test_what_may_help_is_told_once_even_the_smallest_pictures_come_too_slowly(chromium: Any) -> None:
    page = chromium.new_page()
    page.add_script_tag(content=bundle_script(PARTS, ("util", "controller", "flow"), ("dom",)))
    told = page.evaluate(
        """() => {
      // What a flow advises once `looks` looks at mattes that came `interval` milliseconds apart have passed.
      const advice = (sides, looks, interval, work, camera = 33) => {
        const flow = new Flow({}, () => {});
        flow.reset(sides);
        flow.camera = camera;
        let now = 0;
        while (looks > 0) {
          now += interval;
          const before = flow.trips.values.length;
          flow.judge(now, { sent: now - interval }, { work });
          if (flow.trips.values.length < before) looks -= 1;
        }
        return flow.advice;
      };
      return { model: advice([192, 256], 2, 500, 450), way: advice([192, 256], 2, 500, 20),
        quick: advice([192, 256], 2, 50, 40), dark: advice([192, 256], 2, 210, 20, 200),
        falling: advice([192, 256, 320, 384, 512], 2, 500, 450),
        fallen: advice([192, 256, 320, 384, 512], 4, 500, 450) };
    }"""
    )
    page.close()
    assert "a quicker model may help" in told["model"] and told["fallen"] == told["model"]
    assert "The model is quick enough" in told["way"] and "a smaller picture may help" in told["way"]
    assert told["quick"] == told["dark"] == told["falling"] == ""


def test_outlines_are_moved_and_softened_by_the_pixels_that_were_asked_for(chromium: Any) -> None:
    page = chromium.new_page()
    page.add_script_tag(content=bundle_script(PARTS, ("util", "matte"), ("dom",)))
    rows = page.evaluate(
        """() => {
      const [w, h] = [21, 9];
      const alpha = new Uint8Array(w * h);
      for (let y = 0; y < h; y += 1) for (let x = 8; x < 13; x += 1) alpha[y * w + x] = 255;
      const row = (a) => [...a.slice(4 * w, 5 * w)];
      return { grow: row(moveEdge(alpha, w, h, 2)), shrink: row(moveEdge(alpha, w, h, -1)),
        part: row(moveEdge(alpha, w, h, 0.5)), soft: row(softened(alpha, w, h, 2)),
        same: moveEdge(alpha, w, h, 0) === alpha };
    }"""
    )
    page.close()
    row = np.zeros(21, int)
    row[8:13] = 255
    grow, shrink = row.copy(), row.copy()
    grow[6:15], shrink[[8, 12]] = 255, 0
    assert rows["grow"] == grow.tolist() and rows["shrink"] == shrink.tolist() and rows["same"]
    assert rows["part"][7] == 128 and rows["part"][6] == 0
    soft = np.array(rows["soft"])
    assert soft.sum() == pytest.approx(row.sum(), rel=0.02) and (np.diff(soft[:11]) >= 0).all() and soft[6] > 20
