"""Findings in a real browser: presented with no model server about, exported, opened from the disk with no network."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from studio import services
from studio.findings import export
from studio.library.findings import Evidence, Step
from tests.support.browser import Studio, real
from tests.support.findings import fold, song, told
from tests.support.pages import fresh_services
from tests.support.two_helices import structure
from tests.support.waiting import wait_for
from viz.components.map_board import Axis, Board, Trust, layer
from viz.deck import Slide, SlidePart, deck_document


@pytest.fixture
def library_with_song(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A library with one finished song; its id."""
    monkeypatch.setenv("FOURFOLD_BACKEND", "http://127.0.0.1:9")
    with fresh_services(wait=False):
        yield song("A song").id


@pytest.fixture
def lonely_studio(library_with_song: str, own_home: Path) -> Iterator[str]:
    """The address of a studio over that library, whose model server is away."""
    running = Studio(own_home)
    yield running.address
    running.stop()


@pytest.mark.slow
@pytest.mark.browser
def test_a_figure_is_pinned_as_it_is_seen_and_keeps_to_itself(
    library_with_song: str, lonely_studio: str, page: Any
) -> None:
    page.goto(f"{lonely_studio}/proteins?run={fold(structure()).id}")
    page.get_by_role("radio", name="Geometry").or_(page.get_by_text("Geometry", exact=True)).first.click()
    page.get_by_role("button", name="Pin this figure to a finding").click()
    window = page.get_by_role("dialog")
    window.get_by_label("What does it show, in a sentence?").fill("Nothing is twisted.")
    window.get_by_label("What does it show, in a sentence?").press("Tab")
    window.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("link", name="Pinned to").wait_for()
    (finding,) = services.findings().list()
    picture = finding.evidence[0].moment["snapshot"]["picture"]
    drawing = base64.b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
    assert finding.claim == "Nothing is twisted." and drawing.startswith("<svg") and 'href="http' not in drawing
    assert "φ" in drawing and "nsewdrag" not in drawing


@pytest.mark.slow
@pytest.mark.browser
def test_a_moment_of_a_song_becomes_a_step_that_plays_there_without_any_model_server(
    library_with_song: str, lonely_studio: str, page: Any
) -> None:
    page.goto(f"{lonely_studio}/songs?run={library_with_song}")
    page.locator(".player").first.wait_for()
    page.locator(".player").evaluate(
        """root => { const player = root.stemPlayer; player.seek(0.2 * 44100);
        player.toggleSolo(player.data.lanes.find((lane) => lane.name === "vocals")); }"""
    )
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Pin to a finding").click()
    page.get_by_text("vocals alone").wait_for()
    page.get_by_label("What does it show, in a sentence?").fill("The voice is clear.")
    page.get_by_label("What does it show, in a sentence?").press("Tab")
    page.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_role("link", name="Pinned to").click()
    page.get_by_role("button", name="Add to a story").click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="Present").wait_for()
    page.goto(f"{lonely_studio}{page.get_by_role('link', name='Present').get_attribute('href')}")
    page.get_by_role("heading", name="A song").wait_for()
    wait_for(lambda: page.evaluate("deck.parts[0].shown?.engine.segments.ready.size > 0"), 60)
    page.keyboard.press("Space")
    page.wait_for_function(
        "deck.parts[0].shown.engine.state === 'playing' || deck.parts[0].shown.engine.state === 'ended'"
    )
    assert page.evaluate("deck.parts[0].shown.engine.position() / 44100") >= 0.2
    assert page.evaluate("[...deck.parts[0].shown.mixer.solo].join()") == "vocals"
    expected = "503"  # the stage asks the studio whether something could be tried live, which it cannot
    assert [problem for problem in real(page.problems) if expected not in problem] == []


@pytest.mark.slow
@pytest.mark.browser
def test_an_exported_story_opens_from_the_disk_with_the_network_off(
    library_with_song: str, tmp_path: Path, webgl_chromium: Any
) -> None:
    store, run = services.findings(), fold(structure())
    heard = store.create("Heard", "It sounds.", evidence=[Evidence("separation", library_with_song, {"position": 0.1})])
    seen = store.create("Seen", "It turns.", evidence=[Evidence("folding", run.id)])
    steps = [Step("text", title="Hello"), Step("finding", heard.id, notes="aloud"), Step("finding", seen.id)]
    file = tmp_path / "story.html"
    file.write_bytes(export.html_file(store.create_story("A talk", steps=steps).id, export.LIMITS["5"]))
    context = webgl_chromium.new_context(offline=True, viewport={"width": 1280, "height": 800})
    page, problems = context.new_page(), []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.append(request.url[:200]))
    page.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else problems.append(r.url))
    page.goto(file.as_uri())
    page.get_by_role("heading", name="Hello").wait_for()
    page.keyboard.press("PageDown")
    # Asked again and again from outside: the file forbids itself the `eval` with which a page would wait.
    wait_for(lambda: page.evaluate("deck.parts[0]?.shown?.engine.segments.ready.size > 0"), 60)
    page.keyboard.press("Space")
    wait_for(lambda: page.evaluate("['playing', 'ended'].includes(deck.parts[0].shown.engine.state)"), 60)
    with page.expect_popup() as opening:
        page.keyboard.press("n")
    notes = opening.value
    assert "aloud" in notes.inner_text("body")
    notes.keyboard.press("PageDown")
    page.get_by_role("heading", name="Seen").wait_for()
    wait_for(lambda: page.evaluate("Boolean(deck.parts[0].shown?.stage?.viewer)"), 60)
    before = page.evaluate("JSON.stringify(deck.parts[0].shown.stage.viewer.getView())")
    box = page.locator(".stage canvas").first.bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 320, box["y"] + 240, steps=4)
    page.mouse.up()
    assert page.evaluate("JSON.stringify(deck.parts[0].shown.stage.viewer.getView())") != before
    assert problems == []
    context.close()


@pytest.mark.browser
def test_a_map_on_the_stage_tells_its_numbers_and_shows_what_a_model_that_knows_nothing_gives(page: Any) -> None:
    halves, maps = Axis(edges=(0.0, 0.5, 1.0)), (("The map", [[1.0, 0.0], [-2.0, 0.5]]), ("Nothing", [[0.0] * 2] * 2))
    board = Board(
        kind="cells", alt="A map.", unit="dB", x=halves, y=halves, aspect=0.5,
        maps=tuple(layer(name, np.array(values)) for name, values in maps),
        trust=Trust(verdict="doubtful", sentence="This map is doubtful: it fails a test.", tests=(("One", "0.1"),)),
    )  # fmt: skip
    part = SlidePart("map", {**board.model_dump(mode="json"), "run": "m"}, board.alt)
    document = deck_document("Talk", [Slide("Why?", parts=(part,)), Slide("Next")])
    page.route("http://stage.test/**", lambda route: route.fulfill(body=document, content_type="text/html"))
    page.goto("http://stage.test/")
    drawing = page.get_by_role("img", name="A map.")
    box = drawing.bounding_box()
    drawing.hover(position={"x": 0.25 * box["width"], "y": 0.75 * box["height"]})
    page.get_by_text("-2 dB", exact=True).wait_for()
    drawing.press("ArrowRight")
    page.get_by_text("0.5 dB", exact=True).wait_for()
    page.get_by_role("button", name="Nothing").click()
    page.get_by_text("0 dB", exact=True).wait_for()
    page.get_by_text("This map is doubtful. It fails a test.").wait_for()
    page.get_by_text("The tests behind this verdict").click()
    assert page.get_by_role("cell", name="0.1").is_visible()
    drawing.press("PageDown")
    page.get_by_role("heading", name="Next").wait_for()
    assert {problem for problem in page.problems if not problem.startswith("http://stage.test/")} == set()


@pytest.mark.browser
def test_the_stage_obeys_its_keys_its_second_window_and_a_finger(chromium: Any) -> None:
    document = deck_document("Talk", [Slide(name, notes=f"Say {name}.") for name in ("One", "Two", "Three")])
    context = chromium.new_context(has_touch=True, viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.route("http://stage.test/**", lambda route: route.fulfill(body=document, content_type="text/html"))
    page.goto("http://stage.test/")
    for key in ("g", "3", "Enter"):
        page.keyboard.press(key)
    page.get_by_role("heading", name="Three").wait_for()
    page.keyboard.press("b")
    assert page.locator(".black").bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 844}
    page.keyboard.press(".")
    page.locator(".black").wait_for(state="hidden")
    page.keyboard.press("l")
    page.mouse.move(100, 200)
    spot = page.locator(".laser").bounding_box()
    assert (spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2) == (100, 200)
    with page.expect_popup() as opening:
        page.keyboard.press("n")
    notes = opening.value
    assert {"Say Three.", "This is the last step."} < set(notes.inner_text("body").split("\n"))
    finger = context.new_cdp_session(page)
    for kind, x in (("touchStart", 100), ("touchMove", 200), ("touchMove", 300), ("touchEnd", None)):
        points = [] if x is None else [{"x": x, "y": 400}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.get_by_role("heading", name="Two").wait_for()
    shown = notes.inner_text("body")
    assert (
        "Say Two." in shown
        and "Next: Three" in shown
        and "2 of 3" in shown
        and re.search(r"Since the start 00:\d\d", shown)
    )
    notes.get_by_role("button", name="Back").click()
    page.get_by_role("heading", name="One").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


@pytest.mark.browser
def test_a_hand_out_has_a_page_for_each_step(
    library_with_song: str, chromium_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMIUM", chromium_path)
    printed = export.pdf_file(told(services.library().get(library_with_song))[1].id)
    assert printed.startswith(b"%PDF-") and len(re.findall(rb"/Type\s*/Page\b", printed)) == 2


@pytest.mark.browser
def test_what_is_tried_live_falls_back_to_the_kept_result_once_the_server_is_gone(page: Any) -> None:
    part = SlidePart("figure", {"run": "f", "picture": "", "columns": ["dB"], "rows": [[7.5]]}, "Scores", live="/live")
    document = deck_document("Talk", [Slide("Kept", parts=(part,))], nonce="n", ready="/ready")
    alive = True
    answers_of = {
        "/": lambda: {"body": document, "content_type": "text/html"},
        "/live": lambda: {"body": "<button>Work</button>", "content_type": "text/html"},
        "/ready": lambda: {"status": 200 if alive else 503},
    }
    page.route("http://stage.test/**", lambda route: route.fulfill(**answers_of[urlsplit(route.request.url).path]()))
    page.goto("http://stage.test/")
    page.get_by_role("button", name="Try it live").click()
    page.frame_locator("iframe").get_by_role("button", name="Work").click()
    page.frame_locator("iframe").get_by_role("button", name="Work").press("Escape")
    page.locator("iframe").wait_for(state="detached")
    page.get_by_role("button", name="Try it live").click()
    page.frame_locator("iframe").get_by_role("button", name="Work").wait_for()
    alive = False
    page.get_by_text("this is the kept result").wait_for()
    page.locator("iframe").wait_for(state="detached")
    assert page.get_by_role("cell", name="7.5").is_visible() and page.get_by_text("Try it live").is_hidden()


@pytest.mark.browser
def test_a_server_that_accepts_and_never_answers_leaves_the_stage_within_a_second(page: Any) -> None:
    """Timers run on the page's own clock, which the test moves: a second of it is a second on stage."""
    part = SlidePart("figure", {"run": "f", "picture": "", "columns": ["dB"], "rows": [[7.5]]}, "Scores", live="/live")
    document = deck_document("Talk", [Slide("Kept", parts=(part,))], nonce="n", ready="/ready")
    waiting: list[Any] = []
    hangs = False

    def answer(route: Any) -> None:
        path = urlsplit(route.request.url).path
        if path == "/ready" and hangs:
            waiting.append(route)  # accepted, and never answered
        else:
            bodies = {"/": document, "/live": "<button>Work</button>"}
            route.fulfill(status=200, body=bodies.get(path, ""), content_type="text/html")

    page.clock.install()
    page.route("http://stage.test/**", answer)
    page.goto("http://stage.test/")
    page.get_by_role("button", name="Try it live").click()
    work = page.frame_locator("iframe").get_by_role("button", name="Work")
    work.wait_for()
    page.clock.run_for(300)
    page.wait_for_function("!deck.asking")
    hangs = True
    page.clock.run_for(1000)
    page.get_by_text("does not answer: this is the kept result").wait_for()
    assert waiting and work.is_hidden() and page.get_by_role("cell", name="7.5").is_visible()
    hangs = False
    waiting.pop().fulfill(status=200)
    page.clock.run_for(1200)
    page.get_by_role("button", name="back to live").click()
    assert work.is_visible()
