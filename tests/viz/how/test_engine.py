"""The engine of the browser: its random numbers, its way back, what it measures, and what it learns."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.support import lab_engine

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="no node here to run the engine"),
]

SCRIPT = """
const hex = (pair) => Array.from(pair, (word) => (word >>> 0).toString(16).padStart(8, "0")).join(" ");
const words = [engine.threefry(0, 0, 0, 0), engine.threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)]
  .reduce((all, _, k) => [...all, hex(k ? engine.threefry(0x13198a2e, 0x03707344, 0x243f6a88, 0x85a308d3)
                                        : engine.threefry(0, 0, 0, 0))], []);

const moons = engine.prepareShape("moons", 3), marks = {};
for (const family of ["gan", "vae", "diffusion"]) {
  const session = new engine.Session(family, moons, 7);
  session.seek(60);
  session.change(family === "gan" ? "blur" : "rate", 0.004);
  session.seek(75);
  const there = session.fingerprint();
  session.seek(20);
  const early = session.fingerprint();
  session.seek(75);
  const again = new engine.Session(family, moons, 7, session.changes);
  again.seek(20);
  marks[family] = { there, back: session.fingerprint(), early, fresh: again.fingerprint(), changes: session.changes };
}

const ring = engine.prepareShape("ring", 1), yard = engine.yardstick(ring, 1);
const measured = (changes, step) => {
  const session = new engine.Session("gan", ring, 1, changes);
  session.seek(step);
  return engine.measure(session.model.sample(800, new engine.Stream(1, "measure", 1)), ring, yard);
};
const collapsed = measured([[0, "generator_rate", 0.01], [0, "judge_rate", 0.001]], 400);
const healthy = measured([], 500);

const copies = engine.measure(ring.train.slice(), ring, yard, true).copying;
const lines = ["phi;psi", ...Array.from({ length: 50 }, (_, k) => `${k},5;${-k}`), "x;y"];
const table = engine.parseTable(lines.join("\\n"));
let refusal = "";
try { engine.parseTable("1,2\\n3,4"); } catch (error) { refusal = error.message; }
return { words, marks, floor: yard.floor, ceiling: yard.ceiling, collapsed, healthy, copies, table, refusal };
"""


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return lab_engine.run(tmp_path_factory.mktemp("engine"), SCRIPT)


def test_random_numbers_are_those_of_the_published_vectors(answer: Any) -> None:
    """The known answers of Threefry-2x32-20 that its authors give."""
    assert answer["words"] == ["6b200159 99ba4efe", "c4923a9c 483df7a0"]


@pytest.mark.parametrize("family", ["gan", "vae", "diffusion"])
def test_the_way_back_gives_the_same_weights_also_over_a_changed_knob(answer: Any, family: str) -> None:
    marks = answer["marks"][family]
    assert marks["back"] == marks["there"] != marks["early"] == marks["fresh"]
    assert [change[0] for change in marks["changes"]] == [60]


def test_a_generator_that_learns_too_fast_collapses_and_this_is_measured(answer: Any) -> None:
    floor, ceiling = answer["floor"], answer["ceiling"]
    assert answer["collapsed"]["modes"]["found"] <= 3
    assert answer["healthy"]["modes"]["found"] >= 5
    assert answer["collapsed"]["divergence"] > answer["healthy"]["divergence"]
    assert floor["divergence"] < 0.05 < answer["healthy"]["divergence"] < 0.9 * ceiling["divergence"]


def test_floor_and_ceiling_hold_what_they_should(answer: Any) -> None:
    floor, ceiling = answer["floor"], answer["ceiling"]
    assert floor["modes"]["found"] == 8 and floor["precision"] > 0.85 and floor["recall"] > 0.85
    assert floor["copying"]["nearer"] == pytest.approx(0.5, abs=0.1), "real points kept apart copy nothing"
    assert ceiling["precision"] < 0.4 and ceiling["likelihood"] < floor["likelihood"] - 1


def test_copies_of_the_training_points_are_noticed(answer: Any) -> None:
    assert answer["copies"]["nearer"] == 1 and answer["copies"]["distance"] == 0 < answer["copies"]["held"]


def test_a_table_with_decimal_commas_and_names_is_read_and_a_short_one_refused(answer: Any) -> None:
    assert answer["table"]["names"] == ["phi", "psi"] and answer["table"]["left_out"] == 1
    assert answer["table"]["points"][:4] == [0.5, 0, 1.5, -1]
    assert "at least 40" in answer["refusal"]
