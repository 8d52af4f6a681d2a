"""Drawn scenes show what is said of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from evaluation.synthetic.scenes import COLOURS, Claim, Thing, draw, make_scene, untrue


def test_claims_are_true_and_their_near_misses_false_of_every_scene():
    rng = random.Random(1)
    for _ in range(300):
        scene, claim = make_scene(rng)
        assert claim.holds(scene) and not untrue(scene, claim, rng).holds(scene)


def test_a_claim_says_what_is_there():
    left = Thing("red", "square", 0.2, 0.5, 0.15)
    scene = (left, Thing("blue", "circle", 0.8, 0.5, 0.15))
    related = Claim("red", "square", 1, "to the left of", ("blue", "circle"))
    assert related.holds(scene) and related.words(random.Random(0)) == "a red square to the left of a blue circle"
    assert not Claim("blue", "circle", 1, "to the left of", ("red", "square")).holds(scene)
    assert Claim("red", "square").holds(scene) and not Claim("red", "circle").holds(scene)
    assert not Claim("red", "square", 2).holds(scene)


def test_what_is_drawn_has_the_colour_and_lies_where_the_scene_says():
    pixels = draw((Thing("red", "square", 0.25, 0.75, 0.15),), random.Random(0)).astype(float)
    red = np.abs(pixels - COLOURS["red"]).sum(axis=2) < 90
    rows, columns = np.nonzero(red)
    assert rows.mean() / 64 == pytest.approx(0.75, abs=0.03) and columns.mean() / 64 == pytest.approx(0.25, abs=0.03)
    assert red.sum() == pytest.approx((2 * 0.88 * 0.15 * 64) ** 2, rel=0.15)
