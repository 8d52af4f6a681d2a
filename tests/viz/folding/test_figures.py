"""Figures of folded proteins show the numbers they were given, and say them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from backends.folding.structure.structure import Structure
from evaluation.synthetic.proteins import beta_hairpin, ideal_helix
from viz.folding.figures import band, lddt_line, plddt_line, recycle_line
from viz.folding.maps import contact_figure, mutation_scan, pae_map, pooled, ramachandran
from viz.folding.structure import alt_text, static_view


def test_each_residue_is_in_its_band_with_its_own_mark() -> None:
    figure, said = plddt_line(np.array([95.0, 90, 89.9, 50, 49, 100, np.nan]))
    marked = {trace.name: list(trace.x) for trace in figure.data if trace.mode == "markers"}
    assert marked == {"very high (90+)": [1, 2, 6], "confident (70+)": [3], "low (50+)": [4], "very low (0+)": [5]}
    assert len({trace.marker.symbol for trace in figure.data if trace.mode == "markers"}) == 4
    assert "50 % very high" in said and "17 % very low" in said
    assert band(90)[0] == "very high" and band(-1)[0] == "very low"
    assert plddt_line(np.array([np.nan]))[1].startswith("There is no pLDDT")


def test_the_pae_map_holds_the_errors_and_outlines_domains() -> None:
    pae = np.arange(400.0).reshape(20, 20) / 20
    figure, said = pae_map(pae, np.repeat([0, 1], 10))
    assert np.allclose(figure.data[0].z, np.round(pae, 1)) and figure.data[0].x[0] == 1
    assert [(shape.x0, shape.x1) for shape in figure.layout.shapes] == [(0.5, 10.5), (10.5, 20.5)]
    assert "10.0 Å on average" in said
    assert figure.layout.yaxis.range[0] > figure.layout.yaxis.range[1]  # residue 1 on top


def test_the_pae_map_parts_chains_and_names_them_on_both_axes() -> None:
    figure, _ = pae_map(np.ones((20, 20)), chains=[("A", slice(0, 12)), ("heavy", slice(12, 20))])
    lines = {(line.x0, line.x1, line.y0, line.y1) for line in figure.layout.shapes}
    assert lines == {(12.5, 12.5, 0.5, 20.5), (0.5, 20.5, 12.5, 12.5)}
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert axis.ticktext == ("A", "heavy") and axis.tickvals == (6.5, 16.5)
    assert not pae_map(np.ones((20, 20)), chains=[("A", slice(0, 20))])[0].layout.shapes


def test_long_matrices_are_pooled_by_their_mean() -> None:
    cells, places = pooled(np.arange(64.0).reshape(8, 8), most=4)
    assert cells.shape == (4, 4) and cells[0, 0] == np.mean([0, 1, 8, 9]) and places.tolist() == [1.5, 3.5, 5.5, 7.5]


def test_predictions_lie_above_the_diagonal_and_truth_below() -> None:
    true = np.zeros((12, 12), dtype=bool)
    true[1, 9] = true[9, 1] = True
    predicted = np.zeros((12, 12))
    predicted[1, 9] = predicted[9, 1] = 0.9
    predicted[2, 10] = predicted[10, 2] = 0.5
    figure, said = contact_figure(predicted, true)
    drawn = {trace.name: (list(trace.x), list(trace.y)) for trace in figure.data}
    # y grows downwards: x > y is above the diagonal
    assert drawn == {
        "in the structure": ([2], [10]), "predicted, true": ([10], [2]), "predicted, not in the structure": ([11], [3]),
    }  # fmt: skip
    assert "1 true contacts, 2 predicted" in said and "1 of those are true" in said
    with pytest.raises(ValueError, match="predicted or true"):
        contact_figure(None, None)


def test_outliers_are_named() -> None:
    helix = ideal_helix(20)
    figure, said = ramachandran(helix)
    assert {trace.name for trace in figure.data} == {"general"} and "; 0 outside" in said
    squashed, said = ramachandran(
        helix.with_atoms(helix.atoms + np.random.default_rng(0).normal(0, 1, helix.atoms.shape))
    )
    outliers = next(trace for trace in squashed.data if trace.name == "outlier")
    assert outliers.marker.symbol == "x" and len(outliers.x) and outliers.text[0].split(" ")[0] in said


def test_scan_recycles_and_lddt_hold_their_numbers() -> None:
    scores = np.zeros((3, 20))
    scores[1] = -2
    figure, said = mutation_scan(scores, "MKV")
    assert figure.data[0].zmin == -figure.data[0].zmax == -2 and "K2" in said.split("places are ")[1].split(",")[0]
    assert "all 57 single changes" in said
    figure, said = recycle_line([50.0, 80.0], [0.4, None])
    assert [list(trace.y) for trace in figure.data] == [
        [50, 80],
        [40, None],
    ] and "from 50 to 80 over 1 recycles" in said
    figure, said = lddt_line({"one": np.array([0.5, np.nan, 1.0]), "two": np.ones(3)})
    assert list(figure.data[0].y) == [0.5, None, 1.0] and "one 0.75 on average" in said
    assert figure.data[0].line.dash != figure.data[1].line.dash


def test_the_view_stands_alone_and_runs_nothing_from_the_file() -> None:
    hostile = Structure.build(
        ideal_helix(12).atoms, ideal_helix(12).mask, ideal_helix(12).sequence,
        title="</script><script>alert(1)</script>", confidence=np.r_[np.full(6, 95.0), np.full(6, 30.0)],
    )  # fmt: skip
    page = static_view(hostile)
    assert "alert(1)</script>" not in page and "&lt;/script&gt;" in page
    assert not re.search(r"(src|href)=[\"']?(https?:)?//", page.split("</head>")[1])
    assert "$3Dmol.createViewer" in page and "Promise.resolve()" in page
    assert page.count("#0053d6") == 2 and "very low (0–50)" in page  # colour of the chain, and in the legend
    assert "chain A" in static_view(beta_hairpin())
    with pytest.raises(ValueError, match="no such drawing"):
        static_view(hostile, style="paint")


def test_the_picture_is_said_in_words() -> None:
    assert alt_text(ideal_helix(20).with_confidence(np.full(20, 81.0))).startswith("20 residues in 1 chain: 90 % helix")
