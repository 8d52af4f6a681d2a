"""An assembly in the workbench: borders of chains in its PAE, a map large enough to read, dashes over gaps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import four_chains
from tests.support.browser import Harness
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.browser

DRAWN = """(el) => {
  const b = el.workbench, { matrix } = b, { canvas, left, side } = matrix, ratio = canvas.width / canvas.clientWidth;
  matrix.draw();
  const pen = canvas.getContext("2d"), scale = side / b.protein.length;
  const at = (x, y) => [...pen.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data].slice(0, 3);
  const box = (node) => { const { x, width } = node.getBoundingClientRect(); return { x, width }; };
  const middles = b.protein.chains.map(({ start, stop }) => (scale * (start + stop)) / 2);
  return {
    side, scale, page: document.documentElement.scrollWidth, title: matrix.larger.textContent,
    row: Array.from({ length: Math.round(side) }, (_, x) => at(left + x, 2.5 * scale).join()),
    hues: middles.map((middle) => at(left - 3, middle).join()),
    colours: b.colourings.find((one) => one.id === "chain").colours,
    names: matrix.axes.names(scale, () => 12).map(([name]) => name),
    map: box(matrix.element), solid: box(b.stage.element),
    sheet: [canvas.parentElement.clientWidth, canvas.parentElement.scrollWidth],
    dashes: b.stage.dashes.length, legend: b.legend.textContent,
  };
}"""  # all that a test compares, read in one moment


class Complex:
    """The workbench with four chains on a page."""

    def __init__(self, browser: Any, address: str, **size: Any) -> None:
        self.page = browser.new_page(**size)
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.goto(address)
        self.root = self.page.locator(".bench")
        self.root.wait_for(timeout=90_000)
        self.until("b.ready && b.matrix.side > 50")

    def get(self, expression: str) -> Any:
        return self.root.evaluate(f"(el) => {{ const b = el.workbench; return {expression}; }}")

    def until(self, expression: str) -> Any:
        end = time.monotonic() + PATIENCE
        while not (value := self.get(expression)):
            assert time.monotonic() < end, f"never: {expression}"
            self.page.wait_for_timeout(30)
        return value

    def drawn(self) -> dict[str, Any]:
        return self.root.evaluate(DRAWN)


@pytest.fixture
def desktop(webgl_chromium: Any, harness: Harness) -> Iterator[Complex]:
    made = Complex(
        webgl_chromium, harness.page("complex"), viewport={"width": 1280, "height": 800}, color_scheme="light"
    )
    yield made
    assert made.problems == []
    made.page.close()


def test_the_map_has_borders_and_names_of_chains_and_becomes_large_beside_3d(desktop: Complex) -> None:
    before = desktop.drawn()
    assert before["names"] == ["A1", "A2", "hea…", "D"], "beside the map, cut where they are long"
    assert before["hues"] == [_rgb(colour) for colour in before["colours"]], "each chain's band has its colour"
    edges = [round(before["scale"] * four_chains.LENGTH * place) for place in (1, 2, 3)]
    for edge in edges:
        near = before["row"][edge - 2 : edge + 3]
        assert any(max(map(int, pixel.split(","))) < 120 for pixel in near), "a dark line between two chains"
        assert any(min(map(int, pixel.split(","))) > 190 for pixel in near), "in a light one, seen on dark green"
    inside = before["row"][edges[0] // 3]
    assert inside == "0,68,27", "sure within a chain"

    desktop.page.get_by_role("button", name="Larger map").click()
    desktop.until(f"b.matrix.side > {1.3 * before['side']}")
    after = desktop.drawn()
    assert after["title"] == "Smaller map" and after["solid"]["width"] > 200
    assert after["map"]["x"] > after["solid"]["x"] + after["solid"]["width"], "side by side"
    assert after["page"] <= 1280

    # row 3 of A1 against row 5 of D, which is residue 6 of the chain
    row, column = 3, 3 * four_chains.LENGTH + 5
    desktop.page.locator(".map").scroll_into_view_if_needed()
    box = desktop.page.locator(".map").bounding_box()
    left, scale = desktop.get("[b.matrix.left, b.matrix.side / b.protein.length]")
    x, y = box["x"] + left + (column + 0.5) * scale, box["y"] + (row + 0.5) * scale
    desktop.page.mouse.move(x, y)
    desktop.until(f"b.matrix.words.textContent.endsWith('{four_chains.UNSURE:.2f} Å')")
    said = desktop.get("b.matrix.words.textContent")
    assert said == f"Leu 6 of chain D aligned on Lys 4 of chain A1: {four_chains.UNSURE:.2f} Å"
    desktop.page.mouse.click(x, y)
    assert desktop.until("b.selection.size && b.selection.sorted()") == [row, column]
    balls = "b.stage.model.selectedAtoms({}).filter((atom) => atom.style.sphere).map((atom) => atom.row)"
    desktop.until(f"new Set({balls}).size === 2")
    assert set(desktop.get(balls)) == {row, column}, "one selection with 3D"

    desktop.page.get_by_role("button", name="Smaller map").click()
    desktop.until(f"b.matrix.side < {1.1 * before['side']}")


@pytest.mark.slow
def test_gaps_are_dashed_in_3d_and_said(desktop: Complex) -> None:
    shown = desktop.drawn()
    assert shown["dashes"] == len(four_chains.NAMES) and "4 gaps in chains" in shown["legend"]
    gap = desktop.get("b.protein.sayGap(b.protein.gaps[1])")
    assert gap == f"A2:Gly13 to A2:Glu19: {four_chains.MISSING} residues missing"
    ends = desktop.get("b.protein.gaps.map((gap) => [gap.before, gap.after])")
    assert ends == [[12 + four_chains.LENGTH * place, 13 + four_chains.LENGTH * place] for place in range(4)]
    assert desktop.get("b.stage.dashes.every((dash) => b.stage.viewer.shapes.includes(dash))")


@pytest.mark.slow
def test_on_a_phone_the_large_map_scrolls_by_itself(webgl_chromium: Any, harness: Harness) -> None:
    phone = Complex(
        webgl_chromium,
        harness.page("complex"),
        viewport={"width": 390, "height": 844},
        color_scheme="dark",
        has_touch=True,
    )
    before = phone.drawn()
    phone.page.get_by_role("button", name="Larger map").click()
    phone.until(f"b.matrix.side > {1.5 * before['side']}")
    after = phone.drawn()
    assert after["page"] <= 390 and after["sheet"][1] > 1.8 * after["sheet"][0]
    assert phone.problems == []
    phone.page.close()


def _rgb(colour: str) -> str:
    return ",".join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))
