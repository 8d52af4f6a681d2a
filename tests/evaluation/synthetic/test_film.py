"""The film of several scenes: its cuts, who is in each of them, and that the truth is the truth."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.synthetic.film import RED, Actor, Scene, make_film

SMALL = (
    Scene("two", 2, (Actor("left", at=0.3, size=0.7), Actor("right", RED, at=0.7, size=0.7, mirrored=True))),
    Scene("late", 30, (Actor("late", at=0.6, enters=0.5),), garden=False),
    Scene("empty", 2),
)


def test_each_person_has_a_matte_and_together_they_are_the_whole() -> None:
    film = make_film(SMALL, 128, 72)
    assert len(film) == 34 and [film[index].scene for index in (0, 1, 2, 31, 32)] == ["two"] * 2 + ["late"] * 2 + [
        "empty"
    ]
    frame = film[1]
    left, right = frame.alone["left"], frame.alone["right"]
    assert np.abs(left + right - frame.alpha).max() < 1e-5 and frame.rgb.shape == (72, 128, 3)
    columns = np.arange(128)
    middles = [(alpha * columns).sum() / alpha.sum() / 128 for alpha in (left, right)]
    assert middles[0] < 0.45 and middles[1] > 0.55
    shirt = frame.rgb[(right > 0.99) & (np.arange(72)[:, None] > 60)]
    assert shirt[:, 0].mean() > 1.5 * shirt[:, 2].mean()  # hers is red


def test_somebody_comes_late_and_nobody_is_in_an_empty_place() -> None:
    film = make_film(SMALL, 128, 72)
    late = film.span("late")
    areas = [float(film[late[index]].alpha.mean()) for index in (0, 29)]
    assert areas[0] == 0 and areas[1] > 0.1
    assert not film[33].alpha.any() and film[33].rgb.std() > 10
    with pytest.raises(IndexError):
        film[34]


def test_the_same_arguments_give_the_same_pixels() -> None:
    assert np.array_equal(make_film(SMALL, 128, 72)[0].rgb, make_film(SMALL, 128, 72)[0].rgb)
