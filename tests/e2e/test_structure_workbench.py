"""The structure workbench in a real browser with WebGL in software: linked views, maps, measures, film, picture."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from backends.folding.structure.atoms import INDEX
from tests.support import two_helices
from tests.support.browser import Harness
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.browser

NO_WEBGL = """const original = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...more) {
  return kind.startsWith("webgl") ? null : original.call(this, kind, ...more);
};"""
PIXEL = """(el, [x, y]) => {
  const canvas = el.workbench.matrix.canvas, ratio = canvas.width / canvas.clientWidth;
  return [...canvas.getContext("2d").getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data].slice(0, 3);
}"""


class Bench:
    """The component on a page, and what a test asks of it."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.root = page.locator(".bench")
        self.asked: list[str] = []
        self.problems: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self, address: str) -> Bench:
        self.page.goto(address)
        self.root.wait_for(timeout=90_000)
        self.until("b.ready")
        return self

    def get(self, expression: str) -> Any:
        return self.root.evaluate(f"(el) => {{ const b = el.workbench; return {expression}; }}")

    def until(self, expression: str, seconds: float = PATIENCE) -> Any:
        end = time.monotonic() + seconds
        while not (value := self.get(expression)):
            assert time.monotonic() < end, f"never: {expression}"
            self.page.wait_for_timeout(30)
        return value

    def reported(self, rows: list[int]) -> dict[str, Any]:
        """What Python was told, once it is `rows`."""
        code = self.page.locator("[data-testid=stCode] code")
        end = time.monotonic() + PATIENCE
        while not (state := json.loads(code.inner_text())) or state["rows"] != rows:
            assert time.monotonic() < end, f"Python was told {state}, not {rows}"
            self.page.wait_for_timeout(30)
        return state

    def painted(self) -> None:
        """Wait until what was changed before has been drawn: the frame under way may have begun earlier."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def cell(self, i: float, j: float) -> tuple[float, float]:
        """The middle of cell (i, j) of the map, in its own pixels."""
        left, side = self.get("[b.matrix.left, b.matrix.side]")
        return left + (j + 0.5) * side / two_helices.LENGTH, (i + 0.5) * side / two_helices.LENGTH

    def pixel(self, i: float, j: float) -> list[int]:
        return self.root.evaluate(PIXEL, self.cell(i, j))

    def residue(self, row: int) -> tuple[float, float]:
        """Where a residue of the first line of the ribbon is on the page."""
        self.page.locator(".ribbon").scroll_into_view_if_needed()
        box = self.page.locator(".ribbon .spacer").bounding_box()
        return box["x"] + 46 + 13 * (row + 0.5), box["y"] + 35

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        self.page.mouse.move(*end)
        self.page.mouse.up()

    def clear(self) -> None:
        self.get("b.selection.clear()")


@pytest.fixture
def address(harness: Harness) -> str:
    return harness.page("structure")


@pytest.fixture(scope="module")
def shared(webgl_chromium: Any, harness: Harness) -> Iterator[Bench]:
    page = webgl_chromium.new_page(viewport={"width": 900, "height": 700}, color_scheme="light")
    yield Bench(page).open(harness.page("structure"))
    page.close()


@pytest.mark.slow
def test_a_drag_in_the_sequence_selects_in_every_view_and_in_python(shared: Bench) -> None:
    shared.drag(shared.residue(3), shared.residue(8))
    assert shared.get("b.selection.sorted()") == [3, 4, 5, 6, 7, 8]
    state = shared.reported([3, 4, 5, 6, 7, 8])
    assert state["run"] == "made"
    assert state["residues"] == [["A", number] for number in range(4, 10)]
    accent = shared.get("b.colours.accent")
    rgb = [int(accent[at : at + 2], 16) for at in (1, 3, 5)]
    shared.painted()
    left = shared.root.evaluate(PIXEL, [42, shared.cell(5, 0)[1]])
    assert left == rgb, "the stretch is marked along the PAE"
    assert shared.root.evaluate(PIXEL, [42, shared.cell(20, 0)[1]]) != rgb
    balls = "b.stage.model.selectedAtoms({}).filter((atom) => atom.style.sphere).map((atom) => atom.row)"
    shared.until(f"new Set({balls}).size === 6")
    assert set(shared.get(balls)) == {3, 4, 5, 6, 7, 8}, "and drawn atom by atom in 3D"
    shared.page.keyboard.down("Shift")
    shared.page.mouse.click(*shared.residue(12))
    shared.page.keyboard.up("Shift")
    shared.reported([3, 4, 5, 6, 7, 8, 12])
    shared.page.mouse.dblclick(*shared.residue(15))
    shared.reported([])


def test_a_click_in_the_error_map_selects_both_residues_and_says_the_error(shared: Bench) -> None:
    shared.page.locator(".map").scroll_into_view_if_needed()
    box = shared.page.locator(".map").bounding_box()
    x, y = shared.cell(2, 5)
    shared.page.mouse.move(box["x"] + x, box["y"] + y)
    shared.painted()
    assert shared.page.locator(".readings").inner_text() == "Leu 6 aligned on Glu 3: 20.00 Å"
    assert shared.get("b.selection.hover") == [2, 5]
    shared.page.mouse.click(box["x"] + x, box["y"] + y)
    shared.reported([2, 5])
    shared.clear()


@pytest.mark.slow
def test_colours_of_the_maps_are_those_of_the_values(shared: Bench) -> None:
    shared.page.mouse.move(0, 0)
    shared.clear()
    shared.painted()
    ramp = shared.get("[0, 20, 6].map((error) => b.matrix.tables(b.data.pae)(0, 1)(error / 0.25))")
    assert ramp[0] == [0x00, 0x44, 0x1B]
    assert shared.pixel(20, 3) == ramp[0], "0 Å below the diagonal"
    assert shared.pixel(2, 5) == ramp[1], "20 Å"
    assert shared.pixel(12, 20) == ramp[2], "6 Å"
    assert sum(ramp[0]) < sum(ramp[2]) < sum(ramp[1]), "the surer, the darker"
    shared.page.get_by_role("button", name="Contacts").click()
    shared.painted()
    empty, found, true = shared.pixel(3, 21), shared.pixel(3, 20), shared.pixel(22, 4)
    assert (found, true) == ([0x08, 0x30, 0x6B], [0x7F, 0x3B, 0x08])
    assert shared.pixel(20, 3) != found, "what is predicted shows above the diagonal only"
    assert shared.pixel(4, 22) == empty
    shared.page.get_by_role("button", name="Predicted error").click()


@pytest.mark.slow
def test_the_camera_stays_whatever_changes(shared: Bench) -> None:
    shared.get("(b.stage.viewer.rotate(33, 'y'), b.stage.viewer.zoom(1.3), b.stage.viewer.render(), 1)")
    view = shared.get("b.stage.viewer.getView()")
    drawn = "b.stage.model.selectedAtoms({row: 29})[0].style.cartoon.colorfunc({row: 29})"
    assert shared.get(drawn) == "#0053d6", "pLDDT 98 is in the highest band"
    shared.page.get_by_label("Colour by").select_option("hydropathy")
    assert shared.get(drawn) == "#2c7fb8", "Arg likes water most"
    assert "Kyte–Doolittle" in shared.page.locator(".legend").first.inner_text()
    shared.page.get_by_label("Style").select_option("sticks")
    shared.page.get_by_label("Surface").check()
    shared.until("b.stage.surface?.id !== undefined")
    shared.page.get_by_label("Surface").uncheck()
    shared.page.get_by_label("The other one").check()
    shared.page.get_by_role("button", name="Show 3 residues").click()
    shared.reported([4, 5, 9])
    shared.page.get_by_text("My numbers").click()
    shared.until("b.colourings.some((one) => one.id === 'mine')")
    shared.page.get_by_label("Colour by").select_option("mine")
    assert "29 kcal/mol" in shared.page.locator(".legend").first.inner_text()
    shared.page.get_by_role("button", name="Select the turn").click()
    shared.reported([13, 14, 15, 16])
    assert shared.get("b.stage.viewer.getView()") == pytest.approx(view)
    shared.page.get_by_label("The other one").uncheck()
    shared.page.get_by_label("Style").select_option("cartoon")
    shared.page.get_by_label("Colour by").select_option("plddt")
    shared.clear()


@pytest.mark.slow
def test_clicked_atoms_are_measured(shared: Bench) -> None:
    atoms = two_helices.structure().ca
    measure = shared.page.get_by_role("region", name="Measure")
    measure.get_by_role("button", name="Click atoms").click()
    shared.get("(b.stage.viewer.zoomTo(), b.stage.viewer.render(), 1)")
    shared.page.locator(".stage").scroll_into_view_if_needed()
    shared.page.get_by_label("Style").select_option("spheres")
    shared.until("!b.selection.size")
    shared.get("b.pickAtom(b.stage.model.selectedAtoms({row: 0, atom: 'CA'})[0], {})")
    where = shared.get("b.stage.viewer.modelToScreen(b.stage.model.selectedAtoms({row: 29, atom: 'CA'})[0])")
    scrolled = shared.page.evaluate("[window.scrollX, window.scrollY]")
    shared.page.mouse.click(where["x"] - scrolled[0], where["y"] - scrolled[1])
    hit = shared.until("b.measure.list.length && b.measure.list[0].points[1]")
    assert hit["row"] >= 26, "the end of the chain, or what lies before it"
    there = two_helices.structure().atoms[hit["row"], INDEX[hit["name"]]]
    assert shared.get("b.measure.list[0].value") == pytest.approx(float(np.linalg.norm(there - atoms[0])), abs=2e-3)
    measure.get_by_role("button", name="Click atoms").click()
    shared.get("b.selection.set([0, 10, 20, 29])")
    measure.get_by_role("button", name="Measure selected residues").click()
    a, b, c, d = atoms[[0, 10, 20, 29]].astype(float)
    m, n = np.cross(b - a, c - b), np.cross(c - b, d - c)
    angle = np.degrees(np.arctan2(np.linalg.norm(c - b) * np.dot(b - a, n), np.dot(m, n)))
    assert shared.get("b.measure.list[1].value") == pytest.approx(angle, abs=0.02)
    table = measure.locator("tbody").inner_text()
    assert "Met1 CA – Glu11 CA" in table.replace("\n", " ") and f"{abs(angle):.1f}"[:-1] in table
    with shared.page.expect_download() as caught:
        measure.get_by_role("button", name="CSV").click()
    lines = Path(caught.value.path()).read_text().splitlines()
    assert (
        lines[0] == "what,atoms,value,unit" and lines[1].startswith("Distance,Met1 CA – ") and lines[1].endswith(",Å")
    )
    measure.get_by_role("button", name="Clear").click()
    shared.page.get_by_label("Style").select_option("cartoon")
    shared.clear()


@pytest.mark.slow
def test_the_picture_has_nothing_behind_it(shared: Bench) -> None:
    width = shared.get("b.stage.holder.clientWidth")
    with shared.page.expect_download() as caught:
        shared.page.get_by_role("button", name="Save a picture").click()
    picture = Image.open(io.BytesIO(Path(caught.value.path()).read_bytes()))
    assert picture.mode == "RGBA" and picture.width == 2 * width
    alpha = np.asarray(picture)[..., 3]
    assert alpha[0, 0] == alpha[-1, -1] == 0
    assert 0.005 < (alpha == 255).mean() < 0.8, "and the protein is drawn on it"


@pytest.mark.slow
def test_the_film_of_recycles_shows_each_step(shared: Bench) -> None:
    view = shared.get("b.stage.viewer.getView()")
    panel = shared.page.get_by_role("region", name="Recycles")
    for step, ptm in enumerate(two_helices.PTM):
        panel.get_by_role("button", name="Next frame").click()
        assert f"Recycle {step} · {step + 1} of 3 · pLDDT {50 + 20 * step}.0 · pTM {ptm:.3f}" in panel.inner_text()
        assert shared.get("b.shade(0)") == {0: "#ffdb13", 1: "#65cbf3", 2: "#0053d6"}[step], "coloured by its own pLDDT"
    end = shared.get("b.stage.filmModel.selectedAtoms({row: 20, atom: 'CA'}).map(({ x, y, z }) => [x, y, z])[0]")
    panel.get_by_role("button", name="Frame before").click()
    panel.get_by_role("button", name="Frame before").click()
    start = shared.get("b.stage.filmModel.selectedAtoms({row: 20, atom: 'CA'}).map(({ x, y, z }) => [x, y, z])[0]")
    assert np.linalg.norm(np.subtract(start, end)) > 3
    panel.get_by_role("button", name="Play").click()
    shared.until("b.film.place === 2 && !b.film.timer")
    panel.get_by_role("button", name="Back to the result").click()
    assert shared.get("[b.stage.filmModel === null, b.shade(0)]") == [True, "#ff7d45"]
    assert shared.get("b.stage.viewer.getView()") == pytest.approx(view)


@pytest.mark.slow
def test_everything_can_be_done_by_keyboard_and_is_said(shared: Bench) -> None:
    shared.clear()
    ribbon = shared.page.get_by_role("slider", name="Sequence")
    ribbon.focus()
    shared.get("(b.ribbon.cursor = 0, 1)")
    for key in ("ArrowRight", "Enter", "Shift+ArrowRight", "Shift+ArrowRight"):
        shared.page.keyboard.press(key)
    assert shared.get("b.selection.sorted()") == [1, 2, 3]
    assert "Lys 4, helix, Confidence (pLDDT): 46" in ribbon.get_attribute("aria-valuetext")
    assert "Selected: 2–4." in shared.get("b.summary.textContent")
    assert "mean pLDDT 69.0, pTM 0.870" in shared.get("b.summary.textContent")
    field = shared.page.get_by_label("Residues to select")
    field.fill("5-7, 20")
    field.press("Enter")
    shared.reported([4, 5, 6, 19])
    field.fill("99")
    field.press("Enter")
    assert "“99” is not in the structure" in shared.page.get_by_role("alert").filter(has_text="Residue").inner_text()
    shared.page.locator(".stage").focus()
    view = shared.get("b.stage.viewer.getView()")
    shared.page.keyboard.press("ArrowLeft")
    assert shared.get("b.stage.viewer.getView()") != pytest.approx(view)
    shared.page.keyboard.press("Escape")
    shared.reported([])


LABELS = "b.stage.viewer.labels.map((one) => one.text)"


@pytest.mark.slow
def test_residues_are_labelled_and_a_view_is_saved_shown_again_and_forgotten(webgl_chromium: Any, address: str) -> None:
    context = webgl_chromium.new_context(viewport={"width": 900, "height": 700})  # whose storage is empty
    bench = Bench(context.new_page()).open(address)
    page = bench.page
    bench.get("b.selection.set([3, 7])")
    page.get_by_role("button", name="Label", exact=True).click()
    names = bench.get("[3, 7].map((row) => b.protein.name(row))")
    assert bench.get(LABELS) == names and bench.get("b.look.labels") == [3, 7]
    bench.get("b.stage.viewer.rotate(40, 'y')")
    saved = bench.get("b.stage.viewer.getView()")
    page.get_by_label("Name of this view").fill("Active site")
    page.get_by_label("Name of this view").press("Enter")

    page.get_by_role("button", name="Label", exact=True).click()  # all of them have labels: they go
    assert bench.get(LABELS) == []
    bench.get("(b.stage.viewer.rotate(90, 'x'), b.selection.clear())")
    assert np.abs(np.array(bench.get("b.stage.viewer.getView()")) - saved).max() > 0.1
    page.get_by_role("button", name="Active site", exact=True).click()
    assert bench.get("b.selection.sorted()") == [3, 7] and bench.get(LABELS) == names
    assert np.allclose(bench.get("b.stage.viewer.getView()"), saved, atol=1e-4)

    again = Bench(context.new_page()).open(address)  # this browser keeps it
    again.page.get_by_role("button", name="Forget Active site").click()
    assert again.page.get_by_role("button", name="Active site", exact=True).count() == 0
    assert bench.problems == [] == again.problems
    context.close()


def test_nothing_is_asked_of_another_machine(shared: Bench, address: str) -> None:
    host = urlsplit(address).netloc
    assert any("/assets/3Dmol-" in url for url in shared.asked)
    assert {urlsplit(url).netloc for url in shared.asked if url.startswith("http")} == {host}
    assert not shared.problems


@pytest.mark.slow
def test_on_a_dark_phone_without_webgl_the_rest_still_works(webgl_chromium: Any, address: str) -> None:
    page = webgl_chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    page.add_init_script(NO_WEBGL)
    bench = Bench(page).open(address)
    assert "cannot draw in 3D" in page.locator(".notice").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert bench.get("b.colours.dark")
    assert bench.get("b.matrix.element.getBoundingClientRect().top > b.stage.element.getBoundingClientRect().bottom")
    bench.drag(bench.residue(1), bench.residue(2))
    bench.reported([1, 2])
    page.get_by_role("button", name="Measure selected residues").click()
    assert bench.get("b.measure.list[0].value") == pytest.approx(3.8, abs=0.1), "neighbouring Cα atoms"
    assert not bench.problems
    page.close()
