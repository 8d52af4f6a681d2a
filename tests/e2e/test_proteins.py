"""A protein in the real studio: a sample opened, seen in 3D, selected residue by residue, and taken home."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backends.folding.structure.reader import read_structure
from tests.support.browser import Studio, outside, real
from tests.support.waiting import wait_for

BALLS = "b.stage.model.selectedAtoms({}).filter((atom) => atom.style.sphere).map((atom) => atom.row)"


@pytest.fixture
def page(webgl_chromium: Any) -> Iterator[Any]:
    """A page in a Chromium that draws WebGL without a graphics card, and remembers what went wrong in it."""
    made = webgl_chromium.new_page(viewport={"width": 900, "height": 700})
    made.set_default_timeout(60_000)
    made.problems = []
    made.on("pageerror", lambda error: made.problems.append(str(error)))
    made.on("request", lambda request: made.problems.append(request.url) if outside(request.url) else None)
    yield made
    made.close()


@pytest.mark.browser
def test_a_sample_is_seen_in_3d_selected_and_taken_home(studio: Studio, page: Any, tmp_path: Path) -> None:
    page.goto(f"{studio.address}/proteins")
    page.get_by_text("Well-known proteins").click()
    page.get_by_role("button", name="Open the structure").click()
    page.get_by_text("Could it be a protein?").wait_for()
    address = page.url
    assert "run=" in address
    page.reload()  # The run is found again by its address.
    bench = page.locator(".bench")
    bench.wait_for()

    def told(expression: str) -> Any:
        return bench.evaluate(f"(el) => {{ const b = el.workbench; return {expression}; }}")

    wait_for(lambda: told("b.ready && b.stage.model.selectedAtoms({}).length > 100"))

    def picked() -> bool:
        """Clicked, again where the page moved under the mouse while it was still being built."""
        page.locator(".ribbon").scroll_into_view_if_needed()
        box = page.locator(".ribbon .spacer").bounding_box()
        page.mouse.click(box["x"] + 46 + 13 * 3.5, box["y"] + 35)
        return told("b.selection.sorted()") == [3]

    wait_for(picked, every=0.5)
    wait_for(lambda: set(told(BALLS)) == {3})  # drawn atom by atom in 3D
    page.get_by_text("Selected: 1 residue").wait_for()  # and Python knows
    view = told("b.stage.viewer.getView()")
    page.get_by_text("Geometry", exact=True).click()
    page.get_by_text("Ramachandran plot").wait_for()
    assert told("b.stage.viewer.getView()") == pytest.approx(view), "the camera stays when the page is drawn anew"
    page.locator("[data-testid=stButtonGroup]").get_by_text("Files", exact=True).click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="PDB ·").click()
    waiting.value.save_as(tmp_path / "taken.pdb")
    taken = read_structure(tmp_path / "taken.pdb")
    assert len(taken) == told("b.data.structure.sequence.length") and taken.backbone
    assert not page.get_by_text("Traceback").count() and not page.get_by_text("fault of ours").count()
    assert real(page.problems) == []


@pytest.mark.browser
def test_an_assembly_is_opened_from_a_run_and_all_its_chains_are_drawn(studio: Studio, page: Any) -> None:
    page.goto(f"{studio.address}/proteins")
    page.get_by_text("Well-known proteins").click()
    page.get_by_text("Half of a pair, from HIV", exact=True).click()
    page.get_by_text("1A8O.cif: a structure file, 70 residues").wait_for()
    page.get_by_role("button", name="Open the structure").click()
    page.get_by_role("heading", name="1A8O", exact=True).first.wait_for()
    page.locator("[data-testid=stButtonGroup]").get_by_text("Contents", exact=True).click()
    page.get_by_role("button", name="Open assembly 1").click()
    page.get_by_role("heading", name="1A8O, assembly 1").first.wait_for()
    bench = page.locator(".bench").last  # that of the first run may still be there for a moment
    bench.wait_for()
    drawn = """(el) => {
      const b = el.workbench, atoms = b.stage.model?.selectedAtoms({}) ?? [], { chains } = b.protein;
      const mean = (mine, axis) => mine.reduce((sum, atom) => sum + atom[axis], 0) / mine.length;
      const of = chains.map(({ name }) => atoms.filter((atom) => atom.chain === name));
      return b.ready && atoms.length > 0 && b.data.title.includes("assembly") && {
        title: b.data.title, residues: b.protein.length, chains: chains.map((one) => one.name),
        drawn: [...new Set(atoms.map((atom) => atom.chain))],
        mean: ["x", "y", "z"].map((axis) => of.map((mine) => mean(mine, axis))),
      };
    }"""
    shown = wait_for(lambda: bench.evaluate(drawn))
    assert shown["title"] == "1A8O, assembly 1" and shown["residues"] == 140
    assert shown["chains"] == shown["drawn"] == ["A1", "A2"]
    assert sum((one - other) ** 2 for one, other in shown["mean"]) ** 0.5 > 10, "the copy lies beside the first"
    assert not page.get_by_text("Traceback").count() and real(page.problems) == []
