"""Figures of a taught classifier: what is drawn is what was given, and the sentence says the same."""

from __future__ import annotations

import numpy as np
import pytest

from viz.fewshot import figures, trust
from viz.fewshot.relevance import AGAINST, FOR, over_picture

NAMES = ("cat", "dog <b>", "owl")


def test_bars_are_sorted_and_counted_and_names_are_no_markup() -> None:
    figure, said = figures.bars(NAMES, np.array([0.2, 0.795, 0.005]), most=2)
    assert list(figure.data[0].y) == ["dog &lt;b&gt;", "cat"] and list(figure.data[0].x) == [0.795, 0.2]
    assert list(figure.data[0].text) == ["80 %", "20 %"]
    assert said == "Probabilities: dog <b> 80 %, cat 20 %; 1 more classes are less probable."
    assert "<1 %" in figures.bars(NAMES, np.array([0.2, 0.795, 0.005]))[1]
    assert ">99 %" in figures.bars(NAMES, np.array([0.999, 0.0005, 0.0005]))[1]


def test_classes_differ_in_colour_or_mark_and_none_is_grey() -> None:
    looks = {(figures.class_colour(k), figures.class_mark(k)) for k in range(77)}
    assert len(looks) == 77
    assert figures.class_colour(-1) == figures.NONE_COLOUR and figures.class_mark(-1) == "circle-open"


def test_votes_say_who_speaks_for_whom_and_leave_out_what_is_not_known() -> None:
    figure, said = figures.votes(NAMES, np.array([1.0, 3.0, np.nan]), np.array([0.1, 0.0, 2.0]))
    assert [trace.name for trace in figure.data] == ["its words", "its pictures"]
    assert list(figure.data[0].y) == [1.0, 3.0, None]
    assert said == "Votes: words speak loudest for dog <b>; pictures speak loudest for owl."
    assert len(figures.votes(NAMES, None, np.zeros(3))[0].data) == 1


def test_the_map_knows_each_picture_by_its_id_and_names_the_closest_classes() -> None:
    points = np.array([[0.0, 0], [0.1, 0], [5, 5], [5, 5.2], [0.3, 0.3], [9, 9]])
    labels = np.array([0, 0, 2, 2, 1, -1])
    ids = [f"id{k}" for k in range(6)]
    urls = [f"/thumb/{one}" for one in ids]
    figure, said = figures.embedding(points, labels, NAMES, titles=ids, ids=ids, pictures=urls)
    drawn = {trace.name: list(trace.customdata) for trace in figure.data}
    assert drawn == {"cat": ["id0", "id1"], "dog &lt;b&gt;": ["id4"], "owl": ["id2", "id3"], "questions": ["id5"]}
    assert [image.source for image in figure.layout.images] == urls
    assert (figure.layout.images[2].x, figure.layout.images[2].y) == (5, 5)
    assert "Map of 6 pictures" in said and "closest classes are cat and dog <b>" in said
    many = np.random.default_rng(0).normal(size=(1000, 2))
    figure, _ = figures.embedding(
        many, np.zeros(1000, int), NAMES, titles=[""] * 1000, ids=[str(k) for k in range(1000)], pictures=["/x"] * 1000
    )
    assert len(figure.layout.images) == figures.MAX_PICTURES


def test_confusion_cells_carry_their_row_and_column() -> None:
    counts = np.array([[3, 1, 0], [2, 5, 0], [0, 0, 4]])
    figure, said = trust.confusion(counts, NAMES)
    heat, marks = figure.data
    assert np.allclose(heat.z, counts / counts.sum(axis=1, keepdims=True), atol=1e-3)
    assert [tuple(cell) for cell in marks.customdata] == list(zip(marks.y, marks.x, strict=True))
    written = {(note.y, note.x): note.text for note in figure.layout.annotations}
    assert written[1, 0] == "2" and (0, 2) not in written
    assert said == "12 of 15 examples were recognised; the most frequent mix-up: 2 of dog <b> taken for cat."
    assert trust.confusion(np.diag([2, 2, 2]), NAMES)[1] == "All 6 examples were recognised."


def test_reliability_leaves_out_empty_bins_and_keeps_intervals_on_the_scale() -> None:
    figure, said = trust.reliability(
        np.array([0.3, 0.6, 0.9]),
        np.array([0.5, 0.0, 1.0]),
        np.array([4, 0, 9]),
        low=np.array([0.1, 0.0, 0.7]),
        high=np.array([0.9, 0.0, 1.0]),
        error=0.13,
    )
    dots = figure.data[1]
    assert list(dots.x) == [0.3, 0.9] and list(dots.customdata) == [4, 9]
    assert dots.error_y.array == pytest.approx([0.4, 0.0]) and dots.error_y.arrayminus == pytest.approx([0.4, 0.3])
    assert dots.marker.size[1] > dots.marker.size[0]
    assert said == "Sureness and truth differ by 13 percentage points on average over 13 examples."


def test_the_learning_curve_says_where_it_starts_and_ends() -> None:
    shots, mean = [1, 2, 4], np.array([0.5, 0.6, 0.8])
    figure, said = trust.learning_curve(shots, mean, mean - 0.1, mean + 0.1, chance=0.25)
    assert list(figure.data[1].y) == [0.5, 0.6, 0.8] and figure.layout.shapes[0].y0 == 0.25
    assert said == "With 1 of each class 50 % are recognised, with 4 of each 80 %."


def test_tokens_are_signed_by_colour_and_the_strongest_is_named() -> None:
    figure, said = figures.tokens(["a", "striped", "ball"], np.array([0.1, -0.8, 0.5]))
    assert list(figure.data[0].marker.color) == [figures.COLOURS[0], figures.COLOURS[1], figures.COLOURS[0]]
    assert said == "Relevance of the words; “striped” counts most."


def test_relevance_is_warm_where_it_speaks_for_and_blue_against_and_dim_outside_its_box() -> None:
    rgb = np.full((80, 120, 3), 128, np.uint8)
    values = np.zeros((4, 4))
    values[0, 0], values[3, 3] = 1.0, -1.0
    shown, said = over_picture(rgb, values)
    warm, cold, still = shown[3, 3].astype(float), shown[-4, -4].astype(float), shown[40, 60].astype(float)
    assert np.abs(warm - FOR).sum() < np.abs(warm - AGAINST).sum() and np.abs(cold - AGAINST).sum() < 160
    assert still == pytest.approx([128] * 3, abs=25)
    assert said == "The upper left of the picture speaks loudest for the answer. Blue parts speak against it."
    boxed, _ = over_picture(rgb, np.ones((2, 2)), (0.25, 0.0, 0.75, 1.0))
    assert boxed[40, 5].max() < 90 and boxed[40, 60, 0] > 150
    assert over_picture(rgb, np.zeros((2, 2)))[1] == "No part of the picture counts more than another."


def test_maps_with_one_scale_can_be_compared() -> None:
    rgb = np.full((40, 40, 3), 128, np.uint8)
    weak, strong = (over_picture(rgb, np.full((2, 2), value), scale=1.0)[0][20, 20, 0] for value in (0.2, 1.0))
    assert int(strong) - int(weak) > 25
