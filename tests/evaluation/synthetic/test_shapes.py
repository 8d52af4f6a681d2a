"""Drawn shapes, the facts and answers that belong to them, and what of them is never trained on."""

from __future__ import annotations

import random

import numpy as np

from evaluation.datasets.drawn_shapes import episode, picture
from evaluation.synthetic.scenes import COLOURS
from evaluation.synthetic.shape_questions import ask, distinct_names, held_out_name, new_name, questions
from evaluation.synthetic.shape_scenes import COLOUR_NAMES, FILL_NAMES, SHAPE_NAMES, Facts, make, one, pair, several
from evaluation.synthetic.shapes import BLOB_NAMES, NEW_SHAPES, SHAPES, Piece, apart, draw, outline, pattern


def facts_of(*scenes: tuple[list[Piece], tuple[int, ...]]) -> Facts:
    return Facts(*np.array([facts for _, facts in scenes], np.int16).T)


def test_what_is_kept_apart_is_never_drawn_to_train_on() -> None:
    rng = random.Random(0)
    for _ in range(500):
        for piece in make(rng)[0]:
            assert piece.shape in SHAPES or piece.shape in BLOB_NAMES
            assert piece.shape not in SHAPES or not apart(piece.colour, piece.shape)
            assert piece.fill.startswith("weave") or piece.fill in FILL_NAMES
    assert 15 < sum(apart(colour, shape) for colour in COLOURS for shape in SHAPES) < 35
    assert not any(held_out_name(new_name(rng)) for _ in range(200))
    drawn = episode("shape", 2, 2, rng)
    assert len(drawn.pictures) == 5 and sorted(drawn.labels[:-1]) == [0, 0, 1, 1]
    assert all(held_out_name(name) for name in drawn.names) and len(set(distinct_names(5, rng, True))) == 5


def test_pictures_show_what_their_facts_say() -> None:
    rng = random.Random(3)
    red, blue = np.array(COLOURS["red"]), np.array(COLOURS["blue"])
    pieces, facts = pair(rng, ("red", "square"), ("blue", "circle"), 2)
    pixels = draw(pieces, rng).astype(int)
    reds, blues = (np.nonzero(np.abs(pixels - colour).sum(2) < 100) for colour in (red, blue))
    assert reds[0].mean() < blues[0].mean() - 15, "above"
    assert (SHAPE_NAMES[facts[0]], COLOUR_NAMES[facts[1]], facts[3], facts[6]) == ("square", "red", 2, 2)
    plain, hollow = (
        (np.abs(draw(one(random.Random(5), "red", "circle", fill)[0], rng) - red).sum(2) < 100).mean()
        for fill in ("plain", "hollow")
    )
    assert 0.3 * plain < hollow < 0.85 * plain
    assert pattern("weave 3") is pattern("weave 3") and outline("blob 1") != outline("blob 2")
    assert picture({"shape": "moon"}, rng).shape == (64, 64, 3) and set(NEW_SHAPES).isdisjoint(SHAPES)


def test_answers_are_true() -> None:
    rng = random.Random(1)
    facts = facts_of(
        one(rng, "green", "star", "dotted"),
        several(rng, "red", "cross", 3),
        pair(rng, ("red", "square"), ("blue", "circle"), 0),
        one(rng, "green", "blob 1", "weave 2"),
    )
    assert [ask(kind, facts, 0, rng)[1] for kind in ("colour", "shape", "fill", "number")] == [
        "green", "star", "dotted", "one",
    ]  # fmt: skip
    assert ask("caption", facts, 0, rng)[1] == "a dotted green star"
    assert ask("name", facts, 1, rng)[1] == "three red crosses"
    assert ask("caption", facts, 2, rng)[1] == "a red square to the left of a blue circle"
    said = {ask("place", facts, 2, rng) for _ in range(30)}
    assert said == {("Where is the red square?", "left"), ("Where is the blue circle?", "right")}
    for question, answer in {ask("relation", facts, 2, rng) for _ in range(60)}:
        swapped = question.startswith("Is the blue")
        assert (answer == "yes") == (("left" in question) != swapped)
    assert set(questions(facts, 3)) == {"colour", "number"}, "what has no name is not asked for"
