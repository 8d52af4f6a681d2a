"""The matte workbench in a real browser: what it shows is the clip's known shape, pixel by pixel."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.support.browser import Harness
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.browser

FRAMES, BAD = 12, 8
WIDTH, HEIGHT = 320, 180

SLOW = 0.07  # of its speed: the clip of a second must not be over before a busy machine has looked at it

# Playwright takes seconds for a long list of numbers, and no time for a text.
TEXT = """((d) => {
  let t = "";
  for (let i = 0; i < d.length; i += 8192) t += String.fromCharCode(...d.subarray(i, i + 8192));
  return btoa(t);
})"""

PIXELS = """(el) => {
  el.matteWorkbench.paint();
  const c = el.matteWorkbench.stage.canvas;
  const small = document.createElement("canvas");
  small.width = 320; small.height = 180;
  const g = small.getContext("2d");
  g.drawImage(c, 0, 0, 320, 180);
  return TEXT(g.getImageData(0, 0, 320, 180).data);
}""".replace("TEXT", TEXT)


@pytest.fixture(scope="module")
def runs(harness: Harness, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A video and a picture cut out with their true mattes, one frame of the video spoilt."""
    from evaluation.synthetic.clip import make_clip, write_clip
    from studio.library.library import Library
    from tests.support.matting import CARD, RedEngine, finish

    folder = tmp_path_factory.mktemp("matte")
    clip = make_clip(FRAMES / 12, WIDTH, HEIGHT, 12)
    rendered = [clip[index] for index in range(FRAMES)]
    write_clip(clip, folder / "clip.mp4")
    Image.fromarray(rendered[0].rgb).save(folder / "still.png")

    class Known(RedEngine):
        seen = 0

        def mattes(self, frames: np.ndarray) -> np.ndarray:
            found = [rendered[self.seen + i].alpha * (0.5 if self.seen + i == BAD else 1) for i in range(len(frames))]
            self.seen += len(frames)
            return np.stack(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOURFOLD_HOME", str(harness.home))
        library = Library()
        made = {}
        for kind, media in (("video", folder / "clip.mp4"), ("picture", folder / "still.png")):
            options = {"export": "luma", "temporal": "off", "edge": 0.0, "softness": 0.0, "despill": 1.0}
            result, events = finish(Known(CARD).run({"media": media}, options, folder / kind))
            run = library.begin(task="matting", title=f"A waving {kind}", engine="known", options=options)
            library.note(run.id, facts={"kind": kind, "width": WIDTH, "height": HEIGHT})
            library.keep(run.id, "input", "input", media)
            partials = [event.artifact for event in events if hasattr(event, "artifact")]
            for item in [*result.artifacts, *partials]:
                library.keep(run.id, item.kind, item.name, item.path, meta=item.meta)
            library.finish(run.id, "done", 1.0)
            made[kind] = run.id
    return SimpleNamespace(rendered=rendered, **made)


@pytest.fixture(scope="module")
def page(chromium: Any, harness: Harness, runs: SimpleNamespace) -> Iterator[Any]:
    shown = chromium.new_context(viewport={"width": 1280, "height": 1100}).new_page()
    shown.problems = []
    shown.on("pageerror", lambda error: shown.problems.append(str(error)))
    shown.goto(harness.page("matte", run=runs.video))
    shown.locator(".bench").wait_for(timeout=90_000)
    yield shown
    shown.context.close()


def bytes_of(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


class Bench:
    def __init__(self, page: Any) -> None:
        self.page, self.root = page, page.locator(".bench")

    def get(self, expression: str) -> Any:
        return self.root.evaluate(f"(el) => {{ const b = el.matteWorkbench; return {expression}; }}")

    def until(self, expression: str, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while not (value := self.get(expression)):
            assert time.monotonic() < end, f"never: {expression}; {self.page.inner_text('.bench')}"
            self.page.wait_for_timeout(40)
        return value

    def exact(self, seconds: float = PATIENCE) -> None:
        """Wait until what is asked for now, not what was shown before, is there."""
        self.until("(b.paint(), b.badge.textContent.startsWith('Exact'))", seconds)

    def pixels(self) -> np.ndarray:
        return bytes_of(self.root.evaluate(PIXELS)).reshape(HEIGHT, WIDTH, 4)[..., :3].astype(float)

    def reset(self) -> None:
        self.get("b.setWipe(1)")
        self.get("b.resetEdge()")
        self.get("(b.regionPanel.drawing = false, Object.assign(b.settings, b.data.settings), b.set('region', []))")
        self.get("b.hints.toggle(false)")
        self.get("b.goTo(0)")
        self.get("b.stage.element.scrollIntoView({ block: 'center', behavior: 'instant' })")

    def slide(self, label: str, value: float) -> None:
        field = self.root.get_by_role("slider", name=label, exact=True)
        field.evaluate("(e, v) => { e.value = v; e.dispatchEvent(new Event('input', { bubbles: true })); }", str(value))


@pytest.fixture
def bench(page: Any, runs: SimpleNamespace) -> Iterator[Bench]:
    shown = Bench(page)
    shown.until("b.looked")
    if shown.get("b.data.proxy"):
        shown.reset()
    yield shown
    assert page.problems == []


def far_from(pixels: np.ndarray, alpha: np.ndarray) -> float:
    return float(np.abs(pixels.mean(axis=2) / 255 - alpha).mean())


@pytest.mark.slow
def test_the_matte_view_shows_the_known_shape_of_each_frame(bench: Bench, runs: SimpleNamespace) -> None:
    bench.root.get_by_role("button", name="Matte", exact=True).click()
    for frame in (0, 5, 11):
        bench.get(f"b.goTo({frame})")
        bench.until(f"b.lookedAt === {frame}")
        bench.exact()
        shown = [far_from(bench.pixels(), one.alpha) for one in runs.rendered]
        assert shown[frame] < 0.012
        assert shown[frame] == min(shown)
    bench.get("b.goTo(3)")
    bench.root.focus()
    bench.page.keyboard.press("ArrowRight")
    assert bench.get("b.frame") == 4
    bench.exact()
    assert far_from(bench.pixels(), runs.rendered[4].alpha) < 0.012


def test_without_the_exact_frame_the_video_itself_shows_the_same_frame(bench: Bench, runs: SimpleNamespace) -> None:
    bench.get("b.setView('alpha')")
    bench.get("(b.kept = b.data.frame_url, b.data.frame_url = null, b.goTo(6))")
    try:
        bench.until("b.lookedAt === 6")
        seen = bench.pixels()
    finally:
        bench.get("(b.data.frame_url = b.kept, 1)")
    shown = [far_from(seen, one.alpha) for one in runs.rendered]
    assert shown[6] < 0.02 and shown[6] == min(shown)


@pytest.mark.slow
def test_it_plays_and_stops_on_an_exact_frame(bench: Bench) -> None:
    bench.get(f"(b.film.video.playbackRate = {SLOW}, 1)")
    bench.root.focus()
    bench.page.keyboard.press("Space")
    bench.until("b.film.playing && b.frame > 2")
    bench.page.keyboard.press("Space")
    bench.until("!b.film.playing")
    bench.exact()
    assert "of 12" in bench.page.inner_text(".bench .clock")


def test_the_wipe_changes_only_what_lies_right_of_it(bench: Bench, runs: SimpleNamespace) -> None:
    bench.get("(b.setView('alpha'), b.setOther('source'), 1)")
    bench.exact()
    before = bench.pixels()
    box = bench.root.locator("canvas.picture").bounding_box()
    y = box["y"] + box["height"] / 2
    bench.page.mouse.move(box["x"] + box["width"] * 0.9, y)
    bench.page.mouse.down()
    for part in (0.8, 0.6, 0.5):
        bench.page.mouse.move(box["x"] + box["width"] * part, y)
    bench.page.mouse.up()
    assert bench.get("b.wipe") == pytest.approx(0.5, abs=0.01)
    bench.exact()
    after = bench.pixels()
    assert np.abs(after - before)[:, : WIDTH // 2 - 6].mean() < 1
    assert np.abs(after - runs.rendered[0].rgb)[:, WIDTH // 2 + 6 :].mean() < 6
    handle = bench.root.get_by_role("slider", name="Wipe between the two views")
    handle.press("ArrowRight")
    bench.until("b.stage.handle.getAttribute('aria-valuenow') === '52'")


def test_the_edge_slider_grows_and_shrinks_the_person(bench: Bench) -> None:
    bench.get("b.setView('alpha')")
    bench.exact()
    areas = []
    for value in (-4, 0, 4):
        bench.slide("Edge", value)
        bench.exact()
        areas.append(bench.pixels().mean())
    assert areas[0] < 0.95 * areas[1] and areas[2] > 1.05 * areas[1]
    bench.root.get_by_role("button", name="As made").click()
    assert bench.get("b.settings.edge") == 0


def test_the_strip_leads_to_the_problem_frame_and_python_hears_of_it(bench: Bench) -> None:
    assert BAD in bench.get("b.data.problems")
    strip = bench.root.locator(".strip")
    strip.click(position={"x": strip.bounding_box()["width"] * 5.5 / FRAMES, "y": 30})
    assert bench.get("b.frame") == 5
    bench.root.get_by_role("button", name="Next problem frame").click()
    assert bench.get("b.frame") == BAD
    bench.slide("Softness", 2)
    bench.get("b.setView('checker')")
    told = bench.page.locator("[data-testid=stCode]")
    end = time.monotonic() + PATIENCE
    state: dict[str, Any] | None = None
    while time.monotonic() < end:
        state = json.loads(told.inner_text())
        if state and (state["frame"], state["softness"], state["view"]) == (BAD, 2, "checker"):
            break
        bench.page.wait_for_timeout(100)
    assert state is not None
    assert {key: state[key] for key in ("frame", "view", "edge", "softness", "despill", "background")} == {
        "frame": BAD,
        "view": "checker",
        "edge": 0,
        "softness": 2,
        "despill": 1,
        "background": "green",
    }


def test_the_new_background_is_the_chosen_colour(bench: Bench, runs: SimpleNamespace) -> None:
    bench.root.get_by_role("button", name="Plain blue").click()
    assert bench.get("b.view") == "composite"
    bench.exact()
    behind = runs.rendered[0].alpha == 0
    assert np.abs(bench.pixels()[behind] - (0x00, 0x47, 0xBB)).mean() < 6


def test_the_person_can_be_moved_over_the_new_background(bench: Bench, runs: SimpleNamespace) -> None:
    """Exactly on the still frame, and about so in what is shown while it plays; Python hears of it."""
    bench.root.get_by_role("button", name="Plain blue").click()
    bench.slide("Left/right", 0.25)
    assert bench.get("b.view") == "composite"
    bench.exact()
    moved = np.roll(runs.rendered[0].alpha > 0.9, WIDTH // 4, axis=1)
    moved[:, : WIDTH // 4] = False
    free = np.roll(cv2.dilate(runs.rendered[0].alpha, np.ones((5, 5))) > 0, WIDTH // 4, axis=1)
    free[:, : WIDTH // 4] = False
    blue = np.array((0x00, 0x47, 0xBB))
    exact = bench.pixels()
    assert np.abs(exact[~free] - blue).mean() < 6 and np.abs(exact[moved] - blue).mean() > 40
    board = "b.rough().view('composite', b.behind()).getContext('2d')"
    rough = bytes_of(bench.get(f"{TEXT}({board}.getImageData(0, 0, 320, 180).data)")).reshape(HEIGHT, WIDTH, 4)
    assert np.abs(rough[..., :3].astype(float) - exact).mean() < 6
    assert reported(bench, lambda told: told["across"] == 0.25)["background"] == "blue"
    bench.root.get_by_role("button", name="As filmed").click()
    assert bench.get("b.settings.across") == 0


def test_a_blurred_background_has_nothing_of_the_person_in_it(bench: Bench, runs: SimpleNamespace) -> None:
    """What is shown while it plays, against the exact frame, beside the outline where a halo would be."""
    bench.get("(b.set('background', 'blur'), b.setView('composite'))")
    bench.exact()
    exact = bench.pixels()
    board = "b.looked.view('composite', b.behind()).getContext('2d')"
    seen = bytes_of(bench.get(f"{TEXT}({board}.getImageData(0, 0, 320, 180).data)")).reshape(HEIGHT, WIDTH, 4)
    person = (runs.rendered[0].alpha > 0).astype(np.uint8)
    beside = (cv2.dilate(person, np.ones((25, 25), np.uint8)) - cv2.dilate(person, np.ones((3, 3), np.uint8))) > 0
    error = np.abs(seen[..., :3].astype(float) - exact)[beside].mean()
    bench.get("b.set('background', 'green')")
    assert error < 4


def test_a_background_video_goes_along(bench: Bench, runs: SimpleNamespace) -> None:
    told = "{...b.data, background_url: b.data.proxy, background_kind: 'video'}"
    bench.get(f"(b.update({told}, b.setStateValue), 1)")
    bench.until("b.own.drawable")
    bench.get("b.set('background', 'own')")
    bench.get(f"(b.film.video.playbackRate = {SLOW}, 1)")
    bench.get("b.togglePlay()")
    bench.until("b.film.playing && b.own.node.currentTime > 0 && !b.own.node.paused")
    board = "b.looked.view('composite', b.behind()).getContext('2d')"
    seen = bytes_of(bench.get(f"{TEXT}({board}.getImageData(0, 0, 320, 180).data)")).reshape(HEIGHT, WIDTH, 4)
    wall = runs.rendered[0].alpha == 0
    assert seen[..., :3][wall].std() > 20  # a moving picture, not a plain colour
    if bench.get("b.film.playing"):
        bench.get("b.togglePlay()")
    bench.until("!b.film.playing && b.own.node.paused")
    bench.get("b.set('background', 'green')")


def test_the_loupe_shows_the_pixels_of_the_source(bench: Bench, runs: SimpleNamespace) -> None:
    bench.get("b.setView('source')")
    bench.root.get_by_role("button", name="Loupe").click()
    bench.get("b.loupe.point([0.5, 0.4])")
    bench.until("b.loupe.element.dataset.exact === 'yes'")
    x, y, wide, high = bench.get("b.loupe.box()")
    shown = bench.get(f"{TEXT}(b.loupe.canvas.getContext('2d').getImageData(0, 0, 232, 232).data)")
    seen = bytes_of(shown).reshape(232, 232, 4)[2::4, 2::4, :3].astype(float)
    source = runs.rendered[0].rgb[y : y + high, x : x + wide]
    assert (wide, high) == (58, 58) and np.abs(seen - source).mean() < 4  # the clip itself is H.264
    bench.root.get_by_role("button", name="Loupe").click()


def reported(bench: Bench, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What Python was told last, once it is what is wanted."""
    shown = bench.page.locator("[data-testid=stCode]")
    end = time.monotonic() + PATIENCE
    while not (state := json.loads(shown.inner_text())) or not wanted(state):
        assert time.monotonic() < end, state
        bench.page.wait_for_timeout(100)
    return state


def test_a_problem_frame_leads_to_its_correction(bench: Bench, runs: SimpleNamespace) -> None:
    """From the problem to a click on the picture, to what Python is asked for; what goes is dimmed."""
    bench.root.get_by_role("button", name="Next problem frame").click()
    bench.until(f"b.lookedAt === {BAD}")
    bench.root.get_by_role("button", name="Correct this problem").click()
    bench.until("b.hints.on && !b.hints.element.hidden")
    outside, inside = runs.rendered[BAD].alpha == 0, runs.rendered[BAD].alpha == 1
    seen, source = bench.pixels(), runs.rendered[BAD].rgb.astype(float)
    assert seen[outside].mean() < 0.75 * source[outside].mean() and seen[outside].std(axis=1).mean() < 4
    assert seen[inside].std(axis=1).mean() > 5  # half kept, as that frame's spoilt matte is
    box = bench.root.locator("canvas.picture").bounding_box()
    bench.page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    bench.root.get_by_role("button", name="This person").click()
    bench.root.get_by_role("button", name="Brush").click()
    box = bench.root.locator("canvas.picture").bounding_box()
    bench.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    bench.page.mouse.down()
    for step in range(1, 6):
        bench.page.mouse.move(box["x"] + (0.5 + 0.02 * step) * box["width"], box["y"] + 0.5 * box["height"])
    bench.page.mouse.up()
    first, second = bench.get("b.hints.all")
    seconds = pytest.approx(BAD / 12, abs=1e-3)
    assert (first["kind"], first["shape"], first["seconds"]) == ("drop", "point", seconds)
    assert first["points"] == [pytest.approx([0.25, 0.5], abs=0.01)]
    assert (second["kind"], second["shape"], second["seconds"]) == ("keep", "stroke", seconds)
    assert second["points"][0] == pytest.approx([0.5, 0.5], abs=0.01)
    assert second["points"][-1] == pytest.approx([0.6, 0.5], abs=0.02)
    assert bench.get("b.wipe") == 1  # drawing does not wipe
    bench.root.get_by_role("button", name="Correct the video").click()
    state = reported(bench, lambda told: bool(told.get("asked")))
    assert state["asked"].startswith("correct ") and state["hints"] == [first, second]
    bench.get("(b.hints.token = null, b.hints.all.splice(0), b.changedByUser(), b.hints.toggle(false), 1)")


def test_corrections_are_made_and_taken_back_with_the_keyboard(bench: Bench) -> None:
    bench.root.focus()
    press = bench.page.keyboard.press
    press("c")
    bench.until("b.hints.on")
    press("k")
    press("Enter")
    press("ArrowRight")
    press("d")
    press("Enter")
    assert [(one["kind"], one["points"]) for one in bench.get("b.hints.all")] == [
        ("keep", [[0.5, 0.5]]),
        ("drop", [[0.5, 0.5]]),
    ]
    bench.until("b.hints.list.children.length === 2")
    bench.root.get_by_role("button", name="+ Frame 1: this person (click)").click()
    assert bench.get("b.frame") == 0
    press("z")
    bench.root.get_by_role("button", name="Take back: Frame 1").click()
    bench.root.focus()
    press("e")  # a soft edge is painted, whatever the tool was
    bench.until("(b.paint(), b.hints.shapes.hidden && b.hints.kind === 'edge')")
    bench.get("(b.hints.begin([0.4, 0.4]), b.hints.extend([0.5, 0.5]), b.hints.end(true), 1)")
    (edge,) = bench.get("b.hints.all")
    assert (edge["kind"], edge["shape"], len(edge["points"])) == ("edge", "stroke", 2) and edge["radius"] > 0
    bench.root.get_by_role("button", name="~ Frame 1: soft edge (brush)").wait_for()
    press("z")
    press("d")
    assert bench.get("b.hints.all") == []
    bench.until("(b.paint(), b.hints.go.disabled)")
    bench.root.focus()
    press("Escape")
    bench.until("!b.hints.on && (b.paint(), b.hints.element.hidden)")


def test_outside_of_a_rectangle_all_is_see_through(bench: Bench, runs: SimpleNamespace) -> None:
    bench.get("b.setView('alpha')")
    bench.exact()
    before = bench.pixels()
    bench.root.get_by_role("button", name="Draw a rectangle").click()
    bench.until("b.regionPanel.drawing && b.stage.element.getBoundingClientRect().top >= 0")
    box = bench.root.locator("canvas.picture").bounding_box()
    bench.page.mouse.move(box["x"] + 2, box["y"] + 2)
    bench.page.mouse.down()
    bench.page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.6 * box["height"])
    bench.page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + box["height"] - 2)
    bench.page.mouse.up()
    (left, top), (right, bottom) = bench.get("b.settings.region")
    assert (left, top) == pytest.approx((0, 0), abs=0.01) and (right, bottom) == pytest.approx((0.5, 1), abs=0.01)
    bench.exact()
    seen = bench.pixels()
    middle = WIDTH // 2
    assert before[:, middle + 4 :].max() > 200 and seen[:, middle + 4 :].max() < 8
    assert np.abs(seen - before)[4:-4, 4 : middle - 4].mean() < 1
    rough = bytes_of(bench.get(f"{TEXT}(b.rough().alpha)")).reshape(bench.get("[b.looked.height, b.looked.width]"))
    assert not rough[:, rough.shape[1] // 2 + 3 :].any() and rough.any()  # what is seen while it plays
    reported(bench, lambda told: told["region"] == [[left, top], [right, bottom]])
    bench.root.get_by_role("button", name="All of it").click()
    bench.exact()
    assert np.abs(bench.pixels() - before).mean() < 1


def test_while_it_plays_the_edge_is_about_the_one_that_is_set(bench: Bench) -> None:
    """What playing shows, against the exact frame with the same edge."""
    bench.get("b.setView('alpha')")
    for edge, softness in ((4, 0), (-4, 0), (0, 8)):
        bench.get(f"(b.settings.softness = {softness}, b.set('edge', {edge}))")
        bench.exact()
        exact = bench.pixels().mean(axis=2)
        rough = bytes_of(bench.get(f"{TEXT}(b.rough().alpha)")).reshape(HEIGHT, WIDTH)
        as_made = bytes_of(bench.get(f"{TEXT}(b.looked.alpha)")).reshape(HEIGHT, WIDTH)
        assert np.abs(rough - exact).mean() < 0.4 * np.abs(as_made - exact).mean()
    bench.get("b.resetEdge()")


@pytest.mark.slow
def test_the_sound_is_heard_and_can_be_switched_off(bench: Bench) -> None:
    button = bench.root.get_by_role("button", name="Sound", exact=True)
    bench.until("(b.paint(), b.soundButton.hidden)")  # this clip has none
    bench.get("(b.data.sound = true, b.film.setSound(true), b.paint())")
    assert bench.get("b.film.video.muted") is False
    button.click()
    bench.until("b.film.video.muted && b.soundButton.getAttribute('aria-pressed') === 'false'")
    bench.root.focus()
    bench.page.keyboard.press("m")
    bench.until("!b.film.video.muted")
    bench.get("(b.data.sound = false, b.film.setSound(true), b.paint())")


def test_a_refusal_is_one_sentence_on_the_page(bench: Bench) -> None:
    bench.get("(b.settings.background = 'nonsense', b.setView('composite'))")
    message = bench.root.get_by_role("alert")
    message.filter(has_text="“nonsense” is no background").wait_for()  # in place of what another test was refused
    bench.get("b.set('background', 'green')")
    bench.exact()
    assert message.is_hidden()


def test_python_can_send_it_to_a_frame(bench: Bench) -> None:
    field = bench.page.get_by_label("Jump")
    field.fill("7")
    field.press("Enter")
    bench.until("b.frame === 7")


def test_while_the_run_goes_on_its_previews_are_shown(bench: Bench, runs: SimpleNamespace) -> None:
    bench.page.locator("label", has_text="live").click()
    bench.until("!b.data.proxy")
    bench.page.get_by_label("Run").fill(runs.picture)
    bench.page.get_by_label("Run").press("Enter")
    bench.until(f"b.run === '{runs.picture}'")
    bench.page.get_by_label("Run").fill(runs.video)
    bench.page.get_by_label("Run").press("Enter")
    bench.until(f"b.run === '{runs.video}' && b.looked")
    bench.get("b.setView('alpha')")
    frame = bench.get("b.frame")
    assert frame == 2  # the newest of the three there are
    assert far_from(bench.pixels(), runs.rendered[frame].alpha) < 0.02
    assert "Still cutting out" in bench.page.inner_text(".bench")
    bench.page.locator("label", has_text="done").click()
    bench.until("b.data.proxy && b.film.video?.readyState >= 2")


@pytest.mark.slow
def test_a_picture_has_neither_scrubber_nor_strip(bench: Bench, runs: SimpleNamespace) -> None:
    bench.page.get_by_label("Run").fill(runs.picture)
    bench.page.get_by_label("Run").press("Enter")
    bench.until(f"b.run === '{runs.picture}' && b.looked")
    bench.get("b.setView('alpha')")
    bench.exact()
    assert far_from(bench.pixels(), runs.rendered[0].alpha) < 0.012
    bench.root.get_by_role("button", name="Correct this picture").click()
    bench.until("b.hints.on")
    assert not bench.root.locator(".transport").is_visible() and not bench.root.locator(".problems").is_visible()
    bench.page.set_viewport_size({"width": 390, "height": 844})
    bench.until("b.root.scrollWidth <= b.root.clientWidth + 1")
    bench.page.set_viewport_size({"width": 1280, "height": 1100})
